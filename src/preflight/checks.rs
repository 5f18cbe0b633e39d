//! One function per property of a host. Each reads little, decides, and says it in full.
//!
//! To add one: write it, name it in [`ALL`].

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Fix, Load, Tree, Verdict};
use crate::{cpus, terminal};

type Check = fn(&Tree, &Load) -> Finding;

/// In the order of the table: what stops first, then what costs most.
pub(super) const ALL: [Check; 18] = [
    kernel,
    io_uring,
    memlock,
    receive_buffer,
    clocksource,
    governor,
    idle_states,
    isolated,
    tickless,
    irqbalance,
    nic_interrupts,
    nic_queues,
    siblings,
    transparent_huge_pages,
    swap,
    numa_balancing,
    realtime_throttling,
    virtual_machine,
];

/// Locked by each executor for its rings.
const MEMLOCK_EACH: u64 = 512 << 10;
/// A burst of 20,000 full packets while a shard is busy elsewhere.
const RECEIVE_BUFFER: i64 = 32 << 20;
/// Leaving an idle state slower than this is seen in the latency of the first packet.
const IDLE_EXIT_US: i64 = 20;

fn finding(name: &'static str, wanted: impl Into<String>) -> Finding {
    Finding {
        name,
        verdict: Verdict::Good,
        found: String::new(),
        wanted: wanted.into(),
        cost: String::new(),
        fix: Fix::None,
    }
}

impl Finding {
    fn good(self, found: impl Into<String>) -> Self {
        Self { found: found.into(), ..self }
    }

    fn unknown(self, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, found: found.into(), ..self }
    }

    fn costs(self, found: impl Into<String>, cost: impl Into<String>, fix: Fix) -> Self {
        Self { verdict: Verdict::Costs, found: found.into(), cost: cost.into(), fix, ..self }
    }

    fn stops(self, found: impl Into<String>, cost: impl Into<String>, fix: Fix) -> Self {
        Self { verdict: Verdict::Stops, found: found.into(), cost: cost.into(), fix, ..self }
    }
}

fn command(text: impl Into<String>) -> Fix {
    Fix::Command(text.into())
}

fn sysctl(key: &str, value: impl std::fmt::Display) -> Fix {
    Fix::Command(format!("sudo sysctl -w {key}={value}"))
}

/// As a person says it; a size below zero is none.
fn size(bytes: i64) -> String {
    terminal::bytes(u64::try_from(bytes).unwrap_or(0))
}

fn kernel(tree: &Tree, _: &Load) -> Finding {
    let finding = finding("kernel", "6.0 or newer");
    let Some(release) = tree.text("proc/sys/kernel/osrelease") else {
        return finding.unknown("no /proc/sys/kernel/osrelease");
    };
    let mut parts = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let upgrade = Fix::Advice("install a kernel of the 6 series".to_owned());
    if version < (5, 8) {
        return finding.stops(release, "glommio needs io_uring of Linux 5.8", upgrade);
    }
    if version < (6, 0) {
        return finding.costs(
            release,
            "ingress = \"uring\" is not to be had; \"poll\" is",
            upgrade,
        );
    }
    finding.good(release)
}

fn io_uring(tree: &Tree, _: &Load) -> Finding {
    let finding = finding("io_uring", "allowed (kernel.io_uring_disabled = 0)");
    let fix = || sysctl("kernel.io_uring_disabled", 0);
    match tree.number("proc/sys/kernel/io_uring_disabled") {
        Some(0) => finding.good("allowed"),
        Some(1) => {
            finding.stops("for one group only (1)", "shards do not start outside of it", fix())
        }
        Some(_) => finding.stops("forbidden (2)", "no shard starts", fix()),
        // The switch came with Linux 6.6; before it nothing but seccomp forbids io_uring.
        None if tree.has("proc/sys/kernel/osrelease") => finding.good("no switch in this kernel"),
        None => finding.unknown("no /proc/sys/kernel"),
    }
}

fn memlock(tree: &Tree, load: &Load) -> Finding {
    let wanted = load.executors.max(1) * MEMLOCK_EACH;
    let wanted_kib = wanted >> 10;
    let name = match load.executors {
        1 => "1 executor".to_owned(),
        executors => format!("{executors} executors"),
    };
    let finding = finding("memlock", format!("{wanted_kib} KiB: 512 for each of {name}"));
    let limits = tree.text("proc/self/limits");
    let line = limits
        .as_deref()
        .and_then(|text| text.lines().find_map(|line| line.strip_prefix("Max locked memory")));
    let Some(soft) = line.and_then(|line| line.split_whitespace().next()) else {
        return finding.unknown("no /proc/self/limits");
    };
    match soft.parse::<u64>() {
        Err(_) => finding.good(soft),
        Ok(bytes) if wanted <= bytes => finding.good(format!("{} KiB", bytes >> 10)),
        Ok(bytes) => finding.stops(
            format!("{} KiB", bytes >> 10),
            "a shard's executor fails when it starts",
            command(format!(
                "sudo prlimit --pid $$ --memlock={wanted}:{wanted}   # this shell; for good: LimitMEMLOCK= in the unit"
            )),
        ),
    }
}

fn receive_buffer(tree: &Tree, _: &Load) -> Finding {
    let finding = finding("net.core.rmem_max", format!("{} or more", size(RECEIVE_BUFFER)));
    match tree.number("proc/sys/net/core/rmem_max") {
        None => finding.unknown("no /proc/sys/net/core/rmem_max"),
        Some(bytes) if RECEIVE_BUFFER <= bytes => finding.good(size(bytes)),
        Some(bytes) => finding.costs(
            size(bytes),
            format!(
                "of a burst, what goes over {} while a shard is busy is dropped and must be asked for again",
                size(bytes)
            ),
            sysctl("net.core.rmem_max", RECEIVE_BUFFER),
        ),
    }
}

fn clocksource(tree: &Tree, _: &Load) -> Finding {
    let base = "sys/devices/system/clocksource/clocksource0";
    let finding = finding("clocksource", "tsc");
    let Some(current) = tree.text(&format!("{base}/current_clocksource")) else {
        return finding.unknown("no clocksource in /sys");
    };
    let available = tree.text(&format!("{base}/available_clocksource")).unwrap_or_default();
    let has_tsc = available.split_whitespace().any(|source| source == "tsc");
    let fix = match has_tsc {
        true => command(format!("echo tsc | sudo tee /{base}/current_clocksource")),
        false => Fix::Advice(
            "the kernel holds the TSC unstable or hides it: see dmesg | grep -i tsc".to_owned(),
        ),
    };
    match current.as_str() {
        "tsc" => finding.good(current),
        "kvm-clock" | "hyperv_clocksource_tsc_page" => {
            finding.costs(current, "reading the clock costs some 20 ns more", fix)
        }
        _ => {
            finding.costs(current, "every kernel stamp is a system call or worse: 0.5 to 2 us", fix)
        }
    }
}

fn governor(tree: &Tree, load: &Load) -> Finding {
    let finding = finding("cpu governor", "performance");
    let mut found: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for cpu in of_interest(tree, load) {
        let path = format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
        if let Some(governor) = tree.text(&path) {
            found.entry(governor).or_default().insert(cpu);
        }
    }
    let show =
        |(governor, cpus): (&String, &BTreeSet<u32>)| format!("{governor} on {}", cpus::list(cpus));
    let text = found.iter().map(show).collect::<Vec<_>>().join(", ");
    if found.is_empty() {
        return finding.unknown("no cpufreq: a virtual machine, or the firmware decides");
    }
    if found.keys().all(|governor| governor == "performance") {
        return finding.good("performance");
    }
    finding.costs(
        text,
        "a core clocks up only after the burst came: the first packets take up to twice as long",
        command("sudo cpupower frequency-set -g performance"),
    )
}

fn idle_states(tree: &Tree, load: &Load) -> Finding {
    let finding =
        finding("idle states", format!("none that takes over {IDLE_EXIT_US} us to leave"));
    let mut seen = false;
    let mut slowest: Option<(i64, String)> = None;
    for cpu in of_interest(tree, load) {
        let base = format!("sys/devices/system/cpu/cpu{cpu}/cpuidle");
        for state in tree.names(&base).unwrap_or_default() {
            let Some(latency_us) = tree.number(&format!("{base}/{state}/latency")) else {
                continue;
            };
            seen = true;
            let disabled = tree.number(&format!("{base}/{state}/disable")) == Some(1);
            if !disabled && slowest.as_ref().is_none_or(|(slowest, _)| *slowest < latency_us) {
                let name = tree.text(&format!("{base}/{state}/name")).unwrap_or(state);
                slowest = Some((latency_us, name));
            }
        }
    }
    match slowest {
        None if seen => finding.good("all disabled"),
        None => finding.unknown("no cpuidle: a virtual machine, or the firmware decides"),
        Some((latency_us, name)) if latency_us <= IDLE_EXIT_US => finding.good(format!("{name}, {latency_us} us")),
        Some((latency_us, name)) => finding.costs(
            format!("{name}, {latency_us} us"),
            format!("a parked shard (idle = \"backoff\") wakes up to {latency_us} us late; a spinning one never sleeps"),
            command(format!("sudo cpupower idle-set -D {IDLE_EXIT_US}")),
        ),
    }
}

fn isolated(tree: &Tree, load: &Load) -> Finding {
    let finding = finding("isolated cpus", "the shards' cpus");
    let Some(isolated) = tree.cpu_list("sys/devices/system/cpu/isolated") else {
        return finding.unknown("no /sys/devices/system/cpu/isolated");
    };
    covered(
        finding,
        &isolated,
        load,
        tree,
        "isolcpus=domain,managed_irq,",
        "other processes run on the shards' cpus: stops of 0.1 to 10 ms",
    )
}

fn tickless(tree: &Tree, load: &Load) -> Finding {
    let finding = finding("nohz_full", "the shards' cpus");
    let path = "sys/devices/system/cpu/nohz_full";
    let Some(tickless) = tree.cpu_list(path) else {
        return match tree.has("sys/devices/system/cpu") {
            true => finding.costs(
                "not built into this kernel",
                "the timer tick stops a spinning shard 100 to 1000 times a second for some microseconds",
                Fix::Advice("use a kernel with CONFIG_NO_HZ_FULL".to_owned()),
            ),
            false => finding.unknown("no /sys/devices/system/cpu"),
        };
    };
    covered(
        finding,
        &tickless,
        load,
        tree,
        "nohz_full=",
        "the timer tick stops a spinning shard 100 to 1000 times a second for some microseconds",
    )
}

/// Whether a list of the kernel's covers the shards' cpus.
fn covered(
    finding: Finding,
    listed: &BTreeSet<u32>,
    load: &Load,
    tree: &Tree,
    parameter: &str,
    cost: &str,
) -> Finding {
    let missing: BTreeSet<u32> = load.shard_cpus.difference(listed).copied().collect();
    if !listed.is_empty() && missing.is_empty() {
        return finding.good(cpus::list(listed));
    }
    let online: BTreeSet<u32> = tree.cpus().into_iter().collect();
    if online.len() < 2 {
        return finding.costs(
            cpus::list(listed),
            cost,
            Fix::Advice("this host has one cpu: nothing can be set apart".to_owned()),
        );
    }
    if !load.shard_cpus.is_empty() && online.is_subset(&load.shard_cpus) {
        return finding.costs(
            cpus::list(listed),
            cost,
            Fix::Advice(
                "every cpu is a shard's: leave one to the kernel, then set the others apart"
                    .to_owned(),
            ),
        );
    }
    // Without a configuration: all but the first, which the kernel keeps for itself.
    let mut wanted: BTreeSet<u32> = load.shard_cpus.union(listed).copied().collect();
    if load.shard_cpus.is_empty() {
        wanted = online.into_iter().skip(1).collect();
    }
    finding.costs(
        cpus::list(listed),
        cost,
        Fix::Boot(format!("{parameter}{}", cpus::list(&wanted))),
    )
}

fn irqbalance(tree: &Tree, _: &Load) -> Finding {
    let finding = finding("irqbalance", "not running");
    let Some(names) = tree.names("proc") else {
        return finding.unknown("no /proc");
    };
    let mut processes = names.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let pid = processes
        .find(|pid| tree.text(&format!("proc/{pid}/comm")).as_deref() == Some("irqbalance"));
    match pid {
        None => finding.good("not running"),
        Some(pid) => finding.costs(
            format!("running, process {pid}"),
            "it moves interrupts onto the shards' cpus every ten seconds: 5 to 50 us each",
            command("sudo systemctl disable --now irqbalance"),
        ),
    }
}

/// Interrupts of network interfaces, by `/proc/interrupts`, that may land on a shard's cpu.
fn nic_interrupts(tree: &Tree, load: &Load) -> Finding {
    let finding = finding("network interrupts", "kept off the shards' cpus");
    let Some(interrupts) = tree.text("proc/interrupts") else {
        return finding.unknown("no /proc/interrupts");
    };
    if load.shard_cpus.is_empty() {
        return finding
            .unknown("no cpu is isolated: give --config FILE to say which are the shards'");
    }
    let nics: Vec<(String, Option<String>)> = nics(tree)
        .into_iter()
        .map(|nic| (nic.clone(), tree.link_name(&format!("sys/class/net/{nic}/device"))))
        .collect();
    let (mut guilty, mut unread) = (Vec::new(), 0_usize);
    for line in interrupts.lines().skip(1) {
        let Some((number, rest)) = line.split_once(':') else { continue };
        let number = number.trim();
        let ours = |(nic, device): &(String, Option<String>)| {
            rest.split_whitespace().any(|word| belongs(word, nic, device.as_deref()))
        };
        if number.parse::<u32>().is_err() || !nics.iter().any(ours) {
            continue;
        }
        match tree.cpu_list(&format!("proc/irq/{number}/smp_affinity_list")) {
            None => unread += 1,
            Some(affinity) if affinity.is_disjoint(&load.shard_cpus) => {}
            Some(_) => guilty.push(number.to_owned()),
        }
    }
    if guilty.is_empty() && 0 < unread {
        return finding
            .unknown(format!("{unread} of /proc/irq/*/smp_affinity_list cannot be read"));
    }
    if guilty.is_empty() {
        return finding.good("kept off");
    }
    let online: BTreeSet<u32> = tree.cpus().into_iter().collect();
    let others: BTreeSet<u32> = online.difference(&load.shard_cpus).copied().collect();
    let fix = match others.is_empty() {
        true => Fix::Advice("leave one cpu to the kernel: every cpu is a shard's".to_owned()),
        false => command(format!(
            "for irq in {}; do echo {} | sudo tee /proc/irq/$irq/smp_affinity_list; done",
            guilty.join(" "),
            cpus::list(&others)
        )),
    };
    finding.costs(
        format!("irq {} may land on cpu {}", guilty.join(", "), cpus::list(&load.shard_cpus)),
        "each interrupt stops a shard for 2 to 20 us",
        fix,
    )
}

/// `eth0`, `eth0-rx-1` belong to `eth0`, and so do `virtio2-input.0` and `mlx5_comp0@pci:0000:3b:00.0` where that is
/// its device; `eth01` does not.
fn belongs(word: &str, nic: &str, device: Option<&str>) -> bool {
    let starts = |name: &str| {
        word.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', ':', '@']))
    };
    starts(nic)
        || device.is_some_and(|device| starts(device) || word.ends_with(&format!("@pci:{device}")))
}

/// The interfaces with hardware behind them.
fn nics(tree: &Tree) -> Vec<String> {
    let names = tree.names("sys/class/net").unwrap_or_default();
    names.into_iter().filter(|nic| tree.has(&format!("sys/class/net/{nic}/device"))).collect()
}

fn nic_queues(tree: &Tree, load: &Load) -> Finding {
    let finding =
        finding("network queues", "at most one receive queue for each cpu that is no shard's");
    if !tree.has("sys/class/net") {
        return finding.unknown("no /sys/class/net");
    }
    let spare = tree.cpus().len().saturating_sub(load.shard_cpus.len()).max(1);
    let mut found = Vec::new();
    let mut many = None;
    for nic in nics(tree) {
        let queues = tree.names(&format!("sys/class/net/{nic}/queues")).unwrap_or_default();
        let receive = queues.iter().filter(|queue| queue.starts_with("rx-")).count();
        found.push(format!("{nic}: {receive}"));
        if spare < receive {
            many = Some(nic);
        }
    }
    let text = found.join(", ");
    match many {
        None if found.is_empty() => finding.good("no network card (loopback only)"),
        None => finding.good(text),
        Some(nic) => finding.costs(
            text,
            "more queues than free cpus: some interrupt lands beside a shard, and one feed's packets spread over caches",
            command(format!("sudo ethtool -L {nic} combined {spare}")),
        ),
    }
}

fn siblings(tree: &Tree, load: &Load) -> Finding {
    let finding = finding("SMT", "no other work on the second thread of a shard's core");
    match tree.number("sys/devices/system/cpu/smt/active") {
        None => finding.unknown("no /sys/devices/system/cpu/smt"),
        Some(0) => finding.good("off"),
        Some(_) => {
            let mut idle: BTreeSet<u32> = BTreeSet::new();
            for cpu in &load.shard_cpus {
                let path = format!("sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
                idle.extend(tree.cpu_list(&path).unwrap_or_default());
            }
            let idle: BTreeSet<u32> = idle.difference(&load.shard_cpus).copied().collect();
            let fix = match idle.is_empty() {
                true => "echo off | sudo tee /sys/devices/system/cpu/smt/control".to_owned(),
                false => format!(
                    "for cpu in {}; do echo 0 | sudo tee /sys/devices/system/cpu/cpu$cpu/online; done",
                    idle.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
                ),
            };
            finding.costs("on", "a busy sibling takes 20 to 40 % of a shard's speed", command(fix))
        }
    }
}

fn transparent_huge_pages(tree: &Tree, _: &Load) -> Finding {
    let finding = finding("transparent huge pages", "madvise");
    match tree.choice("sys/kernel/mm/transparent_hugepage/enabled").as_deref() {
        None => finding.unknown("no /sys/kernel/mm/transparent_hugepage"),
        Some(choice @ ("madvise" | "never")) => finding.good(choice),
        Some(choice) => finding.costs(
            choice,
            "the kernel collapses and compacts pages behind a running shard: stops of up to milliseconds",
            command("echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"),
        ),
    }
}

fn swap(tree: &Tree, _: &Load) -> Finding {
    let finding = finding("swap", "none");
    match tree.text("proc/swaps") {
        None => finding.unknown("no /proc/swaps"),
        Some(text) => {
            match text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).next() {
                None => finding.good("none"),
                Some(first) => finding.costs(
                    first.to_owned(),
                    "a page of a book that was swapped out costs milliseconds when it is touched",
                    command("sudo swapoff -a"),
                ),
            }
        }
    }
}

fn numa_balancing(tree: &Tree, _: &Load) -> Finding {
    let finding = finding("NUMA balancing", "off");
    match tree.number("proc/sys/kernel/numa_balancing") {
        None if tree.has("proc/sys/kernel/osrelease") => finding.good("not in this kernel"),
        None => finding.unknown("no /proc/sys/kernel"),
        Some(0) => finding.good("off"),
        Some(_) if !tree.has("sys/devices/system/node/node1") => {
            finding.good("on, with one node to balance")
        }
        Some(_) => finding.costs(
            "on",
            "the kernel unmaps a shard's pages to see who touches them: page faults on the path",
            sysctl("kernel.numa_balancing", 0),
        ),
    }
}

fn realtime_throttling(tree: &Tree, _: &Load) -> Finding {
    let finding = finding("real-time throttling", "off where shards run under a real-time policy");
    let Some(runtime_us) = tree.number("proc/sys/kernel/sched_rt_runtime_us") else {
        return finding.unknown("no /proc/sys/kernel/sched_rt_runtime_us");
    };
    if runtime_us < 0 {
        return finding.good("off");
    }
    // Field 41 of stat; the name in field 2 may hold spaces, so count from behind its bracket.
    let stat = tree.text("proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let policy =
        after_name.split_whitespace().nth(38).and_then(|policy| policy.parse::<u32>().ok());
    let found = format!("{runtime_us} us of each second");
    match policy {
        Some(1 | 2) => finding.costs(
            found,
            "a spinning shard is stopped for the rest of each second, 50 ms at a time",
            sysctl("kernel.sched_rt_runtime_us", -1),
        ),
        Some(_) | None => finding.good(format!("{found}; this process is not real-time")),
    }
}

fn virtual_machine(tree: &Tree, _: &Load) -> Finding {
    let finding = finding("machine", "bare metal");
    let Some(cpuinfo) = tree.text("proc/cpuinfo") else {
        return finding.unknown("no /proc/cpuinfo");
    };
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("cpu", |(_, model)| model).to_owned();
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    if !flags.split_whitespace().any(|flag| flag == "hypervisor") {
        return finding.good(model);
    }
    finding.costs(
        format!("virtual, {model}"),
        "the hypervisor runs others on this cpu: stops of up to milliseconds that no setting here prevents",
        Fix::Advice("use bare metal, or an instance with dedicated cores".to_owned()),
    )
}

/// The cpus to judge: the shards', or all where it is not known which they are.
fn of_interest(tree: &Tree, load: &Load) -> Vec<u32> {
    match load.shard_cpus.is_empty() {
        true => tree.cpus(),
        false => load.shard_cpus.iter().copied().collect(),
    }
}
