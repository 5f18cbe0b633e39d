//! UDP ingress by io_uring: multishot receive into a ring of provided buffers.
//!
//! The kernel completes each datagram into shared memory, so the loop looks for input without a
//! system call; one is made to fetch what is due, and to arm a socket again after an error or a
//! shortage of buffers.
//! While the core is parked its sleep watches the ring. Needs Linux 6.0. Sources:
//! io_uring_prep_recvmsg_multishot(3), io_uring_register_buf_ring(3).

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::{BufRingEntry, Fd};
use io_uring::{IoUring, cqueue, opcode};

use crate::net::{CONTROL_LEN, Control, Datagram};
use crate::pages::Pages;

/// Buffers that all sockets of a shard share. A power of two, as the kernel wants it.
const BUFFERS: u16 = 512;
const _: () = assert!(BUFFERS.is_power_of_two() && BUFFERS <= 1 << 15);

/// What the kernel writes before control and payload (`struct io_uring_recvmsg_out`).
const HEAD: usize = 16;

/// `IORING_ENTER_GETEVENTS`: run what completions are due.
const GETEVENTS: u32 = 1;

/// The only buffer group.
const GROUP: u16 = 0;

/// What came out of the ring.
#[derive(Debug)]
pub(crate) enum Arrival<'a> {
    /// On the socket with this number.
    Datagram(u16, Datagram<'a>),
    /// Receiving failed on some socket; it is armed again.
    Error,
}

/// The ring of one shard's sockets.
pub(crate) struct Uring {
    // Dropped first: the kernel writes to the rest until the ring is gone.
    ring: IoUring,
    /// The buffers, one after the other.
    buffers: Pages,
    /// The ring through which they are provided.
    provided: Pages,
    stride: usize,
    payload_max: usize,
    tail: u16,
    /// Lent out by the last `next`; given back by the following one.
    lent: Option<u16>,
    header: Box<libc::msghdr>,
    sockets: Vec<Listening>,
    unarmed: usize,
}

#[derive(Debug)]
struct Listening {
    number: u16,
    fd: RawFd,
    armed: bool,
}

impl std::fmt::Debug for Uring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uring").field("sockets", &self.sockets).finish_non_exhaustive()
    }
}

impl Uring {
    /// Arms every socket, given by its number. The descriptors must outlive this. Errors: a
    /// sentence that says what the kernel lacks.
    pub(crate) fn new(sockets: &[(u16, RawFd)], datagram_max: usize) -> Result<Self, String> {
        let failed = |what: &str, error: io::Error| {
            format!("{what}: {error}; io_uring ingress needs Linux 6.0, set ingress = \"poll\"")
        };
        let ring: IoUring = IoUring::builder()
            .setup_cqsize(u32::from(BUFFERS) * 2)
            // No interrupt to this core for each datagram (18 us on the two-core VM it was tried on):
            // the kernel raises a flag, and the loop goes and fetches.
            .setup_coop_taskrun()
            .setup_taskrun_flag()
            .build(64)
            .map_err(|error| failed("io_uring is not available", error))?;
        let stride = (HEAD + CONTROL_LEN + datagram_max).next_multiple_of(64);
        let memory = |error| format!("no memory for receive buffers: {error}");
        let buffers = Pages::new(stride * usize::from(BUFFERS)).map_err(memory)?;
        let provided = Pages::new(size_of::<BufRingEntry>() * usize::from(BUFFERS));
        let provided = provided.map_err(memory)?;
        let submitter = ring.submitter();
        // SAFETY: `provided` is page-aligned, as long as said, and dropped after the ring.
        unsafe {
            submitter.register_buf_ring_with_flags(provided.address(0) as u64, BUFFERS, GROUP, 0)
        }
        .map_err(|error| failed("no ring of provided buffers", error))?;
        // SAFETY: all zeroes is a valid msghdr.
        let mut header: Box<libc::msghdr> = Box::new(unsafe { core::mem::zeroed() });
        header.msg_controllen = CONTROL_LEN as _;
        let sockets: Vec<_> =
            sockets.iter().map(|&(number, fd)| Listening { number, fd, armed: false }).collect();
        let unarmed = sockets.len();
        let mut uring = Self {
            ring,
            buffers,
            provided,
            stride,
            payload_max: datagram_max,
            tail: 0,
            lent: None,
            header,
            sockets,
            unarmed,
        };
        for buffer in 0..BUFFERS {
            uring.provide(buffer);
        }
        uring.arm().map_err(|error| failed("cannot arm a receive", error))?;
        // An operation that the kernel does not know fails at once.
        if let Some(cqe) = uring.ring.completion().next()
            && cqe.result() == -libc::EINVAL
        {
            let error = io::Error::from_raw_os_error(libc::EINVAL);
            return Err(failed("no multishot receive", error));
        }
        Ok(uring)
    }

    /// The next datagram, if one is complete. Makes no system call unless a socket must be armed.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Arrival<'_>> {
        if let Some(buffer) = self.lent.take() {
            self.provide(buffer);
        }
        if self.ring.completion().is_empty() && self.ring.submission().taskrun() {
            // SAFETY: submits nothing and passes no argument.
            let fetched = unsafe { self.ring.submitter().enter::<()>(0, 0, GETEVENTS, None) };
            let _ = fetched; // an interrupted call is made again in the next turn
        }
        let Some(cqe) = self.ring.completion().next() else {
            // Only now are all buffers back with the kernel.
            if 0 < self.unarmed {
                // A failure leaves them unarmed, and the next turn tries again.
                let _ = self.arm();
            }
            return None;
        };
        // `user_data` is the place among `sockets`, as armed.
        let place = usize::try_from(cqe.user_data()).unwrap_or(usize::MAX);
        if !cqueue::more(cqe.flags())
            && let Some(socket) = self.sockets.get_mut(place)
            && core::mem::take(&mut socket.armed)
        {
            self.unarmed += 1;
        }
        let (Ok(len), Some(buffer)) =
            (usize::try_from(cqe.result()), cqueue::buffer_select(cqe.flags()))
        else {
            return Some(Arrival::Error);
        };
        self.lent = Some(buffer);
        let at = usize::from(buffer) * self.stride;
        // SAFETY: the kernel has handed this buffer over, and it is provided again only by the next
        // call, which needs `self` back.
        let filled = unsafe { self.buffers.slice(at, len.min(self.stride)) };
        let (Some((control, len, bytes)), Some(socket)) = (split(filled), self.sockets.get(place))
        else {
            return Some(Arrival::Error);
        };
        let bytes = &bytes[..bytes.len().min(len).min(self.payload_max)];
        let datagram = Datagram { bytes, len, control: Control::parse(control) };
        Some(Arrival::Datagram(socket.number, datagram))
    }

    /// Readable once something is complete.
    pub(crate) fn raw_fd(&self) -> RawFd {
        self.ring.as_raw_fd()
    }

    /// Whether nothing waits, neither a datagram nor a socket to arm.
    pub(crate) fn is_empty(&mut self) -> bool {
        self.unarmed == 0 && self.ring.completion().is_empty() && !self.ring.submission().taskrun()
    }

    /// Starts a multishot receive on each socket that has none.
    #[cold]
    fn arm(&mut self) -> io::Result<()> {
        for (place, socket) in self.sockets.iter_mut().enumerate() {
            if socket.armed {
                continue;
            }
            let header: *const libc::msghdr = &raw const *self.header;
            let entry = opcode::RecvMsgMulti::new(Fd(socket.fd), header, GROUP)
                .flags(libc::MSG_TRUNC.cast_unsigned())
                .build()
                .user_data(place as u64);
            // SAFETY: header and buffers live, in place, until the ring is gone.
            if unsafe { self.ring.submission().push(&entry) }.is_err() {
                break; // the queue is full: the rest with the next turn
            }
            socket.armed = true;
            self.unarmed -= 1;
        }
        self.ring.submit()?;
        Ok(())
    }

    /// Gives a buffer to the kernel.
    #[inline]
    fn provide(&mut self, buffer: u16) {
        let entries: *mut BufRingEntry = self.provided.address(0).cast();
        let place = self.tail & (BUFFERS - 1);
        // SAFETY: `place` is below the number of entries; the kernel reads an entry only after the
        // tail below has passed it. The tail lies in the first entry's reserved field.
        unsafe {
            let entry = &mut *entries.add(usize::from(place));
            entry.set_addr(self.buffers.address(usize::from(buffer) * self.stride) as u64);
            // As long as the payload may be: one more byte is cut and reported.
            entry.set_len((HEAD + CONTROL_LEN + self.payload_max) as u32);
            entry.set_bid(buffer);
            self.tail = self.tail.wrapping_add(1);
            let tail = BufRingEntry::tail(entries).cast_mut();
            AtomicU16::from_ptr(tail).store(self.tail, Ordering::Release);
        }
    }
}

/// A filled buffer: head (lengths of name, control and payload, flags), control, payload. The second
/// is the length of the payload as it was on the wire.
#[inline]
fn split(filled: &[u8]) -> Option<(&[u8], usize, &[u8])> {
    let (head, rest) = filled.split_first_chunk::<HEAD>()?;
    let (control, payload) = rest.split_at_checked(CONTROL_LEN)?;
    let field = |at: usize| head[at..].first_chunk().map(|n| u32::from_ne_bytes(*n) as usize);
    Some((&control[..field(4)?.min(CONTROL_LEN)], field(8)?, payload))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods)] // a test has threads and patience of its own
mod tests {
    use super::*;
    use crate::config::Socket;
    use crate::net::{Batch, Udp};
    use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
    use std::time::{Duration, Instant};

    type Seen = (Vec<u8>, usize, bool);

    fn by_uring(uring: &mut Uring, count: usize) -> Vec<Seen> {
        let (mut seen, started) = (Vec::new(), Instant::now());
        while seen.len() < count {
            assert!(started.elapsed() < Duration::from_secs(20), "only {}", seen.len());
            match uring.next() {
                Some(Arrival::Datagram(7, datagram)) => {
                    let stamped = datagram.control.stamp.is_some();
                    seen.push((datagram.bytes.to_vec(), datagram.len, stamped));
                }
                Some(other) => panic!("{other:?}"),
                None => std::thread::yield_now(),
            }
        }
        seen
    }

    fn by_poll(udp: &Udp, count: usize) -> Vec<Seen> {
        let (mut seen, started) = (Vec::new(), Instant::now());
        let mut batch = Batch::new(64).unwrap();
        while seen.len() < count {
            assert!(started.elapsed() < Duration::from_secs(20), "only {}", seen.len());
            batch.fill(udp.raw_fd()).unwrap();
            while let Some(datagram) = batch.next() {
                let stamped = datagram.control.stamp.is_some();
                seen.push((datagram.bytes.to_vec(), datagram.len, stamped));
            }
        }
        seen
    }

    /// More than there are buffers, some too long, some empty: the same by either way in.
    #[test]
    fn uring_gives_what_poll_gives() {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let open = || Udp::open(&Socket { datagram_max: 64, ..Socket::new(any) }).unwrap();
        let ((polled, polled_at), (ringed, ringed_at)) = (open(), open());
        let mut uring = Uring::new(&[(7, ringed.raw_fd())], 64).unwrap();
        let sender = UdpSocket::bind(any).unwrap();
        let count = usize::from(BUFFERS) * 2;
        for i in 0..count {
            let bytes = vec![i as u8; i * 7 % 90];
            sender.send_to(&bytes, polled_at.local).unwrap();
            sender.send_to(&bytes, ringed_at.local).unwrap();
        }
        let ringed = by_uring(&mut uring, count);
        assert_eq!(ringed, by_poll(&polled, count));
        assert!(ringed.iter().all(|(_, _, stamped)| *stamped));
        assert!(ringed.iter().any(|(bytes, len, _)| bytes.len() < *len), "an oversize one");
    }
}
