//! The percentile curve as SVG: percentiles by nines to the right, logarithm of latency upward.
//!
//! Colours are stand-ins that the page's style sheet maps to its theme, so that one drawing serves dark and light.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::prelude::*;

use super::distribution::{Distribution, axis_label, latency_axis, nines_label, nines_of};

/// How many series have a colour of their own; more begin again.
pub(super) const COLOURS: usize = 6;

/// Text and axes.
const INK: RGBColor = RGBColor(1, 2, 3);
/// Grid lines.
const GRID: RGBColor = RGBColor(1, 2, 4);

/// A series' stand-in colour.
const fn series(index: usize) -> RGBColor {
    RGBColor(2, 3, (index % COLOURS) as u8)
}

/// The rules that give the stand-in colours their values from the page's variables.
pub(super) fn style_rules() -> String {
    let mut rules = String::new();
    let mut rule = |colour: RGBColor, variable: &str| {
        let RGBColor(red, green, blue) = colour;
        let hex = format!("#{red:02X}{green:02X}{blue:02X}");
        rules.push_str(&format!(
            "svg [stroke=\"{hex}\"]{{stroke:var(--{variable})}}svg [fill=\"{hex}\"]{{fill:var(--{variable})}}\n"
        ));
    };
    rule(INK, "ink");
    rule(GRID, "grid");
    for index in 0..COLOURS {
        rule(series(index), &format!("series{index}"));
    }
    rules
}

/// Draws the distributions over each other into an SVG of this size in pixels.
///
/// The size only sets how large text is against the drawing: the SVG scales.
pub fn percentile_plot(distributions: &[Distribution], size: (u32, u32)) -> String {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        // The back end writes into memory, and an element that it cannot place is simply not drawn.
        let _ = draw(&area, distributions, size.0);
    }
    // The page decides how wide it is; the drawing only has a shape.
    let fixed = format!("<svg width=\"{}\" height=\"{}\"", size.0, size.1);
    svg.replacen(&fixed, "<svg role=\"img\" aria-label=\"latency by percentile\"", 1)
}

/// A linear axis that is marked where we say.
struct Marked {
    range: Range<f64>,
    marks: Vec<f64>,
}

impl Ranged for Marked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.marks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type DrawingError = DrawingAreaErrorKind<std::io::Error>;

fn draw(area: &Area<'_>, distributions: &[Distribution], width: u32) -> Result<(), DrawingError> {
    let nines = nines_of(distributions);
    let latencies = latency_axis(distributions);
    let ticks: Vec<f64> = latencies.ticks.iter().map(|nanos| (*nanos as f64).log10()).collect();
    let marks: Vec<f64> = (0..=nines.floor() as usize).map(|nine| nine as f64).collect();
    let text = ("system-ui, sans-serif", if width < 600 { 13 } else { 14 }).into_font().color(&INK);

    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .margin_right(28)
        .x_label_area_size(34)
        .y_label_area_size(62)
        .build_cartesian_2d(
            Marked { range: 0.0..nines, marks },
            Marked { range: latencies.lower..latencies.upper, marks: ticks },
        )?;
    chart
        .configure_mesh()
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .label_style(text)
        .x_label_formatter(&|nine| nines_label(nine.round() as usize))
        .y_label_formatter(&|log| axis_label(10f64.powf(*log).round() as u64))
        .draw()?;
    for (index, one) in distributions.iter().enumerate().filter(|(_, one)| 0 < one.count) {
        chart.draw_series(LineSeries::new(stairs(one, nines), series(index).stroke_width(2)))?;
    }
    area.present()
}

/// The rows as stairs: a value holds from its row's quantile back to the row before.
fn stairs(of: &Distribution, nines: f64) -> Vec<(f64, f64)> {
    let mut line = Vec::new();
    let mut from = 0.0;
    for row in of.points() {
        let to = if row.quantile < 1.0 { -(1.0 - row.quantile).log10() } else { nines };
        let (to, height) = (to.clamp(from, nines), (row.value_ns.max(1) as f64).log10());
        line.push((from, height));
        line.push((to, height));
        from = to;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{percentile_plot, style_rules};
    use crate::hist::Distribution;
    use hdrhistogram::Histogram;

    #[test]
    fn a_plot_has_axes_and_a_line_a_file() {
        let of = |step: u64| {
            let mut histogram = Histogram::new(3).expect("three figures");
            for n in 1..=1_000 {
                histogram.record(n * step).expect("resizes");
            }
            Distribution::of("x", histogram)
        };
        let svg = percentile_plot(&[of(10), of(30)], (960, 440));
        for part in ["viewBox=\"0 0 960 440\"", "99.9%", "1 us", "#020300", "#020301"] {
            assert!(svg.contains(part), "no {part} in {svg}");
        }
        assert!(!svg.contains("width=\"960\" height=\"440\" viewBox"), "it scales");
        assert!(style_rules().contains("svg [stroke=\"#020301\"]{stroke:var(--series1)}"));
    }
}
