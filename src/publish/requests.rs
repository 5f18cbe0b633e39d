//! The re-request server: MoldUDP64 requests in, packets of what was sent before out.
//!
//! One datagram of work for each request and a bounded number of requests a second, whoever asks
//! and for how much. What is not a request for something we have is counted and not answered
//! (MoldUDP64 1.00, "Request Packet").

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use session::mold::{History, REQUEST_BYTES};

use super::clock::Clock;
use super::impair::Impairment;
use super::stats::Counters;
use super::throttle::Throttle;
use crate::stop::Stop;

/// How long a stop may go unheard.
pub(super) const LISTEN: Duration = Duration::from_millis(20);

pub(super) struct Requests {
    pub(super) socket: UdpSocket,
    pub(super) history: Arc<Mutex<History>>,
    pub(super) throttle: Throttle,
    /// Replies can be lost and doubled; they are not delayed.
    pub(super) impairment: Impairment,
    pub(super) datagram_bytes_max: usize,
    pub(super) counters: Arc<Counters>,
    pub(super) stop: Stop,
    pub(super) clock: Clock,
}

impl Requests {
    pub(super) fn run(mut self) {
        // One byte more than a request: what is longer is seen to be.
        let mut request = [0; REQUEST_BYTES + 1];
        let mut reply = vec![0; self.datagram_bytes_max];
        while !self.stop.requested() {
            // An error is a timeout, or an earlier reply that nobody took: neither is ours to end over.
            if let Ok((len, from)) = self.socket.recv_from(&mut request) {
                self.answer(&request[..len], from, &mut reply);
            }
        }
    }

    fn answer(&mut self, request: &[u8], from: SocketAddr, reply: &mut [u8]) {
        let now = self.clock.now();
        self.counters.requests.add(1);
        if !self.throttle.admits(now, (from.ip(), from.port())) {
            self.counters.requests_throttled.add(1);
            return;
        }
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(packet) = history.answer(request, reply) else {
            self.counters.requests_refused.add(1);
            return;
        };
        drop(history);
        self.counters.requests_answered.add(1);
        let count = packet.get(18..20).map_or(0, |count| u16::from_be_bytes([count[0], count[1]]));
        self.counters.messages_resent.add(u64::from(count));
        self.impairment.on_packet(now, &Bytes::copy_from_slice(packet));
        while let Some(packet) = self.impairment.poll(now) {
            // An asker that is gone is no concern of the others.
            let _ = self.socket.send_to(packet, from);
        }
        self.counters.replies_lost.set(self.impairment.fates().lost);
    }
}
