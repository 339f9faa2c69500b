//! A deployment's server under its whole fleet: memory, time and work of what happens on a bad
//! Monday. The server is the program that is shipped, in a process of its own; terminals are
//! simulated here, each with its own certificate and connection over TLS on the loopback.
//!
//! `make bench-server` prints a table and writes `target/bench/server.json`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod deployment;
mod fleet;
mod intake;
mod meter;
mod report;
mod terminal;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use deployment::{Deployment, Size};
use fleet::Fleet;
use report::{Intake, ManyScopes, OneScope, Report};

/// What to measure.
#[derive(Parser)]
struct Options {
    /// The server's program, as it is shipped.
    #[arg(long)]
    server: PathBuf,
    /// Where to write the figures.
    #[arg(long)]
    out: PathBuf,
    /// Terminals.
    #[arg(long, default_value_t = 10_000)]
    terminals: usize,
    /// People.
    #[arg(long, default_value_t = 100_000)]
    people: usize,
    /// Scopes, where there are many.
    #[arg(long, default_value_t = 1_000)]
    scopes: usize,
    /// Seconds of idleness that are measured.
    #[arg(long, default_value_t = 60)]
    idle: u64,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(measure(&options));
    report.write(&options.out);
    println!("{}", report.table());
    println!("Written: {}", options.out.display());
}

async fn measure(options: &Options) -> Report {
    let mut report = Report { terminals: options.terminals, ..Report::default() };
    for terminals in growing(options.terminals) {
        let size = Size { terminals, scopes: 1, people: 100 };
        let (one, fleet) = one_scope(options, size).await;
        report.growth_of_terminals.push((terminals, fleet, one.last_s));
        report.one_scope = one;
    }
    for scopes in growing(options.scopes) {
        let people = (options.people * scopes / options.scopes).max(scopes);
        let terminals = (options.terminals * scopes / options.scopes).max(scopes);
        many_scopes(options, Size { terminals, scopes, people }, &mut report).await;
    }
    report.intake = intake(options).await;
    report
}

/// A hundredth, a tenth, and all.
fn growing(most: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = [most / 100, most / 10, most].into();
    sizes.retain(|size| *size > 0);
    sizes
}

/// All terminals in one scope: how much memory they take, and when the last one has a revocation.
async fn one_scope(options: &Options, size: Size) -> (OneScope, f64) {
    say(format!("{} terminals in one scope", size.terminals));
    let deployment = Deployment::new(&options.server, size);
    let identities = deployment.join_all().await;
    let server = deployment.start();
    let mut fleet = Fleet::start(deployment.address(), identities);
    fleet.all_are_up().await;
    settle().await;
    let memory = server.meter().memory_mb();
    let mut last: Vec<f64> = Vec::new();
    for _ in 0..5 {
        last.push(fleet.revocation(&deployment, 0).await.0);
        settle().await;
    }
    fleet.stop().await;
    (OneScope { last_s: median(&mut last) }, memory)
}

/// As many scopes as wards: what a change in one of them costs, what all terminals cost that
/// connect, and what a terminal costs that joins.
async fn many_scopes(options: &Options, size: Size, report: &mut Report) {
    say(format!(
        "{} terminals and {} people in {} scopes",
        size.terminals, size.people, size.scopes
    ));
    let deployment = Deployment::new(&options.server, size);
    let identities = deployment.join_all().await;
    let mut server = deployment.start();
    report.growth_of_scopes.push((
        size.scopes,
        size.people,
        server.started_in(),
        server.meter().memory_mb(),
    ));

    let begun = Instant::now();
    let mut fleet = Fleet::start(deployment.address(), identities);
    fleet.all_are_up().await;
    report.connect_s = begun.elapsed().as_secs_f64();
    settle().await;
    report.memory_mb = server.meter().memory_mb();

    let before = server.meter().cpu_s();
    tokio::time::sleep(Duration::from_secs(options.idle)).await;
    report.idle_cpu_s = (server.meter().cpu_s() - before) * 60.0 / options.idle.max(1) as f64;

    let (mut last, mut cpu) = (Vec::new(), Vec::new());
    for scope in 0..5.min(size.scopes) {
        let before = server.meter().cpu_s();
        last.push(fleet.revocation(&deployment, scope).await.0);
        settle().await;
        cpu.push(server.meter().cpu_s() - before);
    }
    report.many_scopes = ManyScopes { last_s: median(&mut last), cpu_s: median(&mut cpu) };

    fleet.forget_who_is_up();
    server.kill();
    server = deployment.start();
    let begun = Instant::now();
    fleet.all_are_up().await;
    report.reconnect_s = begun.elapsed().as_secs_f64();

    fleet.stop().await;
    settle().await;
    report.join_cpu_ms = fleet::joins(&deployment, &server).await;
}

/// Verified logins from many senders at once, and a revocation meanwhile.
async fn intake(options: &Options) -> Intake {
    say("verified logins of 32 terminals".to_owned());
    let size = Size { terminals: intake::SENDERS + 1, scopes: 1, people: 100 };
    let deployment = Deployment::new(&options.server, size);
    let identities = deployment.join_all().await;
    let _server = deployment.start();
    intake::measure(&deployment, identities).await
}

/// What is still under way ends.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn say(what: String) {
    eprintln!("bench: {what}");
}
