//! The terminal witnesses the server's log of records: what goes on is cosigned, two histories are
//! told of, and nobody is kept from logging in by either.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use crate::common::*;
use wardkey_agent::sync::upstream::Upstream;
use wardkey_agent::witness::{self, EVIDENCE, KEY};
use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome, Severity};
use wardkey_core::message::agent::{LogStatus, Reply, Request};
use wardkey_core::message::http::CosignatureRequest;
use wardkey_tlog::{Checkpoint, Kind, Note, Verifier};

impl Fixture {
    /// Synchronised with a server that has this log, and has witnessed it.
    fn witnessing(log: Log) -> Self {
        let f = Self::joined();
        f.shows(log);
        f.sync().unwrap();
        f
    }

    fn shows(&self, log: impl Into<Option<Log>>) {
        let log = log.into();
        self.ward.change(|state| state.log = log);
    }

    fn look(&self) {
        let ward: Arc<dyn Upstream> = Arc::<Ward>::clone(&self.ward);
        witness::look(&self.agent, ward.as_ref()).unwrap();
    }

    fn cosigned(&self) -> Vec<CosignatureRequest> {
        self.ward.change(|state| state.cosigned.clone())
    }

    fn told(&self) -> Vec<Event> {
        let all = self.events().into_iter();
        all.filter(|event| event.name == EventName::LogContradicted).collect()
    }

    fn log_status(&self) -> Option<LogStatus> {
        match self.root().ask(&Request::Status) {
            Reply::Status(status) => status.log,
            other => panic!("{other:?}"),
        }
    }
}

/// Who cosigned it and when, verified by the keys of the log and of the terminal.
fn verified(cosigned: &CosignatureRequest, log: &Log) -> (Checkpoint, Verifier, u64) {
    let key = Verifier::parse(&cosigned.key).unwrap();
    assert_eq!(key.kind(), Kind::Cosignature);
    assert_eq!(key.name().as_str(), format!("{RP}/wardkey-witness/{TERMINAL}"));
    let note = Note::parse(cosigned.checkpoint.as_bytes()).unwrap();
    let opened = note.open(&[log.verifier(), key.clone()]).unwrap();
    let times: Vec<u64> = opened.by().iter().filter_map(|(_, time)| *time).collect();
    assert_eq!((opened.by().len(), times.len()), (2, 1));
    (Checkpoint::parse(opened.text()).unwrap(), key, times[0])
}

#[test]
fn a_log_that_goes_on_is_cosigned_once_at_each_size() {
    let mut f = Fixture::witnessing(Log::of(3));
    let [first] = f.cosigned().try_into().unwrap();
    let (checkpoint, key, time) = verified(&first, &Log::of(3));
    assert_eq!((checkpoint.size(), time), (3, f.agent.clock.now().0));
    f.look();
    assert_eq!(f.cosigned().len(), 1, "nothing was added");

    f.pass(60);
    f.shows(Log::of(200));
    f.look();
    let (checkpoint, again, later) = verified(&f.cosigned()[1], &Log::of(200));
    assert_eq!(checkpoint, Log::of(200).checkpoint());
    assert_eq!((again.public(), later), (key.public(), time + 60));
    let file = f.folder.path().join(KEY);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600);

    // All of that outlives the agent.
    f.restart();
    f.look();
    assert_eq!(f.cosigned().len(), 2);
    f.shows(Log::of(201));
    f.look();
    let (_, again, _) = verified(&f.cosigned()[2], &Log::of(201));
    assert_eq!(again.public(), key.public());
    let (time, key) = (Some(f.agent.clock.now()), Some(key.to_string()));
    let seen = LogStatus { size: Some(201), time, is_contradicted: false, key };
    assert_eq!((f.log_status(), f.told()), (Some(seen), vec![]));
}

#[test]
fn every_contradiction_is_told_of_with_both_heads_and_logins_go_on() {
    let honest = || Log::of(9);
    let changed = |entries, at: usize| {
        let mut log = Log::of(entries);
        log.entries[at] = vec![0xee];
        log
    };
    for (what, log, code) in [
        ("rewritten", changed(9, 4), Code::LogHistoryDiffers),
        ("rewritten at its first entry, and grown", changed(30, 0), Code::LogHistoryDiffers),
        ("rewritten at its last entry, and grown", changed(30, 8), Code::LogHistoryDiffers),
        ("rolled back", Log::of(8), Code::LogHistoryShorter),
        ("rolled back to nothing", Log::of(0), Code::LogHistoryShorter),
        ("rolled back and forked", changed(5, 4), Code::LogHistoryShorter),
        ("by another key", Log { seed: 78, ..Log::of(10) }, Code::LogHistoryUnsigned),
        ("renamed", Log { origin: "x/wardkey-log/test/2".into(), ..Log::of(10) }, Code::LogRenamed),
    ] {
        let f = Fixture::witnessing(honest());
        f.shows(log.clone());
        f.look();
        f.look();
        let [told] = f.told().try_into().unwrap();
        assert_eq!((told.outcome, told.reason), (Outcome::Failure, Some(code)), "{what}");
        assert_eq!((told.severity(), told.name.code()), (Severity::Error, "WE-56".into()));
        let detail = told.detail.unwrap();
        for head in [honest().checkpoint(), log.checkpoint()] {
            let head = format!("{} {}", head.size(), head.root());
            assert!(detail.contains(&head), "{what}: {detail}");
        }

        // Both heads, each as it was signed.
        let file = f.folder.path().join(EVIDENCE);
        let evidence: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(evidence["code"], code.to_string());
        for (name, log) in [("seen", &honest()), ("shown", &log)] {
            let note = Note::parse(evidence[name].as_str().unwrap().as_bytes()).unwrap();
            let opened = note.open(&[log.verifier()]).unwrap();
            assert_eq!(Checkpoint::parse(opened.text()).unwrap(), log.checkpoint(), "{what}");
        }
        assert!(f.log_status().unwrap().is_contradicted);

        // It is not cosigned, nor forgotten what was seen; and people get in.
        assert_eq!(f.cosigned().len(), 1, "{what}");
        f.root().granted(&Request::Begin(begin("hanako")));
        f.shows(Log::of(12));
        f.look();
        assert_eq!(verified(&f.cosigned()[1], &Log::of(12)).0.size(), 12, "{what}");
        assert!(f.log_status().unwrap().is_contradicted, "until root takes the file away");
        std::fs::remove_file(&file).unwrap();
        assert!(!f.log_status().unwrap().is_contradicted);
    }
}

#[test]
fn a_key_that_the_publish_key_does_not_name_signs_no_log() {
    let f = Fixture::witnessing(Log::of(3));
    // Whoever has the server's TLS key alone.
    f.ward.change(|state| {
        state.log = Some(Log { seed: 78, named: 78, ..Log::of(4) });
        state.publish_seed = 102;
    });
    f.look();
    let [told] = f.told().try_into().unwrap();
    assert_eq!(told.reason, Some(Code::LogHistoryUnsigned));
    assert_eq!(f.cosigned().len(), 1);
}

#[test]
fn another_log_is_taken_when_a_restore_was_published_and_told_of() {
    let f = Fixture::witnessing(Log::of(9));
    let restored = Log { origin: format!("{RP}/wardkey-log/test/2"), ..Log::of(4) };
    f.ward.change(|state| {
        for row in state.scopes.values_mut() {
            row.epoch += 1;
        }
        state.log = Some(restored.clone());
    });
    // The terminal has not heard of the restore: it asks before it says anything.
    f.look();
    let [told] = f.told().try_into().unwrap();
    assert_eq!((told.outcome, told.reason), (Outcome::Success, Some(Code::LogBegunAnew)));
    assert_eq!(told.severity(), Severity::Warning);
    assert_eq!(verified(&f.cosigned()[1], &restored).0, restored.checkpoint());
    assert!(!f.folder.path().join(EVIDENCE).exists());

    // One restore, one name.
    f.shows(Log { origin: format!("{RP}/wardkey-log/test/3"), ..Log::of(4) });
    f.look();
    assert_eq!(f.told().last().unwrap().reason, Some(Code::LogRenamed));
}

#[test]
fn a_server_that_keeps_no_log_is_no_contradiction() {
    let f = Fixture::witnessing(Log::of(9));
    f.shows(None);
    f.look();
    assert_eq!((f.told(), f.cosigned().len()), (vec![], 1));
    let f = Fixture::synced();
    f.look();
    assert_eq!((f.told(), f.log_status()), (vec![], None));
    assert!(!f.folder.path().join(KEY).exists());
}

#[test]
fn what_was_not_told_to_the_server_is_told_when_it_answers_again() {
    let f = Fixture::joined();
    f.sync().unwrap();
    let before = Log::of(3);
    // As after a crash between the two requests.
    f.shows(before.clone());
    f.ward.change(|state| state.deaf_to_cosignatures = true);
    let ward: Arc<dyn Upstream> = Arc::<Ward>::clone(&f.ward);
    assert!(witness::look(&f.agent, ward.as_ref()).is_err());
    f.ward.change(|state| state.deaf_to_cosignatures = false);
    f.look();
    assert_eq!(verified(&f.cosigned()[0], &before).0.size(), 3);
}
