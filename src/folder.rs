//! The folder that a run writes into: one run at a time.
//!
//! Two runs that write the same files would spoil both. Who holds the folder is written in its file `lock`; the
//! kernel lets go of it when the process ends, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process;

use crate::failure::Failure;

/// Where a run writes where neither the command line nor the configuration says.
pub const DEFAULT: &str = "rialto-data";

/// A folder that this process alone writes into, until this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

/// Who holds a folder is told in no more bytes.
const OWNER_MAX: u64 = 128;

impl Folder {
    /// Makes the folder if it is not there, and holds it. `who` is what others are told: `rialto venue`.
    ///
    /// # Errors
    /// A folder that cannot be made or written, one that another run holds.
    pub fn hold(path: &Path, who: &str) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| Failure::io("create", path, error))?;
        let file = path.join("lock");
        let opened =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&file);
        let mut lock = opened.map_err(|error| Failure::io("open", &file, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(path, &lock)),
            Err(TryLockError::Error(error)) => return Err(Failure::io("lock", &file, error)),
        }
        let owner = format!("{who}, pid {}\n", process::id());
        let written = lock.set_len(0).and_then(|()| lock.write_all(owner.as_bytes()));
        written.map_err(|error| Failure::io("write", &file, error))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn taken(path: &Path, lock: &File) -> Failure {
    let mut owner = String::new();
    // Its holder may be about to write it.
    let _ = lock.take(OWNER_MAX).read_to_string(&mut owner);
    let owner = match owner.trim() {
        "" => String::new(),
        owner => format!(" ({owner})"),
    };
    Failure::failed(format!("another run uses the folder {}{owner}", path.display()))
        .remedy("end that one first, or give this one a folder of its own: --data DIR")
}

#[cfg(test)]
mod tests {
    use super::Folder;
    use std::process;

    #[test]
    fn one_run_at_a_time() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("made/for/it");
        let first = Folder::hold(&path, "rialto venue").expect("nobody else does");
        let failure = Folder::hold(&path, "rialto run").expect_err("held");
        let want = format!(
            "another run uses the folder {} (rialto venue, pid {})\n  end that one first, or give this one a \
             folder of its own: --data DIR",
            path.display(),
            process::id()
        );
        assert_eq!((failure.to_string(), failure.exit_code()), (want, 1));
        drop(first);
        let next = Folder::hold(&path, "rialto run").expect("it was let go");
        let told = std::fs::read_to_string(next.path().join("lock")).expect("it is there");
        assert_eq!(told, format!("rialto run, pid {}\n", process::id()));
    }
}
