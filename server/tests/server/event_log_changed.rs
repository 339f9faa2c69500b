//! What somebody changes, removes or puts in between is found; and a restore is another log.

use super::backups::sql;
use super::event_log::{beats, check, with_records};
use super::support::client::{Client, Terminal};
use super::support::until;
use super::support::ward::Ward;

/// What keeps rows from being changed by mistake keeps nobody who wants to.
pub const UNLOCK: &str = "DROP TRIGGER event_is_kept; DROP TRIGGER event_is_fixed; \
    DROP TRIGGER event_log_entry_is_kept; DROP TRIGGER event_log_entry_is_fixed; \
    DROP TRIGGER event_log_node_is_kept; DROP TRIGGER event_log_node_is_fixed; \
    PRAGMA foreign_keys = OFF";
/// All of the log, as it was before there was one.
pub const FORGET: &str = "DELETE FROM event_log_entry; DELETE FROM event_log_node; \
    UPDATE event_log SET size = NULL, root = NULL, signed = NULL";

#[test]
fn what_somebody_does_to_the_database_is_found() {
    let deployment = with_records(300);
    let older = deployment.exported("older");
    let kept = std::fs::read(deployment.database()).unwrap();
    let cases: [(&'static [&'static str], &str); 9] = [
        // Changed: what is listed, what the server found, the record itself.
        (&[UNLOCK, "UPDATE event SET person = 'sato' WHERE seq = 3"], "WK-1900"),
        (&[UNLOCK, "UPDATE event SET verdict = 'valid' WHERE seq = 3"], "WK-1900"),
        (
            &[
                UNLOCK,
                "UPDATE event SET document = (SELECT document FROM event WHERE seq = 4)
                 WHERE seq = 3",
            ],
            "WK-1900",
        ),
        // Another order.
        (
            &[
                UNLOCK,
                "UPDATE event SET seq = 1000 WHERE seq = 3",
                "UPDATE event SET seq = 3 WHERE seq = 4",
                "UPDATE event SET seq = 4 WHERE seq = 1000",
            ],
            "WK-1900",
        ),
        // Removed: in the middle, at the end with its entry, and with everybody's hashes.
        (&[UNLOCK, "DELETE FROM event WHERE seq = 3"], "WK-1901"),
        (&[UNLOCK, "DELETE FROM event WHERE seq = 300"], "WK-1901"),
        (
            &[
                UNLOCK,
                "DELETE FROM event_log_entry WHERE event = 300",
                "DELETE FROM event WHERE seq = 300",
            ],
            "WK-1902",
        ),
        // Put in between.
        (
            &[
                UNLOCK,
                "INSERT INTO event (seq, id, received, time, terminal, name, outcome, verdict,
                     document)
                 SELECT -1, randomblob(16), received, time, terminal, name, outcome,
                     verdict, document FROM event WHERE seq = 3",
            ],
            "WK-1900",
        ),
        // The hashes of others.
        (&[UNLOCK, "UPDATE event_log_node SET hash = zeroblob(32)"], "WK-1902"),
    ];
    for (statements, code) in cases {
        sql(&deployment.database(), statements);
        let said = deployment.refused(1, &["log", "verify"]);
        assert!(said.contains(code), "{statements:?}: {said}");
        std::fs::write(deployment.database(), &kept).unwrap();
    }
    // Who makes an export finds what it would write.
    sql(&deployment.database(), &[UNLOCK, "UPDATE event SET verdict = 'valid' WHERE seq = 3"]);
    let to = deployment.folder.path().join("changed");
    let said = deployment.refused(1, &["log", "export", to.to_str().unwrap()]);
    assert!(said.contains("WK-1900") && !to.join("checkpoint").exists(), "{said}");
    std::fs::write(deployment.database(), &kept).unwrap();
    assert_eq!(deployment.log(&["verify"])["intact"], true);

    // Whoever writes all of the log anew is found by an older checkpoint, and by nothing else: that
    // beside the database, and when it is gone too, those elsewhere.
    sql(
        &deployment.database(),
        &[UNLOCK, "UPDATE event SET verdict = 'valid' WHERE seq = 3", FORGET],
    );
    assert!(deployment.refused(1, &["log", "show"]).contains("WK-1950"));
    std::fs::remove_file(deployment.last_checkpoint()).unwrap();
    let newer = deployment.exported("newer");
    deployment.ok(&["log", "verify"]);
    deployment.ok(&check(&newer, &[]));
    let said = deployment.since(&newer, &older).unwrap_err();
    assert!(said.contains("WK-1907"), "{said}");
    // Nor does anybody write over the older export.
    let older = older.to_str().unwrap();
    assert!(deployment.refused(1, &["log", "export", older]).contains("WK-1907"));
}

#[test]
fn what_contradicts_the_last_checkpoint_is_not_signed() {
    let deployment = with_records(300);
    deployment.kept("older");
    sql(
        &deployment.database(),
        &[
            UNLOCK,
            "DELETE FROM event_log_entry WHERE event = 300",
            "DELETE FROM event WHERE seq = 300",
        ],
    );
    for args in [&["log", "show"][..], &["log", "checkpoint"]] {
        assert!(deployment.refused(1, args).contains("WK-1902"));
    }
}

#[test]
fn a_database_that_was_put_back_signs_nothing_until_it_is_another_log() {
    let ward = Ward::new();
    let deployment = &ward.deployment;
    beats(&ward.terminal, 0..100);
    let before = deployment.log(&["show"]);
    let snapshot = deployment.folder.path().join("snapshot.db");
    deployment.copy_database(&snapshot);
    beats(&ward.terminal, 100..200);
    let lost = deployment.kept("lost");
    ward.running.stop();

    deployment.put_back(&snapshot);
    for args in [&["log", "show"][..], &["log", "checkpoint"], &["log", "verify"]] {
        let said = deployment.refused(1, args);
        assert!(said.contains("WK-1950") && said.contains("200"), "{said}");
    }
    let problems = deployment.json(&["status"])["problems"].to_string();
    assert!(problems.contains("WK-1934"), "{problems}");
    // Records go on coming in, also more than were lost; that makes it no older log.
    let running = deployment.start();
    let client = Client::new(&running, Some((&ward.terminal.certificate, &ward.terminal.key)));
    let terminal = Terminal { client, ..ward.terminal };
    beats(&terminal, 1000..1200);
    running.stop();
    assert!(deployment.refused(1, &["log", "show"]).contains("WK-1950"));

    deployment.ok(&["epoch", "raise"]);
    let after = deployment.log(&["show"]);
    assert_ne!(after["origin"], before["origin"]);
    assert_eq!((&after["size"], &deployment.log(&["verify"])["size"]), (&300.into(), &300.into()));
    let new = deployment.exported("new");
    assert!(deployment.since(&new, &lost).unwrap_err().contains("WK-1907"));
    // From before the other log: that has no right to the old name any more.
    deployment.put_back(&snapshot);
    assert!(deployment.refused(1, &["log", "show"]).contains("WK-1950"));

    // What nobody can read is no reason to sign.
    std::fs::write(deployment.last_checkpoint(), "5").unwrap();
    assert!(deployment.refused(1, &["log", "show"]).contains("WK-1951"));
}

#[test]
fn two_logs_of_one_generation_have_two_names() {
    let ward = Ward::new();
    let deployment = &ward.deployment;
    beats(&ward.terminal, 0..10);
    let snapshot = deployment.folder.path().join("snapshot.db");
    deployment.copy_database(&snapshot);
    ward.running.stop();
    let mut names = Vec::new();
    for _ in 0..2 {
        deployment.put_back(&snapshot);
        deployment.ok(&["epoch", "raise", "--at-least", "50"]);
        names.push(deployment.log(&["show"])["origin"].as_str().unwrap().to_owned());
    }
    let (generation, mark) = names[0].rsplit('/').next().unwrap().split_once('-').unwrap();
    assert_eq!((generation, mark.len()), ("50", 16));
    assert!(names[1].contains("/50-"), "{names:?}");
    assert_ne!(names[0], names[1]);
}

#[test]
fn records_from_before_the_log_are_taken_in_when_the_server_starts() {
    let deployment = with_records(700);
    let as_it_was = deployment.log(&["show"]);
    sql(&deployment.database(), &[UNLOCK, FORGET]);
    std::fs::remove_file(deployment.last_checkpoint()).unwrap();
    assert_eq!(deployment.log(&["verify"])["waiting"], 700);
    let running = deployment.start();
    until("all records", || deployment.log(&["verify"])["waiting"] == 0);
    running.stop();
    let again = deployment.log(&["show"]);
    assert_eq!((&again["size"], &again["root"]), (&as_it_was["size"], &as_it_was["root"]));
    assert_eq!(again["checkpoint"], as_it_was["checkpoint"]);
}

#[test]
fn a_restored_server_is_another_log_and_never_one_with_two_histories() {
    let ward = Ward::new();
    let deployment = &ward.deployment;
    beats(&ward.terminal, 0..100);
    let long_ago = deployment.kept("long-ago");
    beats(&ward.terminal, 100..200);
    let (backup, _) = deployment.backup("monday");
    beats(&ward.terminal, 200..300);
    let folder = deployment.exported("log");
    let lost = deployment.kept("lost");
    let before = deployment.log(&["show"]);
    ward.running.stop();
    deployment.ok(&["restore", backup.to_str().unwrap(), "--replace", "--yes"]);

    // It goes on from what is in the backup, under another name.
    let after = deployment.log(&["show"]);
    assert_eq!(after["size"], 200);
    assert_ne!(after["origin"], before["origin"]);
    assert_ne!(after["verifier"], before["verifier"]);
    let to = folder.to_str().unwrap();
    let refused = deployment.refused(1, &["log", "export", to]);
    assert!(refused.contains("WK-1908"), "{refused}");
    assert!(refused.contains(before["origin"].as_str().unwrap()), "{refused}");
    let new = deployment.exported("new");
    let goes_on = deployment.since(&new, &long_ago).unwrap();
    assert_eq!(goes_on["since"]["origin"], before["origin"]);
    assert_eq!(goes_on["origin"], after["origin"]);
    let refused = deployment.since(&new, &lost).unwrap_err();
    assert!(refused.contains("WK-1906"), "{refused}");
    // A key of before is that of another log.
    let key = before["verifier"].as_str().unwrap();
    assert!(deployment.refused(1, &check(&new, &["--key", key])).contains("WK-1908"));

    // And it takes records in; those that were lost do not come back unseen.
    let running = deployment.start();
    let client = Client::new(&running, Some((&ward.terminal.certificate, &ward.terminal.key)));
    let terminal = Terminal { client, ..ward.terminal };
    beats(&terminal, 1000..1200);
    deployment.exported("new");
    deployment.ok(&["log", "verify"]);
    let refused = deployment.since(&new, &lost).unwrap_err();
    assert!(refused.contains("WK-1907"), "{refused}");
    let trail = deployment.rows(&["audit", "list", "--search", "epoch"]);
    let origin = after["origin"].as_str().unwrap();
    let (generation, _) = origin.rsplit('/').next().unwrap().split_once('-').unwrap();
    let restored = trail.as_array().unwrap().iter().find(|row| row["action"] == "restore");
    let detail = restored.unwrap()["detail"].as_str().unwrap();
    assert!(detail.ends_with(&format!("epoch {generation}")), "{detail}");
    running.stop();
}
