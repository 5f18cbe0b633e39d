//! Hosts laid out in a folder, and what is said of them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{Finding, Fix, Load, Tree, Verdict, inspect, report};

/// Four cpus, of which two and three are for shards; everything as wanted.
const QUIET: &[(&str, &str)] = &[
    ("proc/sys/kernel/osrelease", "6.1.0-28-amd64\n"),
    ("proc/sys/kernel/io_uring_disabled", "0\n"),
    ("proc/sys/kernel/sched_rt_runtime_us", "-1\n"),
    ("proc/sys/kernel/numa_balancing", "0\n"),
    ("proc/sys/net/core/rmem_max", "67108864\n"),
    (
        "proc/self/limits",
        "Limit  Soft Limit  Hard Limit  Units\nMax locked memory         8388608              8388608              bytes\n",
    ),
    ("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"),
    ("proc/cpuinfo", "model name\t: A Cpu @ 4.00GHz\nflags\t\t: fpu tsc\n"),
    (
        "proc/interrupts",
        "      CPU0 CPU1 CPU2 CPU3\n 24:  9 9 9 9  PCI-MSI  eth0-rx-0\n 25:  1 1 1 1  PCI-MSI  nvme0q0\n",
    ),
    ("proc/irq/24/smp_affinity_list", "0-1\n"),
    ("proc/irq/25/smp_affinity_list", "0-3\n"),
    ("proc/1/comm", "systemd\n"),
    ("sys/devices/system/cpu/online", "0-3\n"),
    ("sys/devices/system/cpu/isolated", "2-3\n"),
    ("sys/devices/system/cpu/nohz_full", "2-3\n"),
    ("sys/devices/system/cpu/smt/active", "0\n"),
    ("sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "performance\n"),
    ("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "performance\n"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state1/name", "C1\n"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state1/latency", "2\n"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state2/name", "C6\n"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state2/latency", "133\n"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state2/disable", "1\n"),
    ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
    ("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm\n"),
    ("sys/class/net/eth0/queues/rx-0/rps_cpus", "0\n"),
    ("sys/class/net/eth0/device/vendor", "0x8086\n"),
    ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
];

fn lay(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }
}

fn load(cpus: &[u32]) -> Load {
    let shard_cpus: BTreeSet<u32> = cpus.iter().copied().collect();
    Load { executors: u64::try_from(shard_cpus.len()).expect("few"), shard_cpus }
}

fn found(change: &[(&str, &str)], name: &str) -> Finding {
    let root = tempfile::tempdir().expect("a folder");
    lay(root.path(), QUIET);
    lay(root.path(), change);
    let findings = inspect(&Tree::new(root.path()), &load(&[2, 3]));
    findings.into_iter().find(|finding| finding.name == name).expect("such a check")
}

#[test]
fn a_quiet_host_lacks_nothing() {
    let root = tempfile::tempdir().expect("a folder");
    lay(root.path(), QUIET);
    for finding in inspect(&Tree::new(root.path()), &load(&[2, 3])) {
        assert_eq!((finding.verdict, &finding.fix), (Verdict::Good, &Fix::None), "{finding:?}");
    }
}

#[test]
fn an_empty_host_is_unknown_and_never_good() {
    let root = tempfile::tempdir().expect("a folder");
    for finding in inspect(&Tree::new(root.path()), &load(&[0])) {
        assert_eq!((finding.verdict, &finding.fix), (Verdict::Unknown, &Fix::None), "{finding:?}");
    }
}

#[test]
fn each_lack_is_found_with_the_command_that_mends_it() {
    let command = |text: &str| Fix::Command(text.to_owned());
    let boot = |text: &str| Fix::Boot(text.to_owned());
    let base = "sys/devices/system";
    let cases: &[(&str, &str, &str, Verdict, &str, Fix)] = &[
        (
            "proc/sys/kernel/io_uring_disabled",
            "2",
            "io_uring",
            Verdict::Stops,
            "forbidden (2)",
            command("sudo sysctl -w kernel.io_uring_disabled=0"),
        ),
        (
            "proc/sys/net/core/rmem_max",
            "212992",
            "net.core.rmem_max",
            Verdict::Costs,
            "208 KiB",
            command("sudo sysctl -w net.core.rmem_max=33554432"),
        ),
        (
            "proc/swaps",
            "Filename Type\n/dev/sda2 partition 1 0 -2\n",
            "swap",
            Verdict::Costs,
            "/dev/sda2",
            command("sudo swapoff -a"),
        ),
        (
            "proc/77/comm",
            "irqbalance\n",
            "irqbalance",
            Verdict::Costs,
            "running, process 77",
            command("sudo systemctl disable --now irqbalance"),
        ),
        (
            "proc/irq/24/smp_affinity_list",
            "0-3\n",
            "network interrupts",
            Verdict::Costs,
            "irq 24 may land on cpu 2-3",
            command("for irq in 24; do echo 0-1 | sudo tee /proc/irq/$irq/smp_affinity_list; done"),
        ),
        (
            "sys/devices/system/cpu/isolated",
            "3\n",
            "isolated cpus",
            Verdict::Costs,
            "3",
            boot("isolcpus=domain,managed_irq,2-3"),
        ),
        (
            "sys/devices/system/cpu/nohz_full",
            "(null)\n",
            "nohz_full",
            Verdict::Costs,
            "none",
            boot("nohz_full=2-3"),
        ),
        (
            "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor",
            "powersave\n",
            "cpu governor",
            Verdict::Costs,
            "performance on 2, powersave on 3",
            command("sudo cpupower frequency-set -g performance"),
        ),
        (
            "sys/devices/system/cpu/cpu2/cpuidle/state2/disable",
            "0",
            "idle states",
            Verdict::Costs,
            "C6, 133 us",
            command("sudo cpupower idle-set -D 20"),
        ),
        (
            "sys/devices/system/clocksource/clocksource0/current_clocksource",
            "hpet",
            "clocksource",
            Verdict::Costs,
            "hpet",
            command(
                "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource",
            ),
        ),
        (
            "sys/kernel/mm/transparent_hugepage/enabled",
            "[always] madvise never",
            "transparent huge pages",
            Verdict::Costs,
            "always",
            command("echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"),
        ),
        (
            "proc/sys/kernel/osrelease",
            "5.4.0-generic",
            "kernel",
            Verdict::Stops,
            "5.4.0-generic",
            Fix::Advice("install a kernel of the 6 series".to_owned()),
        ),
    ];
    for (path, text, name, verdict, what, fix) in cases {
        let got = found(&[(path, text)], name);
        assert_eq!((got.verdict, got.found.as_str(), &got.fix), (*verdict, *what, fix), "{name}");
        assert!(!got.cost.is_empty(), "{name} does not say what it costs");
    }
    let smt = found(
        &[
            (&format!("{base}/cpu/smt/active"), "1"),
            (&format!("{base}/cpu/cpu2/topology/thread_siblings_list"), "2,6"),
            (&format!("{base}/cpu/cpu3/topology/thread_siblings_list"), "3,7"),
        ],
        "SMT",
    );
    assert_eq!(
        smt.fix,
        command(
            "for cpu in 6 7; do echo 0 | sudo tee /sys/devices/system/cpu/cpu$cpu/online; done"
        )
    );
}

#[test]
fn memory_is_locked_by_each_executor() {
    let limits =
        "Limit\nMax locked memory         65536                65536                bytes\n";
    let got = found(&[("proc/self/limits", limits)], "memlock");
    assert_eq!((got.verdict, got.found.as_str()), (Verdict::Stops, "64 KiB"));
    assert!(got.wanted.starts_with("1024 KiB"), "{got:?}");
    assert!(
        matches!(&got.fix, Fix::Command(text) if text.contains("--memlock=1048576:1048576")),
        "{got:?}"
    );
    let unlimited = limits.replace("65536", "unlimited");
    assert_eq!(found(&[("proc/self/limits", &unlimited)], "memlock").verdict, Verdict::Good);
}

#[test]
fn throttling_matters_to_a_real_time_process_only() {
    let stat = |policy: u32| {
        let before = "0 ".repeat(38 - 1);
        format!("7 (a name) with) S {before}{policy} 0 0\n")
    };
    for (policy, want) in [(0, Verdict::Good), (1, Verdict::Costs), (2, Verdict::Costs)] {
        let got = found(
            &[("proc/sys/kernel/sched_rt_runtime_us", "950000"), ("proc/self/stat", &stat(policy))],
            "real-time throttling",
        );
        assert_eq!(got.verdict, want, "policy {policy}");
    }
}

#[test]
fn an_interrupt_is_known_by_its_device_too() {
    let root = tempfile::tempdir().expect("a folder");
    lay(root.path(), QUIET);
    let nic = root.path().join("sys/class/net/ens5");
    fs::create_dir_all(&nic).expect("folders");
    fs::create_dir_all(root.path().join("sys/devices/virtio2")).expect("folders");
    symlink("../../../devices/virtio2", nic.join("device")).expect("a link");
    lay(
        root.path(),
        &[
            (
                "proc/interrupts",
                "  CPU0\n 31: 5 PCI-MSI virtio2-input.0\n 32: 5 PCI-MSI virtio20-input.0\n",
            ),
            ("proc/irq/31/smp_affinity_list", "3"),
            ("proc/irq/32/smp_affinity_list", "3"),
        ],
    );
    let findings = inspect(&Tree::new(root.path()), &load(&[3]));
    let got =
        findings.iter().find(|finding| finding.name == "network interrupts").expect("the check");
    assert_eq!(got.found, "irq 31 may land on cpu 3");
}

#[test]
fn the_script_holds_every_command_and_what_needs_a_boot_as_a_comment() {
    let root = tempfile::tempdir().expect("a folder");
    lay(root.path(), QUIET);
    lay(
        root.path(),
        &[("proc/sys/net/core/rmem_max", "212992"), ("sys/devices/system/cpu/isolated", "\n")],
    );
    let text = report::script(&inspect(&Tree::new(root.path()), &load(&[2, 3])));
    let commands: Vec<&str> =
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(commands, ["set -u", "sudo sysctl -w net.core.rmem_max=33554432"]);
    assert!(text.contains("\n#   isolcpus=domain,managed_irq,2-3\n"), "{text}");
}
