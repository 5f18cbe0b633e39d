//! The cpus of this host: which are there, which this process may use, which are two faces of one core.
//!
//! Reads `/sys` and `/proc` below a root, so that a test can lay out a host of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use core_affinity::CoreId;

/// Pins this thread, where a cpu is given. Where it may not be pinned it runs on the cpus of its parent: no harm
/// but to neatness.
pub fn pin(cpu: Option<u32>) {
    if let Some(id) = cpu.and_then(|cpu| usize::try_from(cpu).ok()) {
        core_affinity::set_for_current(CoreId { id });
    }
}

/// The cpus of a host, by their logical number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpus {
    /// Running.
    pub online: BTreeSet<u32>,
    /// Of these, the ones that the cpuset and affinity of this process allow.
    pub allowed: BTreeSet<u32>,
    /// Groups of two or more that share one physical core.
    pub siblings: Vec<BTreeSet<u32>>,
}

impl Cpus {
    /// Of this host.
    pub fn here() -> Self {
        Self::under(Path::new("/"))
    }

    /// Of the host whose `/sys` and `/proc` lie below `root`.
    pub fn under(root: &Path) -> Self {
        let allowed = allowed(root);
        let online = match read_list(&root.join("sys/devices/system/cpu/online")) {
            Some(online) if !online.is_empty() => online,
            // No /sys (some containers): what we may use is all we know of.
            Some(_) | None => allowed.clone().unwrap_or_else(|| BTreeSet::from([0])),
        };
        let allowed = match allowed {
            Some(allowed) => allowed.intersection(&online).copied().collect(),
            None => online.clone(),
        };
        let siblings = siblings(root, &online);
        Self { online, allowed, siblings }
    }

    /// A host of `count` plain cores, for tests and dry runs.
    pub fn plain(count: u32) -> Self {
        let all: BTreeSet<u32> = (0..count).collect();
        Self { online: all.clone(), allowed: all, siblings: Vec::new() }
    }
}

fn allowed(root: &Path) -> Option<BTreeSet<u32>> {
    let status = fs::read_to_string(root.join("proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    parse_list(line)
}

fn siblings(root: &Path, online: &BTreeSet<u32>) -> Vec<BTreeSet<u32>> {
    let mut groups = BTreeSet::new();
    for cpu in online {
        let path =
            root.join(format!("sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"));
        if let Some(group) = read_list(&path).filter(|group| 1 < group.len()) {
            groups.insert(group);
        }
    }
    groups.into_iter().collect()
}

/// The kernel's list format, from a file.
pub fn read_list(path: &Path) -> Option<BTreeSet<u32>> {
    parse_list(&fs::read_to_string(path).ok()?)
}

/// The kernel's list format: `0-2,5`; `None` where it is not that. An empty text is an empty list.
pub fn parse_list(text: &str) -> Option<BTreeSet<u32>> {
    // Above every count of cpus that Linux supports (8,192): an absurd range is no list.
    const CPU_MAX: u32 = 65_536;
    let mut cpus = BTreeSet::new();
    let text = text.trim();
    if text.is_empty() || text == "(null)" {
        return Some(cpus);
    }
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if last < first || CPU_MAX <= last {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

/// The same format, for printing: `0-2,5`, or `none`.
pub fn list(cpus: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &cpu in cpus {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(cpu) => *last = cpu,
            Some(_) | None => ranges.push((cpu, cpu)),
        }
    }
    if ranges.is_empty() {
        return "none".to_owned();
    }
    let show = |(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    ranges.iter().map(show).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::{Cpus, list, parse_list};
    use std::fs;

    #[test]
    fn the_kernels_lists_are_read_and_written() {
        let cases = [
            ("0-2,5\n", Some("0-2,5")),
            ("7", Some("7")),
            ("", Some("none")),
            ("(null)\n", Some("none")),
            ("3-1", None),
            ("0-4294967295", None),
            ("a", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse_list(text).map(|cpus| list(&cpus)).as_deref(), want, "{text:?}");
        }
    }

    #[test]
    fn a_cpuset_narrows_what_is_online() {
        let root = tempfile::tempdir().expect("a folder");
        let cpu = root.path().join("sys/devices/system/cpu");
        fs::create_dir_all(cpu.join("cpu0/topology")).expect("folders");
        fs::create_dir_all(root.path().join("proc/self")).expect("folders");
        fs::write(cpu.join("online"), "0-3\n").expect("a file");
        fs::write(cpu.join("cpu0/topology/thread_siblings_list"), "0,2\n").expect("a file");
        fs::write(root.path().join("proc/self/status"), "Name:\tx\nCpus_allowed_list:\t1-2,9\n")
            .expect("a file");
        let cpus = Cpus::under(root.path());
        assert_eq!(
            (list(&cpus.online), list(&cpus.allowed), cpus.siblings.len()),
            ("0-3".into(), "1-2".into(), 1)
        );
    }
}
