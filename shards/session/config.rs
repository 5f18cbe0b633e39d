//! A receiver's sizes, times and choices, checked once.

use types::Nanos;

/// Where a stream is taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first packet heard; what came before it is not missed.
    FirstSeen,
    /// At the session's first message: what came before the first packet heard is a gap.
    Beginning,
    /// At a snapshot's join: everything is held until then.
    Snapshot,
}

/// What can be asked of the publisher when something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// There is a re-request server.
    pub requests: bool,
    /// There is a snapshot server.
    pub snapshots: bool,
}

/// Sizes and times of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// Redundant lines, 1 or 2.
    pub lines: u8,
    /// Packets that may wait behind a gap, 1 to 65,535. With snapshots: enough for what is published while one is taken.
    pub window_packets: u32,
    /// Bytes of the longest body that may wait, 1 to 65,535.
    pub packet_bytes_max: u32,
    /// How long a gap may wait for the other line or a late packet before anything is asked for.
    pub reorder: Nanos,
    /// How long a request may stay unanswered.
    pub retry: Nanos,
    /// Requests without any progress before a gap is given up, at least 1.
    pub attempts_max: u32,
    /// Messages asked for at a time, at least 1.
    pub request_messages_max: u16,
    /// A larger gap is not asked for but goes straight to the snapshot, where there is one.
    pub gap_messages_max: u64,
    /// Further than this from where the stream stands, ahead or behind, a single packet is not believed.
    pub far_messages: u64,
    /// Nothing heard on any line for this long: the feed is silent.
    pub idle: Nanos,
    /// Where to begin.
    pub start: Start,
    /// What can be asked for.
    pub recovery: Recovery,
}

impl Default for ReceiverConfig {
    /// Two lines, 1,024 packets of 1,500 bytes, 500 us of reordering, both recoveries.
    fn default() -> Self {
        Self {
            lines: 2,
            window_packets: 1_024,
            packet_bytes_max: 1_500,
            reorder: Nanos::from_micros(500),
            retry: Nanos::from_millis(5),
            attempts_max: 5,
            request_messages_max: 1_000,
            gap_messages_max: 50_000,
            far_messages: 10_000_000,
            idle: Nanos::from_secs(3),
            start: Start::Beginning,
            recovery: Recovery { requests: true, snapshots: true },
        }
    }
}

/// Why a configuration cannot be. Cold: a person reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// `lines` is neither 1 nor 2.
    Lines,
    /// A size or count is zero or over its limit.
    Size,
    /// A time is zero.
    Time,
    /// `Start::Snapshot` without a snapshot server.
    NoSnapshot,
}

impl ReceiverConfig {
    /// The same, known to be possible.
    pub(crate) fn checked(self) -> Result<Self, ConfigError> {
        if self.lines != 1 && self.lines != 2 {
            return Err(ConfigError::Lines);
        }
        let sizes = [self.window_packets, self.packet_bytes_max];
        let counts =
            [u64::from(self.attempts_max), u64::from(self.request_messages_max), self.far_messages];
        if sizes.iter().any(|size| *size == 0 || u32::from(u16::MAX) < *size) || counts.contains(&0)
        {
            return Err(ConfigError::Size);
        }
        // 0xFFFF in a request is the end of session's mark, not a count.
        if self.request_messages_max == u16::MAX {
            return Err(ConfigError::Size);
        }
        if [self.reorder, self.retry, self.idle].contains(&Nanos::ZERO) {
            return Err(ConfigError::Time);
        }
        if self.start == Start::Snapshot && !self.recovery.snapshots {
            return Err(ConfigError::NoSnapshot);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{ConfigError, ReceiverConfig, Recovery, Start};
    use types::Nanos;

    #[test]
    fn names_what_cannot_be() {
        let good = ReceiverConfig::default();
        let cases = [
            (good, None),
            (ReceiverConfig { lines: 0, ..good }, Some(ConfigError::Lines)),
            (ReceiverConfig { lines: 3, ..good }, Some(ConfigError::Lines)),
            (ReceiverConfig { window_packets: 0, ..good }, Some(ConfigError::Size)),
            (ReceiverConfig { window_packets: 65_536, ..good }, Some(ConfigError::Size)),
            (ReceiverConfig { packet_bytes_max: 0, ..good }, Some(ConfigError::Size)),
            (ReceiverConfig { attempts_max: 0, ..good }, Some(ConfigError::Size)),
            (ReceiverConfig { request_messages_max: 0, ..good }, Some(ConfigError::Size)),
            (ReceiverConfig { request_messages_max: u16::MAX, ..good }, Some(ConfigError::Size)),
            (ReceiverConfig { far_messages: 0, ..good }, Some(ConfigError::Size)),
            (ReceiverConfig { retry: Nanos::ZERO, ..good }, Some(ConfigError::Time)),
            (
                ReceiverConfig {
                    start: Start::Snapshot,
                    recovery: Recovery { requests: true, snapshots: false },
                    ..good
                },
                Some(ConfigError::NoSnapshot),
            ),
        ];
        for (config, want) in cases {
            assert_eq!(config.checked().err(), want, "{config:?}");
        }
    }
}
