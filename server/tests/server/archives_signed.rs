//! What explains that a record is missing: an act that the key of the log signed, and nothing else.

use jiff::tz::TimeZone;
use wardkey_core::codec;
use wardkey_core::event::Event;
use wardkey_core::log_archive::{PruneAct, PrunedEntry};
use wardkey_core::sign::{self, SigningKey};
use wardkey_server::admin::{Operation, publish_key};
use wardkey_server::clock::Clock;
use wardkey_server::keyring::{Keyring, Secret};
use wardkey_server::store::archive;
use wardkey_server::store::audit::Actor;
use wardkey_tlog::bundle;

use super::archives::{event, later, operation, retention, send, wait};
use super::backups::sql;
use super::event_log::check;
use super::events;
use super::support::ward::Ward;
use super::support::{Deployment, now};

/// Takes the record at place 3, which is a login, out of the database as an act would: no rule of
/// the database is broken.
const GAP: &[&str] = &[
    "INSERT INTO event_log_pruned (position, event, id, hash, document, prune)
     SELECT entry.position, entry.event, event.id, entry.hash, event.id, 1
     FROM event_log_entry AS entry JOIN event ON event.seq = entry.event
     WHERE entry.position = 3",
    "DELETE FROM event_log_entry WHERE position = 3",
    "DELETE FROM event WHERE seq = (SELECT event FROM event_log_pruned WHERE position = 3)",
];

/// Makes a record that nobody has sent yet pass for one that was pruned.
const KNOWN: &[&str] =
    &["INSERT INTO event_log_pruned (position, event, id, hash, document, prune)
     SELECT position, event + 1000, randomblob(16), hash, hash, 1
     FROM event_log_entry WHERE position = 3"];

fn refuses(deployment: &Deployment, words: &str) {
    let said = deployment.refused(1, &["log", "verify"]);
    assert!(said.contains("WK-1697") && said.contains(words), "{said}");
}

/// Changes the act in the database to what another key signs.
fn sign_act(deployment: &Deployment, key: &SigningKey, change: impl FnOnce(&mut PruneAct)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = deployment.store().await;
        let mut tx = store.write().await.unwrap();
        let stored = archive::acts(&mut tx).await.unwrap().remove(0);
        let mut act = sign::peek::<PruneAct>(&stored.signed).unwrap();
        change(&mut act);
        archive::put_act(&mut tx, act.number, act.records, &key.sign(&act)).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    });
}

#[test]
fn whoever_writes_the_database_and_has_no_key_makes_no_gap_that_holds() {
    let (deployment, _, clock) = later(60);
    let kept = std::fs::read(deployment.database()).unwrap();
    // By no act at all.
    sql(&deployment.database(), GAP);
    refuses(&deployment, "act 1");
    std::fs::write(deployment.database(), kept).unwrap();

    let file = deployment.archived("a.wka");
    assert_eq!(deployment.prune(&file, &operation(), &clock).unwrap().records, 39);
    assert_eq!(deployment.log(&["verify"])["pruned"], 39);
    let kept = std::fs::read(deployment.database()).unwrap();
    // A record that is there, by its place, and that is not, by its id: it would pass for known.
    sql(&deployment.database(), KNOWN);
    refuses(&deployment, "act 1");
    std::fs::write(deployment.database(), &kept).unwrap();
    // By an act that pruned others.
    sql(&deployment.database(), GAP);
    refuses(&deployment, "act 1");
    let to = deployment.exported("changed");
    let said = deployment.refused(1, &check(&to, &[]));
    assert!(said.contains("WK-1697"), "the list says what was signed: {said}");
    // With what the row says, and what another key signs.
    sql(&deployment.database(), &["UPDATE log_prune SET records = records + 1"]);
    refuses(&deployment, "not signed");
    let other = SigningKey::from_secret(&[3; 32]);
    let grow = |act: &mut PruneAct| {
        let mut places: Vec<u64> = (0..59).filter(|place| place % 3 != 0).collect();
        places.insert(2, 3);
        let mut digest = wardkey_core::log_archive::PruneDigest::default();
        places.into_iter().for_each(|place| digest.add(place));
        (act.records, act.places) = (digest.records, digest.places);
    };
    sign_act(&deployment, &other, grow);
    refuses(&deployment, "not signed");
    let to = deployment.folder.path().join("other");
    let said = deployment.refused(1, &["log", "export", to.to_str().unwrap()]);
    assert!(said.contains("WK-1697") && !to.join("checkpoint").exists(), "{said}");
    // Whoever has the key can: these are the places and the number that count.
    let config = deployment.config();
    let keyring = Keyring::at(&config.keys);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let secret = runtime.block_on(async {
        let store = deployment.store().await;
        let mut tx = store.read().await.unwrap();
        let (_, root) = wardkey_server::store::setting::roots(&mut tx).await.unwrap();
        drop(tx);
        store.close().await;
        keyring.log_secret(&root).unwrap()
    });
    sign_act(&deployment, &SigningKey::from_secret(&secret), |_| ());
    assert_eq!(deployment.log(&["verify"])["pruned"], 40);

    std::fs::write(deployment.database(), kept).unwrap();
    assert_eq!(deployment.log(&["verify"])["pruned"], 39);
}

/// Replaces the publish key as stolen, at the time of a clock.
fn stolen(deployment: &Deployment, clock: &Clock) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (config, store) = (deployment.config(), deployment.store().await);
        let (keyring, actor) = (Keyring::at(&config.keys), Actor::server());
        let root_key = keyring.signing(Secret::Root).unwrap();
        let by = publish_key::By { root_key: &root_key, keyring: &keyring, clock };
        let mut tx = store.write().await.unwrap();
        let (now, zone) = (clock.now(), TimeZone::UTC);
        let reason = Some("a test");
        let mut op = Operation { tx: &mut tx, actor: &actor, now, reason, zone: &zone };
        publish_key::rotate_stolen(&mut op, by).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    });
}

#[test]
fn after_a_theft_acts_of_before_count_and_older_archives_are_pruned_by() {
    let (deployment, _, clock) = later(60);
    let file = deployment.archived("a.wka");
    deployment.prune(&file, &operation(), &clock).unwrap();
    let key = deployment.log(&["show"])["verifier"].clone();
    stolen(&deployment, &clock);
    assert_ne!(deployment.log(&["show"])["verifier"], key);
    assert_eq!(deployment.log(&["verify"])["pruned"], 39);

    // The stolen key signed the archive, and its records are those of this log all the same.
    let said = deployment.refused(1, &["archive", "verify", file.to_str().unwrap()]);
    assert!(said.contains("WK-1904"), "{said}");
    let all = retention("logins = \"30d\"\noperation = \"30d\"");
    let done = deployment.prune(&file, &all, &clock).unwrap();
    assert_eq!((done.records, done.act, done.archive), (20, Some(2), Some(1)));
    assert_eq!(deployment.log(&["verify"])["pruned"], 59);
    let folder = deployment.exported("after");
    assert_eq!(deployment.json(&check(&folder, &[]))["pruned"], 59);
}

#[test]
fn another_record_under_the_id_of_a_pruned_one_is_not_taken_for_it() {
    let ward = Ward::new();
    let sent = now();
    send(&ward.terminal, sent, 0..30);
    wait(&ward.deployment, &ward.running);
    let file = ward.deployment.archived("a.wka");
    ward.deployment.prune(&file, &operation(), &ward.running.clock).unwrap();

    let own: Event = event(&ward.terminal, 4, sent);
    assert_eq!(events::send(&ward.terminal, std::slice::from_ref(&own)).accepted.len(), 1);
    let other = Event { service: Some("sudo".into()), ..own };
    let reply = events::send(&ward.terminal, std::slice::from_ref(&other));
    assert_eq!((reply.accepted.len(), reply.refused.len()), (0, 1));
    assert_eq!(reply.refused[0].id.0, other.id.as_bytes());
    assert!(ward.deployment.actions().contains(&"event.set-aside".to_owned()));
}

#[test]
fn a_list_does_not_begin_anew_behind_a_record_that_was_pruned() {
    let (deployment, _, clock) = later(30);
    let list = ["events", "list", "--limit", "5", "--after"];
    // The fifth record is how a terminal is, the fourth a login.
    let page = |after: &str| deployment.cli(&[&list[..], &[after]].concat());
    assert!(page("5").status.success() && page("4").status.success());
    let file = deployment.archived("a.wka");
    deployment.prune(&file, &operation(), &clock).unwrap();
    assert!(page("4").status.success());
    let said = deployment.refused(1, &[&list[..], &["5"]].concat());
    assert!(said.contains("no such page"), "{said}");
}

#[test]
fn a_changed_record_stays_and_holds_up_no_other() {
    let (deployment, _, clock) = later(60);
    let file = deployment.archived("a.wka");
    sql(
        &deployment.database(),
        &["DROP TRIGGER event_is_fixed", "UPDATE event SET received = received - 1 WHERE seq = 2"],
    );
    let done = deployment.prune(&file, &operation(), &clock).unwrap();
    assert_eq!((done.records, done.kept.changed, done.changed), (38, 1, Some(2)));
    assert_eq!(done.verdict().unwrap_err().code().number(), 1900);
    let said = deployment.refused(1, &["log", "verify"]);
    assert!(said.contains("WK-1900") && said.contains(" 2"), "{said}");
}

#[test]
fn an_export_that_was_interrupted_says_so_and_the_next_one_makes_it_whole() {
    let (deployment, _, clock) = later(300);
    let (folder, whole) = (deployment.exported("log"), deployment.exported("whole"));
    let file = deployment.archived("a.wka");
    deployment.prune(&file, &operation(), &clock).unwrap();
    deployment.ok(&["log", "export", whole.to_str().unwrap()]);
    assert!(!whole.join(".unfinished").exists());

    // As far as one came that was killed: a tile without its records, and no list yet.
    let tile = "tile/entries/000";
    let bytes = std::fs::read(whole.join(tile)).unwrap();
    let has_gaps = |bytes: &[u8]| {
        let entries = bundle::entries(bytes).unwrap();
        entries.into_iter().any(|entry| PrunedEntry::act_of(entry).is_some())
    };
    assert!(has_gaps(&bytes) && !has_gaps(&std::fs::read(folder.join(tile)).unwrap()));
    std::fs::write(folder.join(tile), &bytes).unwrap();
    let said = deployment.refused(1, &check(&folder, &[]));
    assert!(said.contains("WK-1697") && !said.contains("interrupted"), "{said}");
    std::fs::write(folder.join(".unfinished"), "").unwrap();
    let said = deployment.refused(1, &check(&folder, &[]));
    assert!(said.contains("WK-1697") && said.contains("interrupted"), "{said}");
    // What stood in the place of the full tile before, and was not removed any more.
    let narrower = folder.join("tile/entries/000.p");
    std::fs::create_dir(&narrower).unwrap();
    std::fs::write(narrower.join("7"), codec::sha256(b"records").as_bytes()).unwrap();

    deployment.ok(&["log", "export", folder.to_str().unwrap()]);
    assert_eq!(deployment.json(&check(&folder, &[]))["pruned"], 199);
    assert!(!folder.join(".unfinished").exists() && !narrower.exists());
}
