//! Starts cores and stops them: pinned executors, ready all or none, ended in order.
//!
//! Each core opens everything its shards need on its own thread, then reports. Only when all have
//! reported well does any of them take input. A core is stopped by its flag and its bell; it drains
//! what earlier cores have sent it, so cores stop in the order in which they were given.

// Cold: threads are made here and nowhere else, and report over a channel before anything runs.
#![expect(clippy::disallowed_methods)]

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use glommio::timer::Timer;
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::Pid;
use types::Nanos;

use crate::clock::Clock;
use crate::config::{Config, Idle};
use crate::ring::{Consumer, Producer};
use crate::run;
use crate::shard::{Placed, Shard, Turn};
use crate::{Bell, Machine};

/// How often the executor of a core with connections has a timer due. It never sleeps for long
/// then, even where it would by mistake (see `sleep.rs`).
const PULSE: Duration = Duration::from_millis(1);

/// Registered memory of an executor, bytes: the least it takes. Its rings carry only cold sockets.
const IO_MEMORY: usize = 64 * 1024;

/// Never, as far as a turn of the executor goes. When this timer fires before the first task of a
/// turn, glommio 0.9.0 parks with that task ready and nothing to wake it: with its default of 100 ms a
/// starved core slept for good after half an hour. A turn here ends by itself once no task is ready.
const PREEMPT_TIMER: Duration = Duration::from_secs(24 * 3_600);

/// Entries of each of an executor's three rings.
const RING_DEPTH: usize = 64;

/// The least lockable memory with which an executor starts.
const MEMLOCK_MIN: u64 = 512 * 1024;

/// A core to be started: where it runs, how it waits, which shards are on it.
#[derive(Debug)]
pub struct Core {
    name: String,
    cpu: Option<usize>,
    idle: Idle,
    bell: Bell,
    seats: Vec<Seat>,
}

impl Core {
    /// A thread on `cpu`, or wherever the kernel puts it. Errors: no file descriptor left.
    pub fn new(name: impl Into<String>, cpu: Option<usize>, idle: Idle) -> io::Result<Self> {
        Ok(Self { name: name.into(), cpu, idle, bell: Bell::new()?, seats: Vec::new() })
    }

    /// The bell for links to shards on this core.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Puts a shard here; several take turns in the same loop.
    pub fn seat(&mut self, seat: Seat) {
        self.seats.push(seat);
    }
}

type Opened = Result<(Box<dyn Turn>, Placed), String>;

/// A shard to be started: what it needs, and how to make its machine on its own thread.
pub struct Seat {
    name: String,
    open: Box<dyn FnOnce(Nanos) -> Opened + Send>,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seat({})", self.name)
    }
}

impl Seat {
    /// `make` runs on the shard's thread before anything starts, so the machine's memory is near
    /// its core and it need not be `Send`; its error is a full sentence. `finish` gets the machine
    /// back there after the last input.
    pub fn new<M: Machine + 'static>(
        config: Config,
        inbound: Vec<Consumer>,
        outbound: Vec<Producer>,
        make: impl FnOnce() -> Result<M, String> + Send + 'static,
        finish: impl FnOnce(M) + Send + 'static,
    ) -> Self {
        let name = config.name.clone();
        let open = move |now| -> Opened {
            let (shard, placed) = Shard::open(config, inbound, outbound, make()?, finish, now)?;
            Ok((Box::new(shard), placed))
        };
        Self { name, open: Box::new(open) }
    }
}

/// Why nothing was started: a full sentence that names the core, the shard and the cause.
#[derive(Debug)]
pub struct LaunchError(String);

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LaunchError {}

/// Started cores. Stopped when dropped.
#[derive(Debug)]
pub struct Running {
    cores: Vec<Started>,
    shards: Vec<Placed>,
}

#[derive(Debug)]
struct Started {
    name: String,
    bell: Bell,
    stop: Arc<AtomicBool>,
    go: Sender<()>,
    thread: Option<JoinHandle<Result<(), String>>>,
    ended: Arc<AtomicBool>,
}

/// Starts every core, or none. Errors: the first fault of any of them.
pub fn launch(cores: Vec<Core>) -> Result<Running, LaunchError> {
    let mut started = Vec::new();
    let mut reports = Vec::new();
    for core in cores {
        check_host(&core).map_err(LaunchError)?;
        let (core, report) = start(core).map_err(LaunchError)?;
        started.push(core);
        reports.push(report);
    }
    let mut running = Running { cores: started, shards: Vec::new() };
    let mut fault = None;
    for (at, report) in reports.iter().enumerate() {
        match report.recv() {
            Ok(Ok(placed)) => running.shards.extend(placed),
            Ok(Err(error)) => fault = fault.or(Some(error)),
            // It ended before it could say anything: its executor did not come up.
            Err(_) => fault = fault.or(running.cores[at].end().err()),
        }
    }
    match fault {
        Some(error) => Err(LaunchError(error)), // dropping `running` ends those that wait
        None => {
            for core in &running.cores {
                let _ = core.go.send(()); // one that is gone is found by `failed`
            }
            Ok(running)
        }
    }
}

impl Running {
    /// The shards, in the order in which they were given.
    pub fn shards(&mut self) -> &mut [Placed] {
        &mut self.shards
    }

    /// Takes the shards' handles, for a thread that watches them.
    pub fn take_shards(&mut self) -> Vec<Placed> {
        core::mem::take(&mut self.shards)
    }

    /// The names of cores that have ended although nobody stopped them.
    pub fn failed(&self) -> impl Iterator<Item = &str> {
        let ended = self.cores.iter().filter(|core| core.ended.load(Ordering::Acquire));
        ended.map(|core| core.name.as_str())
    }

    /// Stops the cores one after the other in the order in which they were given: producers before
    /// consumers, so that what is on the rings is handled. Errors: one sentence for each core that
    /// did not end well.
    pub fn stop(mut self) -> Result<(), Vec<String>> {
        let faults: Vec<_> = self.cores.iter_mut().filter_map(|core| core.end().err()).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // First all are told, so that those not yet let go leave together.
        for core in &self.cores {
            core.stop.store(true, Ordering::Relaxed);
        }
        for core in &mut self.cores {
            let _ = core.end(); // faults were for `stop` to report
        }
    }
}

impl Started {
    /// Stops it and waits until it has ended.
    fn end(&mut self) -> Result<(), String> {
        self.stop.store(true, Ordering::Relaxed);
        self.bell.ring_now();
        // One that waits to be let go takes this for the end.
        let (closed, _) = channel();
        self.go = closed;
        let Some(thread) = self.thread.take() else { return Ok(()) };
        match thread.join() {
            Ok(ended) => ended,
            Err(panic) => Err(format!("core {} panicked: {}", self.name, said(&*panic))),
        }
    }
}

type Report = Receiver<Result<Vec<Placed>, String>>;

fn start(core: Core) -> Result<(Started, Report), String> {
    let (say, report) = channel();
    let (go, wait) = channel();
    let stop = Arc::new(AtomicBool::new(false));
    let ended = Arc::new(AtomicBool::new(false));
    let (name, bell) = (core.name.clone(), core.bell.clone());
    let (told, end) = (stop.clone(), EndFlag(ended.clone()));
    let thread = thread::Builder::new()
        .name(name.clone())
        .spawn(move || {
            let _end = end;
            let name = core.name.clone();
            let opened = executor(&core).and_then(|executor| {
                let (core, placed) = executor.run(async { open(core, told) })?;
                Ok((executor, core, placed))
            });
            let (executor, core, placed) = match opened {
                Ok(opened) => opened,
                Err(error) => {
                    let _ = say.send(Err(error));
                    return Ok(());
                }
            };
            let _ = say.send(Ok(placed)); // nobody listens once another core has failed
            drop(say);
            match wait.recv() {
                Ok(()) => core.run(&executor).map_err(|error| format!("core {name}: {error}")),
                Err(_) => Ok(()), // another core has failed
            }
        })
        .map_err(|error| format!("core {}: cannot start its thread: {error}", name))?;
    Ok((Started { name, bell, stop, go, thread: Some(thread), ended }, report))
}

/// The executor of this thread, which it pins.
fn executor(core: &Core) -> Result<LocalExecutor, String> {
    pin(core)?; // glommio would too, and say less when it cannot
    LocalExecutorBuilder::new(core.cpu.map_or(Placement::Unbound, Placement::Fixed))
        .name(&core.name)
        .io_memory(IO_MEMORY)
        .ring_depth(RING_DEPTH)
        .preempt_timer(PREEMPT_TIMER)
        .make()
        .map_err(|error| format!("core {}: its executor did not start: {error}", core.name))
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("nothing")
}

/// Set when the core's task ends, however it does.
struct EndFlag(Arc<AtomicBool>);

impl Drop for EndFlag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Opens every shard of a core, on its thread, inside its executor.
fn open(core: Core, stop: Arc<AtomicBool>) -> Result<(run::Core, Vec<Placed>), String> {
    let mut clock = Clock::new();
    let (mut shards, mut placed) = (Vec::new(), Vec::new());
    let mut has_streams = false;
    for seat in core.seats {
        let name = seat.name;
        let (shard, place) = (seat.open)(clock.now())
            .map_err(|error| format!("core {}, shard {name}: {error}", core.name))?;
        has_streams |= shard.has_streams();
        shards.push(shard);
        placed.push(place);
    }
    if has_streams {
        let pulse = async {
            loop {
                Timer::new(PULSE).await;
            }
        };
        glommio::spawn_local(pulse).detach();
    }
    Ok((run::Core { shards, clock, idle: core.idle, bell: core.bell, stop }, placed))
}

/// What would keep the executor from starting, said before it tries.
fn check_host(core: &Core) -> Result<(), String> {
    let name = &core.name;
    let (memlock, _) = getrlimit(Resource::RLIMIT_MEMLOCK)
        .map_err(|error| format!("core {name}: cannot read the memlock limit: {error}"))?;
    if memlock < MEMLOCK_MIN {
        return Err(format!(
            "core {name}: lockable memory is limited to {} KiB and its io_uring needs {} KiB: raise \
             it with `ulimit -l` (as root) or LimitMEMLOCK= in the service",
            memlock / 1024,
            MEMLOCK_MIN / 1024,
        ));
    }
    Ok(())
}

/// Pins this thread. The mask of the thread that launches says nothing: it may be pinned itself.
fn pin(core: &Core) -> Result<(), String> {
    let Some(cpu) = core.cpu else { return Ok(()) };
    let mut only = CpuSet::new();
    only.set(cpu).and_then(|()| sched_setaffinity(Pid::from_raw(0), &only)).map_err(|error| {
        format!("core {}: cpu {cpu} is not one this process may run on: {error}", core.name)
    })
}
