//! The addresses that a run listens on: each is one listener's, so that none fails to bind once it is started.

use std::net::SocketAddr;

use toml::Spanned;

use super::Faults;

/// What a listener takes. Both have ports of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Tcp,
    Udp,
}

/// Those that are taken.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    taken: Vec<Taken>,
}

#[derive(Debug)]
struct Taken {
    wire: Wire,
    address: SocketAddr,
    /// By what, in words.
    by: String,
    line: usize,
}

impl Listeners {
    /// Takes the address that stands at `text` for `by`; a fault where another has it.
    pub(super) fn take(
        &mut self,
        by: String,
        (wire, address): (Wire, SocketAddr),
        text: &Spanned<String>,
        faults: &mut Faults<'_>,
    ) {
        let line = faults.line_of(text);
        if let Some(other) = self.taken.iter().find(|other| other.meets(wire, address)) {
            let Taken { by: other, line, .. } = other;
            let what = format!("{by}, {address}, is taken by {other} at line {line}");
            faults.add(text, what).remedy_last("each listener has an address and port of its own");
            return;
        }
        self.taken.push(Taken { wire, address, by, line });
    }
}

impl Taken {
    /// One of both could not be bound. Port 0 is any that is free; an address of zeros is all of the host's.
    fn meets(&self, wire: Wire, address: SocketAddr) -> bool {
        let (one, other) = (self.address, address);
        self.wire == wire
            && one.port() == other.port()
            && one.port() != 0
            && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
    }
}
