//! Why a command ended without doing what was asked, as sentences for a person.
//!
//! Knows no command. The exit code follows the design: 1 where the work failed, 2 where what was typed or
//! configured cannot work at all.

use std::fmt;
use std::io;
use std::path::Path;

use serde::Serialize;

/// Why a command ended without doing what was asked. `Display` says what, where and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The work was tried and failed: exit code 1.
    Failed(Reason),
    /// The command line asks for something that cannot be: exit code 2.
    Usage(Reason),
    /// The configuration was refused: exit code 2.
    Config(Refusal),
    /// The output had no reader any more (a closed pipe): nothing to say, exit code 0.
    NobodyReads,
}

/// A sentence, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What happened and where: `cannot read day.itch50: No such file or directory`.
    pub what: String,
    /// What to do about it, where we know.
    pub remedy: Option<String>,
}

/// A configuration that was refused, for a person and for a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Each fault with its file, line, key and excerpt.
    pub text: String,
    /// The same one by one.
    pub faults: Vec<Located>,
}

/// A fault of a configuration and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Located {
    /// The file as typed.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong, naming the key.
    pub what: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Failure {
    /// The work failed. `what` says what happened and where.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::Failed(Reason { what: what.into(), remedy: None })
    }

    /// What was typed cannot work. `what` names the argument and what it may be.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::Usage(Reason { what: what.into(), remedy: None })
    }

    /// A file could not be used. `doing` is a verb: `read`, `create`, `write`.
    ///
    /// A closed pipe is no failure: `rialto replay ... | head` ends in peace.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "made for `map_err`, which hands the error over"
    )]
    pub fn io(doing: &str, path: impl AsRef<Path>, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::NobodyReads;
        }
        Self::failed(format!("cannot {doing} {}: {}", path.as_ref().display(), plain(&error)))
    }

    /// Standard output could not be written.
    pub fn output(error: io::Error) -> Self {
        Self::io("write", "standard output", error)
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        match self {
            Self::Failed(reason) => Self::Failed(Reason { remedy: Some(remedy.into()), ..reason }),
            Self::Usage(reason) => Self::Usage(Reason { remedy: Some(remedy.into()), ..reason }),
            Self::Config(refusal) => {
                let text = format!("{}\n  {}", refusal.text, remedy.into());
                Self::Config(Refusal { text, ..refusal })
            }
            Self::NobodyReads => Self::NobodyReads,
        }
    }

    /// What the process exits with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NobodyReads => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) | Self::Config(_) => 2,
        }
    }
}

/// An error of the system without the number that only a programmer reads: `(os error 2)`.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) | Self::Usage(reason) => {
                f.write_str(&reason.what)?;
                match &reason.remedy {
                    Some(remedy) => write!(f, "\n  {remedy}"),
                    None => Ok(()),
                }
            }
            Self::Config(refusal) => f.write_str(&refusal.text),
            Self::NobodyReads => f.write_str("nobody reads the output any more"),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::{Failure, Refusal};
    use std::io;

    #[test]
    fn says_what_where_and_what_to_do() {
        let missing = Failure::io("read", "day.itch50", io::Error::from_raw_os_error(2));
        assert_eq!(missing.exit_code(), 1);
        assert_eq!(missing.to_string(), "cannot read day.itch50: No such file or directory");
        assert_eq!(
            missing.remedy("make one with: rialto generate --out day.itch50").to_string(),
            "cannot read day.itch50: No such file or directory\n  make one with: rialto generate --out day.itch50"
        );
    }

    #[test]
    fn exit_codes_follow_the_design() {
        let cases = [
            (Failure::failed("x"), 1),
            (Failure::usage("x"), 2),
            (Failure::Config(Refusal { text: "x".into(), faults: Vec::new() }), 2),
            (Failure::output(io::Error::from(io::ErrorKind::BrokenPipe)), 0),
        ];
        for (failure, code) in cases {
            assert_eq!(failure.exit_code(), code, "{failure:?}");
        }
    }
}
