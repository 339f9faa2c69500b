//! Logins over real sockets and real redb files: what is recorded, and how often.

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::decide::{Freshness, decide};
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_core::name::ServiceName;
use wardkey_core::person::Status;
use wardkey_core::policy::context::LoginContext;
use wardkey_core::snapshot::{Anchor, Snapshot};
use wardkey_core::time::UnixTime;
use wardkey_ipc::Peer;

#[test]
fn a_person_logs_in_and_the_record_names_all() {
    let f = Fixture::synced();
    let mut client = f.root();
    let grant = client.granted(&Request::Begin(begin("hanako")));
    let anchor = Anchor { root_key: signing(100).public(), terminal: TERMINAL };
    let marks = Marks::default();
    let snapshot =
        Snapshot::verify(&grant.evidence.unwrap(), &anchor, &marks, &login("hanako")).unwrap();
    assert_eq!(snapshot.known_credentials().len(), 1);
    assert_eq!(client.ask(&Request::Hold), Reply::Held);

    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    let service = ServiceName::new("login").unwrap();
    let account = login("hanako");
    let request = LoginContext {
        account: &account,
        service: &service,
        remote: false,
        now: UnixTime(T0 + 11),
        marks: &marks,
    };
    let granted = decide(
        &snapshot,
        &request,
        &TERMINAL,
        Freshness::Reported { least: UnixTime(T0) },
        &assertion,
    )
    .unwrap();
    let id = granted.client_data().event_id();
    assert_eq!(client.ask(&success("hanako", &assertion)), Reply::Recorded(id, None));

    let event = f.events().into_iter().find(|event| event.name == EventName::Login).unwrap();
    let line = event.to_line();
    for part in [
        "event=login",
        "code=WE-01",
        "outcome=success",
        "person=hanako",
        "account=hanako",
        "service=login",
        "tty=tty1",
        "up=1",
        "uv=1",
        "counter=1",
        "stage=online",
        "age=10",
        "uid=0",
        "evidence=signed",
    ] {
        assert!(line.contains(part), "{line} lacks {part}");
    }
    assert!(line.contains(&format!("id={id} ")) && line.contains(&format!("terminal={TERMINAL}")));
    assert_eq!(f.agent.arbiter.len(), 0, "the key is free again");
}

#[test]
fn an_unknown_name_gets_the_same_answers_and_is_never_recorded() {
    let f = Fixture::synced();
    let mut client = f.root();
    // Eight digits: somebody typed the PIN into the name field.
    let grant = client.granted(&Request::Begin(begin("73129944")));
    let anchor = Anchor { root_key: signing(100).public(), terminal: TERMINAL };
    let evidence = grant.evidence.unwrap();
    let snapshot =
        Snapshot::verify(&evidence, &anchor, &Marks::default(), &login("73129944")).unwrap();
    assert_eq!(snapshot.records().count(), 0, "absence is proven");
    assert!(recorded(&client.ask(&failure("73129944", None, None, Code::KeyAndNameDoNotMatch))));
    let mut nobody = begin("x");
    nobody.account = None;
    assert!(f.root().granted(&Request::Begin(nobody)).evidence.is_some());
    for event in f.events() {
        assert!(!format!("{event:?}").contains("73129944"), "{event:?}");
    }
    // Nor is it in the file.
    f.agent.state.close();
    let file = std::fs::read(f.folder.path().join("state.redb")).unwrap();
    assert!(!file.windows(8).any(|bytes| bytes == b"73129944"));
}

#[test]
fn the_same_outcome_is_recorded_once_and_another_under_its_id_never() {
    let mut f = Fixture::synced();
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    let request = success("hanako", &assertion);
    let first = f.root().ask(&request);
    assert!(recorded(&first));
    // Again on a new connection, and after a restart of the agent.
    assert_eq!(f.root().ask(&request), first);
    f.restart();
    assert_eq!(f.root().ask(&request), first);
    let logins = |f: &Fixture| {
        f.events()
            .iter()
            .filter(|event| event.outcome == Outcome::Success && event.name == EventName::Login)
            .count()
    };
    assert_eq!(logins(&f), 1);
    // Same client data, other evidence.
    let mut other = assertion.clone();
    other.user_handle = Some(wardkey_core::codec::Bytes::new([8; 32]).unwrap());
    assert_eq!(code(&f.root().ask(&success("hanako", &other))), Code::Replayed);
    // The same assertion as a login of somebody else, and to another service.
    assert_eq!(code(&f.root().ask(&success("taro", &assertion))), Code::NotInSharedGroup);
    let Request::Outcome(mut sudo) = success("hanako", &assertion) else { unreachable!() };
    sudo.login.service = ServiceName::new("sudo").unwrap();
    assert_eq!(code(&f.root().ask(&Request::Outcome(sudo))), Code::ClientData);
    assert_eq!(logins(&f), 1, "nothing else became a login");
    assert!(f.events().iter().any(|event| event.reason == Some(Code::Replayed)));
}

#[test]
fn a_module_that_lies_makes_no_login() {
    let f = Fixture::synced();
    f.ward.put("ward3", &{
        let mut jiro = person("jiro", vec![credential(3)]);
        jiro.status = Status::Disabled;
        jiro
    });
    f.sync().unwrap();
    let forged = {
        let mut assertion = f.assertion("hanako", "hanako", 1, |_| {});
        assertion.signature = wardkey_core::codec::Bytes::new([0x30; 70]).unwrap();
        assertion
    };
    let garbage = {
        let mut assertion = f.assertion("hanako", "hanako", 1, |_| {});
        assertion.client_data = wardkey_core::codec::Bytes::new(*b"{}").unwrap();
        assertion
    };
    let old = |data: &mut wardkey_core::client_data::ClientData| data.time = UnixTime(T0 + 10 - 61);
    let elsewhere = |data: &mut wardkey_core::client_data::ClientData| {
        data.terminal = wardkey_core::id::TerminalId::new([5; 16]);
    };
    for (what, account, assertion, expected) in [
        ("forged signature", "hanako", forged, Code::AssertionSignature),
        ("no client data", "hanako", garbage, Code::ClientData),
        ("61 seconds old", "hanako", f.assertion("hanako", "hanako", 1, old), Code::TooLate),
        (
            "another terminal's",
            "hanako",
            f.assertion("hanako", "hanako", 1, elsewhere),
            Code::ClientData,
        ),
        (
            "another's key",
            "hanako",
            f.assertion("hanako", "hanako", 2, |_| {}),
            Code::KeyAndNameDoNotMatch,
        ),
        (
            "another's account",
            "hanako",
            f.assertion("hanako", "taro", 2, |_| {}),
            Code::NotInSharedGroup,
        ),
        (
            "unknown person",
            "ghost",
            f.assertion("ghost", "ghost", 1, |_| {}),
            Code::KeyAndNameDoNotMatch,
        ),
        ("disabled person", "jiro", f.assertion("jiro", "jiro", 3, |_| {}), Code::PersonDisabled),
        (
            "no UV",
            "hanako",
            f.assertion_with("hanako", "hanako", 1, 50, 0x01, |_| {}),
            Code::UserVerificationMissing,
        ),
        (
            "no UP",
            "hanako",
            f.assertion_with("hanako", "hanako", 1, 51, 0x04, |_| {}),
            Code::UserPresenceMissing,
        ),
    ] {
        let before = f.events().len();
        let request = success(account, &assertion);
        assert_eq!(code(&f.root().ask(&request)), expected, "{what}");
        assert_eq!(code(&f.root().ask(&request)), expected, "{what}, sent again");
        let events = f.events();
        assert!(events.len() > before, "{what}: recorded");
        let event = &events[before];
        assert_eq!((event.outcome, event.reason), (Outcome::Failure, Some(expected)), "{what}");
        assert!(event.evidence.is_none());
    }
    assert!(
        !f.events()
            .iter()
            .any(|event| event.name == EventName::Login && event.outcome == Outcome::Success)
    );
}

#[test]
fn what_was_verified_ahead_counts_only_while_nothing_has_changed() {
    // (what happens between Hold and the outcome, what comes of the login)
    type Change = fn(&Fixture);
    let disabled: Change = |f| {
        let mut hanako = person("hanako", vec![credential(1)]);
        hanako.status = Status::Disabled;
        f.ward.put("ward3", &hanako);
    };
    let another_key: Change = |f| f.ward.put("ward3", &person("hanako", vec![credential(3)]));
    let of_no_concern: Change = |f| f.ward.put("ward3", &person("jiro", vec![credential(3)]));
    let cases: [(&str, Change, Option<Code>); 4] = [
        ("nothing", |_| {}, None),
        ("of no concern", of_no_concern, None),
        ("disabled", disabled, Some(Code::PersonDisabled)),
        ("another key", another_key, Some(Code::KeyAndNameDoNotMatch)),
    ];
    for (what, change, expected) in cases {
        let f = Fixture::synced();
        let mut client = f.root();
        client.granted(&Request::Begin(begin("hanako")));
        assert_eq!(client.ask(&Request::Hold), Reply::Held);
        let assertion = f.assertion("hanako", "hanako", 1, |_| {});
        change(&f);
        f.sync().unwrap();
        let reply = client.ask(&success("hanako", &assertion));
        match expected {
            None => assert!(recorded(&reply), "{what}: {reply:?}"),
            Some(expected) => assert_eq!(code(&reply), expected, "{what}"),
        }
        let logins = f.events().into_iter().filter(|event| event.name == EventName::Login);
        let outcomes: Vec<_> = logins.map(|event| event.outcome).collect();
        assert_eq!(
            outcomes,
            [if expected.is_none() { Outcome::Success } else { Outcome::Failure }],
            "{what}"
        );
    }
}

#[test]
fn signature_counters_must_rise_unless_the_key_has_none() {
    // (counters in turn, which of them is refused)
    for (counters, refused) in [
        (&[0u32, 0, 0][..], None),
        (&[1, 2, 3], None),
        (&[5, 5], Some(1)),
        (&[5, 4], Some(1)),
        (&[5, 0], Some(1)),
        (&[0, 1, 2], None),
    ] {
        let mut f = Fixture::synced();
        for (at, counter) in counters.iter().enumerate() {
            let assertion = f.assertion_with("hanako", "hanako", 1, *counter, 0x05, |_| {});
            let reply = f.root().ask(&success("hanako", &assertion));
            if refused == Some(at) {
                assert_eq!(code(&reply), Code::CounterRegressed, "{counters:?} at {at}");
                assert_eq!(
                    code(&f.root().ask(&success("hanako", &assertion))),
                    Code::CounterRegressed,
                    "sent again"
                );
                let events = f.events();
                assert_eq!(
                    events.iter().filter(|event| event.name == EventName::CloneSuspected).count(),
                    1
                );
                assert!(events.iter().any(|event| event.reason == Some(Code::CounterRegressed)
                    && event.name == EventName::Login));
            } else {
                assert!(recorded(&reply), "{counters:?} at {at}: {reply:?}");
            }
            f.restart();
        }
    }
}

#[test]
fn a_success_that_is_refused_counts_once() {
    let f = Fixture::synced();
    // The same counter again and again: each is refused, and the module reports each refusal.
    let first = f.assertion_with("hanako", "hanako", 1, 9, 0x05, |_| {});
    assert!(recorded(&f.root().ask(&success("hanako", &first))));
    for failures in 1..=5 {
        let Reply::Granted(_) = f.root().in_turn(&Request::Begin(begin("hanako"))) else {
            panic!("locked out after {} of 5 failures", failures - 1)
        };
        let again = f.assertion_with("hanako", "hanako", 1, 9, 0x05, |_| {});
        let Request::Outcome(claimed) = success("hanako", &again) else { unreachable!() };
        let mut client = f.root();
        assert_eq!(code(&client.ask(&Request::Outcome(claimed.clone()))), Code::CounterRegressed);
        let Request::Outcome(mut reported) =
            failure("hanako", Some("hanako"), Some(1), Code::CounterRegressed)
        else {
            unreachable!()
        };
        reported.attempt = claimed.attempt;
        assert_eq!(client.ask(&Request::Outcome(reported)), Reply::Recorded(claimed.attempt, None));
    }
    let counted: Vec<_> = f
        .events()
        .into_iter()
        .filter(|event| event.name == EventName::LockedOut)
        .map(|event| event.count)
        .collect();
    assert_eq!(counted, [Some(5)]);
    let refused = f
        .events()
        .into_iter()
        .filter(|event| event.name == EventName::Login && event.outcome == Outcome::Failure);
    assert_eq!(refused.count(), 5, "one record each");
}

#[test]
fn huge_truncated_and_nonsense_frames_end_the_connection_and_nothing_else() {
    use std::io::{Read, Write};
    let f = Fixture::synced();
    for bytes in [&[0xff; 4][..], &[0, 1, 0, 1], &[0, 0, 0, 0], &[0, 0, 0, 9, 1]] {
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let agent = std::sync::Arc::clone(&f.agent);
        let counted = f.connections.admit(0, 64).unwrap();
        let served =
            std::thread::spawn(move || wardkey_agent::server::serve(&agent, theirs, ROOT, counted));
        ours.write_all(bytes).unwrap();
        ours.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        ours.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "{bytes:?}");
        served.join().unwrap();
    }
    assert!(matches!(f.root().in_turn(&Request::Begin(begin("hanako"))), Reply::Granted(_)));
}

#[test]
fn a_login_in_the_degraded_stage_is_recorded_for_who_was_seen() {
    let f = Fixture::synced();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    f.ward.put("ward3", &person("nobody", vec![credential(5)]));
    f.sync().unwrap();
    f.pass(900 + 30 * 3600);
    let peer = Peer { uid: nobody, gid: nobody, pid: 77 };
    // Not root, never seen by the agent: not believed.
    let assertion = f.assertion("nobody", "nobody", 5, |_| {});
    assert_eq!(
        code(&f.connect(peer).ask(&success("nobody", &assertion))),
        Code::OfflineNotSeenHere
    );
    // Root has marks of its own.
    let assertion = f.assertion("nobody", "nobody", 5, |_| {});
    assert!(recorded(&f.root().ask(&success("nobody", &assertion))));
    let event = f.events().into_iter().rfind(|event| event.name == EventName::Login).unwrap();
    assert_eq!(event.stage.as_deref(), Some("degraded"));
    // Now seen.
    let assertion = f.assertion("nobody", "nobody", 5, |_| {});
    assert!(recorded(&f.connect(peer).ask(&success("nobody", &assertion))));
}

#[test]
fn marks_that_a_module_could_not_raise_are_an_event_and_no_failed_login() {
    let f = Fixture::synced();
    let mut notice = match failure("hanako", Some("hanako"), Some(1), Code::MarksNotRaised) {
        Request::Outcome(outcome) => outcome,
        other => panic!("{other:?}"),
    };
    let raised = |f: &Fixture| {
        f.events().into_iter().find(|event| event.reason == Some(Code::MarksNotRaised)).unwrap()
    };
    assert!(recorded(&f.root().ask(&Request::Outcome(notice.clone()))));
    let event = raised(&f);
    assert_eq!((event.name, event.outcome), (EventName::MarksNotRaised, Outcome::Failure));
    // It counts against nobody.
    for n in 0..20 {
        notice.attempt = wardkey_core::id::EventId::new([200 + n; 16]);
        assert!(recorded(&f.root().ask(&Request::Outcome(notice.clone()))));
    }
    assert!(matches!(f.root().ask(&Request::Begin(begin("hanako"))), Reply::Granted(_)));
}
