//! The findings as a table, as JSON and as a script.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Finding, Fix, Load, Verdict};
use crate::cpus;
use crate::failure::Failure;
use crate::terminal;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    /// Nothing stops and nothing costs.
    good: bool,
    shard_cpus: Vec<u32>,
    executors: u64,
    findings: &'a [Finding],
}

pub(super) fn json(findings: &[Finding], load: &Load) -> Result<String, Failure> {
    let lacking = |finding: &&Finding| matches!(finding.verdict, Verdict::Costs | Verdict::Stops);
    terminal::json(&Report {
        good: findings.iter().find(lacking).is_none(),
        shard_cpus: load.shard_cpus.iter().copied().collect(),
        executors: load.executors,
        findings,
    })
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Costs => "COSTS",
        Verdict::Stops => "STOPS",
        Verdict::Unknown => "unknown",
    }
}

pub(super) fn table(findings: &[Finding], load: &Load) -> String {
    let judged = match load.shard_cpus.is_empty() {
        true => "no cpu is isolated and no --config was given: all cpus are judged".to_owned(),
        false => format!("judged for shards on cpu {}", cpus::list(&load.shard_cpus)),
    };
    let mut table = terminal::table(&["", "what", "found", "wanted"]);
    for finding in findings {
        table.add_row([word(finding.verdict), finding.name, &finding.found, &finding.wanted]);
    }
    let mut text = format!("Host, {judged}.\n\n{}", terminal::lines(&table));
    let lacking: Vec<&Finding> =
        findings.iter().filter(|finding| finding.fix != Fix::None).collect();
    let count = |wanted| findings.iter().filter(|finding| finding.verdict == wanted).count();
    let (stops, costs, unknown) =
        (count(Verdict::Stops), count(Verdict::Costs), count(Verdict::Unknown));
    if !lacking.is_empty() {
        text.push_str("\nWhat each costs, and what mends it:\n");
    }
    for finding in lacking {
        let _ = write!(text, "\n  {}: {}\n    {}.\n", finding.name, finding.found, finding.cost);
        let _ = match &finding.fix {
            Fix::None => Ok(()),
            Fix::Command(command) => writeln!(text, "    $ {command}"),
            Fix::Boot(words) => writeln!(
                text,
                "    add to GRUB_CMDLINE_LINUX in /etc/default/grub: {words}\n    $ sudo update-grub && sudo reboot"
            ),
            Fix::Advice(advice) => writeln!(text, "    {advice}"),
        };
    }
    let things = |count: usize, verb: &str| match count {
        0 => format!("nothing {verb}s"),
        1 => format!("1 thing {verb}s"),
        _ => format!("{count} things {verb}"),
    };
    let sum =
        format!("{} it, {} time, {unknown} unknown", things(stops, "stop"), things(costs, "cost"));
    let _ = writeln!(text, "\nIn sum: {sum}.");
    if 0 < stops + costs {
        text.push_str("As a script to read and then run: rialto host --script\n");
    }
    text
}

/// A script that applies what a command can apply; the rest stands in it as comments.
pub(super) fn script(findings: &[Finding]) -> String {
    let mut text = String::from(
        "#!/bin/sh\n# Settings for quiet cores, made by `rialto host --script` for this host. Read it, then run it.\n# They last until the next boot.\nset -u\n",
    );
    let mut boot = Vec::new();
    for finding in findings {
        match &finding.fix {
            Fix::None => {}
            Fix::Command(command) => {
                let _ = write!(text, "\n# {}: {}\n{command}\n", finding.name, finding.cost);
            }
            Fix::Boot(words) => boot.push(words.as_str()),
            Fix::Advice(advice) => {
                let _ = write!(text, "\n# {}, by hand: {advice}\n", finding.name);
            }
        }
    }
    if !boot.is_empty() {
        let words = boot.join(" ");
        let _ = write!(
            text,
            "\n# After the next boot, with these on the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub,\n# then sudo update-grub):\n#   {words}\n"
        );
    }
    text
}
