//! What the end-to-end tests share. Knows no market word; a test says what it wants, this finds it.

pub(crate) mod exchange;
pub(crate) mod order;

use std::env;
use std::path::{Path, PathBuf};

/// A file or folder of recorded market data, which is no part of this repository.
///
/// `RIALTO_DATA` names the folder it is in. Where it is absent the test says so and passes, unless
/// `RIALTO_REQUIRE_DATA=1`: then it fails, so that a machine meant to run these tests cannot skip them.
pub(crate) fn recorded(path: impl AsRef<Path>) -> Option<PathBuf> {
    let folder = env::var_os("RIALTO_DATA").map_or_else(|| "../shared/data".into(), PathBuf::from);
    let found = folder.join(path);
    if found.exists() {
        return Some(found);
    }
    let required = env::var_os("RIALTO_REQUIRE_DATA").is_some_and(|value| value == "1");
    assert!(!required, "no recorded data at {}: set RIALTO_DATA to its folder", found.display());
    eprintln!("skipped: no recorded data at {}", found.display());
    None
}

/// Says that another's program is not here, and how to get it: the test passes, unless `RIALTO_REQUIRE_PEERS=1`.
pub(crate) fn absent(what: &str) {
    let required = env::var_os("RIALTO_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!required, "{what}");
    eprintln!("skipped: {what}");
}
