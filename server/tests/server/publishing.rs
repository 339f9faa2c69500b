//! Heads, changes, policies, waiting; halting and epochs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use wardkey_core::codec::{self, sha256};
use wardkey_core::directory::{BUCKETS, Bucket, Leaf, bucket_of, leaf_key, state_root};
use wardkey_core::document::{Head, TerminalDocument};
use wardkey_core::id::Hash;
use wardkey_core::message::http::{Base64, PolicyReply, ScopeState, WaitReply};
use wardkey_core::name::LoginName;
use wardkey_core::person::{PersonRecord, Status};
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::sign::{self, SigningKey};
use wardkey_server::keyring::{Keyring, Secret};

use super::support::client::{Terminal, state};
use super::support::{Deployment, Running, Stops};

/// A scope as an agent keeps it.
#[derive(Default)]
pub struct Copy {
    records: BTreeMap<String, Vec<u8>>,
    seq: u64,
}

impl Copy {
    /// Takes changes as an agent does, page by page; the head of the last page.
    pub fn sync(&mut self, terminal: &Terminal, scope: &str) -> (Head, usize) {
        let mut since = self.seq;
        for page in 1.. {
            let reply = terminal.changes(scope, since);
            assert!(reply.changes.len() <= 1000);
            let mut last = since;
            for change in reply.changes {
                assert!(change.seq > last, "ascending");
                last = change.seq;
                match change.record {
                    Some(record) => self.records.insert(change.login, record.0),
                    None => self.records.remove(&change.login),
                };
            }
            match reply.next {
                Some(next) => since = next,
                None => {
                    let head: Head = sign::peek(&reply.head.0).unwrap();
                    self.seq = head.seq;
                    return (head, page);
                }
            }
        }
        unreachable!()
    }

    pub fn root(&self) -> Hash {
        let mut buckets: Vec<Vec<Leaf>> = vec![Vec::new(); BUCKETS];
        for (login, record) in &self.records {
            let key = leaf_key(&LoginName::new(login.as_str()).unwrap());
            buckets[usize::from(bucket_of(&key))].push(Leaf { key, value: sha256(record) });
        }
        let hashes: Vec<Hash> =
            buckets.into_iter().map(|leaves| Bucket::new(leaves).unwrap().hash()).collect();
        state_root(&hashes).unwrap()
    }

    pub fn person(&self, login: &str) -> Option<PersonRecord> {
        self.records.get(login).map(|record| codec::from_bytes(record).unwrap())
    }

    pub fn len(&self) -> u64 {
        self.records.len() as u64
    }
}

pub fn add(deployment: &Deployment, login: &str, scopes: &[&str]) {
    deployment.ok(&[&["person", "add", login, "--name", login, "--scope"], scopes].concat());
}

pub fn ward() -> (Deployment, Running, Terminal) {
    let deployment = Deployment::new();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    (deployment, running, terminal)
}

#[test]
fn what_the_command_line_changes_is_published_with_tombstones() {
    let (deployment, running, terminal) = ward();
    let mut copy = Copy::default();
    let (head, _) = copy.sync(&terminal, "icu");
    assert_eq!((head.count, head.root), (0, copy.root()));
    add(&deployment, "a", &["icu"]);
    add(&deployment, "b", &["icu", "er"]);
    add(&deployment, "c", &["er"]);
    let (head, _) = copy.sync(&terminal, "icu");
    assert_eq!((head.count, head.root), (2, copy.root()));
    deployment.ok(&["person", "disable", "a"]);
    deployment.ok(&["person", "set", "b", "--scope", "er", "--group", "nurses"]);
    let (head, _) = copy.sync(&terminal, "icu");
    assert_eq!((head.count, head.root), (1, copy.root()));
    assert_eq!(copy.person("a").unwrap().status, Status::Disabled);
    assert!(copy.person("b").is_none(), "left the scope");
    deployment.ok(&["person", "delete", "a"]);
    let (head, _) = copy.sync(&terminal, "icu");
    assert_eq!((head.count, head.root, copy.len()), (0, copy.root(), 0));
    // Someone else under the name of someone deleted is another person.
    add(&deployment, "a", &["icu"]);
    let (head, _) = copy.sync(&terminal, "icu");
    assert_eq!(head.root, copy.root());
    // The whole state has no tombstones, and comes to the same root.
    let mut whole = Copy::default();
    let (head, _) = whole.sync(&terminal, "icu");
    assert_eq!(head.root, whole.root());
    assert_eq!(terminal.changes("icu", 0).changes.len(), 1);
    // A change that changes nothing takes no sequence.
    let before = head.seq;
    deployment.ok(&["person", "enable", "a"]);
    assert_eq!(whole.sync(&terminal, "icu").0.seq, before);
    // The server builds the same when it starts anew.
    let root = head.root;
    running.stop();
    let running = deployment.start();
    assert_eq!(terminal_after(&deployment, &running).changes("icu", 0).changes.len(), 1);
    assert_eq!(
        running
            .server()
            .app()
            .publisher
            .shown()
            .values()
            .find(|s| s.head.scope.as_str() == "icu")
            .unwrap()
            .head
            .root,
        root
    );
}

fn terminal_after(deployment: &Deployment, running: &Running) -> Terminal {
    deployment.join(running, "ward-9", &["icu"])
}

#[test]
fn pages_are_consistent_while_people_change() {
    let deployment = Deployment::new();
    let file = deployment.folder.path().join("people.csv");
    let mut csv = "login,name,scopes\n".to_owned();
    (0..3500).for_each(|i| csv.push_str(&format!("p{i},Person {i},icu\n")));
    std::fs::write(&file, csv).unwrap();
    deployment.ok(&["person", "import", file.to_str().unwrap()]);
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let (stop, changed) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                let changes = changed.load(Ordering::SeqCst);
                // Of the first page, of the last, and new ones: all while pages are read.
                let login = format!("p{}", changes * 37 % 3500);
                let act = ["disable", "enable", "delete"][changes % 3];
                deployment.cli(&["person", act, &login]);
                add(&deployment, &format!("new{changes}"), &["icu"]);
                changed.store(changes + 1, Ordering::SeqCst);
            }
        });
        let _stops = Stops(&stop);
        let mut whole = Copy::default();
        let (head, pages) = whole.sync(&terminal, "icu");
        assert!(pages >= 4, "{pages}");
        assert_eq!(head.root, whole.root());
        let mut times = 0;
        // Something has to change meanwhile, however slow the command line is.
        while times < 20 || changed.load(Ordering::SeqCst) < 3 {
            let (head, _) = whole.sync(&terminal, "icu");
            assert_eq!((head.root, head.count), (whole.root(), whole.len()));
            assert!(!changing.is_finished(), "a change failed");
            times += 1;
        }
    });
}

#[test]
fn a_revocation_arrives_at_once() {
    // As long as the server holds a request, or nearly.
    const HOLD: u64 = 50;
    let (deployment, running, terminal) = ward();
    add(&deployment, "a", &["icu"]);
    running.settle();
    let have: Vec<ScopeState> = terminal.heads(&running).iter().map(state).collect();
    // Nothing new: held until the end.
    let begun = Instant::now();
    let reply: WaitReply = terminal.wait(&have, 1).json();
    assert!(reply.heads.is_empty() && reply.terminal.is_none() && reply.roots.is_empty());
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let mut worst = Duration::ZERO;
    let mut have = have;
    for act in ["disable", "enable", "disable", "enable", "disable"] {
        let done = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| (terminal.wait(&have, HOLD), Instant::now()));
            std::thread::sleep(Duration::from_millis(250));
            deployment.ok(&["person", act, "a"]);
            let committed = Instant::now();
            let (answer, arrived) = waiting.join().unwrap();
            let reply: WaitReply = answer.json();
            worst = worst.max(arrived.saturating_duration_since(committed));
            reply
        });
        have = vec![state(&sign::peek(&done.heads[0].0).unwrap())];
    }
    println!("from the end of the command to the answer: at most {worst:?}");
    // Whoever is not woken hears of it at the end of the time.
    assert!(worst < Duration::from_secs(HOLD / 2), "{worst:?}");
}

#[test]
fn heads_and_terminal_documents_are_signed_again_at_half_of_their_life() {
    let (_deployment, running, terminal) = ward();
    let heads = terminal.heads(&running);
    assert_eq!(heads[0].expires.0 - heads[0].issued.0, 900);
    let have: Vec<ScopeState> = heads.iter().map(state).collect();
    running.clock.advance(440);
    let reply: WaitReply = terminal.wait(&have, 0).json();
    assert!(reply.heads.is_empty() && reply.terminal.is_none());
    running.clock.advance(20);
    // The server notices by itself, within its tick.
    let reply = std::iter::repeat_with(|| terminal.wait(&have, 2).json::<WaitReply>())
        .find(|reply| !reply.heads.is_empty())
        .unwrap();
    let head: Head = sign::peek(&reply.heads[0].0).unwrap();
    assert_eq!((head.position(), head.root), (heads[0].position(), heads[0].root));
    assert_eq!(head.issued.0, heads[0].issued.0 + 460);
    let document: TerminalDocument = sign::peek(&reply.terminal.unwrap().0).unwrap();
    assert_eq!((document.number, document.expires.0 - document.issued.0), (1, 900));
}

#[test]
fn policies_are_given_to_the_terminals_of_their_scope() {
    let (deployment, running, terminal) = ward();
    let before = terminal.heads(&running).remove(0);
    deployment.ok(&["scope", "share", "nurse", "--scope", "icu", "er", "--group", "nurses"]);
    deployment.ok(&[
        "scope",
        "set-offline",
        "icu",
        "--soft",
        "1h",
        "--degraded",
        "2h",
        "--hard",
        "3h",
        "--emergency-group",
        "leads",
    ]);
    deployment.ok(&[
        "scope",
        "set-lockout",
        "icu",
        "--threshold",
        "3",
        "--delay",
        "10s",
        "--longest",
        "1h",
    ]);
    deployment.refused(
        1,
        &["scope", "set-offline", "icu", "--soft", "3h", "--degraded", "2h", "--hard", "3h"],
    );
    deployment.refused(1, &["scope", "share", "nurse", "--scope", "nowhere", "--group", "nurses"]);
    running.settle();
    let after = terminal.heads(&running).remove(0);
    assert_eq!(after.seq, before.seq + 3);
    let policy = |hash: &Hash| terminal.client.get(&format!("/v1/policies/{hash}"));
    let reply: PolicyReply = policy(&after.policy).json();
    assert_eq!(sha256(&reply.policy.0), after.policy);
    let document: PolicyDocument = codec::from_bytes(&reply.policy.0).unwrap();
    assert_eq!(
        (document.offline.soft, document.offline.hard, document.lockout.threshold),
        (3600, 10_800, 3)
    );
    assert_eq!(document.shared_accounts[0].account.as_str(), "nurse");
    assert_eq!(document.emergency_groups[0].as_str(), "leads");
    // One that its head still names can be had; one of another scope cannot.
    assert_eq!(policy(&before.policy).status, 200);
    let er = running
        .server()
        .app()
        .publisher
        .shown()
        .values()
        .find(|s| s.head.scope.as_str() == "er")
        .unwrap()
        .head
        .policy;
    assert_eq!(policy(&er).refusal(), (404, "WK-1515".into()));
    assert_eq!(terminal.client.get("/v1/policies/xyz").refusal(), (404, "WK-1515".into()));
    assert_eq!(
        terminal.client.get("/v1/scopes/er/changes?since=0").refusal(),
        (404, "WK-1515".into())
    );
    assert_eq!(terminal.client.get("/v1/scopes/icu/changes").refusal(), (400, "WK-1516".into()));
    assert_eq!(
        terminal.client.get("/v1/scopes/icu/changes?since=0&x=1").refusal(),
        (400, "WK-1516".into())
    );
    assert_eq!(
        terminal.client.get("/v1/scopes/icu/changes?since=-1").refusal(),
        (400, "WK-1516".into())
    );
    // Scopes of a terminal are changed.
    deployment.ok(&["terminal", "set-scopes", "ward-1", "--scope", "er"]);
    running.settle();
    assert_eq!(
        terminal.client.get("/v1/scopes/icu/changes?since=0").refusal(),
        (404, "WK-1515".into())
    );
    assert_eq!(terminal.client.get("/v1/scopes/er/changes?since=0").status, 200);
}

#[test]
fn a_server_that_is_behind_stops_publishing_until_the_epoch_is_raised() {
    for fork in [false, true] {
        let (deployment, running, terminal) = ward();
        add(&deployment, "a", &["icu"]);
        running.settle();
        assert_eq!(running.anyone().get("/readyz").status, 200);
        let mut head = terminal.heads(&running)[0].clone();
        if fork {
            head.root = Hash::new([7; 32]);
        } else {
            head.seq += 5;
        }
        let mut have = state(&head);
        // A terminal's word alone, or another key's signature, stops nothing.
        for claim in [None, Some(Base64(SigningKey::from_secret(&[1; 32]).sign(&head)))] {
            have.head = claim;
            assert_eq!(terminal.wait(std::slice::from_ref(&have), 0).status, 200);
            assert_eq!(running.anyone().get("/readyz").status, 200);
        }
        let keyring = Keyring::at(deployment.config().keys);
        have.head = Some(Base64(keyring.signing(Secret::Publish).unwrap().sign(&head)));
        // A terminal that has nothing to do with the scope cannot stop it.
        let stranger = deployment.join(&running, "ward-2", &["er"]);
        assert_eq!(stranger.wait(std::slice::from_ref(&have), 0).status, 200);
        assert_eq!(running.anyone().get("/readyz").status, 200);

        assert_eq!(
            terminal.wait(std::slice::from_ref(&have), 0).refusal(),
            (503, "WK-1111".into())
        );
        let ready = running.anyone().get("/readyz");
        assert_eq!(ready.status, 503);
        assert!(ready.body.contains("WK-1924") && !ready.body.contains("icu"), "{}", ready.body);
        assert_eq!(
            terminal.client.get("/v1/scopes/icu/changes?since=0").refusal(),
            (503, "WK-1111".into())
        );
        assert!(
            deployment.ok(&["scope", "list"]).contains("ward-1")
                || deployment.ok(&["scope", "list"]).contains(&terminal.id.to_hex())
        );
        assert!(deployment.actions().contains(&"scope.halt".to_owned()));
        // The other scope is published as before, and a restart forgets nothing.
        assert_eq!(stranger.heads(&running).len(), 1);
        running.stop();
        let running = deployment.start();
        assert_eq!(running.anyone().get("/readyz").status, 503);
        deployment.ok(&["epoch", "raise", "--reason", "restored"]);
        running.settle();
        assert_eq!(running.anyone().get("/readyz").status, 200);
        let epochs: Vec<u64> = running
            .server()
            .app()
            .publisher
            .shown()
            .values()
            .map(|shown| shown.head.epoch)
            .collect();
        assert_eq!(epochs, [2, 2]);
        // What the terminal had is of an earlier epoch now, and no longer ahead.
        let terminal = deployment.join(&running, "ward-3", &["icu"]);
        assert_eq!(terminal.wait(&[have], 0).json::<WaitReply>().heads.len(), 1);
        assert_eq!(running.anyone().get("/readyz").status, 200);
    }
}
