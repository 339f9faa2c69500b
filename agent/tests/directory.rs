//! Synchronisation with an honest publisher, a broken one, and one that was taken over.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::*;
use wardkey_agent::error::AgentError;
use wardkey_agent::sync::exchange::{note_failure, note_success};
use wardkey_core::code::Code;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::document::{Position, SignedRoot};
use wardkey_core::event::EventName;
use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::marks::Marks;
use wardkey_core::person::Status;
use wardkey_core::snapshot::{Anchor, Snapshot};
use wardkey_core::time::UnixTime;

fn snapshot(f: &Fixture, who: &str) -> Snapshot {
    let anchor = Anchor { root_key: signing(100).public(), terminal: TERMINAL };
    let evidence = f.agent.directory.evidence(&login(who)).unwrap().unwrap();
    Snapshot::verify(&evidence, &anchor, &f.agent.marks(), &login(who)).unwrap()
}

fn position(f: &Fixture, name: &str) -> Position {
    f.agent.directory.view().scope(&scope(name)).unwrap().head.position()
}

fn denied(result: Result<bool, AgentError>) -> Code {
    match result {
        Err(AgentError::Denied(denial)) => denial.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn changes_arrive_as_changes_and_survive_a_restart() {
    let mut f = Fixture::synced();
    assert_eq!(snapshot(&f, "hanako").records().count(), 1);
    // Disabled at the server: refused here after the next round.
    let mut hanako = person("hanako", vec![credential(1)]);
    hanako.status = Status::Disabled;
    f.ward.put("ward3", &hanako);
    f.ward.put("roaming", &hanako);
    f.ward.remove("ward3", "taro");
    f.ward.change(|state| state.changes_asked.clear());
    assert!(f.sync().unwrap());
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [0, 2], "only what is new");
    for _ in 0..2 {
        let shown = snapshot(&f, "hanako");
        assert_eq!(shown.records().filter(|record| record.status == Status::Disabled).count(), 2);
        assert_eq!(snapshot(&f, "taro").records().count(), 0);
        f.restart();
    }
    // Nothing new: nothing is fetched, nothing applied.
    assert!(!f.sync().unwrap());
    // Signed again: fresh, and no changes asked for.
    f.ward.change(|state| {
        state.now += 100;
        state.changes_asked.clear();
    });
    f.pass(100);
    assert!(f.sync().unwrap());
    assert!(f.ward.change(|state| state.changes_asked.is_empty()));
    assert_eq!(snapshot(&f, "hanako").expires(), UnixTime(T0 + 1000));
}

#[test]
fn many_people_come_in_pages() {
    let f = Fixture::joined();
    f.ward.change(|state| state.page = 7);
    for n in 0..100u8 {
        f.ward.put("ward3", &person(&format!("p{n}"), vec![credential(n + 1)]));
    }
    f.sync().unwrap();
    for n in [0, 42, 99] {
        assert_eq!(snapshot(&f, &format!("p{n}")).known_credentials().len(), 1);
    }
    assert_eq!(f.agent.directory.view().scope(&scope("ward3")).unwrap().head.count, 102);
}

#[test]
fn rollback_and_fork_are_refused_reported_and_change_nothing() {
    let mut f = Fixture::synced();
    let good = f.ward.change(|state| state.clone());
    f.ward.put("ward3", &person("jiro", vec![credential(3)]));
    f.sync().unwrap();
    let newest = f.ward.change(|state| state.clone());
    type Lie = fn(&mut WardState);
    let cases: [(&str, Code, Lie); 5] = [
        ("older sequence", Code::Rollback, |state| state.scopes.get_mut(&scope("ward3")).unwrap().shown_seq = Some(1)),
        ("older epoch", Code::Rollback, |state| {
            let row = state.scopes.get_mut(&scope("ward3")).unwrap();
            (row.epoch, row.seq) = (0, 99);
        }),
        ("same number, other state", Code::Fork, |state| {
            state.scopes.get_mut(&scope("ward3")).unwrap().false_root = true
        }),
        ("same number, other policy", Code::Fork, |state| {
            state.scopes.get_mut(&scope("ward3")).unwrap().policy.lockout.threshold = 99;
        }),
        ("older terminal document", Code::Rollback, |state| state.terminal.number = 0),
    ];
    for (what, expected, lie) in cases {
        f.ward.change(|state| {
            *state = newest.clone();
            state.now += 5;
            lie(state);
        });
        let before = position(&f, "ward3");
        assert_eq!(denied(f.sync()), expected, "{what}");
        assert_eq!(position(&f, "ward3"), before, "{what}: last good state");
        assert_eq!(snapshot(&f, "jiro").records().count(), 1, "{what}");
        f.restart();
    }
    // A whole server from yesterday.
    f.ward.change(|state| *state = good);
    assert_eq!(denied(f.sync()), Code::Rollback);
    f.ward.change(|state| {
        *state = newest;
        state.now += 10;
    });
    f.sync().unwrap();
}

#[test]
fn the_thread_reports_what_it_refuses_once() {
    let f = Fixture::synced();
    f.ward.change(|state| {
        state.now += 5;
        state.scopes.get_mut(&scope("ward3")).unwrap().shown_seq = Some(1);
    });
    let agent = std::sync::Arc::clone(&f.agent);
    let running = std::thread::spawn(move || wardkey_agent::sync::run::run(&agent));
    eventually("the refusal is reported", || f.events().iter().any(|event| event.name == EventName::DirectoryRefused));
    std::thread::sleep(std::time::Duration::from_millis(1500));
    f.agent.stop();
    running.join().unwrap();
    let refused: Vec<_> = f.events().into_iter().filter(|event| event.name == EventName::DirectoryRefused).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].reason, Some(Code::Rollback));
}

#[test]
fn a_state_that_is_not_the_signed_one_is_fetched_whole_once_then_refused() {
    let f = Fixture::synced();
    f.ward.put("ward3", &person("jiro", vec![credential(3)]));
    // Only the delta is broken: the whole state heals it.
    f.ward.change(|state| {
        state.drop_row_of_delta = true;
        state.changes_asked.clear();
    });
    f.sync().unwrap();
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [2, 0]);
    assert_eq!(snapshot(&f, "jiro").records().count(), 1);
    // The whole state is broken too: refused, the last good one stays.
    f.ward.put("ward3", &person("saburo", vec![credential(4)]));
    f.ward.change(|state| {
        state.drop_row = true;
        state.changes_asked.clear();
    });
    let before = position(&f, "ward3");
    assert_eq!(denied(f.sync()), Code::ProofInvalid);
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [3, 0]);
    assert_eq!(position(&f, "ward3"), before);
    assert_eq!(snapshot(&f, "jiro").records().count(), 1);
    // One scope that is refused does not keep the others from being fresh.
    f.ward.put("roaming", &person("shiro", vec![credential(5)]));
    f.ward.change(|state| state.drop_row = false);
    f.ward.change(|state| state.scopes.get_mut(&scope("ward3")).unwrap().false_root = true);
    assert_eq!(denied(f.sync()), Code::ProofInvalid);
    assert_eq!(snapshot(&f, "shiro").records().count(), 1);
}

#[test]
fn a_server_without_the_publish_key_changes_nothing() {
    let f = Fixture::synced();
    f.ward.put("ward3", &person("mallory", vec![credential(66)]));
    f.ward.change(|state| {
        state.publish_seed = 66;
        state.now += 5;
    });
    assert_eq!(denied(f.sync()), Code::TerminalInvalid);
    assert_eq!(snapshot(&f, "mallory").records().count(), 0);
    // A terminal document for another terminal, properly signed.
    f.ward.change(|state| {
        state.publish_seed = 101;
        state.terminal.terminal = TerminalId::new([5; 16]);
    });
    assert_eq!(denied(f.sync()), Code::TerminalInvalid);
}

#[test]
fn a_new_epoch_replaces_the_state() {
    let f = Fixture::synced();
    f.ward.change(|state| {
        let row = state.scopes.get_mut(&scope("ward3")).unwrap();
        row.epoch = 2;
        row.seq = 1;
        row.rows.remove("taro");
        row.rows.get_mut("hanako").unwrap().0 = 1;
        state.changes_asked.clear();
    });
    f.sync().unwrap();
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [0]);
    assert_eq!(position(&f, "ward3"), Position { epoch: 2, seq: 1 });
    assert_eq!(snapshot(&f, "taro").records().count(), 0, "what the restored server does not have is gone");
    assert_eq!(snapshot(&f, "hanako").records().count(), 1);
}

#[test]
fn a_terminal_follows_its_document() {
    let f = Fixture::synced();
    f.ward.change(|state| {
        state.terminal.number = 2;
        state.terminal.scopes = List::new(vec![scope("ward3")]).unwrap();
    });
    f.sync().unwrap();
    assert!(f.agent.directory.view().scope(&scope("roaming")).is_none());
    assert_eq!(snapshot(&f, "hanako").heads().count(), 1);
    f.ward.change(|state| {
        state.terminal.number = 3;
        state.terminal.status = Status::Disabled;
    });
    f.sync().unwrap();
    assert_eq!(snapshot(&f, "hanako").terminal().status, Status::Disabled);
    // Back in a scope: incomplete until it arrived, then complete again.
    f.ward.change(|state| {
        state.terminal.number = 4;
        state.terminal.status = Status::Active;
        state.terminal.scopes = List::new(vec![scope("roaming"), scope("ward3")]).unwrap();
    });
    f.sync().unwrap();
    assert!(f.agent.directory.view().is_complete());
}

#[test]
fn root_documents_follow_each_other_or_are_refused() {
    let f = Fixture::synced();
    let next = |version, by_previous: u8, by_itself: u8| {
        let mut root = f.ward.change(|state| state.root.clone());
        root.version = version;
        root.root_key = signing(110).public();
        root.publish_keys = List::new(vec![signing(101).public(), signing(111).public()]).unwrap();
        SignedRoot {
            by_itself: Bytes::new(signing(by_itself).sign(&root)).unwrap(),
            by_previous: Some(Bytes::new(signing(by_previous).sign(&root)).unwrap()),
        }
    };
    for bad in [next(2, 66, 110), next(2, 100, 66), next(3, 100, 110)] {
        f.ward.change(|state| state.extra_roots = vec![bad]);
        assert_eq!(denied(f.sync()), Code::RootInvalid);
    }
    f.ward.change(|state| state.extra_roots = vec![next_of(&state.root)]);
    f.sync().unwrap();
    assert_eq!(f.agent.directory.view().root.as_ref().unwrap().version, 2);
    assert_eq!(snapshot(&f, "hanako").root().version, 2);

    fn next_of(root: &wardkey_core::document::RootDocument) -> SignedRoot {
        let mut root = root.clone();
        root.version = 2;
        root.root_key = signing(110).public();
        root.publish_keys = List::new(vec![signing(101).public(), signing(111).public()]).unwrap();
        SignedRoot {
            by_itself: Bytes::new(signing(110).sign(&root)).unwrap(),
            by_previous: Some(Bytes::new(signing(100).sign(&root)).unwrap()),
        }
    }
}

#[test]
fn an_answer_that_was_overtaken_is_no_rollback() {
    let f = Fixture::synced();
    let view = f.agent.directory.view();
    let asked = wardkey_agent::sync::apply::request(&view, 0, false);
    f.ward.put("ward3", &person("jiro", vec![credential(3)]));
    let slow = wardkey_agent::sync::upstream::Upstream::wait(&*f.ward, &asked).unwrap();
    f.ward.put("ward3", &person("saburo", vec![credential(4)]));
    f.sync().unwrap();
    let before = position(&f, "ward3");
    wardkey_agent::sync::apply::apply(&f.agent, &*f.ward, &asked, slow, false).unwrap();
    assert_eq!(position(&f, "ward3"), before);
}

#[test]
fn a_spoilt_cache_is_set_aside_and_fetched_again() {
    for file in ["directory.redb", "state.redb"] {
        let mut f = Fixture::synced();
        let login_before = f.assertion_with("hanako", "hanako", 1, 9, 0x05, |_| {});
        f.root().ask(&success("hanako", &login_before));
        f.agent.state.close();
        f.agent.directory.close();
        let path = f.folder.path().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        for page in 1..bytes.len() / 4096 {
            bytes[page * 4096 + 64] ^= 0xff;
        }
        std::fs::write(&path, &bytes).unwrap();
        f.restart();
        assert!(
            f.events()
                .iter()
                .any(|event| event.name == EventName::StateSetAside && event.detail.as_ref().unwrap().contains(file)),
            "{file}"
        );
        let aside = std::fs::read_dir(f.folder.path()).unwrap().flatten();
        assert!(
            aside
                .map(|entry| entry.file_name())
                .any(|name| name.to_string_lossy().starts_with(&format!("{file}.corrupt-")))
        );
        if f.agent.directory.view().root.is_none() {
            // The root documents come over the network, from the key of the join; here by hand.
            let roots = List::new(vec![f.ward.signed_root()]).unwrap();
            let root = SignedRoot::verify_chain(&roots, &signing(100).public()).unwrap();
            f.agent.directory.update(|update| update.roots(roots, root)).unwrap();
        }
        f.sync().unwrap();
        assert_eq!(snapshot(&f, "hanako").records().count(), 1, "{file}");
        if file == "directory.redb" {
            // The marks are in the other file: a server from yesterday is still refused.
            let marks = f.agent.marks();
            assert!(marks.scope(&scope("ward3")).unwrap().position > Position { epoch: 1, seq: 1 });
        }
    }
}

#[test]
fn a_copy_that_does_not_verify_is_fetched_again() {
    let f = Fixture::synced();
    // A record is changed under our feet, as a failing disk would.
    f.agent
        .directory
        .update(|update| {
            let mut scope = update.scope(&scope("ward3"), false)?;
            scope.change(&login("hanako"), Some(&codec::to_bytes(&person("hanako", vec![credential(9)]))))?;
            Ok(())
        })
        .unwrap();
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    let reply = f.root().ask(&success("hanako", &assertion));
    assert!(
        matches!(reply, wardkey_core::message::agent::Reply::Refused(refusal) if refusal.code == Code::ProofInvalid)
    );
    f.sync().unwrap();
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    let reply = f.root().ask(&success("hanako", &assertion));
    assert!(matches!(reply, wardkey_core::message::agent::Reply::Recorded(..)), "{reply:?}");
}

#[test]
fn a_wrong_clock_is_corrected_by_what_the_server_signs() {
    let f = Fixture::joined();
    // The machine woke up in the past.
    f.time.store(1_000, std::sync::atomic::Ordering::SeqCst);
    f.sync().unwrap();
    assert_eq!(f.agent.clock.now(), UnixTime(T0));
    f.boot.fetch_add(50, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(f.agent.clock.now(), UnixTime(T0 + 50));
    assert!(f.events().iter().any(|event| event.name == EventName::ClockWrong));
    let marks: Marks = f.agent.state.marks().unwrap();
    assert!(marks.floor.time >= UnixTime(T0 - 5000), "kept on disk");
    assert_ne!(marks.scope(&scope("ward3")).unwrap().root, Hash::new([0; 32]));
}

#[test]
fn the_names_of_all_people_are_told_to_root_page_by_page_and_to_nobody_else() {
    use wardkey_core::message::agent::{PEOPLE_PER_PAGE, PeoplePage, Reply, Request};
    use wardkey_ipc::Peer;
    let f = Fixture::synced();
    for number in 0..PEOPLE_PER_PAGE + 5 {
        f.ward.put("ward3", &person(&format!("p{number}"), vec![]));
    }
    while f.sync().unwrap() {}
    let mut names = std::collections::BTreeSet::new();
    let (mut page, mut pages) = (Some(PeoplePage::default()), 0);
    while let Some(asked) = page {
        let Reply::People(people) = f.root().ask(&Request::People(asked)) else { panic!("no people") };
        names.extend(people.names.iter().map(ToString::to_string));
        page = people.next;
        pages += 1;
    }
    assert!(names.contains("hanako") && names.contains("p0"), "{names:?}");
    assert_eq!(names.iter().filter(|name| name[1..].parse::<usize>().is_ok()).count(), PEOPLE_PER_PAGE + 5);
    // Two pages of the first scope, one of the second.
    assert_eq!(pages, 3);
    let somebody = Peer { uid: 1000, ..ROOT };
    assert_eq!(f.connect(somebody).refused(&Request::People(PeoplePage::default())), Code::NeedsRoot);
}

#[test]
fn a_way_in_that_opened_is_a_warning_and_only_root_may_say_so() {
    use wardkey_core::event::{Outcome, Severity};
    use wardkey_core::message::agent::{Reply, Request, WayIn};
    use wardkey_ipc::Peer;
    let f = Fixture::synced();
    let way = |accepted: Option<&str>| {
        Request::WayIn(WayIn {
            code: Code::ServiceOpen,
            subject: "gdm-fingerprint".into(),
            detail: Some("/etc/pam.d/gdm-fingerprint:3 pam_fprintd.so".into()),
            accepted: accepted.map(Into::into),
        })
    };
    assert!(matches!(f.root().ask(&way(None)), Reply::Recorded(..)));
    assert!(matches!(f.root().ask(&way(Some("no reader"))), Reply::Recorded(..)));
    let somebody = Peer { uid: 1000, ..ROOT };
    assert_eq!(f.connect(somebody).refused(&way(None)), Code::NeedsRoot);
    let events: Vec<_> = f.events().into_iter().filter(|event| event.name == EventName::WayIn).collect();
    assert_eq!(events.iter().map(|event| event.outcome).collect::<Vec<_>>(), [Outcome::Failure, Outcome::Success]);
    assert!(events.iter().all(|event| event.severity() == Severity::Warning && event.name.number() == 25));
    assert!(
        events[0]
            .to_line()
            .contains("reason=WK-1608 detail=/etc/pam.d/gdm-fingerprint:3_pam_fprintd.so service=gdm-fingerprint")
    );
    assert!(events[1].to_line().contains("detail=no_reader"));
}

#[test]
fn a_clock_that_is_ahead_is_called_that_and_not_offline() {
    let f = Fixture::synced();
    let code = |f: &Fixture| match f.root().ask(&wardkey_core::message::agent::Request::Begin(begin("hanako"))) {
        wardkey_core::message::agent::Reply::Refused(refusal) => Some(refusal.code),
        _ => None,
    };
    let ahead = |f: &Fixture| wardkey_agent::control::status(&f.agent).clock_ahead;
    note_success(&f.agent);
    assert_eq!((code(&f), ahead(&f)), (None, None));
    // Ten days ahead, and the server is reached: what it signed this minute looks expired for long.
    f.time.fetch_add(10 * 86_400, std::sync::atomic::Ordering::SeqCst);
    f.sync().unwrap();
    note_success(&f.agent);
    assert_eq!(code(&f), Some(Code::ClockAhead));
    assert!(ahead(&f).is_some_and(|ahead| ahead.abs_diff(10 * 86_400) < 300), "{:?}", ahead(&f));
    // The server is gone: then the terminal is offline, and by the clock for too long. The module says so.
    note_failure(&f.agent, &AgentError::Full);
    assert_eq!((code(&f), ahead(&f)), (None, None));
    // Set right.
    f.time.fetch_sub(10 * 86_400, std::sync::atomic::Ordering::SeqCst);
    f.sync().unwrap();
    note_success(&f.agent);
    assert_eq!((code(&f), ahead(&f)), (None, None));
}
