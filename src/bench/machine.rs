//! What a figure means nothing without: the machine and the build.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::topology;

/// The machine and the build; what cannot be read is left out.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Machine {
    /// The processor's own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu: Option<String>,
    /// Cpus this process may use.
    pub(super) cpus: usize,
    /// Kernel release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kernel: Option<String>,
    /// Whether a hypervisor runs below: its neighbours are in the figures.
    pub(super) virtual_machine: bool,
    /// One-minute load when the run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load: Option<f64>,
    /// Memory, MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory_mib: Option<u64>,
    /// `release`, or `debug`, whose figures say nothing.
    pub(super) build: &'static str,
    /// The version measured.
    pub(super) version: &'static str,
}

impl Machine {
    /// Reads it from `/proc`.
    pub(super) fn look() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
        let load = fs::read_to_string("/proc/loadavg").ok();
        Self {
            cpu: field("model name"),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel.map(|text| text.trim().to_owned()),
            virtual_machine: field("flags")
                .is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            load: load.and_then(|text| text.split(' ').next()?.parse().ok()),
            memory_mib: topology::host_memory(Path::new("/")).map(|bytes| bytes >> 20),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        let cpu = self.cpu.as_deref().unwrap_or("unknown processor");
        let kind = if self.virtual_machine { " (virtual)" } else { "" };
        let mut line = format!("{cpu}{kind}, {} cpus", self.cpus);
        if let Some(mib) = self.memory_mib {
            line.push_str(&format!(", {} GiB", mib / 1024));
        }
        if let Some(kernel) = &self.kernel {
            line.push_str(&format!(", Linux {kernel}"));
        }
        if let Some(load) = self.load {
            line.push_str(&format!(", load {load}"));
        }
        format!("{line}, {} build {}", self.build, self.version)
    }
}
