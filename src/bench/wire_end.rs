//! The other end of the wire: UDP on loopback, stamped, paced, spinning, pinned.
//!
//! A stamp is the time at which a packet was due, not the time at which it got away, so a sender that falls behind
//! cannot hide a receiver that is late (coordinated omission).

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// The longest latency told apart, nanoseconds.
const LONGEST_NS: u64 = 10_000_000_000;

/// A histogram that never allocates once it is made.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("bounds and figures are in range")
}

/// A socket on loopback that never waits, with the receive buffer that a shard's sockets have.
pub(super) fn socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    let like = runtime::Socket::new((Ipv4Addr::LOCALHOST, 0).into());
    socket2::SockRef::from(&socket).set_recv_buffer_size(like.receive_buffer)?;
    Ok(socket)
}

/// Lets go of both cpus for a while. A real-time thread that spins holds up all else on its cpu, and once a second the
/// kernel takes the cpu away from it for up to 50 ms for that; who rests before each run is not interrupted within it.
pub(super) fn rest() {
    thread::sleep(Duration::from_millis(300));
}

/// Nanoseconds since `epoch`.
pub(super) fn since(epoch: Instant) -> u64 {
    u64::try_from(epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Waits without sleeping.
pub(super) fn spin_until(epoch: Instant, due_ns: u64) {
    while since(epoch) < due_ns {
        std::hint::spin_loop();
    }
}

/// Where the stamp is: the timestamp of a packet's first ITCH message.
const STAMP: std::ops::Range<usize> = 27..33;

/// The stamp of a packet.
pub(super) fn stamp_of(packet: &[u8]) -> Option<u64> {
    let [a, b, c, d, e, f] = *packet.get(STAMP)?.first_chunk()?;
    Some(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

/// Sends each packet when it is due, one `every`, stamped with the time it was due.
pub(super) fn send_paced<'a>(
    socket: &UdpSocket,
    to: SocketAddr,
    epoch: Instant,
    every: Duration,
    packets: impl Iterator<Item = &'a [u8]>,
) -> io::Result<()> {
    let mut buffer = [0; 2_048];
    let every = u64::try_from(every.as_nanos()).unwrap_or(u64::MAX);
    let mut due = since(epoch);
    for packet in packets {
        due += every;
        let room = &mut buffer[..packet.len()];
        room.copy_from_slice(packet);
        if let Some(stamp) = room.get_mut(STAMP) {
            stamp.copy_from_slice(&due.to_be_bytes()[2..]);
        }
        spin_until(epoch, due);
        socket.send_to(room, to)?;
    }
    Ok(())
}

/// The two cpus to measure between: where the far end runs and where the measured end runs.
pub(super) fn two_cpus() -> Option<(core_affinity::CoreId, core_affinity::CoreId)> {
    match core_affinity::get_core_ids()?[..] {
        [.., far, near] => Some((far, near)),
        _ => None,
    }
}

/// Does the work on a thread pinned to `cpu`. The caller stays where it may be: a core started from a pinned thread
/// could not leave its cpu.
pub(super) fn on<R: Send>(cpu: core_affinity::CoreId, work: impl FnOnce() -> R + Send) -> R {
    let pinned = || {
        core_affinity::set_for_current(cpu);
        work()
    };
    thread::scope(|scope| match scope.spawn(pinned).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// How the kernel schedules us, as a note: figures of an ordinary thread hold what else ran on its core.
pub(super) fn scheduling(subject: &str) -> String {
    let sched = std::fs::read_to_string("/proc/self/sched").unwrap_or_default();
    let policy = sched
        .lines()
        .find_map(|line| line.strip_prefix("policy")?.split(':').nth(1)?.trim().parse().ok());
    match policy {
        Some(1u32) => format!("{subject}: both ends pinned, SCHED_FIFO"),
        _ => format!(
            "{subject}: both ends pinned, ordinary scheduling; for a real-time one: chrt -f 50 rialto bench {subject}"
        ),
    }
}
