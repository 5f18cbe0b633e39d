//! The self-contained page: one file, no script, no request, readable wide and narrow, dark and light.

use super::distribution::{Distribution, readable};
use super::plot::{COLOURS, percentile_plot, style_rules};
use super::table::{ratio, rows};
use crate::terminal::thousands;

const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#fcfcfa;--ink:#22262b;--soft:#626a73;--grid:#dcdfe3;\
--series0:#1f6fb4;--series1:#c2571a;--series2:#2f855a;--series3:#8a4fbf;--series4:#b83280;--series5:#7a6a00}\n\
@media(prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#dfe3e8;--soft:#98a1ab;--grid:#323840;\
--series0:#6cb4f0;--series1:#f0965a;--series2:#6fcf97;--series3:#c49bf0;--series4:#f08cc0;--series5:#d9c84a}}\n\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:70rem;padding:1.25rem;background:var(--paper);color:var(--ink);\
font:16px/1.5 system-ui,sans-serif}\n\
h1{font-size:1.4rem;margin:0 0 .75rem}h2{font-size:1.1rem;margin:1.75rem 0 .5rem}p{margin:.5rem 0}\
.soft{color:var(--soft)}\n\
svg{display:block;width:100%;height:auto}.narrow{display:none}\
@media(max-width:40rem){.wide{display:none}.narrow{display:block}body{padding:.75rem}}\n\
.legend{list-style:none;padding:0;margin:.5rem 0;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem}\
.legend i{display:inline-block;width:1.5em;border-top:3px solid;margin-right:.5em;vertical-align:middle}\
.legend span{overflow-wrap:anywhere}\n\
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
th,td{padding:.2rem .75rem;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}\
th:first-child,td:first-child{text-align:left;padding-left:0}\n";

/// A whole page of this title and body, style included.
pub fn open_page(title: &str, body: &str) -> String {
    let (title, rules) = (escape(title), style_rules());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}{rules}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

/// Text as the content of an element or an attribute.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The page of `rialto hist --html`.
pub(super) fn render(distributions: &[Distribution]) -> String {
    open_page("Latency by percentile", &figure(distributions))
}

/// Legend, plot and table: a part of a page.
pub fn figure(distributions: &[Distribution]) -> String {
    let mut body = String::from("<ul class=\"legend\">\n");
    for (index, one) in distributions.iter().enumerate() {
        body.push_str(&format!(
            "<li><i style=\"border-color:var(--series{})\"></i><span>{}</span></li>\n",
            index % COLOURS,
            escape(&one.label())
        ));
    }
    body.push_str("</ul>\n");
    body.push_str(&format!(
        "<div class=\"wide\">\n{}</div>\n",
        percentile_plot(distributions, (960, 440))
    ));
    body.push_str(&format!(
        "<div class=\"narrow\">\n{}</div>\n",
        percentile_plot(distributions, (420, 440))
    ));
    body.push_str(&table(distributions));
    body
}

fn table(distributions: &[Distribution]) -> String {
    let pair = match distributions {
        [before, after] => Some(rows(before, after)),
        _ => None,
    };
    let mut html = String::from("<div class=\"scroll\"><table>\n<tr><th></th>");
    for one in distributions {
        html.push_str(&format!("<th>{}</th>", escape(&one.label())));
    }
    html.push_str(if pair.is_some() { "<th>ratio</th></tr>\n" } else { "</tr>\n" });

    html.push_str("<tr><td>count</td>");
    for one in distributions {
        html.push_str(&format!("<td>{}</td>", thousands(one.count)));
    }
    html.push_str(if pair.is_some() { "<td></td></tr>\n" } else { "</tr>\n" });

    let columns: Vec<_> = distributions.iter().map(|one| rows(one, one)).collect();
    let names = columns.first().map(|rows| rows.map(|row| row.0)).into_iter().flatten();
    for (index, name) in names.enumerate() {
        html.push_str(&format!("<tr><td>{name}</td>"));
        for (one, rows) in distributions.iter().zip(&columns) {
            html.push_str(&format!("<td>{}</td>", readable(one.count, rows[index].1 as u64)));
        }
        if let Some(pair) = &pair {
            let (_, before, after) = pair[index];
            let text =
                ratio(before, after).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
            html.push_str(&format!("<td>{text}</td>"));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::{escape, render};
    use crate::hist::Distribution;
    use hdrhistogram::Histogram;

    #[test]
    fn a_name_cannot_become_markup() {
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
        let mut histogram = Histogram::new(3).expect("three figures");
        histogram.record(7).expect("resizes");
        let page = render(&[Distribution::of("<script>", histogram)]);
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("http://") || !page.contains("src="), "self-contained");
    }
}
