//! How many files the process may have open: each connection is one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::failure::Failure;

/// Descriptors that the process has beside connections.
const OTHER_FILES: u64 = 256;

/// Lets the process have so many connections, as far as it may allow that itself.
///
/// # Errors
/// It may not have so many.
pub fn make_room_for(connections: usize) -> Result<(), Failure> {
    let files = connections as u64 + OTHER_FILES;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return Ok(());
    };
    if files <= soft {
        return Ok(());
    }
    if hard < files || setrlimit(Resource::RLIMIT_NOFILE, files, hard).is_err() {
        return Err(Failure::usage(format!(
            "{connections} connections need {files} open files, and this process may have {hard}"
        ))
        .remedy(format!("raise the limit: ulimit -n {files}")));
    }
    Ok(())
}
