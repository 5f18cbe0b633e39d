//! Cold TCP connections: made, read and written by local tasks of the executor.
//!
//! A task never calls the machine. It moves bytes between the socket and two bounded buffers; the
//! loop hands what came in to the machine in its own turn and puts what the machine writes into the
//! other. Each direction has a task of its own on its own descriptor, so that no read is ever
//! dropped half way to serve a write. Knows no protocol.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::net::{Shutdown, TcpStream as Plain};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, RawFd};
use std::rc::Rc;
use std::task::{Poll, Waker};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glommio::net::TcpStream;

use crate::config::Stream;
use crate::queue::ByteQueue;
use crate::{Event, StreamId};

/// Bytes handed to the machine at once, and read at once.
const CHUNK: usize = 16 * 1024;

/// Where a connection stands, as the loop sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Down, and the machine knows.
    Closed,
    /// Asked for; its task connects.
    Opening,
    /// Up, and the machine knows.
    Open,
    /// The machine has ended it; what it wrote before still goes out.
    Closing,
}

/// How much the connections of a shard want the executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StreamNeeds {
    /// All are down.
    Never,
    /// When there is something to read.
    Sometimes,
    /// One is being made or ended, or waits to write: their completions wake nobody.
    Often,
    /// There is something new to write, to make or to end.
    Now,
}

/// One connection, shared by the loop and its tasks, all on one thread.
#[derive(Debug)]
pub(crate) struct Connection {
    id: StreamId,
    state: Cell<State>,
    /// Asked for, and its task has not begun.
    wanted: Cell<bool>,
    /// Its task made it; the machine is to hear.
    came_up: Cell<bool>,
    /// Its task ended; the machine is to hear once it has all bytes.
    went_down: Cell<bool>,
    /// To be cut without sending what is left.
    cut: Cell<bool>,
    received: RefCell<ByteQueue>,
    written: RefCell<ByteQueue>,
    /// Waits for the machine to open it.
    opener: Waiting,
    /// Waits for room in `received`.
    reader: Waiting,
    /// Waits for bytes in `written`, or the end.
    writer: Waiting,
    socket: RefCell<Option<Plain>>,
}

impl Connection {
    /// Starts its task on this thread's executor.
    pub(crate) fn start(id: StreamId, config: &Stream) -> Rc<Self> {
        let connection = Rc::new(Self {
            id,
            state: Cell::new(State::Closed),
            wanted: Cell::new(false),
            came_up: Cell::new(false),
            went_down: Cell::new(false),
            cut: Cell::new(false),
            received: RefCell::new(ByteQueue::new(config.receive_max)),
            written: RefCell::new(ByteQueue::new(config.write_max)),
            opener: Waiting::default(),
            reader: Waiting::default(),
            writer: Waiting::default(),
            socket: RefCell::new(None),
        });
        let task = serve(connection.clone(), config.clone());
        glommio::spawn_local(task).detach();
        connection
    }

    /// Asks for the connection. `false`: it is not down.
    pub(crate) fn open(&self) -> bool {
        if self.state.get() != State::Closed {
            return false;
        }
        self.state.set(State::Opening);
        self.wanted.set(true);
        self.opener.wake();
        true
    }

    /// Appends bytes. `Err`: there was no room for all of them, and the connection is being cut.
    /// `Ok(false)`: it is not up.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<bool, NoRoom> {
        if self.state.get() != State::Open {
            return Ok(false);
        }
        if !self.written.borrow_mut().push(bytes) {
            self.cut();
            return Err(NoRoom);
        }
        self.writer.wake();
        Ok(true)
    }

    /// Ends it after what was written. `false`: it is not up.
    pub(crate) fn close(&self) -> bool {
        match self.state.get() {
            State::Closed | State::Closing => return false,
            State::Opening | State::Open => {}
        }
        self.state.set(State::Closing);
        self.writer.wake();
        true
    }

    /// Ends it at once.
    pub(crate) fn cut(&self) {
        self.cut.set(true);
        if let Some(socket) = &*self.socket.borrow() {
            // An error means that it is down already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.reader.wake();
        self.writer.wake();
    }

    /// Hands the next news of this connection to `each`: one event at most. Returns whether there
    /// was one.
    #[inline]
    pub(crate) fn poll(&self, each: impl FnOnce(Event<'_>)) -> bool {
        // One that the machine has ended meanwhile is only reported as closed.
        if self.came_up.take() && self.state.get() == State::Opening {
            self.state.set(State::Open);
            each(Event::Opened { stream: self.id });
            return true;
        }
        let received = self.received.borrow();
        let bytes = chunk_of(&received);
        let taken = bytes.len();
        if 0 < taken {
            each(Event::Bytes { stream: self.id, bytes });
            drop(received);
            self.received.borrow_mut().consume(taken);
            self.reader.wake();
            return true;
        }
        if self.went_down.take() {
            self.state.set(State::Closed);
            each(Event::Closed { stream: self.id });
            return true;
        }
        false
    }

    /// Whether the machine has heard everything.
    pub(crate) fn is_quiet(&self) -> bool {
        !self.came_up.get() && !self.went_down.get() && self.received.borrow().is_empty()
    }

    /// Whether its tasks may have something to do although its socket is not readable: it is being
    /// made or ended, or has bytes to write.
    pub(crate) fn is_in_motion(&self) -> bool {
        match self.state.get() {
            State::Closed => false,
            State::Opening | State::Closing => true,
            State::Open => self.cut.get() || !self.written.borrow().is_empty(),
        }
    }

    /// Readable when there is something for its reading task.
    pub(crate) fn raw_fd(&self) -> Option<RawFd> {
        self.socket.borrow().as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Whether it is down and the machine knows.
    pub(crate) fn is_closed(&self) -> bool {
        self.state.get() == State::Closed
    }

    fn ending(&self) -> bool {
        self.cut.get() || self.state.get() == State::Closing
    }
}

/// The write buffer had no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// The connection's task, for as long as the executor runs.
async fn serve(connection: Rc<Connection>, config: Stream) {
    loop {
        connection.opener.until(|| connection.wanted.take()).await;
        connection.written.borrow_mut().clear();
        if let Ok(stream) = connect(&config).await
            && let Ok((reader, writer)) = split(&connection, stream)
        {
            connection.came_up.set(true);
            let writing = glommio::spawn_local(write(connection.clone(), writer)).detach();
            read(&connection, reader).await;
            connection.cut();
            writing.await;
        }
        *connection.socket.borrow_mut() = None;
        connection.cut.set(false);
        connection.went_down.set(true);
    }
}

async fn connect(config: &Stream) -> Result<TcpStream, glommio::GlommioError<()>> {
    let stream = TcpStream::connect_timeout(config.peer, config.connect_timeout).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One descriptor for each direction, and one to shut both down.
fn split(connection: &Connection, reader: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    // SAFETY: `reader` owns the descriptor and outlives the borrow.
    let borrowed = unsafe { BorrowedFd::borrow_raw(reader.as_raw_fd()) };
    let writer = borrowed.try_clone_to_owned()?;
    let shut = Plain::from(borrowed.try_clone_to_owned()?);
    // SAFETY: the descriptor is a connected TCP socket, and its only owner gives it away here.
    let writer = unsafe { TcpStream::from_raw_fd(writer.into_raw_fd()) };
    if connection.cut.get() {
        let _ = shut.shutdown(Shutdown::Both);
    }
    *connection.socket.borrow_mut() = Some(shut);
    Ok((reader, writer))
}

/// Moves bytes in until the peer ends, or an error or a cut does.
async fn read(connection: &Connection, mut stream: TcpStream) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let room = || connection.received.borrow().room();
        connection.reader.until(|| connection.cut.get() || 0 < room()).await;
        let limit = room().min(CHUNK);
        if connection.cut.get() {
            return;
        }
        match stream.read(&mut chunk[..limit]).await {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                connection.received.borrow_mut().push(&chunk[..count]);
            }
        }
    }
}

/// Moves bytes out until the machine ends it, or an error or a cut does.
async fn write(connection: Rc<Connection>, mut stream: TcpStream) {
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        connection
            .writer
            .until(|| connection.ending() || !connection.written.borrow().is_empty())
            .await;
        if connection.cut.get() {
            return;
        }
        chunk.clear();
        chunk.extend_from_slice(chunk_of(&connection.written.borrow()));
        if chunk.is_empty() {
            connection.cut(); // all is written, and the machine has ended it
            return;
        }
        if stream.write_all(&chunk).await.is_err() {
            connection.cut();
            return;
        }
        connection.written.borrow_mut().consume(chunk.len());
    }
}

/// The oldest bytes that lie together, at most a chunk.
fn chunk_of(queue: &ByteQueue) -> &[u8] {
    let front = queue.front();
    &front[..front.len().min(CHUNK)]
}

/// A task that waits for a condition that others on its thread change.
#[derive(Default)]
struct Waiting(Cell<Option<Waker>>);

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting")
    }
}

impl Waiting {
    async fn until(&self, mut condition: impl FnMut() -> bool) {
        poll_fn(|cx| {
            if condition() {
                return Poll::Ready(());
            }
            self.0.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    fn wake(&self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}
