//! How long the program takes for a log of logins, and how much memory: `make bench-verify`.
//!
//! The logins are signed by one ES256 and one EdDSA key in turn, as many of each. Arguments: the
//! program, how many records (a million), and where the figures go.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../tests/verify/support.rs"]
#[allow(dead_code)]
mod support;

use std::process::Command;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

use support::{Desk, Log, VERIFIER, by_key};

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [program, rest @ ..] = arguments.as_slice() else { return };
    let count: u64 = rest.first().map_or(1_000_000, |count| count.parse().unwrap());

    let begun = Instant::now();
    let desk = Desk::new();
    let folder = desk.exported("log", &logins(count));
    eprintln!("{count} logins signed and written in {:.1} s", begun.elapsed().as_secs_f64());

    let begun = Instant::now();
    let mut command = Command::new(program);
    command.env("LC_ALL", "C.UTF-8").arg(&folder).args(["--json", "--key", &VERIFIER]);
    let output = command.output().unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["intact"], &report["logins"]["key"]), (&true.into(), &count.into()));

    // Kibibytes, as Linux has it.
    let memory = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() / 1024;
    let figures = serde_json::json!({
        "records": count,
        "seconds": seconds,
        "records_a_second": count as f64 / seconds,
        "memory_mib": memory,
        "processors": std::thread::available_parallelism().unwrap().get(),
    });
    println!("{figures:#}");
    if let Some(to) = rest.get(1) {
        std::fs::write(to, format!("{figures:#}\n")).unwrap();
    }
}

/// Logins, a second apart, signed by two threads.
fn logins(count: u64) -> Log {
    let sign = |key: u8| (0..count).skip(key.into()).step_by(2).map(move |at| by_key(key + 1, at));
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| sign(0).collect::<Vec<_>>());
        let other = sign(1).collect::<Vec<_>>();
        (one.join().unwrap(), other)
    });
    let mut log = Log::new(0);
    let mut others = other.iter();
    for event in &one {
        log.push(event);
        others.next().into_iter().for_each(|event| log.push(event));
    }
    log
}
