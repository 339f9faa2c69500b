//! Restoring: terminals follow, what was handed out is void, what was disabled is disabled again.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use wardkey_core::document::{Head, TerminalDocument};
use wardkey_core::message::http::{Base64, ScopeState, WaitReply};
use wardkey_core::sign;

use super::backups::{rewrite, sql};
use super::support::backups::tree;
use super::support::client::{Client, Terminal, state};
use super::support::{Deployment, Running};

pub fn add(deployment: &Deployment, login: &str) {
    deployment.ok(&["person", "add", login, "--name", login, "--scope", "icu"]);
}

/// What a terminal has of its only scope, with the head.
fn have(terminal: &Terminal, running: &Running) -> ScopeState {
    running.settle();
    let reply: WaitReply = terminal.wait(&[], 0).json();
    let head: Head = sign::peek(&reply.heads[0].0).unwrap();
    ScopeState { head: Some(Base64(reply.heads[0].0.clone())), ..state(&head) }
}

/// The same terminal at another server.
fn at(running: &Running, terminal: Terminal) -> Terminal {
    let client = Client::new(running, Some((&terminal.certificate, &terminal.key)));
    Terminal { client, ..terminal }
}

pub fn restore<'a>(backup: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["restore", backup.to_str().unwrap()], more].concat()
}

/// The root key as the papers have it.
pub fn root_of(deployment: &Deployment, backup: &Path) -> String {
    let check = deployment.json(&restore(backup, &["--check"]));
    check["contents"]["root_key"].as_str().unwrap().to_owned()
}

#[test]
fn terminals_that_were_ahead_follow_a_restored_server() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    add(&deployment, "hanako");
    let (backup, recipient) = deployment.backup("monday");
    // Much happens after: the terminal sees newer heads and newer documents of its own.
    for name in ["a", "b", "c"] {
        add(&deployment, name);
        deployment.ok(&["terminal", "set", "ward-1", "--add-scope", "er"]);
        deployment.ok(&["terminal", "set", "ward-1", "--remove-scope", "er"]);
    }
    let seen = have(&terminal, &running);
    let number = 7;
    running.stop();
    let root = root_of(&deployment, &backup);

    deployment.lose();
    // A new machine has no keys.
    assert!(deployment.refused(1, &restore(&backup, &["--yes"])).contains("WK-1857"));
    assert!(!deployment.folder.path().join("data/wardkey.db").exists());
    let identity = recipient.file.to_str().unwrap();
    let done =
        deployment.json(&restore(&backup, &["--identity", identity, "--root", &root, "--yes"]));
    assert_eq!((&done["restored"], &done["report"]["keys"]), (&true.into(), &"backup".into()));

    let running = deployment.start();
    let terminal = at(&running, terminal);
    let ahead = seen.clone();
    let reply: WaitReply = terminal.wait_with(&[ahead], number, 0, 0).json();
    let head: Head = sign::peek(&reply.heads[0].0).unwrap();
    assert!(head.epoch > seen.epoch, "above everything that was seen");
    let document: TerminalDocument = sign::peek(&reply.terminal.unwrap().0).unwrap();
    assert!(document.number > number, "{}", document.number);
    assert_eq!(terminal.changes("icu", 0).changes.len(), 1, "hanako, as in the backup");

    // It is said which terminal was ahead, once.
    terminal.wait_with(&[seen], number, 0, 0);
    let trail = deployment.rows(&["audit", "list", "--object", &terminal.id.to_hex()]);
    let ahead: Vec<&str> = trail
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["action"] == "restore.terminal-ahead")
        .map(|row| row["detail"].as_str().unwrap())
        .collect();
    assert_eq!(ahead, ["icu 1.6, the backup 1.3"]);
    assert_eq!(running.anyone().get("/readyz").status, 200);

    // A second restore of the same backup is above the first one.
    running.stop();
    std::thread::sleep(Duration::from_millis(1100));
    let again = deployment.json(&restore(&backup, &["--replace", "--yes"]));
    assert!(again["report"]["epoch"].as_u64().unwrap() > head.epoch);
}

#[test]
fn codes_tokens_and_passes_of_before_are_void() {
    let deployment = Deployment::new();
    add(&deployment, "hanako");
    deployment.ok(&["scope", "set", "icu", "--passes", "8h"]);
    deployment.ok(&["code", "add", "hanako"]);
    let token = deployment.ok(&["terminal", "token", "--scope", "icu"]);
    deployment.ok(&["pass", "add", "hanako", "--reason", "at home", "--scope", "icu"]);
    deployment.ok(&["api-key", "add", "shift", "--role", "help-desk", "--scope", "icu"]);
    let (backup, _) = deployment.backup("monday");
    // One that was deleted comes back with the rest, and holds no more.
    let id = deployment.rows(&["api-key", "list"])[0]["id"].as_str().unwrap().to_owned();
    deployment.ok(&["api-key", "delete", &id]);
    let done = deployment.json(&restore(&backup, &["--replace", "--yes"]));
    assert_eq!(deployment.rows(&["api-key", "list"])[0]["status"], "disabled");
    let count = |name: &str| done["report"][name].as_u64().unwrap();
    assert_eq!((count("codes"), count("tokens"), count("passes")), (1, 1, 1));

    let running = deployment.start();
    assert!(Terminal::join(&running, &token, "ward-1", b"ward-1").is_err());
    assert!(deployment.rows(&["code", "list"])[0]["used"].is_number());
    let pass = &deployment.rows(&["pass", "list"])[0];
    assert_eq!(pass["ended_by"], "administrator", "{pass}");
    // Terminals hear of the end of the pass.
    let terminal = deployment.join(&running, "ward-2", &["icu"]);
    let mut copy = super::publishing::Copy::default();
    let (head, _) = copy.sync(&terminal, "icu");
    assert_eq!(head.root, copy.root());
    assert!(copy.person("hanako").unwrap().pass.is_none());
}

#[test]
fn what_was_disabled_since_is_disabled_again_and_the_trail_goes_on() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    running.stop();
    ["off", "gone", "back", "stays"].iter().for_each(|login| add(&deployment, login));
    let (backup, _) = deployment.backup("monday");
    deployment.ok(&["person", "disable", "off", "--reason", "left"]);
    deployment.ok(&["person", "delete", "gone"]);
    deployment.ok(&["person", "disable", "back"]);
    deployment.ok(&["person", "enable", "back"]);
    deployment.ok(&["terminal", "disable", "ward-1"]);
    add(&deployment, "new");
    deployment.ok(&["person", "disable", "new"]);
    let rows = deployment.json(&["audit", "verify"])["rows"].as_u64().unwrap();
    let data = deployment.folder.path().join("data");

    // Nobody is there to ask, and nobody has said yes.
    let before = std::fs::read(deployment.database()).unwrap();
    let said = deployment.refused(1, &restore(&backup, &["--replace"]));
    assert!(said.contains("WK-1861") && said.contains("off"), "{said}");
    assert_eq!(std::fs::read(deployment.database()).unwrap(), before);
    assert!(deployment.refused(1, &restore(&backup, &["--yes"])).contains("WK-1855"));

    // A rehearsal says the same and leaves no trace.
    let files = tree(&data);
    let check = deployment.json(&restore(&backup, &["--check"]));
    assert_eq!(check["restored"], false);
    assert_eq!(tree(&data), files);

    let done = deployment.json(&restore(&backup, &["--replace", "--yes", "--reason", "disk"]));
    for replayed in [&check["replayed"], &done["report"]["replayed"]] {
        assert_eq!(replayed["people"], serde_json::json!(["gone", "off"]));
        assert_eq!(replayed["terminals"], serde_json::json!([terminal.id.to_hex()]));
        assert_eq!(replayed["unknown"], serde_json::json!(["new"]));
        assert_eq!(replayed["lost"], serde_json::json!({ "person.add": 1 }));
    }
    let status = |login: &str| deployment.json(&["person", "show", login])["status"].clone();
    assert_eq!(
        (status("off"), status("back"), status("stays")),
        ("disabled".into(), "active".into(), "active".into())
    );
    assert!(deployment.refused(1, &["person", "show", "gone"]).contains("not known"));
    assert_eq!(deployment.json(&["terminal", "show", "ward-1"])["status"], "revoked");
    // All rows of before are there, then what the restore did.
    let verified = deployment.json(&["audit", "verify"])["rows"].as_u64().unwrap();
    assert_eq!(verified, rows + 4, "{:?}", deployment.actions());
    let aside = Path::new(done["aside"].as_str().unwrap());
    assert_eq!(std::fs::read(aside).unwrap(), before);
}

#[test]
fn a_newer_trail_alone_says_what_was_disabled() {
    let deployment = Deployment::new();
    add(&deployment, "hanako");
    let (monday, _) = deployment.backup("monday");
    deployment.ok(&["person", "disable", "hanako"]);
    let (tuesday, _) = deployment.backup("tuesday");
    let other = Deployment::new();
    let (stranger, _) = other.backup("other");
    let root = root_of(&deployment, &monday);
    deployment.lose();

    std::fs::create_dir_all(deployment.folder.path().join("data")).unwrap();
    let keys = deployment.folder.path().join("lost/keys");
    Command::new("cp").arg("-a").arg(&keys).arg(deployment.config().keys).status().unwrap();
    let trail =
        |path: &Path| ["--yes".to_owned(), "--trail".into(), path.to_str().unwrap().to_owned()];
    // Of another deployment, changed on the way, or older than the backup.
    let refused = |from: &Path, path: &Path| {
        let more = trail(path);
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let said = deployment.refused(1, &restore(from, &more));
        assert!(said.contains("WK-1860"), "{said}");
        assert!(!deployment.database().exists());
    };
    refused(&monday, &stranger);
    refused(&tuesday, &monday);
    let changed = deployment.folder.path().join("changed.jsonl");
    let text = std::fs::read_to_string(tuesday.join("trail.jsonl")).unwrap();
    std::fs::write(&changed, text.replace("person.disable", "person.enabled")).unwrap();
    refused(&monday, &changed);

    let more = trail(&tuesday);
    let more: Vec<&str> = more.iter().map(String::as_str).chain(["--root", &root]).collect();
    deployment.ok(&restore(&monday, &more));
    assert_eq!(deployment.json(&["person", "show", "hanako"])["status"], "disabled");
}

#[test]
fn nothing_is_restored_under_a_running_server_or_over_another_deployment() {
    let deployment = Deployment::new();
    let (backup, _) = deployment.backup("monday");
    let running = deployment.start();
    let said = deployment.refused(1, &restore(&backup, &["--replace", "--yes"]));
    assert!(said.contains("WK-1856"), "{said}");
    // A rehearsal disturbs nobody.
    deployment.ok(&restore(&backup, &["--check"]));
    assert_eq!(running.anyone().get("/readyz").status, 200);
    running.stop();

    let other = Deployment::new();
    let said = other.refused(1, &restore(&backup, &["--replace", "--yes"]));
    assert!(said.contains("WK-1858"), "{said}");
    // The keys of the backup beside another database.
    std::fs::remove_dir_all(other.config().keys).unwrap();
    let keys = deployment.config().keys;
    Command::new("cp").arg("-a").arg(&keys).arg(other.config().keys).status().unwrap();
    let said = other.refused(1, &restore(&backup, &["--replace", "--yes"]));
    assert!(said.contains("WK-1862"), "{said}");
}

#[test]
fn a_backup_of_an_older_version_is_brought_up_to_date() {
    let deployment = Deployment::new();
    add(&deployment, "hanako");
    let (backup, _) = deployment.backup("monday");
    let old = [
        "DROP TRIGGER event_is_kept; CREATE TRIGGER event_is_kept BEFORE DELETE ON event
             BEGIN SELECT RAISE (ABORT, 'events are not deleted'); END;
         DROP TRIGGER event_log_entry_is_kept;
         DROP TABLE event_log_pruned; DROP TABLE log_prune; DROP TABLE log_archive",
        "DROP TABLE restored_scope",
        "DROP TABLE event_log; DROP TABLE event_log_entry; DROP TABLE event_log_node",
        "DROP INDEX audit_action; DROP INDEX credential_suspected; DROP INDEX intake_noted;
         DROP INDEX join_token_replaces",
        "DROP TABLE terminal_tag; DROP TABLE terminal_position; DROP TABLE log_witness",
        "DROP INDEX event_name; DROP INDEX pass_begins; ALTER TABLE event DROP COLUMN stage",
        "ALTER TABLE terminal DROP COLUMN deleted",
        "ALTER TABLE terminal DROP COLUMN root_version; ALTER TABLE terminal DROP COLUMN came_by",
        "ALTER TABLE terminal DROP COLUMN issuer;
         ALTER TABLE terminal DROP COLUMN certificate_begin",
        "ALTER TABLE credential DROP COLUMN suspicion_cleared",
        "ALTER TABLE credential DROP COLUMN min_pin_length;
         ALTER TABLE credential DROP COLUMN own_name",
        "DROP TABLE loan; DROP INDEX person_loaner; ALTER TABLE person DROP COLUMN kind;
         ALTER TABLE person DROP COLUMN latin_name",
        "DROP TABLE api_answer; DROP TABLE api_key_scope; DROP TABLE api_key",
        "DROP TABLE break_glass_use; DROP TABLE break_glass",
        "DROP TABLE administrator_scope; DROP TABLE administrator",
        "DROP TABLE web_session; DROP TABLE web_challenge; DROP TABLE desk_session;
         DROP TABLE record_destination;
         DROP TABLE desk_session_ended; DROP TABLE desk_doubt",
        "DROP INDEX credential_disabled; ALTER TABLE credential DROP COLUMN disabled",
        "DELETE FROM _sqlx_migrations WHERE version >= 10",
    ];
    sql(&backup.join("wardkey.db"), Box::leak(Box::new(old)));
    rewrite(&deployment, &backup, |manifest| manifest["contents"]["schema"] = 9.into());
    deployment.ok(&restore(&backup, &["--replace", "--yes"]));
    assert_eq!(deployment.json(&["person", "show", "hanako"])["status"], "active");
    // One that does not hold what it says is refused all the same.
    rewrite(&deployment, &backup, |manifest| {
        manifest["contents"]["counts"]["people"] = 5.into();
    });
    let said = deployment.refused(1, &restore(&backup, &["--replace", "--yes"]));
    assert!(said.contains("WK-1853") && said.contains("manifest"), "{said}");
}

#[test]
fn a_restore_that_is_killed_is_done_again() {
    let deployment = Deployment::new();
    add(&deployment, "hanako");
    let (backup, _) = deployment.backup("monday");
    add(&deployment, "taro");
    let (mut before, mut after) = (0, 0);
    for wait in (0..80).map(|n| Duration::from_millis(n * 2)) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wardkey-server"))
            .arg("--config")
            .arg(deployment.path())
            .args(restore(&backup, &["--replace", "--yes"]))
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(wait);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(deployment.database().exists(), "there is the old one or the new one");
        deployment.ok(&["audit", "verify"]);
        match deployment.rows(&["person", "list"]).as_array().unwrap().len() {
            2 => before += 1,
            1 => {
                after += 1;
                add(&deployment, "taro");
            }
            count => panic!("{count} people"),
        }
    }
    println!("{before} as it was, {after} restored");
    assert!(before > 0, "none was killed before its end");
    deployment.ok(&restore(&backup, &["--replace", "--yes"]));
    assert_eq!(deployment.rows(&["person", "list"]).as_array().unwrap().len(), 1);
    assert!(!deployment.folder.path().join("data/.wardkey.db.partial").exists());
}

#[test]
fn a_copy_that_goes_on_by_itself_is_noticed_where_it_is_behind() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    add(&deployment, "hanako");
    running.stop();
    let copy = deployment.folder.path().join("copy.db");
    std::fs::copy(deployment.database(), &copy).unwrap();
    // Two servers over two copies: this one goes on.
    add(&deployment, "taro");
    let running = deployment.start();
    let terminal = at(&running, terminal);
    let seen = have(&terminal, &running);
    running.stop();

    // Yesterday's database put back by hand; and the same number of other changes.
    for changes in [0, 1] {
        let database = deployment.database();
        std::fs::copy(&copy, &database).unwrap();
        (0..changes).for_each(|_| add(&deployment, "jiro"));
        let running = deployment.start();
        let here = Client::new(&running, Some((&terminal.certificate, &terminal.key)));
        let body = serde_json::json!({
            "scopes": [&seen], "root_version": 1, "terminal_number": 1, "terminal_issued": u32::MAX,
            "hold": 0,
        });
        let refused = here.post("/v1/wait", &body).refusal();
        assert_eq!(refused, (503, "WK-1111".into()), "{changes}");
        assert_eq!(running.anyone().get("/readyz").status, 503);
        running.stop();
    }
}
