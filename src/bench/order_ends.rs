//! The two ends of order entry: an exchange shard in its own loop or a bare echo, and who sends it orders.
//!
//! The client is the same for both. It lives on one cpu and measures from the moment an order was due, so that it cannot
//! hide an answer that is late by sending the next one late (coordinated omission). Between reads it takes what the
//! exchange puts on the ring of its keepers: two cpus leave none for a keeper's own.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use core_affinity::CoreId;
use hdrhistogram::Histogram;
use runtime::ring::{Consumer, Popped};
use types::{Px, Side};
use wire::ouch50::Appendage;
use wire::ouch50::inbound::{CancelOrder, EnterOrder, Head};
use wire::soupbintcp::{Login, Packet};

use super::wire_end::{histogram, on, rest, since, spin_until};
use crate::cpus::Cpus;
use crate::failure::Failure;
use crate::fault::{self, Source};
use crate::launch::{self, Live};
use crate::topology::{self, Topology};

/// Connections that send at a time, each logged in on a port of its own.
pub(super) const CONNECTIONS: usize = 4;
/// Orders of each connection that rest in the books: one is cancelled for each that comes.
const RESTING: u32 = 16;
const INSTRUMENTS: u32 = 8;
/// When an answer counts as lost, and the run as failed.
const LOST: Duration = Duration::from_secs(2);
/// Requests that leave with one `send`.
const BURST_MAX: u64 = 256;
/// Bytes that one `recv` takes, of either end: as an exchange's listener has it.
const RECEIVE: usize = 16 * 1024;

/// An answer: its packet's whole length, and so what the bare echo sends in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) accepted: usize,
    pub(super) canceled: usize,
}

fn io(error: std::io::Error) -> Failure {
    Failure::io("use", "a TCP connection on loopback", error)
}

/// Starts an exchange of one shard on `cpu`, runs `work` against it, and stops it.
pub(super) fn with_exchange<R>(
    cpu: usize,
    work: impl FnOnce(SocketAddr, &mut Consumer) -> Result<R, Failure>,
) -> Result<R, Failure> {
    rest();
    let mut live = launch::launch(&exchange(cpu)?)?;
    let work = |live: &mut Live| {
        let kept = live.take_kept();
        let (Some((_, mut kept)), Some(shard)) = (kept.into_iter().next(), live.exchanges.first())
        else {
            return Err(Failure::failed("orders: the exchange has no shard"));
        };
        // Its instruments open in its first turns.
        thread::sleep(Duration::from_millis(20));
        work(shard.orders, &mut kept)
    };
    let result = work(&mut live);
    live.stop()?;
    result
}

fn exchange(cpu: usize) -> Result<Topology, Failure> {
    let symbols: Vec<String> = (0..INSTRUMENTS).map(|number| format!("'S{number:03}'")).collect();
    let text = format!(
        r#"
[[exchange]]
name = "RLX"
[[exchange.shard]]
name = "x0"
cpu = {cpu}
idle = "spin"
capacity = {{ orders = 65536, terms = 4096, connections = 64, replay_kib = 1024 }}
orders = "127.0.0.1:26501"
line_a = "239.192.78.1:26511"
line_b = "239.192.78.2:26512"
[[exchange.instrument]]
symbols = [{}]
reference = "100.00"
[[exchange.firm]]
name = "ALFA"
credit = 1_000_000_000
[[exchange.port]]
user = "U{{n}}"
count = {CONNECTIONS}
password = "X"
firms = ["ALFA"]
"#,
        symbols.join(", ")
    );
    let source = Source { name: "orders".to_owned(), text };
    let cpus = Cpus::here();
    let raw = fault::read(&source).map_err(|fault| source.refuse(&[fault]))?;
    let mut topology =
        topology::check(&raw, &source, &cpus).map_err(|faults| source.refuse(&faults))?;
    // The kernel chooses: another run may have the port of the text.
    for shard in topology.exchanges.iter_mut().flat_map(|exchange| &mut exchange.shards) {
        shard.orders.set_port(0);
    }
    Ok(topology)
}

/// Starts a bare echo on `cpu`: it polls its connections in turn, and answers each request with as many bytes as the
/// exchange would.
pub(super) fn with_echo<R>(
    cpu: CoreId,
    connections: usize,
    answers: Answers,
    work: impl FnOnce(SocketAddr) -> Result<R, Failure>,
) -> Result<R, Failure> {
    rest();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io)?;
    let address = listener.local_addr().map_err(io)?;
    thread::scope(|scope| {
        scope.spawn(move || {
            core_affinity::set_for_current(cpu);
            let accept = || {
                let (socket, _) = listener.accept()?;
                socket.set_nodelay(true)?;
                socket.set_nonblocking(true)?;
                Ok(socket)
            };
            let sockets: std::io::Result<Vec<TcpStream>> =
                (0..connections).map(|_| accept()).collect();
            // The far end misses its answers, and says so.
            if let Ok(sockets) = sockets {
                echo(sockets, answers);
            }
        });
        work(address)
    })
}

/// Until the last connection is closed.
fn echo(sockets: Vec<TcpStream>, answers: Answers) {
    let answer = |len: usize, kind: u8| {
        let mut packet = vec![0; len];
        packet[..2].copy_from_slice(&(len as u16 - 2).to_be_bytes());
        (packet[2], packet[3]) = (b'S', kind);
        packet
    };
    let (accepted, canceled) = (answer(answers.accepted, b'A'), answer(answers.canceled, b'C'));
    let mut lines: Vec<(TcpStream, usize)> =
        sockets.into_iter().map(|socket| (socket, 0)).collect();
    // A part of a request stays in front of its own line's buffer.
    let mut buffers = vec![vec![0; RECEIVE]; lines.len()];
    let mut out = Vec::with_capacity(RECEIVE * 8);
    let mut open = lines.len();
    while 0 < open {
        for ((socket, filled), buffer) in lines.iter_mut().zip(&mut buffers) {
            match socket.read(&mut buffer[*filled..]) {
                Ok(0) if *filled < buffer.len() => {
                    // Read again it would be closed again: it is not.
                    (open, *filled) = (open - 1, buffer.len());
                    continue;
                }
                Ok(len) => *filled += len,
                Err(_) => continue,
            }
            let mut at = 0;
            while let Some(packet) = packet_at(&buffer[at..*filled]) {
                at += packet.len();
                match packet[3] {
                    b'O' => out.extend_from_slice(&accepted),
                    _ => out.extend_from_slice(&canceled),
                }
            }
            buffer.copy_within(at..*filled, 0);
            *filled -= at;
            let mut unsent = out.as_slice();
            while !unsent.is_empty() {
                match socket.write(unsent) {
                    Ok(len) => unsent = &unsent[len..],
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => break,
                }
            }
            out.clear();
        }
    }
}

/// The first packet, if all of it is there.
fn packet_at(bytes: &[u8]) -> Option<&[u8]> {
    let len = u16::from_be_bytes(*bytes.first_chunk()?);
    bytes.get(..2 + usize::from(len))
}

/// A connection that enters an order, cancels an older one, and so on.
pub(super) struct Entry {
    socket: TcpStream,
    enter: Vec<u8>,
    cancel: Vec<u8>,
    requests: u64,
    unsent: VecDeque<u8>,
    /// When each request that is not answered was due.
    dues: VecDeque<u64>,
    answered: u64,
    buffer: Vec<u8>,
    filled: usize,
    pub(super) answers: Answers,
}

/// Where the numbers of a request are: behind the packet's length and type and the message's type.
const USER_REF: std::ops::Range<usize> = 4..8;
/// Side, quantity and the first bytes of the symbol stand before its number.
const SYMBOL_DIGIT: usize = 16;

impl Entry {
    /// Connects; logs in where `user` names one.
    pub(super) fn new(to: SocketAddr, number: usize, logs_in: bool) -> Result<Self, Failure> {
        let socket = TcpStream::connect(to).map_err(io)?;
        socket.set_nodelay(true).map_err(io)?;
        // Buyers and sellers so far apart that they never trade.
        let (side, price) =
            if number.is_multiple_of(2) { (Side::Buy, 99) } else { (Side::Sell, 101) };
        let price = u64::try_from(Px::from_raw(price * Px::ONE).raw() / Px::from_price4(1).raw());
        let order = EnterOrder {
            header: Head::new(),
            user_ref: 0.into(),
            side: side.letter() as u8,
            quantity: 100.into(),
            symbol: *b"S000    ",
            price: price.unwrap_or_default().into(),
            time_in_force: b'0',
            display: b'Y',
            capacity: b'A',
            intermarket_sweep: b'N',
            cross: b'N',
            cl_ord_id: *b"RIALTO BENCH  ",
        };
        let cancel = CancelOrder { header: Head::new(), user_ref: 0.into(), quantity: 0.into() };
        let packet = |encode: &dyn Fn(&mut [u8]) -> Result<usize, wire::Full>| {
            let (mut message, mut packet) = ([0; 128], [0; 160]);
            let len = encode(&mut message)
                .and_then(|len| Packet::Unsequenced(&message[..len]).encode(&mut packet));
            len.map(|len| packet[..len].to_vec())
                .map_err(|_| Failure::failed("orders: a request does not fit its buffer"))
        };
        let mut entry = Self {
            socket,
            enter: packet(&|out| order.encode(Appendage::ABSENT, out))?,
            cancel: packet(&|out| cancel.encode(Appendage::ABSENT, out))?,
            requests: 0,
            unsent: VecDeque::with_capacity(1 << 20),
            dues: VecDeque::with_capacity(1 << 20),
            answered: 0,
            buffer: vec![0; 8 * RECEIVE],
            filled: 0,
            answers: Answers { accepted: 0, canceled: 0 },
        };
        if logs_in {
            entry.log_in(number)?;
        }
        entry.socket.set_nonblocking(true).map_err(io)?;
        entry.fill()?;
        Ok(entry)
    }

    fn log_in(&mut self, number: usize) -> Result<(), Failure> {
        let refused = || Failure::failed("orders: the exchange refused a login");
        let login = Login::new(&format!("U{:05}", number + 1), "X", "", 0).ok_or_else(refused)?;
        let mut room = [0; 64];
        let packet = Packet::Login { login: &login, heartbeat_timeout: None };
        let len = packet.encode(&mut room).map_err(|_| refused())?;
        self.socket.write_all(&room[..len]).map_err(io)?;
        // The answer and what it was told before: the day has begun.
        self.socket.read_exact(&mut room[..3]).map_err(io)?;
        let rest = usize::from(u16::from_be_bytes([room[0], room[1]])) - 1;
        self.socket.read_exact(room.get_mut(..rest).ok_or_else(refused)?).map_err(io)?;
        if rest != 30 { Err(refused()) } else { Ok(()) }
    }

    /// Orders rest from here on.
    fn fill(&mut self) -> Result<(), Failure> {
        let epoch = Instant::now();
        for _ in 0..RESTING {
            self.append_order(0);
        }
        self.settle(epoch, &mut |_| {})?;
        self.requests = 0;
        Ok(())
    }

    fn append_order(&mut self, due: u64) {
        let user_ref = (self.requests / 2) as u32 + 1;
        self.requests += 2;
        self.patch(user_ref);
        self.unsent.extend(&self.enter);
        self.dues.push_back(due);
    }

    fn patch(&mut self, user_ref: u32) {
        self.enter[USER_REF].copy_from_slice(&user_ref.to_be_bytes());
        self.enter[SYMBOL_DIGIT] = b'0' + (user_ref % INSTRUMENTS) as u8;
    }

    /// Has the next request wait to be sent: an order, or the cancel of the oldest that rests.
    fn append(&mut self, due: u64) {
        let number = (self.requests / 2) as u32 + 1;
        if self.requests.is_multiple_of(2) {
            self.patch(RESTING + number);
            self.unsent.extend(&self.enter);
        } else {
            self.cancel[USER_REF].copy_from_slice(&number.to_be_bytes());
            self.unsent.extend(&self.cancel);
        }
        self.requests += 1;
        self.dues.push_back(due);
    }

    /// Sends what waits, as far as the kernel takes it.
    fn flush(&mut self) -> Result<(), Failure> {
        while !self.unsent.is_empty() {
            match self.socket.write(self.unsent.as_slices().0) {
                Ok(len) => drop(self.unsent.drain(..len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(io(error)),
            }
        }
        Ok(())
    }

    /// Takes what has come. `each`: when the request that is answered was due.
    fn receive(&mut self, each: &mut impl FnMut(u64)) -> Result<(), Failure> {
        match self.socket.read(&mut self.buffer[self.filled..]) {
            Ok(0) => return Err(Failure::failed("orders: the far end closed a connection")),
            Ok(len) => self.filled += len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(io(error)),
        }
        let mut at = 0;
        while let Some(packet) = packet_at(&self.buffer[at..self.filled]) {
            at += packet.len();
            match *packet {
                [_, _, b'S', b'A', ..] => self.answers.accepted = packet.len(),
                [_, _, b'S', b'C', ..] => self.answers.canceled = packet.len(),
                // The begin of the day, and heartbeats.
                [_, _, b'S', b'S', ..] | [_, _, b'H'] => continue,
                ref other => {
                    let what = String::from_utf8_lossy(other.get(2..4).unwrap_or(other));
                    return Err(Failure::failed(format!("orders: an answer of type {what}")));
                }
            }
            let Some(due) = self.dues.pop_front() else {
                return Err(Failure::failed("orders: an answer to nothing"));
            };
            self.answered += 1;
            each(due);
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(())
    }

    /// Sends all, and waits for every answer.
    #[inline]
    fn settle(&mut self, epoch: Instant, each: &mut impl FnMut(u64)) -> Result<(), Failure> {
        let until = since(epoch) + LOST.as_nanos() as u64;
        self.flush()?;
        while !self.dues.is_empty() {
            self.receive(each)?;
            if until < since(epoch) {
                return Err(Failure::failed("orders: an answer did not come within 2 s"));
            }
            self.flush()?;
            std::hint::spin_loop();
        }
        Ok(())
    }
}

/// Takes what is kept of the feed.
fn drain(kept: &mut Option<&mut Consumer>) {
    let Some(kept) = kept else { return };
    while let Some(Popped::Message(message)) = kept.pop() {
        std::hint::black_box(message);
    }
}

/// One order after the other, `every` so often, each cancelled before the next: from due to accepted.
pub(super) fn trips(
    far: CoreId,
    entry: &mut Entry,
    (warm, count, every): (u64, u64, Duration),
    mut kept: Option<&mut Consumer>,
) -> Result<Histogram<u64>, Failure> {
    on(far, || {
        let mut histogram = histogram();
        let (epoch, every) = (Instant::now(), every.as_nanos() as u64);
        for trip in 1..=warm + count {
            let due = trip * every;
            spin_until(epoch, due);
            entry.append(due);
            entry.settle(epoch, &mut |due| {
                if warm < trip {
                    histogram.saturating_record(since(epoch).saturating_sub(due));
                }
            })?;
            entry.append(due);
            entry.settle(epoch, &mut |_| {})?;
            drain(&mut kept);
        }
        Ok(histogram)
    })
}

/// Open loop: `rate` requests a second over all connections for so long; what is due when the client comes round leaves
/// with one `send`, each time by the next connection. A request that has no answer at the end counts with its age.
pub(super) fn open_loop(
    far: CoreId,
    entries: &mut [Entry],
    rate: u64,
    length: Duration,
    mut kept: Option<&mut Consumer>,
) -> Result<Histogram<u64>, Failure> {
    on(far, || {
        let mut histogram = histogram();
        let epoch = Instant::now();
        let due_of = |request: u64| request * 1_000_000_000 / rate;
        let total = rate * length.as_millis() as u64 / 1_000;
        let late = length.as_nanos() as u64 + 100_000_000;
        let (mut sent, mut turn, mut answered) = (0, 0, 0);
        while answered < total && since(epoch) < late {
            let due = (since(epoch) * rate / 1_000_000_000).min(total);
            if sent < due {
                let last = due.min(sent + BURST_MAX);
                let entry = &mut entries[turn % CONNECTIONS];
                (sent..last).for_each(|request| entry.append(due_of(request)));
                (sent, turn) = (last, turn + 1);
            }
            for entry in entries.iter_mut() {
                entry.flush()?;
                // When the bytes were there: all answers of one read have come by now.
                let mut now = None;
                entry.receive(&mut |due| {
                    let now = *now.get_or_insert_with(|| since(epoch));
                    histogram.saturating_record(now.saturating_sub(due));
                    answered += 1;
                })?;
            }
            drain(&mut kept);
        }
        let now = since(epoch);
        (sent..total).for_each(|request| {
            histogram.saturating_record(now.saturating_sub(due_of(request)));
        });
        for entry in entries.iter_mut() {
            for due in &entry.dues {
                histogram.saturating_record(now.saturating_sub(*due));
            }
        }
        // The next rate begins with nothing on its way.
        for entry in entries.iter_mut() {
            while !entry.dues.is_empty() {
                entry.flush()?;
                entry.receive(&mut |_| {})?;
                drain(&mut kept);
            }
        }
        Ok(histogram)
    })
}
