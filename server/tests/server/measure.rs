//! Figures, printed and not judged:
//! `cargo test --release -p wardkey-server --test server measure -- --ignored --nocapture`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use wardkey_core::codec;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::message::http::Base64;
use wardkey_core::name::LoginName;
use wardkey_core::time::UnixTime;
use wardkey_server::secret;
use wardkey_server::store::person::{self, PersonStatus};
use wardkey_server::store::state;

use super::support::client::Terminal;
use super::support::{Deployment, now};

/// Events in one request.
const BATCH: usize = 128;
/// How long is measured.
const FOR: Duration = Duration::from_secs(10);

fn batch(terminal: &Terminal) -> Vec<Base64> {
    let one = |_| {
        let id = EventId::new(secret::random().unwrap());
        let mut event = Event::new(id, UnixTime(now()), EventName::Heartbeat, Outcome::Success);
        event.terminal = Some(terminal.id);
        event.detail = Some("x".repeat(100));
        Base64(codec::to_bytes(&event))
    };
    (0..BATCH).map(one).collect()
}

/// How long each request of one kind took, and how many were refused.
#[derive(Default)]
struct Times {
    taken: Mutex<Vec<Duration>>,
    refused: AtomicU64,
}

impl Times {
    fn note(&self, begun: Instant, is_done: bool) {
        self.taken.lock().unwrap().push(begun.elapsed());
        self.refused.fetch_add(u64::from(!is_done), Ordering::Relaxed);
    }

    fn line(&self) -> String {
        let mut taken = self.taken.lock().unwrap();
        taken.sort();
        let at = |part: f64| {
            taken
                .get((taken.len() as f64 * part) as usize)
                .or(taken.last())
                .copied()
                .unwrap_or_default()
        };
        format!(
            "{} requests, {} refused, p50 {:?}, p99 {:?}, longest {:?}",
            taken.len(),
            self.refused.load(Ordering::Relaxed),
            at(0.5),
            at(0.99),
            at(1.0)
        )
    }
}

/// Terminals send batches while others read, and an administrator in another process switches a
/// person off and on.
#[test]
#[ignore = "a measurement"]
fn readers_and_a_revocation_beside_senders() {
    let limits = "[limits]\nevents = 100000000\nevent_megabytes = 4000\nterminal = 1000000\n\
        address = 100000";
    for senders in [4, 32] {
        let deployment = Deployment::with(limits);
        for number in 0..50 {
            let login = format!("p{number}");
            deployment.ok(&["person", "add", &login, "--name", "Somebody", "--scope", "icu"]);
        }
        let running = deployment.start();
        let join = |number: usize| deployment.join(&running, &format!("ward-{number}"), &["icu"]);
        let terminals: Vec<Terminal> = (0..senders).map(join).collect();
        let reading: Vec<Terminal> = (100..104).map(join).collect();

        let stop = AtomicBool::new(false);
        let (sent, read, revoked) = (Times::default(), Times::default(), Times::default());
        std::thread::scope(|scope| {
            for terminal in &terminals {
                scope.spawn(|| {
                    while !stop.load(Ordering::SeqCst) {
                        let body = json!({ "events": batch(terminal) });
                        let begun = Instant::now();
                        sent.note(begun, terminal.client.post("/v1/events", &body).status == 200);
                    }
                });
            }
            for terminal in &reading {
                scope.spawn(|| {
                    while !stop.load(Ordering::SeqCst) {
                        let begun = Instant::now();
                        read.note(
                            begun,
                            terminal.client.get("/v1/scopes/icu/changes?since=0").status == 200,
                        );
                        std::thread::sleep(Duration::from_millis(10));
                    }
                });
            }
            scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let store = runtime.block_on(deployment.store());
                let login = LoginName::new("p7").unwrap();
                let mut status = PersonStatus::Disabled;
                while !stop.load(Ordering::SeqCst) {
                    let begun = Instant::now();
                    let done: wardkey_server::error::Result<()> = runtime.block_on(async {
                        let mut tx = store.write().await?;
                        let id = person::get(&mut tx, &login).await?.id;
                        person::set_status(&mut tx, id, status, UnixTime(now())).await?;
                        state::publish_person(&mut tx, id).await?;
                        tx.commit().await?;
                        Ok(())
                    });
                    revoked.note(begun, done.is_ok());
                    status = if status == PersonStatus::Active {
                        PersonStatus::Disabled
                    } else {
                        PersonStatus::Active
                    };
                    std::thread::sleep(Duration::from_millis(100));
                }
                runtime.block_on(store.close());
            });
            std::thread::sleep(FOR);
            stop.store(true, Ordering::SeqCst);
        });
        let stored = sent.taken.lock().unwrap().len() * BATCH;
        println!(
            "{senders} senders of {BATCH} events, {} events a second",
            stored as u64 / FOR.as_secs()
        );
        println!("  events:     {}", sent.line());
        println!("  changes:    {}", read.line());
        println!("  revocation: {}", revoked.line());
    }
}

fn cpu() -> Duration {
    let used = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).unwrap();
    let one = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000)
    };
    one(used.user_time()) + one(used.system_time())
}

/// What a change of one person costs by the number of scopes that it does not concern.
#[test]
#[ignore = "a measurement"]
fn a_change_by_number_of_scopes() {
    for scopes in [3, 1000] {
        let deployment = Deployment::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = deployment.store().await;
            let mut tx = store.write().await.unwrap();
            for number in 2..scopes {
                let name = wardkey_core::name::ScopeName::new(format!("ward{number}")).unwrap();
                wardkey_server::store::scope::add(&mut tx, &name, UnixTime(now())).await.unwrap();
            }
            tx.commit().await.unwrap();
            store.close().await;
        });
        deployment.ok(&["person", "add", "p7", "--name", "Somebody", "--scope", "icu"]);
        let running = deployment.start();
        running.settle();
        const CHANGES: u32 = 50;
        let store = runtime.block_on(deployment.store());
        let login = LoginName::new("p7").unwrap();
        let (mut taken, begun) = (Duration::ZERO, cpu());
        for number in 0..CHANGES {
            runtime.block_on(async {
                let mut tx = store.write().await.unwrap();
                let id = person::get(&mut tx, &login).await.unwrap().id;
                let status =
                    if number % 2 == 0 { PersonStatus::Disabled } else { PersonStatus::Active };
                person::set_status(&mut tx, id, status, UnixTime(now())).await.unwrap();
                state::publish_person(&mut tx, id).await.unwrap();
                tx.commit().await.unwrap();
            });
            let begun = Instant::now();
            running.settle();
            taken += begun.elapsed();
        }
        runtime.block_on(store.close());
        println!(
            "{scopes} scopes: a change is published in {:?}, {:?} of CPU",
            taken / CHANGES,
            (cpu() - begun) / CHANGES
        );
    }
}
