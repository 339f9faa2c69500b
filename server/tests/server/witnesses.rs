//! Terminals witness the log: each follows what the server shows, and whoever shows two histories
//! is found by the next one that looks.

use serde_json::json;
use wardkey_core::log_key::LogKey;
use wardkey_core::message::http::{CheckpointReply, CosignatureReply, witness_name};
use wardkey_tlog::{
    Checkpoint, Contradiction, Cosigner, Growth, Hash, KeyName, Kind, Note, Signer, Verifier,
    goes_on,
};

use super::archives::{operation, wait};
use super::backups::sql;
use super::event_log::{beats, check};
use super::event_log_changed::{FORGET, UNLOCK};
use super::support::client::{Answer, Client, Terminal};
use super::support::ward::Ward;
use super::support::{Deployment, Running};

/// What a terminal keeps of the log.
struct Witness {
    key: Cosigner,
    seen: Option<Checkpoint>,
}

impl Witness {
    fn new(running: &Running, terminal: &Terminal, seed: u8) -> Self {
        let name = witness_name(&running.root().rp_id, &terminal.id);
        Self { key: Cosigner::new(KeyName::new(name).unwrap(), &[seed; 32]), seen: None }
    }

    /// Asks as an agent does: the newest checkpoint, whose signature holds, and whether it goes on
    /// from the one that was seen.
    fn look(
        &mut self,
        running: &Running,
        terminal: &Terminal,
    ) -> (Note, Result<Growth, Contradiction>) {
        let since = self.seen.as_ref().map_or(0, Checkpoint::size);
        let path = format!("/v1/log/checkpoint?since={since}");
        let reply: CheckpointReply = terminal.client.get(&path).json();
        let key = LogKey::verify(&reply.key.0, &running.root()).unwrap();
        let note = Note::parse(reply.checkpoint.as_bytes()).unwrap();
        let shown = Checkpoint::parse(note.unverified()).unwrap();
        let name = KeyName::new(shown.origin()).unwrap();
        note.open(&[Verifier::new(name, Kind::Ed25519, key.as_bytes()).unwrap()]).unwrap();
        let hash = |bytes: &[u8]| Hash::new(bytes.try_into().unwrap());
        let proof: Vec<Hash> = reply.proof.iter().map(|bytes| hash(&bytes.0)).collect();
        let judged = match &self.seen {
            Some(seen) => goes_on(seen, &shown, &proof),
            None => Ok(Growth::Grown),
        };
        if judged.is_ok() {
            self.seen = Some(shown);
        }
        (note, judged)
    }

    /// Cosigns a note and sends it.
    fn cosign(&self, terminal: &Terminal, mut note: Note, time: u64) -> Answer {
        let signature = note.cosign(&self.key, time);
        note.add(signature);
        post(terminal, &self.key.verifier().to_string(), &note.to_string())
    }

    fn size(&self) -> u64 {
        self.seen.as_ref().unwrap().size()
    }
}

fn post(terminal: &Terminal, key: &str, checkpoint: &str) -> Answer {
    let body = json!({ "key": key, "checkpoint": checkpoint });
    terminal.client.post("/v1/log/cosignature", &body)
}

/// Sends records and signs them.
fn grow(deployment: &Deployment, terminal: &Terminal, numbers: std::ops::Range<u32>) {
    beats(terminal, numbers);
    deployment.log(&["show"]);
}

/// The same terminal at a server that was started again.
pub fn again(terminal: &Terminal, running: &Running) -> Terminal {
    let key = rcgen::KeyPair::from_pem(&terminal.key.serialize_pem()).unwrap();
    Terminal {
        id: terminal.id,
        client: Client::new(running, Some((&terminal.certificate, &key))),
        key,
        document: terminal.document.clone(),
        certificate: terminal.certificate.clone(),
    }
}

/// A server that has stopped, and what its terminal saw of it at so many records.
fn witnessed(records: u32) -> (Deployment, Terminal, Witness) {
    let ward = Ward::new();
    let mut witness = Witness::new(&ward.running, &ward.terminal, 1);
    grow(&ward.deployment, &ward.terminal, 0..records);
    witness.look(&ward.running, &ward.terminal).1.unwrap();
    assert_eq!(witness.size(), u64::from(records));
    ward.running.stop();
    (ward.deployment, ward.terminal, witness)
}

#[test]
fn a_log_that_grows_is_cosigned_and_the_cosignatures_are_given_out() {
    let ward = Ward::new();
    let (running, terminal, deployment) = (&ward.running, &ward.terminal, &ward.deployment);
    let mut witness = Witness::new(running, terminal, 1);
    for until in [1, 2, 3, 255, 256, 257, 600, 601] {
        let from = witness.seen.as_ref().map_or(0, |seen| seen.size() as u32);
        grow(deployment, terminal, from..until);
        let (note, growth) = witness.look(running, terminal);
        assert_eq!((growth, witness.size()), (Ok(Growth::Grown), u64::from(until)));
        let kept: CosignatureReply = witness.cosign(terminal, note, 5).json();
        assert_eq!(kept.size, u64::from(until));
        assert_eq!(witness.look(running, terminal).1, Ok(Growth::Same));
    }
    // Whoever comes from another size gets a proof of its own.
    for size in [1, 100, 256, 300] {
        let reply: CheckpointReply =
            terminal.client.get(&format!("/v1/log/checkpoint?since={size}")).json();
        assert!(!reply.proof.is_empty());
    }

    let shown = deployment.log(&["show"]);
    let hour = json!({ "terminals": 1, "least": 601, "greatest": 601 });
    assert_eq!(shown["witnesses"], json!({ "hour": hour, "day": hour }));
    let said = deployment.ok(&["log", "show"]);
    assert!(said.contains("1 terminals, at 601 to 601 records"), "{said}");
    let by = Verifier::parse(shown["verifier"].as_str().unwrap()).unwrap();
    let keys = [by, witness.key.verifier().clone()];
    let signers = |args: &[&str]| {
        let note = deployment.ok(args) + "\n";
        let note = Note::parse(note.as_bytes()).unwrap();
        let opened = note.open(&keys).unwrap();
        (Checkpoint::parse(opened.text()).unwrap().size(), opened.by().len())
    };
    assert_eq!(signers(&["log", "checkpoint"]), (601, 2));
    grow(deployment, terminal, 601..610);
    assert_eq!(signers(&["log", "checkpoint"]), (610, 1));
    let witnessed = ["log", "checkpoint", "--witnessed"];
    assert_eq!(signers(&witnessed), (601, 2));

    // An auditor asks for the witness.
    let older = deployment.folder.path().join("older");
    std::fs::write(&older, deployment.ok(&witnessed) + "\n").unwrap();
    let (log, older) = (deployment.exported("log"), older.to_str().unwrap());
    let key = witness.key.verifier().to_string();
    let checked = deployment.ok(&check(&log, &["--since", older, "--witness", &key]));
    assert!(
        checked.contains(&format!("cosigned by {}", witness.key.verifier().name())),
        "{checked}"
    );
    let json = deployment.json(&check(&log, &["--since", older, "--witness", &key]));
    assert_eq!(json["cosigned"][0]["time"], 5);
    let other = Cosigner::new(witness.key.verifier().name().clone(), &[9; 32]);
    for not in [other.verifier().to_string(), shown["verifier"].as_str().unwrap().to_owned()] {
        let refused = deployment.refused(1, &check(&log, &["--since", older, "--witness", &not]));
        assert!(refused.contains("WK-1982"), "{refused}");
    }
    // And finds a cosignature that was changed.
    let changed = std::fs::read_to_string(older).unwrap().replace("\n601\n", "\n600\n");
    std::fs::write(older, changed).unwrap();
    let refused = deployment.refused(1, &check(&log, &["--since", older, "--witness", &key]));
    assert!(refused.contains("WK-1904"), "{refused}");
}

#[test]
fn a_log_that_nobody_witnessed_says_so() {
    let ward = Ward::new();
    let none = json!({ "terminals": 0, "least": null, "greatest": null });
    assert_eq!(ward.deployment.log(&["show"])["witnesses"], json!({ "hour": none, "day": none }));
    let refused = ward.deployment.refused(1, &["log", "checkpoint", "--witnessed"]);
    assert!(refused.contains("WK-1515"), "{refused}");
}

/// What an attacker does to the last checkpoint beside the database, by which the server itself
/// would notice.
fn forget_last(deployment: &Deployment) {
    let mut file = deployment.database().into_os_string();
    file.push(".checkpoint");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn whoever_writes_the_log_anew_is_found_by_the_next_terminal() {
    let (deployment, joined, mut witness) = witnessed(300);
    sql(
        &deployment.database(),
        &[UNLOCK, "UPDATE event SET verdict = 'valid' WHERE seq = 3", FORGET],
    );
    forget_last(&deployment);
    // The server itself finds nothing: its database is one whole.
    deployment.log(&["show"]);
    deployment.ok(&["log", "verify"]);
    let running = deployment.start();
    let terminal = again(&joined, &running);
    assert_eq!(witness.look(&running, &terminal).1, Err(Contradiction::Forked));
    grow(&deployment, &terminal, 300..320);
    assert_eq!(witness.look(&running, &terminal).1, Err(Contradiction::Forked));
    // Nor does the server take a cosignature of the history that it no longer shows.
    let seen = witness.seen.clone().unwrap();
    let note = Note::sign(&seen.to_string(), &Signer::new(KeyName::new("x").unwrap(), &[1; 32]));
    assert_eq!(witness.cosign(&terminal, note.unwrap(), 1).refusal(), (403, "WK-1980".into()));
}

#[test]
fn a_database_that_was_put_back_is_found_and_so_are_two_that_go_on() {
    let (deployment, joined, mut witness) = witnessed(100);
    let kept = std::fs::read(deployment.database()).unwrap();
    let running = deployment.start();
    let terminal = again(&joined, &running);
    grow(&deployment, &terminal, 100..300);
    assert_eq!(witness.look(&running, &terminal).1, Ok(Growth::Grown));
    running.stop();

    // Not by "restore", which would have begun another log.
    std::fs::write(deployment.database(), kept).unwrap();
    forget_last(&deployment);
    let running = deployment.start();
    let terminal = again(&joined, &running);
    deployment.log(&["show"]);
    assert_eq!(witness.look(&running, &terminal).1, Err(Contradiction::Shorter));
    // The other history is longer by now.
    grow(&deployment, &terminal, 1000..1400);
    assert_eq!(witness.look(&running, &terminal).1, Err(Contradiction::Forked));
}

#[test]
fn a_restore_is_another_log_to_its_witnesses() {
    let ward = Ward::new();
    let mut witness = Witness::new(&ward.running, &ward.terminal, 1);
    grow(&ward.deployment, &ward.terminal, 0..100);
    let (backup, _) = ward.deployment.backup("monday");
    grow(&ward.deployment, &ward.terminal, 100..200);
    witness.look(&ward.running, &ward.terminal).1.unwrap();
    let epoch = ward.terminal.heads(&ward.running)[0].epoch;
    ward.running.stop();
    ward.deployment.ok(&["restore", backup.to_str().unwrap(), "--replace", "--yes"]);
    let running = ward.deployment.start();
    let terminal = again(&ward.terminal, &running);
    ward.deployment.log(&["show"]);
    assert_eq!(witness.look(&running, &terminal).1, Err(Contradiction::Renamed));
    // By this terminals know that it is a restore.
    assert!(terminal.heads(&running)[0].epoch > epoch);
}

#[test]
fn only_a_terminal_s_own_key_cosigns_and_only_what_is_in_the_log() {
    let ward = Ward::new();
    let (running, terminal, deployment) = (&ward.running, &ward.terminal, &ward.deployment);
    grow(deployment, terminal, 0..20);
    let mut witness = Witness::new(running, terminal, 1);
    let (note, _) = witness.look(running, terminal);
    let refused = (403, "WK-1980".to_owned());

    // In the name of another terminal, or of nobody.
    let other = deployment.join(running, "ward-2", &["icu"]);
    assert_eq!(witness.cosign(&other, note.clone(), 1).refusal(), refused);
    let key = Cosigner::new(KeyName::new("x").unwrap(), &[1; 32]);
    let stranger = Witness { key, seen: None };
    assert_eq!(stranger.cosign(terminal, note.clone(), 1).refusal(), refused);
    // Without a signature, with one of another text, of another kind.
    let own = witness.key.verifier();
    assert_eq!(post(terminal, &own.to_string(), &note.to_string()).refusal(), refused);
    let mut moved = note.clone();
    let mut later = witness.seen.clone().unwrap();
    later = Checkpoint::new(later.origin(), 19, *later.root()).unwrap();
    let signer = Signer::new(own.name().clone(), &[1; 32]);
    let false_note = later.sign(&signer).unwrap();
    moved.add(false_note.cosign(&witness.key, 1));
    assert_eq!(post(terminal, &own.to_string(), &moved.to_string()).refusal(), refused);
    assert_eq!(witness.cosign(terminal, false_note, 1).refusal(), refused);
    let plain = signer.verifier().to_string();
    let signed = witness.seen.clone().unwrap().sign(&signer).unwrap();
    assert_eq!(post(terminal, &plain, &signed.to_string()).refusal(), refused);
    for (key, checkpoint) in [("", ""), ("x", "y"), (own.to_string().as_str(), "\n\n")] {
        assert_eq!(post(terminal, key, checkpoint).refusal(), refused);
    }
    assert_eq!(deployment.log(&["show"])["witnesses"]["day"]["terminals"], 0);

    // The first key counts, until the terminal joins again.
    assert_eq!(witness.cosign(terminal, note.clone(), 1).status, 200);
    let second = Witness::new(running, terminal, 2);
    let answer = second.cosign(terminal, note.clone(), 1);
    assert_eq!(answer.refusal(), (403, "WK-1981".into()));
    let token = deployment.ok(&["terminal", "token", "--replace", "ward-1"]);
    let joined = Terminal::join(running, &token, "ward-1", b"ward-1").unwrap();
    assert_eq!(joined.id, terminal.id);
    assert_eq!(second.cosign(&joined, note.clone(), 1).status, 200);
    // Nobody without a certificate, and no terminal that was revoked.
    assert_eq!(running.anyone().get("/v1/log/checkpoint?since=0").status, 401);
    deployment.ok(&["terminal", "disable", "ward-2"]);
    running.settle();
    assert_eq!(other.client.get("/v1/log/checkpoint?since=0").refusal().0, 403);
}

#[test]
fn nothing_is_pruned_that_no_terminal_has_cosigned() {
    let ward = Ward::new();
    let (running, terminal, deployment) = (&ward.running, &ward.terminal, &ward.deployment);
    let mut witness = Witness::new(running, terminal, 1);
    grow(deployment, terminal, 0..30);
    let (note, _) = witness.look(running, terminal);
    assert_eq!(witness.cosign(terminal, note, 5).status, 200);
    grow(deployment, terminal, 30..60);
    wait(deployment, running);
    let file = deployment.archived("a.wka");
    let done = deployment.prune(&file, &operation(), &running.clock).unwrap();
    assert_eq!((done.records, done.kept.not_witnessed), (30, 30));
    let (note, _) = witness.look(running, terminal);
    assert_eq!(witness.cosign(terminal, note, 6).status, 200);
    let done = deployment.prune(&file, &operation(), &running.clock).unwrap();
    assert_eq!((done.records, done.kept.not_witnessed), (29, 1), "the newest record stays");
}
