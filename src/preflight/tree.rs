//! The host's own description of itself: small files below a root.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cpus;

/// `/proc` and `/sys`, wherever they lie.
#[derive(Debug, Clone)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Below `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// A file's text without the white space around it; `None` where it is not there or not ours to read.
    pub fn text(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim().to_owned())
    }

    /// A file that holds one number.
    pub fn number(&self, path: &str) -> Option<i64> {
        self.text(path)?.parse().ok()
    }

    /// A file that holds a list of cpus.
    pub fn cpu_list(&self, path: &str) -> Option<BTreeSet<u32>> {
        cpus::read_list(&self.root.join(path))
    }

    /// The choice in brackets of a file such as `always [madvise] never`.
    pub fn choice(&self, path: &str) -> Option<String> {
        let text = self.text(path)?;
        let (_, after) = text.split_once('[')?;
        Some(after.split_once(']')?.0.to_owned())
    }

    /// The names in a folder, sorted; `None` where it is not there.
    pub fn names(&self, path: &str) -> Option<Vec<String>> {
        let entries = fs::read_dir(self.root.join(path)).ok()?;
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        Some(names)
    }

    /// The folders `cpuN` of the online cpus.
    pub fn cpus(&self) -> Vec<u32> {
        self.cpu_list("sys/devices/system/cpu/online").unwrap_or_default().into_iter().collect()
    }

    /// The last part of what a symbolic link points at: the name of a device.
    pub fn link_name(&self, path: &str) -> Option<String> {
        let target = fs::read_link(self.root.join(path)).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }

    /// Whether a path is there.
    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }
}
