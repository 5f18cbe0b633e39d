//! One shard driven by a recording.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use engine::{Alarm, FeedPlan, Trade, TradePlan};
use indicatif::{ProgressBar, ProgressStyle};
use runtime::{Effect, Event, LinkId, Machine, Outbox, SocketId};
use session::{Line, ReceiverConfig, Recovery, Start};
use types::Nanos;
use venue::{Ownership, Roster};

use super::Options;
use super::depth::Watch;
use crate::cli::Pace;
use crate::failure::Failure;
use crate::recording::{Packing, Recorded, Recording, Walked};
use crate::terminal;

const LINE_A: SocketId = SocketId(0);
const LINE_B: SocketId = SocketId(1);
const ALARMS: LinkId = LinkId(0);

/// How long a packet of a capture waits for the other line.
const REORDER: Nanos = Nanos::from_millis(1);
/// How long a capture may be silent: heartbeats come each second.
const CAPTURE_IDLE: Nanos = Nanos::from_secs(3);
/// Alarms of one kind that are said; a pause in a recording is no news the tenth time.
const SAID_MAX: u64 = 3;
/// Messages between two looks at the clock for the progress bar.
const TICK_EVERY: u64 = 1 << 14;

/// A shard and the recording it is to be driven by.
pub(super) struct Play<'r> {
    recording: &'r Recording,
    trade: Trade,
    out: Outbox,
    now: Nanos,
    pace: Pace,
    /// The recording's time when it began, and ours.
    begun: Option<(Nanos, Instant)>,
    limit: Option<u64>,
    watch: Option<Watch>,
    bar: ProgressBar,
    /// Only one shard speaks for all.
    speaks: bool,
    /// How often each kind of alarm was raised.
    raised: BTreeMap<u8, u64>,
}

/// What a shard was left with.
pub(super) struct Played {
    pub(super) trade: Trade,
    pub(super) walked: Walked,
}

impl<'r> Play<'r> {
    pub(super) fn new(
        recording: &'r Recording,
        options: &Options,
        shard: u16,
        watch: Option<Watch>,
    ) -> Result<Self, Failure> {
        let capacity = book::l3::Capacity {
            instruments: Roster::INSTRUMENTS_MAX,
            orders: options.orders,
            // As many as could be: each order at a price of its own.
            levels: options.orders,
        };
        let lines = if recording.is_capture() { 2 } else { 1 };
        let plan = TradePlan {
            feeds: vec![FeedPlan {
                row: recording.venue(),
                line_a: LINE_A,
                line_b: (lines == 2).then_some(LINE_B),
                replies: None,
                snapshot: None,
                receiver: ReceiverConfig {
                    lines,
                    reorder: REORDER,
                    // A capture has the publisher's heartbeats; messages alone have only pauses.
                    idle: if recording.is_capture() { CAPTURE_IDLE } else { Nanos::MAX },
                    // What came before a capture began is missing from its books.
                    start: Start::Beginning,
                    far_messages: u64::MAX,
                    recovery: Recovery { requests: false, snapshots: false },
                    ..ReceiverConfig::default()
                },
            }],
            roster: Roster::new(Ownership::even(options.shards), shard, capacity.instruments),
            capacity,
            tops: None,
            alarms: Some(ALARMS),
        };
        let trade = Trade::new(plan, recording.begins())
            .map_err(|error| Failure::failed(format!("cannot make the shard: {error:?}")))?;
        let speaks = shard == 0;
        let is_quiet = !speaks || watch.is_some() || !terminal::is_watched();
        Ok(Self {
            recording,
            trade,
            out: Outbox::default(),
            now: recording.begins(),
            pace: options.pace,
            begun: None,
            limit: options.limit,
            watch,
            bar: if is_quiet { ProgressBar::hidden() } else { bar(recording) },
            speaks,
            raised: BTreeMap::new(),
        })
    }

    pub(super) fn run(mut self) -> Result<Played, Failure> {
        let recording = self.recording;
        let packing = if self.watch.is_some() || self.limit.is_some() {
            Packing::Single
        } else {
            Packing::Full
        };
        let mut failure = None;
        let mut steps = 0_u64;
        let walked = recording.walk(packing, |recorded| {
            steps += 1;
            if steps.is_multiple_of(TICK_EVERY) {
                self.bar.set_position(recorded.offset);
            }
            let step = self.take(recorded);
            step.unwrap_or_else(|error| {
                failure = Some(error);
                ControlFlow::Break(())
            })
        })?;
        if let Some(failure) = failure {
            return Err(failure);
        }
        self.settle()?;
        self.bar.finish_and_clear();
        let unsaid: u64 = self.raised.values().map(|times| times.saturating_sub(SAID_MAX)).sum();
        if 0 < unsaid {
            eprintln!("warning: and {unsaid} more like these");
        }
        if let Some(watch) = &self.watch {
            watch.found()?;
        }
        Ok(Played { trade: self.trade, walked })
    }

    fn take(&mut self, recorded: Recorded<'_>) -> Result<ControlFlow<()>, Failure> {
        if self.limit.is_some_and(|limit| limit <= self.messages()) {
            return Ok(ControlFlow::Break(()));
        }
        self.wait_for(recorded.time);
        self.fire_until(recorded.time)?;
        self.now = self.now.max(recorded.time);
        let socket = if recorded.line == Line::A { LINE_A } else { LINE_B };
        let event = Event::Datagram { socket, received: recorded.time, bytes: recorded.datagram };
        self.trade.on_event(self.now, event, &mut self.out);
        self.carry_out()?;
        Ok(ControlFlow::Continue(()))
    }

    fn messages(&self) -> u64 {
        self.trade.feeds()[0].mirror().tally().messages()
    }

    /// Sleeps until the recording's time has come, where it is not played at full speed.
    fn wait_for(&mut self, time: Nanos) {
        let Pace::Times(times) = self.pace else { return };
        let (first, begun) = *self.begun.get_or_insert_with(|| (time, Instant::now()));
        let due = Duration::from_nanos(time.since(first).get()).div_f64(times);
        if let Some(left) = due.checked_sub(begun.elapsed()) {
            std::thread::sleep(left);
        }
    }

    /// Lets the deadlines before `time` come, each at its own instant.
    fn fire_until(&mut self, time: Nanos) -> Result<(), Failure> {
        while let Some(due) = self.trade.next_deadline().filter(|due| *due <= time) {
            self.now = self.now.max(due);
            self.trade.on_event(self.now, Event::Deadline, &mut self.out);
            self.carry_out()?;
        }
        Ok(())
    }

    /// After the last packet: what waits for the other line has waited long enough.
    fn settle(&mut self) -> Result<(), Failure> {
        let end = self.now.saturating_add(REORDER).saturating_add(REORDER);
        self.fire_until(end)
    }

    /// There is nobody to send to; alarms are put into words, and changes of the book are shown.
    fn carry_out(&mut self) -> Result<(), Failure> {
        let (bar, speaks, raised) = (&self.bar, self.speaks, &mut self.raised);
        self.out.drain(|effect| match effect {
            Effect::Ring { message, .. } => {
                let alarm = Alarm::from_message(&message);
                if let Some(alarm) = alarm.filter(|alarm| speaks && !alarm.kind.is_good()) {
                    let times = raised.entry(alarm.kind as u8).or_default();
                    *times += 1;
                    if *times <= SAID_MAX {
                        bar.suspend(|| eprintln!("warning: {alarm}"));
                    }
                }
            }
            Effect::Send { .. }
            | Effect::Open { .. }
            | Effect::Write { .. }
            | Effect::Close { .. } => {}
        });
        match &mut self.watch {
            Some(watch) => watch.look(self.now, &self.trade),
            None => Ok(()),
        }
    }
}

fn bar(recording: &Recording) -> ProgressBar {
    let style = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(recording.file_bytes()).with_style(style)
}
