//! The publish key is exchanged while terminals follow, or replaced after a theft.

use std::path::PathBuf;

use serde_json::{Value, json};
use wardkey_core::document::Head;
use wardkey_core::id::SigningPublicKey;
use wardkey_core::message::http::{Base64, ScopeState, TimeReply};
use wardkey_core::server_time::ServerTime;
use wardkey_core::sign::{self, SigningKey};
use wardkey_core::time::UnixTime;
use wardkey_server::keyring::{Keyring, Secret};

use super::event_log::beats;
use super::fleet::again;
use super::publishing::{add, ward};
use super::support::Deployment;
use super::support::backups::Recipient;
use super::support::client::{Terminal, state};
use super::support::follower::{Follower, is_all_signed_by};

pub fn keyring(deployment: &Deployment) -> Keyring {
    Keyring::at(deployment.config().keys)
}

/// What a thief has copied.
pub fn publish_key(deployment: &Deployment) -> SigningKey {
    keyring(deployment).signing(Secret::Publish).unwrap()
}

pub fn time_by(terminal: &Terminal, key: SigningPublicKey) {
    let nonce = Base64(vec![7; 32]);
    let reply: TimeReply = terminal.client.post("/v1/time", &json!({ "nonce": nonce })).json();
    sign::verify::<ServerTime>(&reply.signed.0, &[key]).unwrap();
}

fn problems(deployment: &Deployment) -> Vec<String> {
    let problems = deployment.json(&["status"])["problems"].clone();
    let code = |problem: &Value| problem["code"].as_str().unwrap().to_owned();
    problems.as_array().unwrap().iter().map(code).collect()
}

/// How many of how many terminals have the newest root document.
fn have(deployment: &Deployment) -> (u64, u64) {
    let shown = deployment.json(&["publish-key", "show"]);
    (shown["have"].as_u64().unwrap(), shown["terminals"].as_u64().unwrap())
}

pub fn path(deployment: &Deployment, name: &str) -> PathBuf {
    keyring(deployment).folder().join(name)
}

#[test]
fn terminals_follow_at_once_or_when_they_are_back_and_the_old_key_is_retired_after_them() {
    let (deployment, running, one) = ward();
    add(&deployment, "hanako", &["icu"]);
    running.settle();
    let two = deployment.join(&running, "ward-2", &["icu"]);
    let (mut first, mut second) = (Follower::new(&running, &one), Follower::new(&running, &two));
    first.follow(&one);
    second.follow(&two);
    let old = first.keys()[0];

    // One waits for news; the other is away.
    let reply = std::thread::scope(|scope| {
        let held = scope.spawn(|| first.ask(&one, 50));
        let done = deployment.json(&["publish-key", "rotate", "--reason", "yearly"]);
        assert_eq!((&done["root_version"], &done["terminals"]), (&json!(2), &json!(2)));
        held.join().unwrap()
    });
    first.take(&reply);
    let [named, new] = first.keys() else { panic!("{:?}", first.keys()) };
    let new = *new;
    assert_eq!((first.root.version, *named), (2, old));
    is_all_signed_by(&reply, new);
    assert!(reply.terminal.is_some(), "also where nothing but the key is new");
    time_by(&one, new);
    assert!(first.ask(&one, 0).roots.is_empty(), "it has it now, and says so");
    assert_eq!(publish_key(&deployment).public(), new, "the old secret is gone");
    assert!(!path(&deployment, "publish.next.key").exists());
    assert!(deployment.refused(1, &["publish-key", "rotate"]).contains("WK-1832"));

    // What terminals say is written when the server stops, at the latest.
    running.stop();
    assert_eq!(have(&deployment), (1, 2));
    let behind = deployment.rows(&["terminal", "list", "--old-root"]);
    assert_eq!((&behind[0]["name"], behind.as_array().unwrap().len()), (&json!("ward-2"), 1));
    assert_eq!(deployment.json(&["terminal", "show", "ward-1"])["root_version"], 2);
    assert!(problems(&deployment).contains(&"WK-1840".into()));
    assert!(deployment.refused(1, &["publish-key", "retire"]).contains("WK-1834"));

    // A terminal that is revoked is not waited for.
    deployment.ok(&["terminal", "disable", "ward-2"]);
    assert_eq!(have(&deployment), (1, 1));
    deployment.ok(&["terminal", "enable", "ward-2"]);
    assert!(deployment.unheard(&["publish-key", "retire", "--anyway"]).contains("WK-"));
    assert!(!problems(&deployment).contains(&"WK-1840".into()));

    // Back after both steps, it takes them one after the other.
    let running = deployment.start();
    let (one, two) = (again(one, &running), again(two, &running));
    let reply = second.follow(&two);
    assert_eq!((reply.roots.len(), second.root.version), (2, 3));
    is_all_signed_by(&reply, new);
    first.follow(&one);
    assert_eq!((first.keys(), second.keys()), (&[new][..], &[new][..]));
    assert!(deployment.refused(1, &["publish-key", "retire"]).contains("WK-1833"));
    let actions = deployment.actions();
    let exchanged: Vec<&String> =
        actions.iter().filter(|action| action.starts_with("publish-key")).collect();
    assert_eq!(exchanged, ["publish-key.retire", "publish-key.rotate"]);
    deployment.ok(&["audit", "verify"]);
    // A terminal that joins now has the whole chain.
    let three = deployment.join(&running, "ward-3", &["icu"]);
    let mut third = Follower::new(&running, &three);
    is_all_signed_by(&third.follow(&three), new);
}

#[test]
fn after_a_theft_the_old_key_counts_for_nothing_and_every_number_is_above_the_thief_s() {
    let (deployment, running, terminal) = ward();
    add(&deployment, "hanako", &["icu"]);
    running.settle();
    let mut follower = Follower::new(&running, &terminal);
    follower.follow(&terminal);
    let thief = publish_key(&deployment);
    let (before, number) = (follower.heads["icu"].clone(), follower.document.number);
    beats(&terminal, 0..3);
    let log = deployment.json(&["log", "show"]);
    assert_eq!(log["size"], 3);
    let kept = deployment.folder.path().join("kept.checkpoint");
    std::fs::write(&kept, format!("{}\n", deployment.ok(&["log", "checkpoint"]))).unwrap();
    let old = deployment.folder.path().join("old-export");
    let old = old.to_str().unwrap();
    deployment.ok(&["log", "export", old]);

    let args = ["publish-key", "rotate", "--stolen", "--reason", "server broken into"];
    let done = deployment.json(&args);
    let reply = follower.follow(&terminal);
    let [new] = follower.keys() else { panic!("{:?}", follower.keys()) };
    assert_ne!(*new, thief.public());
    is_all_signed_by(&reply, *new);
    let head = &follower.heads["icu"];
    assert_eq!(json!(head.epoch), done["epoch"]);
    assert!(head.epoch >= before.issued.0 && follower.document.number >= before.issued.0);
    assert!(follower.document.number > number);
    assert_eq!((head.root, head.count), (before.root, before.count), "the same people");
    time_by(&terminal, *new);

    // What the thief signs is worth nothing to the terminal ...
    let forged = Head { seq: head.seq + 100, ..head.clone() };
    let signed = thief.sign(&forged);
    sign::verify::<Head>(&signed, follower.keys()).unwrap_err();
    // ... nor to the server: it would stop publishing for a head that it has signed.
    let claim = ScopeState { head: Some(Base64(signed)), ..state(&forged) };
    assert_eq!(terminal.wait(&[claim], 0).status, 200);
    assert_eq!(running.anyone().get("/readyz").status, 200);

    // Whoever has the publish key has the key of the log that was made from it.
    let after = deployment.json(&["log", "show"]);
    assert_ne!(after["origin"], log["origin"]);
    let key = |shown: &Value| {
        let verifier = shown["verifier"].as_str().unwrap();
        verifier.rsplit('+').next().unwrap().to_owned()
    };
    assert_ne!(key(&after), key(&log));
    assert_eq!(after["size"], log["size"], "and no record is lost");
    deployment.ok(&["log", "verify"]);
    let export = deployment.folder.path().join("export");
    let (export, kept) = (export.to_str().unwrap(), kept.to_str().unwrap());
    deployment.ok(&["log", "export", export]);
    // What that key signed is neither the log's nor a stranger's: by the server's own database, and
    // to an auditor, who has the new key, by the new export.
    let check = ["log", "check", export, "--since", kept];
    let by_new = [&check[..], &["--key", after["verifier"].as_str().unwrap()]].concat();
    let stolen: [&[&str]; 4] = [&["log", "check", old], &["log", "export", old], &check, &by_new];
    let since = UnixTime(follower.root.issued.0);
    for args in stolen {
        let said = deployment.refused(1, args);
        assert!(said.contains("WK-1962") && said.contains(&since.to_rfc3339()), "{said}");
    }
    let by_old = [&check[..], &["--since-key", log["verifier"].as_str().unwrap()]].concat();
    assert_eq!(deployment.json(&by_old)["since"]["key_stolen"], since.0);
    let output = deployment.cli(&by_old);
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(warned.contains(&since.to_rfc3339()), "{warned}");
    assert_eq!(deployment.actions()[..2], ["epoch.raise", "publish-key.stolen"]);
}

#[test]
fn the_log_keeps_name_and_key_through_an_exchange_and_a_restore() {
    let (deployment, running, _terminal) = ward();
    let log = deployment.json(&["log", "show"]);
    let (early, _) = deployment.backup("early");
    deployment.ok(&["publish-key", "rotate"]);
    deployment.ok(&["publish-key", "retire", "--anyway"]);
    running.settle();
    let after = deployment.json(&["log", "show"]);
    assert_eq!((&after["origin"], &after["verifier"]), (&log["origin"], &log["verifier"]));

    // A backup of before has other keys than this machine.
    let (late, recipient) = deployment.backup("late");
    running.stop();
    let early = ["restore", early.to_str().unwrap(), "--check"];
    assert!(deployment.refused(1, &early).contains("WK-1858"));
    let root = deployment.json(&["publish-key", "show"]);
    deployment.lose();
    let key = late_root_key(&deployment);
    let late = late.to_str().unwrap();
    let identity = recipient.file.to_str().unwrap();
    deployment.ok(&["restore", late, "--identity", identity, "--root", &key, "--yes"]);
    assert_eq!(deployment.json(&["publish-key", "show"])["keys"], root["keys"]);
    let restored = deployment.json(&["log", "show"]);
    let key =
        |shown: &Value| shown["verifier"].as_str().unwrap().rsplit('+').next().unwrap().to_owned();
    assert_eq!(key(&restored), key(&log), "another name, as after every restore; the same key");
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-9", &["icu"]);
    let mut follower = Follower::new(&running, &terminal);
    follower.follow(&terminal);
    assert_eq!(follower.root.version, 3);
}

/// The public root key, as it stands in the papers of the deployment.
fn late_root_key(deployment: &Deployment) -> String {
    let lost = Keyring::at(deployment.folder.path().join("lost/keys"));
    lost.signing(Secret::Root).unwrap().public().to_hex()
}

#[test]
fn a_root_key_that_is_kept_elsewhere_is_asked_for_and_no_other_one_is_taken() {
    let (deployment, running, _terminal) = ward();
    assert_eq!(deployment.json(&["publish-key", "show"])["root_key_here"], true);
    let away = deployment.folder.path().join("safe.key");
    std::fs::rename(path(&deployment, "root.key"), &away).unwrap();
    let shown = deployment.json(&["publish-key", "show"]);
    assert_eq!(shown["root_key_here"], false);
    for command in ["rotate", "retire"] {
        assert!(deployment.refused(1, &["publish-key", command]).contains("WK-1830"));
    }
    let other = path(&deployment, "publish.key");
    let other = other.to_str().unwrap();
    for more in [&[][..], &["--stolen"]] {
        let args = [&["publish-key", "rotate", "--root-key", other], more].concat();
        assert!(deployment.refused(1, &args).contains("WK-1831"));
    }
    assert_eq!(deployment.json(&["publish-key", "show"]), shown, "nothing was changed");
    deployment.ok(&["publish-key", "rotate", "--root-key", away.to_str().unwrap()]);
    running.settle();
    assert_eq!(running.root().version, 2);
    assert!(!path(&deployment, "root.key").exists());
}

#[test]
fn a_root_key_that_was_exported_for_its_recipients_signs_from_its_file() {
    let deployment = Deployment::new();
    let folder = deployment.folder.path();
    let recipient = Recipient::new(folder);
    let file = folder.join("root.age");
    let (file, identity) = (file.to_str().unwrap(), recipient.file.to_str().unwrap());
    let export = ["root-key", "export", file, "--recipient", &recipient.text];
    let done = deployment.json(&[&export[..], &["--remove"]].concat());
    assert_eq!((&done["recipients"], &done["removed"]), (&json!(1), &json!(true)));
    assert_eq!(deployment.actions()[0], "root-key.export");
    assert!(!path(&deployment, "root.key").exists());
    assert!(deployment.refused(1, &export).contains("WK-1830"), "nothing is there to export");
    let rotate = ["publish-key", "rotate", "--root-key", file];
    assert!(deployment.refused(1, &rotate).contains("WK-1836"));
    let by = [&rotate[..], &["--identity", identity]].concat();
    deployment.ok(&by);
    assert_eq!(deployment.json(&["publish-key", "show"])["root_version"], 2);
}

#[test]
fn the_last_root_document_is_kept_for_a_theft() {
    let deployment = Deployment::new();
    for round in 0..7 {
        assert_eq!(deployment.json(&["publish-key", "show"])["left"], 15 - 2 * round);
        deployment.ok(&["publish-key", "rotate"]);
        deployment.ok(&["publish-key", "retire"]);
    }
    assert!(deployment.refused(1, &["publish-key", "rotate"]).contains("WK-1835"));
    deployment.ok(&["publish-key", "rotate", "--stolen"]);
    assert!(deployment.refused(1, &["publish-key", "rotate", "--stolen"]).contains("WK-1835"));
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let mut follower = Follower::new(&running, &terminal);
    follower.follow(&terminal);
    assert_eq!(follower.root.version, 16);
}
