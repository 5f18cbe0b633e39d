//! The control of running exchanges: a Unix socket in the folder of the run, and what is asked for over it.
//!
//! `rialto venue` listens on `control.sock`, which its owner alone may open; `rialto ctl` is one client of it. One JSON
//! object a line, there and back: see [`protocol`]. A request becomes a command to one shard or to each; shards answer
//! over rings of their own, so that a reply says what became of it. All of it happens on one cold thread. Each request
//! is logged with who asked and what became of it.
//!
//! To add a command: a variant of [`protocol::Request`], a file that says what it asks of which shard, a line in
//! `State::reply`; what a shard shall do in `engine::exchange::Command`.

pub mod protocol;

mod bust;
mod client;
mod desk;
mod members;
mod names;
mod phases;
mod places;
mod server;
mod status;
mod task;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use matching::Control as Phases;
use runtime::Watch;
use runtime::ring::{Consumer, Producer};

use crate::cpus;
use crate::failure::Failure;
use crate::stop::Stop;
use crate::topology::Topology;

pub use client::{Options, command};
pub use server::Listener;

use desk::Desk;
use names::Names;
use protocol::{Refusal, Reply, Request};
use server::Limits;
use task::{Task, carry_out};

/// The socket, in the folder of the run.
pub const SOCKET: &str = "control.sock";

/// How long the end of a day may take: every order of every instrument ends.
pub const CLOSE_MAX: Duration = Duration::from_secs(20);

/// A running control. Dropping it stops it and waits for its thread.
#[derive(Debug)]
pub struct Control {
    stop: Stop,
    end_day: Stop,
    thread: Option<JoinHandle<()>>,
}

/// An exchange's shard, as the control of it needs it.
#[derive(Debug)]
pub struct Shard {
    /// Requests to it.
    pub commands: Producer,
    /// Its answers.
    pub answers: Consumer,
    /// What it publishes.
    pub watch: Watch,
}

impl Control {
    /// Serves from a thread pinned to `cpu`. `shards`: of all exchanges, in the order of the configuration.
    ///
    /// # Errors
    /// A thread that cannot be started.
    pub fn start(
        listener: Listener,
        topology: &Topology,
        shards: Vec<Shard>,
        cpu: Option<u32>,
    ) -> Result<Self, Failure> {
        let names = Names::new(topology);
        let (stop, end_day) = (Stop::new(), Stop::new());
        let flags = (stop.clone(), end_day.clone());
        let (ready, started) = mpsc::sync_channel(1);
        let serve = move || {
            cpus::pin(cpu);
            let (rings, watches) = shards
                .into_iter()
                .map(|shard| ((shard.commands, shard.answers), shard.watch))
                .unzip();
            let limits = Limits::DEFAULT;
            let state = State { names, desk: RefCell::new(Desk::new(rings)), watches, limits };
            server::run(listener, state, &flags, &ready);
        };
        let refused = |why: String| Failure::failed(format!("cannot start the control: {why}"));
        let thread = thread::Builder::new().name("rialto-control".to_owned()).spawn(serve);
        let thread = thread.map_err(|error| refused(error.to_string()))?;
        match started.recv() {
            Ok(Ok(())) => Ok(Self { stop, end_day, thread: Some(thread) }),
            Ok(Err(why)) => Err(refused(why)),
            Err(mpsc::RecvError) => Err(refused("its thread ended".to_owned())),
        }
    }

    /// Asks every shard to end its day, as Ctrl-C does.
    pub fn end_day(&self) {
        self.end_day.request();
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop.request();
        if let Some(thread) = self.thread.take() {
            // It panicked: it said so on standard error, and the shards go on without it.
            let _ = thread.join();
        }
    }
}

/// What every client's requests are carried out with.
struct State {
    names: Names,
    desk: RefCell<Desk>,
    /// By shard.
    watches: Vec<Watch>,
    limits: Limits,
}

impl State {
    /// Carries out a request.
    async fn reply(&self, request: &Request) -> Reply {
        let tasks = match request {
            Request::Status { exchange } => {
                let all = (&self.names, &self.desk, self.watches.as_slice());
                return match status::of(all, exchange.as_deref(), self.limits.answer).await {
                    Ok(shards) => Reply::Shards(shards),
                    Err(refusal) => Reply::Refused(refusal),
                };
            }
            Request::PreOpen(which) => phases::tasks(&self.names, which, Phases::PreOpen),
            Request::Open(which) => phases::tasks(&self.names, which, Phases::Open),
            Request::Halt(which) => phases::tasks(&self.names, which, Phases::Halt),
            Request::PreReopen(which) => phases::tasks(&self.names, which, Phases::PreReopen),
            Request::Reopen(which) => phases::tasks(&self.names, which, Phases::Reopen),
            Request::Close(which) => phases::tasks(&self.names, which, Phases::Close),
            Request::EndDay { exchange } => self.end_of_day(exchange.as_deref()),
            Request::Kill(members) => members::kill(&self.names, members),
            Request::Revive(members) => members::revive(&self.names, members),
            Request::Bust { exchange, match_number, reason } => {
                bust::tasks(&self.names, exchange.as_deref(), *match_number, *reason)
            }
        };
        let ends_day = matches!(request, Request::EndDay { .. });
        let patience = if ends_day { CLOSE_MAX } else { self.limits.answer };
        match tasks {
            Ok(tasks) => Reply::Outcomes(carry_out(&self.desk, tasks, patience).await),
            Err(refusal) => Reply::Refused(refusal),
        }
    }

    fn end_of_day(&self, exchange: Option<&str>) -> Result<Vec<Task>, Refusal> {
        self.names.exchange(exchange).map(phases::end_of_day)
    }

    /// Asks every shard of every exchange to end its day.
    async fn end_every_day(&self) {
        let tasks = self.names.exchanges.iter().flat_map(phases::end_of_day).collect();
        for line in carry_out(&self.desk, tasks, CLOSE_MAX).await {
            if !line.outcome.is_good() {
                let (exchange, shard) = (&line.exchange, &line.shard);
                tracing::warn!(exchange, shard, "the day {}", line.text);
            }
        }
    }
}
