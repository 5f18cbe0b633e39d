//! The figures of every exchange shard: orders, trades, market data out, and whom it refused.

use engine::exchange::gauges;
use runtime::Watch;

use super::{Figure, Figures, Give};

/// The shards of exchanges.
#[derive(Debug)]
pub struct ExchangeFigures {
    shards: Vec<(String, String, Watch)>,
}

impl ExchangeFigures {
    /// `shards` gives the exchange's name, the shard's, and what it publishes.
    pub fn new(shards: Vec<(String, String, Watch)>) -> Self {
        Self { shards }
    }
}

impl Figures for ExchangeFigures {
    fn all(&self) -> Vec<Figure> {
        let own = gauges::EXCHANGE.iter().map(|gauge| Figure::named(gauge.name, gauge.help));
        own.chain([denied()]).collect()
    }

    fn read(&mut self, give: &mut Give<'_>) {
        for (exchange, shard, watch) in &self.shards {
            let labels = [("exchange", exchange.as_str()), ("shard", shard.as_str())];
            let values = watch.machine();
            for (gauge, value) in gauges::EXCHANGE.iter().zip(&values) {
                give(&Figure::named(gauge.name, gauge.help), &labels, *value);
            }
            for (class, value) in gauges::denied(&values) {
                let [exchange, shard] = labels;
                give(&denied(), &[exchange, shard, ("check", class.name())], value);
            }
        }
    }
}

fn denied() -> Figure {
    Figure::named(gauges::DENIED.name, gauges::DENIED.help)
}
