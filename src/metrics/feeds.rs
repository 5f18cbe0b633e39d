//! The feeds of all shards: what was heard, lost and recovered, and what the books hold.

use engine::gauges;
use runtime::Watch;

use super::{Figure, Figures, Give};

/// A shard's machine, with the names of its feeds.
#[derive(Debug)]
pub struct FeedFigures {
    shards: Vec<(String, Vec<String>, Watch)>,
}

impl FeedFigures {
    /// `shards` gives each shard's name, the names of its feeds in order, and what it publishes.
    pub fn new(shards: Vec<(String, Vec<String>, Watch)>) -> Self {
        Self { shards }
    }
}

impl Figures for FeedFigures {
    fn all(&self) -> Vec<Figure> {
        let own = gauges::SHARD.iter().map(|gauge| Figure::named(gauge.name, gauge.help));
        let feeds = gauges::FEED.iter().map(|gauge| Figure::named(gauge.name, gauge.help));
        own.chain(feeds).collect()
    }

    fn read(&mut self, give: &mut Give<'_>) {
        for (shard, feeds, watch) in &self.shards {
            let values = watch.machine();
            for (gauge, value) in gauges::SHARD.iter().zip(&values) {
                give(&Figure::named(gauge.name, gauge.help), &[("shard", shard)], *value);
            }
            for (place, feed) in feeds.iter().enumerate() {
                let values = gauges::of_feed(&values, place);
                for (gauge, value) in gauges::FEED.iter().zip(values) {
                    let labels = [("shard", shard.as_str()), ("feed", feed.as_str())];
                    give(&Figure::named(gauge.name, gauge.help), &labels, *value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use engine::{exchange, gauges};
    use std::collections::BTreeSet;

    #[test]
    fn every_gauge_has_a_name_of_its_own_and_a_sentence() {
        let shard = gauges::SHARD.iter().map(|gauge| (gauge.name, gauge.help));
        let feed = gauges::FEED.iter().map(|gauge| (gauge.name, gauge.help));
        let exchange = exchange::gauges::EXCHANGE.iter().map(|gauge| (gauge.name, gauge.help));
        let denied = (exchange::gauges::DENIED.name, exchange::gauges::DENIED.help);
        let gauges: Vec<_> = shard.chain(feed).chain(exchange).chain([denied]).collect();
        let names: BTreeSet<_> = gauges.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), gauges.len());
        for (name, help) in gauges {
            assert!(name.starts_with("rialto_") && help.ends_with('.'), "{name}: {help}");
        }
    }
}
