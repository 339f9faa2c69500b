//! The root key is exchanged while terminals follow.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use wardkey_core::sign::SigningKey;
use wardkey_core::token::JoinToken;
use wardkey_server::keyring::Secret;

use super::event_log::beats;
use super::fleet::again;
use super::publish_key::{keyring, path};
use super::publishing::{add, ward};
use super::support::Deployment;
use super::support::backups::Recipient;
use super::support::follower::{Follower, is_all_signed_by};

fn root_key(deployment: &Deployment) -> SigningKey {
    keyring(deployment).signing(Secret::Root).unwrap()
}

fn shown(deployment: &Deployment) -> (u64, u64, u64, bool) {
    let shown = deployment.json(&["root-key", "show"]);
    let number = |key: &str| shown[key].as_u64().unwrap();
    (number("root_version"), number("have"), number("terminals"), shown["here"] == true)
}

#[test]
fn terminals_follow_a_new_root_key_at_once_or_when_they_are_back() {
    let (deployment, running, one) = ward();
    add(&deployment, "hanako", &["icu"]);
    running.settle();
    let two = deployment.join(&running, "ward-2", &["icu"]);
    let (mut first, mut second) = (Follower::new(&running, &one), Follower::new(&running, &two));
    first.follow(&one);
    second.follow(&two);
    let (old, publish) = (root_key(&deployment), first.keys()[0]);
    // Somebody keeps a copy of the old key.
    let kept = deployment.folder.path().join("old.key");
    std::fs::copy(path(&deployment, "root.key"), &kept).unwrap();

    // One waits for news; the other is away.
    let open = deployment.json(&["token", "add", "--scope", "icu"]);
    let instead = deployment.json(&["token", "add", "--replace", "ward-2"]);
    let reply = std::thread::scope(|scope| {
        let held = scope.spawn(|| first.ask(&one, 50));
        let done = deployment.json(&["root-key", "rotate", "--reason", "yearly"]);
        let said = (&done["root_version"], &done["terminals"], &done["tokens"]);
        assert_eq!(said, (&json!(2), &json!(2), &json!(2)));
        held.join().unwrap()
    });
    first.take(&reply);
    let new = root_key(&deployment);
    assert_ne!(new.public(), old.public());
    assert_eq!((first.root.version, first.root.root_key), (2, new.public()));
    is_all_signed_by(&reply, publish);
    assert!(!path(&deployment, "root.next.key").exists());

    // The old key signs no more; what is made now goes on from the new one.
    for command in ["publish-key", "root-key"] {
        let by_old = [command, "rotate", "--root-key", kept.to_str().unwrap()];
        assert!(deployment.refused(1, &by_old).contains("WK-1831"));
    }
    deployment.ok(&["publish-key", "rotate"]);
    deployment.ok(&["root-key", "rotate"]);

    // Who has not followed is named.
    running.stop();
    assert_eq!(shown(&deployment), (4, 0, 2, true));
    let running = deployment.start();
    let (one, two) = (again(one, &running), again(two, &running));
    first.follow(&one);
    assert!(first.ask(&one, 0).roots.is_empty(), "and says so");
    running.stop();
    assert_eq!(shown(&deployment), (4, 1, 2, true));
    let behind = deployment.rows(&["terminal", "list", "--old-root"]);
    assert_eq!((&behind[0]["name"], behind.as_array().unwrap().len()), (&json!("ward-2"), 1));

    // Back after all three steps, it takes them one after the other.
    let running = deployment.start();
    let two = again(two, &running);
    let reply = second.follow(&two);
    assert_eq!((reply.roots.len(), second.root.version), (3, 4));
    assert_eq!(second.root.root_key, root_key(&deployment).public());

    // A token of before joins nobody; one of now is bound to the new key.
    for token in [open, instead] {
        let listed = deployment.json(&["token", "show", token["id"].as_str().unwrap()]);
        assert_eq!(listed["status"], "withdrawn");
    }
    let made = deployment.json(&["token", "add", "--scope", "icu"]);
    let token = JoinToken::from_text(made["token"].as_str().unwrap()).unwrap();
    assert!(token.is_for(&second.root.root_key).unwrap());
    assert!(!token.is_for(&old.public()).unwrap());
    let three = deployment.join(&running, "ward-3", &["icu"]);
    assert_eq!(Follower::new(&running, &three).root.version, 4);

    let exchanged: Vec<String> = deployment.actions();
    let exchanged: Vec<&String> = exchanged.iter().filter(|act| act.contains("-key.")).collect();
    assert_eq!(exchanged, ["root-key.rotate", "publish-key.rotate", "root-key.rotate"]);
    deployment.ok(&["audit", "verify"]);
}

#[test]
fn a_new_root_key_goes_into_a_file_for_its_recipients_and_leaves_nothing_here() {
    let (deployment, running, terminal) = ward();
    let mut follower = Follower::new(&running, &terminal);
    let folder = deployment.folder.path();
    let recipient = Recipient::new(folder);
    let (one, two) = (folder.join("one.age"), folder.join("two.age"));
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
    let identity = recipient.file.to_str().unwrap();
    let to = ["--recipient", &recipient.text];

    // Nobody could open it, or it would be in the place of another.
    deployment.refused(2, &["root-key", "rotate", "--to", one]);
    deployment.refused(2, &["root-key", "rotate", "--recipient", &recipient.text]);
    std::fs::write(two, "theirs").unwrap();
    deployment.refused(3, &[&["root-key", "rotate", "--to", two][..], &to].concat());
    assert_eq!(std::fs::read_to_string(two).unwrap(), "theirs");
    assert_eq!(shown(&deployment).0, 1, "nothing was changed");
    std::fs::remove_file(two).unwrap();

    let done = deployment.json(&[&["root-key", "rotate", "--to", one][..], &to].concat());
    assert_eq!((&done["path"], shown(&deployment)), (&json!(one), (2, 0, 1, false)));
    assert!(!path(&deployment, "root.key").exists(), "the old one is gone, too");
    assert!(!path(&deployment, "root.next.key").exists());
    assert!(deployment.refused(1, &["publish-key", "rotate"]).contains("WK-1830"));
    let by = ["--root-key", one, "--identity", identity];
    deployment.ok(&[&["publish-key", "rotate"][..], &by].concat());
    let next = [&["root-key", "rotate", "--to", two][..], &to, &by].concat();
    deployment.ok(&next);
    assert!(deployment.refused(1, &next).contains("WK-1831"), "the first file is of no use now");
    let by = ["--root-key", two, "--identity", identity];
    deployment.ok(&[&["publish-key", "retire", "--anyway"][..], &by].concat());
    running.settle();
    follower.follow(&terminal);
    assert_eq!(follower.root.version, 5);
    assert_eq!(follower.root.root_key.to_hex(), deployment.json(&["root-key", "show"])["root_key"]);
}

/// Records are believed by the key of the log; whoever checks them needs no word of the root key.
#[test]
fn the_log_and_what_was_exported_of_it_hold_before_and_after() {
    let (deployment, running, terminal) = ward();
    beats(&terminal, 0..3);
    let log = deployment.json(&["log", "show"]);
    let kept = deployment.folder.path().join("kept.checkpoint");
    std::fs::write(&kept, format!("{}\n", deployment.ok(&["log", "checkpoint"]))).unwrap();
    let (before, after) =
        (deployment.folder.path().join("before"), deployment.folder.path().join("after"));
    let (before, after) = (before.to_str().unwrap(), after.to_str().unwrap());
    deployment.ok(&["log", "export", before]);

    deployment.ok(&["root-key", "rotate"]);
    running.settle();
    beats(&terminal, 3..5);
    let now = deployment.json(&["log", "show"]);
    assert_eq!((&now["origin"], &now["verifier"]), (&log["origin"], &log["verifier"]));
    deployment.ok(&["log", "export", after]);
    let key = log["verifier"].as_str().unwrap();
    for export in [before, after] {
        deployment.ok(&["log", "check", export, "--key", key]);
    }
    deployment.ok(&["log", "check", after, "--key", key, "--since", kept.to_str().unwrap()]);
    deployment.ok(&["log", "verify"]);

    // A backup has the new key where it lies here, and restores with it.
    let (backup, recipient) = deployment.backup("later");
    running.stop();
    let root = deployment.json(&["root-key", "show"]);
    deployment.lose();
    let identity = recipient.file.to_str().unwrap();
    let restore = ["restore", backup.to_str().unwrap(), "--identity", identity, "--yes"];
    let first = SigningKey::from_secret(&[9; 32]).public().to_hex();
    let other = [&restore[..], &["--root", &first]].concat();
    assert!(deployment.refused(1, &other).contains("WK-1864"));
    let papers = root["root_key"].as_str().unwrap();
    deployment.ok(&[&restore[..], &["--root", papers]].concat());
    assert_eq!(shown(&deployment), (2, 0, 1, true));
    deployment.ok(&["root-key", "rotate"]);
}

/// The folder as each moment of an exchange leaves it when the command ends there.
#[test]
fn a_command_that_ends_at_any_step_leaves_a_root_key_that_signs() {
    let (deployment, running, terminal) = ward();
    let mut follower = Follower::new(&running, &terminal);
    running.stop();
    let (own, next) = (path(&deployment, "root.key"), path(&deployment, "root.next.key"));
    let private = |path: &Path, bytes: &[u8]| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(path, bytes).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    };

    // Before the commit: a key lies there that nobody names.
    let named = deployment.json(&["root-key", "show"])["root_key"].clone();
    keyring(&deployment).make_next_root().unwrap();
    assert_eq!(deployment.json(&["root-key", "show"])["root_key"], named);
    let old = std::fs::read(&own).unwrap();
    deployment.ok(&["root-key", "rotate"]);
    assert!(!next.exists());

    // After it: the next one is the root key, wherever it lies. Each command finds it.
    for command in [&["publish-key", "rotate"][..], &["root-key", "rotate"]] {
        let key = std::fs::read(&own).unwrap();
        std::fs::rename(&own, &next).unwrap();
        private(&own, &old);
        let shown = deployment.json(&["root-key", "show"]);
        assert_eq!(shown["here"], true);
        deployment.ok(command);
        assert!(!next.exists());
        assert_eq!(key == std::fs::read(&own).unwrap(), command[0] == "publish-key");
    }
    // So does a start, an export and a backup.
    let key = std::fs::read(&own).unwrap();
    std::fs::rename(&own, &next).unwrap();
    private(&own, &old);
    let (backup, recipient) = deployment.backup("between");
    deployment.ok(&["restore", backup.to_str().unwrap(), "--check"]);
    let file = deployment.folder.path().join("exported.age");
    let export = ["root-key", "export", file.to_str().unwrap(), "--recipient", &recipient.text];
    deployment.ok(&export);
    assert_eq!(std::fs::read(&own).unwrap(), key);
    std::fs::rename(&own, &next).unwrap();
    private(&own, &old);
    let running = deployment.start();
    assert_eq!((std::fs::read(&own).unwrap(), next.exists()), (key, false), "a start tidies");

    // The new key was written elsewhere, and the old one not yet removed.
    let identity = recipient.file.to_str().unwrap();
    let away = deployment.folder.path().join("away.age");
    let away = away.to_str().unwrap();
    let here = std::fs::read(&own).unwrap();
    deployment.ok(&["root-key", "rotate", "--to", away, "--recipient", &recipient.text]);
    private(&own, &here);
    assert_eq!(deployment.json(&["root-key", "show"])["here"], false);
    assert!(deployment.refused(1, &["publish-key", "retire"]).contains("WK-1830"));
    assert!(!own.exists(), "a key of before is of no use");
    let by = ["--root-key", away, "--identity", identity];
    deployment.ok(&[&["publish-key", "retire", "--anyway"][..], &by].concat());
    running.settle();
    let terminal = again(terminal, &running);
    follower.follow(&terminal);
    assert_eq!(*follower.root, running.root());
}

#[test]
fn kill_9_at_any_moment_of_an_exchange_of_the_root_key_leaves_one_that_goes_on() {
    let (deployment, running, terminal) = ward();
    let mut follower = Follower::new(&running, &terminal);
    follower.follow(&terminal);
    running.stop();
    let mut terminal = terminal;
    for delay in (0..12).map(|step| Duration::from_millis(step * 5)) {
        deployment.killed_after(delay, &["root-key", "rotate"]);

        assert_eq!(deployment.json(&["root-key", "show"])["here"], true, "{delay:?}");
        let running = deployment.start();
        terminal = again(terminal, &running);
        follower.follow(&terminal);
        let newest = running.root();
        assert_eq!(*follower.root, newest, "{delay:?}");
        assert_eq!(root_key(&deployment).public(), newest.root_key, "{delay:?}");
        running.stop();
        deployment.ok(&["audit", "verify"]);
    }
    // What is left signs.
    let done = deployment.json(&["publish-key", "rotate", "--stolen"]);
    assert_eq!(done["root_version"], follower.root.version + 1);
}

#[test]
fn the_last_root_document_is_kept_for_a_theft_of_the_publish_key() {
    let deployment = Deployment::new();
    for left in (2..=15).rev() {
        assert_eq!(deployment.json(&["root-key", "show"])["left"], left);
        deployment.ok(&["root-key", "rotate"]);
    }
    assert!(deployment.refused(1, &["root-key", "rotate"]).contains("WK-1835"));
    deployment.ok(&["publish-key", "rotate", "--stolen"]);
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let mut follower = Follower::new(&running, &terminal);
    follower.follow(&terminal);
    assert_eq!(follower.root.version, 16);
    assert_eq!(deployment.json(&["root-key", "show"])["since_version"], 15);
}

#[test]
fn after_a_lost_root_key_terminals_go_on_and_join_again_one_by_one() {
    let (deployment, running, one) = ward();
    add(&deployment, "hanako", &["icu"]);
    running.settle();
    let mut first = Follower::new(&running, &one);
    first.follow(&one);
    let publish = first.keys()[0];
    let lost = ["root-key", "rotate", "--lost"];
    assert!(deployment.refused(1, &lost).contains("WK-1643"));
    std::fs::remove_file(path(&deployment, "root.key")).unwrap();
    let done = deployment.json(&lost);
    assert_eq!((&done["root_version"], &done["terminals"]), (&json!(2), &json!(1)));
    assert_eq!(done["root_key"], root_key(&deployment).public().to_hex());
    running.settle();

    // A terminal of before is told nothing that it cannot take, and goes on.
    let reply = first.ask(&one, 0);
    assert!(reply.roots.is_empty());
    add(&deployment, "taro", &["icu"]);
    running.settle();
    let reply = first.follow(&one);
    is_all_signed_by(&reply, publish);
    assert_eq!(first.root.version, 1);
    running.stop();
    assert_eq!(shown(&deployment), (2, 0, 1, true));
    assert_eq!(deployment.rows(&["terminal", "list", "--old-root"])[0]["name"], "ward-1");

    // One that joins begins with the new chain, and follows it.
    let running = deployment.start();
    let two = deployment.join(&running, "ward-2", &["icu"]);
    let mut second = Follower::new(&running, &two);
    assert_eq!((second.root.version, second.root.root_key), (2, root_key(&deployment).public()));
    second.follow(&two);
    deployment.ok(&["root-key", "rotate"]);
    let reply = second.follow(&two);
    assert_eq!((reply.roots.len(), second.root.version), (1, 3));
    let (one, _) = (again(one, &running), two);
    assert!(first.follow(&one).roots.is_empty());
    let shown = deployment.json(&["root-key", "show"]);
    assert_eq!((&shown["since_version"], &shown["left"]), (&json!(3), &json!(14)));
    assert_eq!(deployment.actions()[..1], ["root-key.rotate"]);
    assert!(deployment.actions().contains(&"root-key.lost".to_owned()));
    deployment.ok(&["audit", "verify"]);
    let (backup, _) = deployment.backup("anew");
    deployment.ok(&["restore", backup.to_str().unwrap(), "--check"]);
}
