//! The table on the terminal: what each shard of each exchange does.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::ContentArrangement;
use engine::exchange::gauges;

use crate::failure::Failure;
use crate::launch::Live;
use crate::terminal::{self, Canvas, thousands};
use crate::topology::Topology;

/// What is on the terminal.
pub(super) struct Screen {
    canvas: Canvas,
    messages: u64,
}

impl Screen {
    pub(super) fn new(is_watched: bool) -> Self {
        Self { canvas: Canvas::new(is_watched), messages: 0 }
    }

    /// Draws, if it is time to.
    pub(super) fn draw(
        &mut self,
        topology: &Topology,
        live: &Live,
        elapsed: Duration,
    ) -> Result<(), Failure> {
        let Some(since) = self.canvas.due() else { return Ok(()) };
        let headings = [
            "exchange",
            "shard",
            ">live orders",
            ">fills",
            ">shares",
            ">messages",
            ">logins",
            ">rejected",
        ];
        let mut table = terminal::table(&headings);
        table.set_content_arrangement(ContentArrangement::Disabled);
        let mut messages = 0;
        for shard in &live.exchanges {
            let values = shard.watch.machine();
            let value = |name| {
                gauges::place(name).and_then(|place| values.get(place)).copied().unwrap_or(0)
            };
            messages += value("rialto_exchange_messages_total");
            table.add_row([
                topology.exchanges[shard.at.0].name.clone(),
                shard.name.clone(),
                thousands(value("rialto_exchange_orders")),
                thousands(value("rialto_exchange_fills_total")),
                thousands(value("rialto_exchange_volume_total")),
                thousands(value("rialto_exchange_messages_total")),
                thousands(value("rialto_exchange_logins_total")),
                thousands(value("rialto_exchange_rejected_total")),
            ]);
        }
        let mut text = terminal::lines(&table);
        let rate =
            since.map_or(0.0, |since| (messages - self.messages) as f64 / since.as_secs_f64());
        self.messages = messages;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "\n  {} s, {} market data messages/s (Ctrl-C ends the day)",
            elapsed.as_secs(),
            thousands(rate as u64)
        );
        self.canvas.draw(&text)
    }

    /// Takes the table away again.
    pub(super) fn clear(&mut self) {
        self.canvas.clear();
    }
}
