//! What stays when records were pruned: everything that can be proved, compared, listed and
//! restored.

use std::future::{Future, poll_fn};
use std::path::Path;
use std::task::Poll;

use serde_json::Value;
use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::log_archive::PrunedEntry;
use wardkey_server::clock::Clock;
use wardkey_server::keyring::Keyring;
use wardkey_server::log::archive::{self, Pruning};
use wardkey_server::store::audit::Actor;
use wardkey_tlog::bundle;

use super::archives::{code, event, later, operation, retention, send, wait};
use super::event_log::check;
use super::events::login;
use super::support::ward::Ward;
use super::support::{Deployment, now};

/// What a report says when some of its records are in an archive alone.
const ARCHIVED: &str = "that were moved to archives";

/// Names of the events that are listed, and how many of each.
fn names(deployment: &Deployment) -> (usize, usize) {
    let rows = deployment.rows(&["events", "list", "--limit", "10000"]);
    let count =
        |name: &str| rows.as_array().unwrap().iter().filter(|row| row["event"] == name).count();
    (count("login"), count("offline"))
}

fn checked(deployment: &Deployment, folder: &Path) -> Value {
    deployment.json(&check(folder, &[]))
}

#[test]
fn a_class_goes_and_all_that_stays_can_be_proved() {
    let (deployment, terminal, clock) = later(700);
    let before = deployment.exported("before");
    let file = deployment.archived("a.wka");
    let would = deployment.pruning(&file, &operation(), &clock, true).unwrap();
    assert_eq!((would.records, would.act, names(&deployment)), (466, None, (234, 466)));

    let counted = deployment.ok(&["report", "coverage"]);
    let done = deployment.prune(&file, &operation(), &clock).unwrap();
    assert_eq!((done.records, done.act, done.archive), (466, Some(1), Some(1)));
    assert_eq!(done.kept.not_due, 233, "all logins but the newest record, which is not looked at");
    assert_eq!(done.classes.into_iter().collect::<Vec<_>>(), [("operation", 466)]);
    assert_eq!(names(&deployment), (234, 0));
    let acts = deployment.actions();
    assert_eq!(acts[..2], ["archive.pruned", "archive.prune"]);
    assert_eq!(deployment.json(&["archive", "show", "1"])["pruned"], 466);
    // A report that counts such records says that they are elsewhere; no other does.
    assert!(!counted.contains(ARCHIVED), "{counted}");
    let counted = deployment.ok(&["report", "coverage"]);
    assert!(counted.contains(ARCHIVED), "{counted}");
    let coverage = deployment.json(&["report", "coverage"]);
    assert_eq!(coverage["period"]["archived_before"], coverage["period"]["to"]);
    let logins = deployment.json(&["report", "logins"]);
    assert_eq!(logins["period"].get("archived_before"), None);
    // Twice is once.
    let again = deployment.prune(&file, &operation(), &clock).unwrap();
    assert_eq!((again.records, again.act), (0, None));

    let verified = deployment.log(&["verify"]);
    assert_eq!((&verified["size"], &verified["pruned"]), (&700.into(), &466.into()));
    let after = deployment.exported("after");
    assert_eq!(checked(&deployment, &after)["pruned"], 466);
    // It goes on from what was exported before; and what was exported before loses the records.
    deployment.since(&after, &before).unwrap();
    assert_eq!(checked(&deployment, &before)["pruned"], 0);
    deployment.ok(&["log", "export", before.to_str().unwrap()]);
    assert_eq!(checked(&deployment, &before)["pruned"], 466);
    let tile = "tile/entries/000";
    assert_eq!(std::fs::read(before.join(tile)).unwrap(), std::fs::read(after.join(tile)).unwrap());

    // One more record that is missing is nobody's act, and so is one that is there again.
    let bytes = std::fs::read(after.join(tile)).unwrap();
    let mut entries: Vec<Vec<u8>> =
        bundle::entries(&bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect();
    assert_eq!(PrunedEntry::act_of(&entries[0]), None);
    entries[0] = codec::to_bytes(&PrunedEntry { act: 1 });
    let mut changed = Vec::new();
    assert!(entries.iter().all(|entry| bundle::append(&mut changed, entry)));
    std::fs::write(after.join(tile), changed).unwrap();
    assert!(deployment.refused(1, &check(&after, &[])).contains("WK-1697"));
    std::fs::write(after.join(tile), bytes).unwrap();
    checked(&deployment, &after);
    std::fs::remove_file(after.join("pruned.cbor")).unwrap();
    assert!(deployment.refused(1, &check(&after, &[])).contains("WK-1697"));

    // Proofs: of what stays, and of what went, with the archive.
    let proof = deployment.folder.path().join("record.tlog-proof");
    for (number, name) in [(3, "login"), (4, "offline")] {
        let id = event(&terminal, number, 0).id.to_hex();
        let mut args = vec!["log", "prove", id.as_str()];
        if name == "offline" {
            assert!(deployment.refused(1, &args).contains("WK-1696"));
            args.extend(["--archive", file.to_str().unwrap()]);
        }
        std::fs::write(&proof, deployment.ok(&args) + "\n").unwrap();
        let proved = deployment.json(&["log", "check", proof.to_str().unwrap()]);
        let line = proved["line"].as_str().unwrap();
        assert!(line.contains(&id) && line.contains(&format!("event={name}")), "{line}");
    }
}

#[test]
fn records_that_come_again_are_known_and_new_ones_follow() {
    let ward = Ward::new();
    let sent = now();
    send(&ward.terminal, sent, 0..300);
    wait(&ward.deployment, &ward.running);
    let file = ward.deployment.archived("a.wka");
    let clock = ward.running.clock.clone();
    let folder = ward.deployment.exported("log");
    // While the server runs.
    ward.deployment.prune(&file, &operation(), &clock).unwrap();
    assert_eq!(names(&ward.deployment), (100, 1), "the newest record stays");
    send(&ward.terminal, sent, 0..300);
    assert_eq!(names(&ward.deployment), (100, 1));
    send(&ward.terminal, sent, 300..400);
    let verified = ward.deployment.log(&["verify"]);
    assert_eq!((&verified["size"], &verified["pruned"]), (&400.into(), &199.into()));
    assert!(ward.deployment.json(&["status"])["ready"].as_bool().is_some());

    // What an export of before had in a bundle that has grown since is gone with the next one.
    let narrow = folder.join("tile/entries/001.p/44");
    assert!(narrow.exists());
    ward.deployment.ok(&["log", "export", folder.to_str().unwrap()]);
    assert!(!narrow.exists() && folder.join("tile/entries/001.p/144").exists());
    assert_eq!(checked(&ward.deployment, &folder)["pruned"], 199);

    // The next archive begins behind; one from the beginning on would lack what was pruned.
    let next = ward.deployment.archived("b.wka");
    let first = ward.deployment.json(&["archive", "verify", next.to_str().unwrap()]);
    assert_eq!((&first["first"], &first["size"]), (&300.into(), &400.into()));
    let all = ward.deployment.folder.path().join("all.wka");
    let said =
        ward.deployment.refused(1, &["archive", "create", all.to_str().unwrap(), "--from", "0"]);
    assert!(said.contains("WK-1694") && said.contains("298"), "{said}");
}

#[test]
fn the_newest_use_of_a_key_stays_so_that_a_copy_is_found() {
    let (ward, key) = Ward::with_key();
    let sent = now();
    let use_at = |time: u64, counter: u32| login(&key, ward.terminal.id, time, counter);
    let post = |event: &wardkey_core::event::Event| {
        let events = [wardkey_core::message::http::Base64(codec::to_bytes(event))];
        let body = serde_json::json!({ "events": events });
        ward.terminal.client.post("/v1/events", &body)
    };
    for (ago, counter) in [(100, 5), (60, 6), (20, 7)] {
        assert_eq!(post(&use_at(sent - ago, counter)).status, 200);
    }
    send(&ward.terminal, sent, 1..3);
    wait(&ward.deployment, &ward.running);
    let file = ward.deployment.archived("a.wka");
    let clock = ward.running.clock.clone();
    let kept = retention("logins = \"30d\"\noperation = \"30d\"");
    let done = ward.deployment.prune(&file, &kept, &clock).unwrap();
    assert_eq!((done.records, done.kept.compared), (3, 1));

    // A copy of the key, which has not heard of the last use.
    assert_eq!(post(&use_at(clock.now().0 - 10, 6)).status, 200);
    assert!(ward.deployment.actions().contains(&"key.clone-suspected".to_owned()));
    // While the suspicion stands, no use of the key goes, also when it is deleted.
    wait(&ward.deployment, &ward.running);
    send(&ward.terminal, sent, 3..4);
    let next = ward.deployment.archived("b.wka");
    let pruned =
        || ward.deployment.pruning(&next, &kept, &ward.running.clock, true).unwrap().kept.compared;
    assert_eq!(pruned(), 1);
    let keys = ward.deployment.rows(&["key", "list"]);
    let fingerprint = keys[0]["fingerprint"].as_str().unwrap();
    ward.deployment.ok(&["key", "delete", &fingerprint[..16], "--reason", "a copy of it"]);
    assert_eq!(pruned(), 1);
}

#[test]
fn backups_and_restores_know_what_was_pruned_and_what_was_not() {
    let (deployment, _, clock) = later(300);
    let (whole, _) = deployment.backup("whole");
    let file = deployment.archived("a.wka");
    deployment.prune(&file, &operation(), &clock).unwrap();
    let (pruned, _) = deployment.backup("pruned");
    assert_eq!(names(&deployment), (100, 1));

    let restore = |from: &Path| {
        let args = ["restore", from.to_str().unwrap(), "--replace", "--yes", "--reason", "a test"];
        deployment.ok(&args);
    };
    // A backup of after the pruning: the gaps are there, and the log holds.
    restore(&pruned);
    assert_eq!(deployment.log(&["verify"])["pruned"], 199);
    assert_eq!(checked(&deployment, &deployment.exported("one"))["pruned"], 199);
    // One of before has everything again, knows of no archive, and the same one serves once more.
    restore(&whole);
    assert_eq!(
        (names(&deployment), &deployment.log(&["verify"])["pruned"]),
        ((100, 200), &0.into())
    );
    assert_eq!(deployment.rows(&["archive", "list"]), serde_json::json!([]));
    let done = deployment.prune(&file, &operation(), &clock).unwrap();
    assert_eq!((done.records, done.archive), (199, Some(1)));
    assert_eq!(checked(&deployment, &deployment.exported("two"))["pruned"], 199);
    // The next archive goes on from this one, which nobody has made here.
    assert_eq!(deployment.json(&["status"])["archive"], Value::Null);
    let next = deployment.folder.path().join("b.wka");
    let said = deployment.refused(1, &["archive", "create", next.to_str().unwrap()]);
    assert!(said.contains("WK-1692"), "{said}");
}

#[test]
fn what_a_restore_lost_is_in_no_archive_of_the_log_that_goes_on() {
    let ward = Ward::new();
    send(&ward.terminal, now(), 0..10);
    let (backup, _) = ward.deployment.backup("monday");
    send(&ward.terminal, now(), 10..20);
    wait(&ward.deployment, &ward.running);
    let clock = ward.running.clock.clone();
    let lost = ward.deployment.archived("lost.wka");
    ward.running.stop();
    let deployment = ward.deployment;
    deployment.ok(&["restore", backup.to_str().unwrap(), "--replace", "--yes"]);
    let refused = deployment.prune(&lost, &operation(), &clock);
    assert!(matches!(code(refused), Code::ArchiveOther | Code::ClockForPruning));
    let said = deployment.refused(1, &["archive", "verify", lost.to_str().unwrap()]);
    assert!(said.contains("WK-1691"), "{said}");
}

/// Prunes until something is gone, and is killed then.
fn killed(deployment: &Deployment, file: &Path, clock: &Clock) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (config, store) = (deployment.config(), deployment.store().await);
        let (keyring, actor, retention) = (Keyring::at(&config.keys), Actor::server(), operation());
        let pruning = Pruning {
            store: &store,
            keyring: &keyring,
            actor: &actor,
            clock,
            retention: &retention,
            reason: None,
            is_rehearsal: false,
            anyway: true,
        };
        {
            let mut pruned = std::pin::pin!(archive::prune(&pruning, file));
            // It goes on only when it is polled: one part is committed between two looks.
            loop {
                let polled = poll_fn(|cx| Poll::Ready(pruned.as_mut().poll(cx).is_ready())).await;
                assert!(!polled, "it was not interrupted");
                let mut tx = store.read().await.unwrap();
                let acts = wardkey_server::store::archive::acts(&mut tx).await.unwrap();
                if acts.first().is_some_and(|act| act.records > 0) {
                    break;
                }
            }
        }
        store.close().await;
    });
}

#[test]
fn whoever_is_killed_while_pruning_goes_on_later_and_everything_holds_in_between() {
    let (deployment, _, clock) = later(2000);
    let file = deployment.archived("a.wka");
    killed(&deployment, &file, &clock);
    let gone = deployment.log(&["verify"])["pruned"].as_u64().unwrap();
    assert!(gone > 0 && gone < 1332, "{gone}");
    let folder = deployment.exported("log");
    assert_eq!(checked(&deployment, &folder)["pruned"], gone);

    let told = |act: &&String| *act == "archive.pruned";
    assert_eq!(deployment.actions().iter().filter(told).count(), 0);
    let done = deployment.prune(&file, &operation(), &clock).unwrap();
    assert_eq!((done.records, done.act), (1332 - gone, Some(2)));
    assert_eq!(deployment.actions().iter().filter(told).count(), 2, "also of what was interrupted");
    let trail = deployment.rows(&["audit", "list"]).to_string();
    assert!(trail.contains(&format!("act 1: {gone} records")), "{trail}");
    assert_eq!(deployment.log(&["verify"])["pruned"], 1332);
    deployment.ok(&["log", "export", folder.to_str().unwrap()]);
    assert_eq!(checked(&deployment, &folder)["pruned"], 1332);
    assert_eq!(deployment.json(&["archive", "show", "1"])["pruned"], 1332);
}
