//! Whose certificates count while the CA is exchanged: of the key on record, whoever signed them.

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use serde_json::{Value, json};
use wardkey_core::message::http::{Base64, JoinReply, WaitReply};
use wardkey_core::person::Status;
use wardkey_server::backup::{Backup, KeysFor, Making, keys, make};
use wardkey_server::store::audit::Actor;

use super::backups::sql;
use super::ca::{again_as, forged, have, renewed};
use super::fleet::again;
use super::publish_key::{keyring, path};
use super::publishing::ward;
use super::support::backups::Recipient;
use super::support::client::{Answer, Client, Terminal, request};
use super::support::{Deployment, Running, now};
use super::watching::{measures, reasons, watch};

fn refused() -> (u16, String) {
    (403, "WK-1514".into())
}

/// The key and certificate of the CA that there is now, as a thief has them.
fn stolen(deployment: &Deployment) -> [String; 2] {
    ["ca.key", "ca.crt"].map(|name| std::fs::read_to_string(path(deployment, name)).unwrap())
}

/// Who has them, and the serial number of a terminal's certificate.
fn thief(running: &Running, [key, crt]: &[String; 2], terminal: &Terminal) -> Terminal {
    let (certificate, key) = forged((key, crt), terminal);
    let client = Client::new(running, Some((&certificate, &key)));
    Terminal { client, certificate, key, ..again_as(terminal, running) }
}

fn renew(terminal: &Terminal, key: &KeyPair) -> Answer {
    terminal.client.post("/v1/renew", &json!({ "csr": Base64(request(key)) }))
}

fn copy(terminal: &Terminal, running: &Running) -> Terminal {
    let key = KeyPair::from_pem(&terminal.key.serialize_pem()).unwrap();
    let certificate = terminal.certificate.clone();
    again(Terminal { certificate, key, ..again_as(terminal, running) }, running)
}

fn count(deployment: &Deployment, act: &str) -> usize {
    deployment.actions().iter().filter(|action| *action == act).count()
}

#[test]
fn a_terminal_that_was_revoked_before_the_exchange_was_ended_still_hears_so() {
    let (deployment, running, one) = ward();
    let two = deployment.join(&running, "ward-2", &["icu"]);
    let old = stolen(&deployment);
    deployment.ok(&["ca", "rotate"]);
    running.settle();
    let one = renewed(&running, one);
    assert_eq!(one.wait(&[], 0).status, 200);
    deployment.ok(&["terminal", "disable", "ward-2"]);
    deployment.ok(&["ca", "retire"]);
    running.settle();

    let two = again(two, &running);
    let reply: WaitReply = two.wait(&[], 0).json();
    let document = Terminal::document_of(&running, &reply.terminal.unwrap());
    assert_eq!(document.status, Status::Disabled);
    assert!(reply.heads.is_empty() && reply.addresses.is_none());
    let has = json!({
        "scopes": [], "root_version": 2, "terminal_number": document.number,
        "terminal_issued": document.issued.0, "hold": 0,
    });
    let answer = two.client.post("/v1/wait", &has);
    assert_eq!(answer.refusal(), (403, "WK-1010".into()));
    for answer in [renew(&two, &two.key), two.client.get("/v1/scopes/icu/changes?since=0")] {
        assert_eq!(answer.refusal(), (403, "WK-1010".into()));
    }
    assert_eq!(thief(&running, &old, &two).wait(&[], 0).refusal(), refused());
    // Where it is let in again, it has to join.
    deployment.ok(&["terminal", "enable", "ward-2"]);
    running.settle();
    assert_eq!(two.wait(&[], 0).refusal(), refused());
}

#[test]
fn a_certificate_of_another_key_than_the_one_on_record_is_neither_taken_nor_issued() {
    let deployment = Deployment::of_a_file();
    let running = deployment.start();
    let one = deployment.join(&running, "ward-1", &["icu"]);
    let ca = stolen(&deployment);
    let other = KeyPair::generate().unwrap();
    assert_eq!(renew(&one, &other).refusal(), refused());
    assert_eq!(one.wait(&[], 0).status, 200);

    // A renewal whose certificate does not arrive: the one before counts, by its key.
    let reply: JoinReply = renew(&one, &one.key).json();
    let forged = thief(&running, &ca, &one);
    assert_eq!(forged.wait(&[], 0).refusal(), refused());
    assert_eq!(renew(&forged, &forged.key).refusal(), refused());
    assert_eq!(renew(&forged, &one.key).refusal(), refused());
    assert_eq!(one.wait(&[], 0).status, 200);
    let one = Terminal::new(&running, &reply, one.key);
    assert_eq!(one.wait(&[], 0).status, 200);
    running.stop();

    // A terminal of a version that put no key on record renews once more, by the key that it has.
    sql(&deployment.database(), &["UPDATE terminal SET key = NULL"]);
    let running = deployment.start();
    let one = again(one, &running);
    assert_eq!(renew(&one, &other).refusal(), refused());
    let one = renewed(&running, one);
    assert_eq!(one.wait(&[], 0).status, 200);
    assert_eq!(thief(&running, &ca, &one).wait(&[], 0).refusal(), refused());
}

#[test]
fn a_terminal_that_renewed_after_the_backup_is_known_also_where_it_joined_with_a_version_of_before()
{
    let deployment = Deployment::of_a_file();
    let running = deployment.start();
    let one = deployment.join(&running, "ward-1", &["icu"]);
    running.stop();
    sql(
        &deployment.database(),
        &["UPDATE terminal SET issuer = NULL, certificate_begin = NULL, changed = changed"],
    );
    // It is of the only CA that there ever was.
    assert_eq!(have(&deployment), (1, 1));
    assert_eq!(deployment.rows(&["terminal", "list", "--old-certificate"]), json!([]));

    let running = deployment.start();
    deployment.ok(&["ca", "rotate"]);
    running.settle();
    assert_eq!(have(&deployment), (0, 1));
    let listed = deployment.rows(&["terminal", "list", "--old-certificate"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let (backup, _) = deployment.backup("after-ca");
    running.pass(5);
    let old = copy(&one, &running);
    let one = renewed(&running, again(one, &running));
    assert_eq!(one.wait(&[], 0).status, 200);
    running.stop();

    let backup = backup.to_str().unwrap();
    deployment.ok(&["restore", backup, "--replace", "--yes", "--reason", "disk"]);
    let running = deployment.start();
    let one = again(one, &running);
    assert_eq!(one.wait(&[], 0).status, 200);
    assert_eq!(count(&deployment, "terminal.renewed-since"), 1);
    running.settle();
    assert_eq!(again(old, &running).wait(&[], 0).refusal(), refused());
    assert_eq!(one.wait(&[], 0).status, 200);
    assert_eq!(have(&deployment), (1, 1));
}

#[test]
fn a_terminal_that_renewed_between_the_backup_and_the_theft_is_known_by_its_key() {
    let deployment = Deployment::of_a_file();
    let running = deployment.start();
    let one = deployment.join(&running, "ward-1", &["icu"]);
    let (backup, _) = deployment.backup("clean");
    running.pass(5);
    let one = renewed(&running, one);
    assert_eq!(one.wait(&[], 0).status, 200);
    let ca = stolen(&deployment);
    running.stop();
    let backup = backup.to_str().unwrap();
    deployment.ok(&["restore", backup, "--replace", "--yes", "--reason", "broken into"]);
    deployment.ok(&["ca", "rotate", "--stolen"]);

    let running = deployment.start();
    // What a thief makes is of another key, and leaves a trace.
    assert_eq!(thief(&running, &ca, &one).wait(&[], 0).refusal(), refused());
    assert_eq!(count(&deployment, "terminal.conflict"), 1);
    let one = again(one, &running);
    assert_eq!(one.wait(&[], 0).status, 200);
    let one = renewed(&running, one);
    assert_eq!(one.wait(&[], 0).status, 200);
    assert_eq!(have(&deployment), (1, 1));
}

#[test]
fn who_comes_after_the_end_is_in_the_trail_and_so_is_who_uses_a_ca_that_counts_no_longer() {
    let (deployment, running, one) = ward();
    let ca = stolen(&deployment);
    deployment.ok(&["ca", "rotate"]);
    deployment.ok(&["ca", "retire", "--anyway"]);
    running.settle();
    let one = again(one, &running);
    for _ in 0..2 {
        let answer = one.wait(&[], 0);
        assert!(answer.body.contains("was exchanged"), "{}", answer.body);
        assert_eq!(answer.refusal(), refused());
    }
    assert_eq!(count(&deployment, "terminal.former-ca"), 1, "once an hour");
    assert_eq!(count(&deployment, "terminal.conflict"), 0);
    assert_eq!(thief(&running, &ca, &one).wait(&[], 0).refusal(), refused());
    assert_eq!(count(&deployment, "terminal.conflict"), 1);
}

#[test]
fn a_backup_beside_an_exchange_of_the_ca_has_keys_that_fit_it() {
    let deployment = Deployment::of_a_file();
    let recipient = Recipient::new(deployment.folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let to = deployment.folder.path().join("beside");
    let (keyring, rotated) = (keyring(&deployment), std::cell::Cell::new(0));
    // The copy is there, and its keys are not read yet.
    let said = |done, total| {
        if done == total && rotated.replace(rotated.get() + 1) == 0 {
            deployment.ok(&["ca", "rotate"]);
        }
    };
    runtime.block_on(async {
        let store = deployment.store().await;
        let making = Making {
            store: &store,
            keyring: &keyring,
            keys: KeysFor::Recipients(vec![keys::recipient(&recipient.text).unwrap()]),
            actor: &Actor::process(),
            now: wardkey_core::time::UnixTime(now()),
        };
        let made = make(&making, &to, said).await.unwrap();
        assert!(made.keys);
        Backup::open(&to).await.unwrap();
        store.close().await;
    });
    let root = deployment.start().root().root_key.to_hex();
    deployment.lose();
    let identity = recipient.file.to_str().unwrap();
    let to = to.to_str().unwrap();
    deployment.ok(&["restore", to, "--identity", identity, "--root", &root, "--yes"]);
    let shown = deployment.json(&["ca", "show"]);
    assert_eq!((&shown["root_version"], shown["former"].as_array().unwrap().len()), (&json!(2), 1));
    deployment.start().stop();
}

#[test]
fn a_backup_whose_keys_are_of_another_ca_is_not_made() {
    let deployment = Deployment::of_a_file();
    let read = || ["ca.key", "ca.crt"].map(|name| (name, path(&deployment, name)));
    let old = read().map(|(_, path)| std::fs::read_to_string(path).unwrap());
    deployment.ok(&["ca", "rotate"]);
    for ((_, path), text) in read().iter().zip(&old) {
        std::fs::write(path, text).unwrap();
    }
    let recipient = Recipient::new(deployment.folder.path());
    let to = deployment.folder.path().join("unfit");
    let said =
        deployment.refused(1, &["backup", to.to_str().unwrap(), "--recipient", &recipient.text]);
    assert!(said.contains("WK-1852"), "{said}");
    assert!(!to.exists());
}

#[test]
fn an_exchange_that_fails_leaves_the_ca_that_was_prepared_and_takes_no_other_for_it() {
    let deployment = Deployment::new();
    let prepared = deployment.json(&["ca", "prepare"]);
    let (keyring, shown) = (keyring(&deployment), path(&deployment, "ca.next.crt"));
    // One that was on its way when its commit failed: of a theft, say.
    let other = wardkey_server::pki::Authority::create_next("Test", now_of()).unwrap();
    keyring.put_next_authority(&other).unwrap();
    assert_eq!(deployment.json(&["ca", "show"])["prepared"], prepared["ca"]);
    assert_eq!(std::fs::read_to_string(&shown).unwrap(), prepared["certificate"]);
    let done = deployment.json(&["ca", "rotate"]);
    assert_eq!(done["ca"], prepared["ca"]);
    assert_eq!(deployment.json(&["ca", "show"])["prepared"], Value::Null);
    assert!(!shown.exists());

    deployment.ok(&["ca", "retire", "--anyway"]);
    keyring.put_next_authority(&other).unwrap();
    assert_eq!(deployment.json(&["ca", "show"])["prepared"], Value::Null);
    assert_ne!(deployment.json(&["ca", "rotate"])["certificate"], other.certificate);
}

fn now_of() -> wardkey_core::time::UnixTime {
    wardkey_core::time::UnixTime(now())
}

#[test]
fn the_end_of_an_exchange_is_followed_also_where_the_files_of_the_keys_cannot_be_read() {
    let (deployment, running, one) = ward();
    deployment.ok(&["ca", "rotate"]);
    running.settle();
    let one = again(one, &running);
    assert_eq!(one.wait(&[], 0).status, 200);
    let crt = path(&deployment, "ca.crt");
    std::fs::rename(&crt, path(&deployment, "away")).unwrap();
    deployment.ok(&["ca", "retire", "--anyway"]);
    running.settle();
    assert_eq!(one.wait(&[], 0).refusal(), refused());
}

/// The command and the running server tidy at the same moment.
#[test]
fn a_folder_of_keys_that_two_tidy_at_once_is_whole() {
    let deployment = Deployment::new();
    deployment.ok(&["ca", "rotate"]);
    let running = deployment.start();
    let root = running.root();
    running.stop();
    let names = ["ca.key", "ca.crt", "ca.links.crt"];
    let files = || names.map(|name| std::fs::read_to_string(path(&deployment, name)).unwrap());
    let (keyring, new) = (keyring(&deployment), files());
    let next = keyring.authority(&root).unwrap();
    for _ in 0..20 {
        keyring.put_next_authority(&next).unwrap();
        std::thread::scope(|scope| {
            let settling = [(); 3].map(|()| scope.spawn(|| keyring.settle_authority(&root)));
            settling.into_iter().for_each(|one| one.join().unwrap().unwrap());
        });
        assert_eq!(files(), new);
        assert!(!path(&deployment, "ca.next.pem").exists());
    }
}

/// A CA that ends in so many days, in the place of the one that was prepared.
fn prepare_short(deployment: &Deployment, days: u64) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let end = i64::try_from(now() + days * 86_400 + 3600).unwrap();
    params.not_after = time::OffsetDateTime::from_unix_timestamp(end).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let whole = format!("{}{}", key.serialize_pem(), certificate.pem());
    std::fs::write(path(deployment, "ca.prepared.pem"), whole).unwrap();
}

fn codes(status: &Value) -> Vec<&str> {
    let problems = status["problems"].as_array().unwrap();
    problems.iter().map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[test]
fn the_end_of_a_ca_and_of_one_that_was_prepared_is_told_in_time() {
    let deployment = Deployment::with(&watch(""));
    let running = deployment.start();
    let remaining = |name| format!("certificate_remaining_seconds{{certificate=\"{name}\"}}");
    let before = measures(&running);
    assert!(before.0.contains_key(&format!("wardkey_server_{}", remaining("authority"))));
    assert!(!before.0.contains_key(&format!("wardkey_server_{}", remaining("authority-prepared"))));

    // A file that is damaged is named, with the way out: nothing else needs it.
    deployment.ok(&["ca", "prepare"]);
    let file = path(&deployment, "ca.prepared.pem");
    std::fs::write(&file, "half of it").unwrap();
    for command in [&["ca", "show"][..], &["ca", "rotate"]] {
        let said = deployment.refused(1, command);
        assert!(said.contains("WK-1737") && said.contains(file.to_str().unwrap()), "{said}");
        assert!(said.contains("ca prepare"), "{said}");
    }
    assert!(codes(&deployment.json(&["status"])).contains(&"WK-1737"));
    deployment.ok(&["ca", "prepare"]);
    assert_eq!(codes(&deployment.json(&["status"])), [""; 0]);

    // One that was prepared too long ago is not taken.
    prepare_short(&deployment, 179);
    let status = deployment.json(&["status"]);
    assert_eq!(codes(&status), ["WK-1736"]);
    assert!(status["prepared_ca_until"].as_u64().unwrap() < status["ca_until"].as_u64().unwrap());
    assert!(deployment.refused(1, &["ca", "rotate"]).contains("WK-1736"));

    // One of 181 days is, and its end comes near.
    prepare_short(&deployment, 181);
    assert_eq!(codes(&deployment.json(&["status"])), [""; 0]);
    deployment.ok(&["ca", "rotate"]);
    deployment.ok(&["ca", "retire", "--anyway"]);
    running.settle();
    assert!(!reasons(&running).1.contains_key("WK-1734"));
    running.pass(2 * 86_400);
    let (is_ready, found) = reasons(&running);
    assert!(is_ready && found["WK-1734"] == "warning", "{found:?}");
    let left = measures(&running).0[&format!("wardkey_server_{}", remaining("authority"))];
    assert!((178.0..180.0).contains(&(left / 86_400.0)), "{left}");
    let said = String::from_utf8(deployment.cli_in("ja_JP.UTF-8", &["status"]).stdout).unwrap();
    assert!(said.contains("認証局"), "{said}");
}
