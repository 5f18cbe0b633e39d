//! A population against an exchange in this process, in the schedule's own time: no clock, no socket.

use types::Nanos;

use super::{Population, Ports};

/// An exchange that takes OUCH in this process.
pub trait Venue: Ports {
    /// Time comes to `now`: before the messages of that moment, and once at the end.
    fn on_time(&mut self, now: Nanos);

    /// Its next answer: the port, and an OUCH message. Called until `None` after every batch of messages.
    fn answer(&mut self) -> Option<(u16, &[u8])>;
}

/// Logs every port in at `from`, and acts until `until`; ends when every answer was heard.
pub fn drive(population: &mut Population, venue: &mut impl Venue, from: Nanos, until: Nanos) {
    venue.on_time(from);
    for port in (0..population.options().ports()).filter_map(|port| u16::try_from(port).ok()) {
        population.on_up(port, venue);
    }
    hear(population, venue, from);
    population.begin(from);
    go_on(population, venue, until);
}

/// Acts on until `until`; ends when every answer was heard.
pub fn go_on(population: &mut Population, venue: &mut impl Venue, until: Nanos) {
    while population.next_due() <= until {
        let now = population.next_due();
        venue.on_time(now);
        population.act(now, venue);
        hear(population, venue, now);
    }
    venue.on_time(until);
    hear(population, venue, until);
}

fn hear(population: &mut Population, venue: &mut impl Venue, now: Nanos) {
    while let Some((port, message)) = venue.answer() {
        population.on_message(port, message, now);
    }
}
