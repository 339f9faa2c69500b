//! Logins over real sockets and real redb files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::*;
use wardkey_agent::session::Session;
use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::decide::{self, Freshness, decide};
use wardkey_core::document::SharedAccount;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::marks::Marks;
use wardkey_core::message::PROTOCOL;
use wardkey_core::message::agent::{Begin, Reply, Request};
use wardkey_core::name::{GroupName, ServiceName};
use wardkey_core::person::Status;
use wardkey_core::snapshot::{Anchor, Snapshot};
use wardkey_core::time::UnixTime;
use wardkey_ipc::Peer;

fn recorded(reply: &Reply) -> bool {
    matches!(reply, Reply::Recorded(..))
}

fn code(reply: &Reply) -> Code {
    match reply {
        Reply::Refused(refusal) => refusal.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_person_logs_in_and_the_record_names_all() {
    let f = Fixture::synced();
    let mut client = f.root();
    let grant = client.granted(&Request::Begin(begin("hanako")));
    let anchor = Anchor { root_key: signing(100).public(), terminal: TERMINAL };
    let marks = Marks::default();
    let snapshot = Snapshot::verify(&grant.evidence.unwrap(), &anchor, &marks, &login("hanako")).unwrap();
    assert_eq!(snapshot.known_credentials().len(), 1);
    assert_eq!(client.ask(&Request::Hold), Reply::Held);

    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    let service = ServiceName::new("login").unwrap();
    let account = login("hanako");
    let request =
        decide::Request { account: &account, service: &service, remote: false, now: UnixTime(T0 + 11), marks: &marks };
    let granted =
        decide(&snapshot, &request, &TERMINAL, Freshness::Reported { least: UnixTime(T0) }, &assertion).unwrap();
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
    let snapshot = Snapshot::verify(&evidence, &anchor, &Marks::default(), &login("73129944")).unwrap();
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
        f.events().iter().filter(|event| event.outcome == Outcome::Success && event.name == EventName::Login).count()
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
        ("another terminal's", "hanako", f.assertion("hanako", "hanako", 1, elsewhere), Code::ClientData),
        ("another's key", "hanako", f.assertion("hanako", "hanako", 2, |_| {}), Code::KeyAndNameDoNotMatch),
        ("another's account", "hanako", f.assertion("hanako", "taro", 2, |_| {}), Code::NotInSharedGroup),
        ("unknown person", "ghost", f.assertion("ghost", "ghost", 1, |_| {}), Code::KeyAndNameDoNotMatch),
        ("disabled person", "jiro", f.assertion("jiro", "jiro", 3, |_| {}), Code::PersonDisabled),
        ("no UV", "hanako", f.assertion_with("hanako", "hanako", 1, 50, 0x01, |_| {}), Code::UserVerificationMissing),
        ("no UP", "hanako", f.assertion_with("hanako", "hanako", 1, 51, 0x04, |_| {}), Code::UserPresenceMissing),
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
    assert!(!f.events().iter().any(|event| event.name == EventName::Login && event.outcome == Outcome::Success));
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
        assert_eq!(outcomes, [if expected.is_none() { Outcome::Success } else { Outcome::Failure }], "{what}");
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
                assert_eq!(code(&f.root().ask(&success("hanako", &assertion))), Code::CounterRegressed, "sent again");
                let events = f.events();
                assert_eq!(events.iter().filter(|event| event.name == EventName::CloneSuspected).count(), 1);
                assert!(
                    events
                        .iter()
                        .any(|event| event.reason == Some(Code::CounterRegressed) && event.name == EventName::Login)
                );
            } else {
                assert!(recorded(&reply), "{counters:?} at {at}: {reply:?}");
            }
            f.restart();
        }
    }
}

/// Seconds for which the key of `seed` is locked, as a login of the account is told; 0: not at all.
fn locked(f: &Fixture, account: &str, seed: u8) -> u64 {
    let grant = f.root().granted(&Request::Begin(begin(account)));
    let own = wardkey_core::id::CredentialId::new(vec![seed; 32]).unwrap();
    let all = grant.locked.map(List::into_vec).unwrap_or_default();
    all.iter().find(|locked| locked.credential == own).map_or(0, |locked| locked.seconds)
}

fn wrong_pin() -> Request {
    failure("hanako", Some("hanako"), Some(1), Code::PinWrong)
}

#[test]
fn lesson_himmelblau_612_lockout_survives_restarts_and_rises() {
    let mut f = Fixture::synced();
    for _ in 0..4 {
        assert!(recorded(&f.root().ask(&wrong_pin())));
        assert_eq!(locked(&f, "hanako", 1), 0);
        f.restart();
    }
    // What is no wrong secret does not count.
    for code in [Code::Cancelled, Code::KeyRemoved, Code::TouchTimeout, Code::PinEmpty] {
        assert!(recorded(&f.root().ask(&failure("hanako", Some("hanako"), Some(1), code))));
    }
    assert_eq!(locked(&f, "hanako", 1), 0);
    assert!(recorded(&f.root().ask(&wrong_pin())));
    assert!(f.events().iter().any(|event| event.name == EventName::LockedOut && event.count == Some(5)));
    f.restart();
    assert_eq!(locked(&f, "hanako", 1), 30);
    // Setting the clock back gains nothing: what elapsed since boot counts.
    f.time.store(T0 - 5_000_000, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(locked(&f, "hanako", 1), 30);
    f.time.store(T0 + 10, std::sync::atomic::Ordering::SeqCst);
    // Others are not locked out.
    assert_eq!(locked(&f, "taro", 2), 0);
    f.pass(30);
    assert_eq!(locked(&f, "hanako", 1), 0);
    f.root().ask(&wrong_pin());
    assert_eq!(locked(&f, "hanako", 1), 60, "doubled");
    // A success sets it back.
    f.pass(60);
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    assert!(recorded(&f.root().ask(&success("hanako", &assertion))));
    f.root().ask(&wrong_pin());
    assert_eq!(locked(&f, "hanako", 1), 0);
}

#[test]
fn what_is_not_proven_counts_against_nobody_and_is_in_no_record() {
    use wardkey_core::id::{Nonce, TerminalId};
    use wardkey_core::identification::IdentifyData;
    let f = Fixture::synced();
    let here = IdentifyData { nonce: Nonce::new([1; 32]), terminal: TERMINAL };
    let elsewhere = IdentifyData { terminal: TerminalId::new([5; 16]), ..here.clone() };
    let mut cut = silent(1);
    cut.signature = wardkey_core::codec::Bytes::default();
    // (what the module says, whom it names, what proves it)
    for (what, account, person, proof) in [
        ("no proof", "hanako", Some("hanako"), None),
        ("another key's signature", "hanako", Some("hanako"), Some(silent_over(66, 1, &here))),
        ("a challenge of another terminal", "hanako", Some("hanako"), Some(silent_over(1, 1, &elsewhere))),
        ("no signature", "hanako", Some("hanako"), Some(cut)),
        ("a key of somebody else", "hanako", Some("hanako"), Some(silent(2))),
        ("nobody's name", "ghost", None, None),
        ("a person that nobody knows", "ghost", Some("ghost"), Some(silent(1))),
    ] {
        for _ in 0..6 {
            for code in [Code::PinWrong, Code::PinBlocked, Code::KeyAndNameDoNotMatch, Code::AssertionSignature] {
                let request = failure_with(account, person, proof.clone(), code);
                assert!(recorded(&f.root().ask(&request)), "{what}");
            }
        }
        assert_eq!((locked(&f, "hanako", 1), locked(&f, "taro", 2)), (0, 0), "{what}");
        // Nor is there a difference between names that somebody has and others.
        assert!(matches!(f.root().in_turn(&Request::Begin(begin(account))), Reply::Granted(_)), "{what}");
    }
    for event in f.events() {
        assert_eq!((&event.person, &event.key), (&None, &None), "{event:?}");
        assert_ne!(event.name, EventName::LockedOut);
    }
    // A proven key under a name that is not its own: no secret was tried.
    for _ in 0..6 {
        f.root().ask(&failure("hanako", Some("hanako"), Some(1), Code::KeyAndNameDoNotMatch));
    }
    assert_eq!(locked(&f, "hanako", 1), 0);
    // Proven, it names both.
    f.root().ask(&wrong_pin());
    let event = f.events().pop().unwrap();
    assert_eq!((event.person, event.key.is_some()), (Some(login("hanako")), true));
}

#[test]
fn devices_that_proved_nothing_are_recorded_once() {
    use wardkey_core::message::agent::Suspect;
    let f = Fixture::synced();
    let suspect = |product, name: &str| Suspect {
        vendor: 0x1209,
        product,
        path: "/dev/hidraw0".into(),
        name: name.into(),
        why: "signature does not verify".into(),
    };
    let with = |all: Vec<Suspect>| {
        let Request::Outcome(mut outcome) = failure("hanako", None, None, Code::KeyTimeout) else { unreachable!() };
        outcome.suspects = Some(List::new(all).unwrap());
        Request::Outcome(outcome)
    };
    for _ in 0..3 {
        assert!(recorded(&f.root().ask(&with(vec![suspect(1, "Charger\n\u{202e}"), suspect(2, "Fan")]))));
    }
    let all = f.events();
    let events: Vec<_> = all.iter().filter(|event| event.name == EventName::DeviceSuspected).collect();
    assert_eq!(events.len(), 2, "{events:?}");
    for event in events {
        assert_eq!(event.reason, Some(Code::DeviceNotProven));
        let line = event.to_line();
        assert!(line.contains("event=device-suspected") && line.contains("1209:000"), "{line}");
        assert!(!line.contains('\n') && !line.contains('\u{202e}'), "{line:?}");
    }
    // Who is not root could make up any number.
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let peer = Peer { uid: nobody, gid: nobody, pid: 77 };
    for product in 10..15 {
        let Request::Outcome(mut outcome) = with(vec![suspect(product, "Fan")]) else { unreachable!() };
        outcome.login = begin("nobody");
        f.connect(peer).ask(&Request::Outcome(outcome));
    }
    let events = f.events();
    assert_eq!(events.iter().filter(|event| event.name == EventName::DeviceSuspected).count(), 3);
}

#[test]
fn a_name_that_nobody_has_is_asked_for_with_ids_that_stay_the_same() {
    let f = Fixture::synced();
    let decoys = |name: &str| {
        let grant = f.root().granted(&Request::Begin(begin(name)));
        grant.decoys.map(List::into_vec).unwrap_or_default()
    };
    let ids = decoys("ghost");
    let lengths: Vec<usize> = ids.iter().map(|id| id.as_slice().len()).collect();
    assert_eq!(lengths, [32], "as those of everybody here");
    assert_eq!(decoys("ghost"), ids);
    assert_ne!(decoys("wraith"), ids);
    assert!(decoys("hanako").is_empty(), "whose own are asked for");
    // With nobody at all to look like.
    let mut nobody = begin("x");
    nobody.account = None;
    assert!(f.root().granted(&Request::Begin(nobody)).decoys.is_some());
}

#[test]
fn the_strictest_scope_decides_the_lockout() {
    let f = Fixture::joined();
    f.ward.policy("roaming", |policy| policy.lockout.threshold = 2);
    f.sync().unwrap();
    for _ in 0..2 {
        f.root().ask(&wrong_pin());
    }
    assert!(locked(&f, "hanako", 1) > 0);
}

#[test]
fn a_key_whose_pin_is_being_guessed_stays_locked_though_its_owner_logs_in_with_another() {
    let f = Fixture::joined();
    f.ward.put("ward3", &person("hanako", vec![credential(1), credential(7)]));
    f.sync().unwrap();
    for _ in 0..5 {
        f.root().ask(&wrong_pin());
        let other = f.assertion("hanako", "hanako", 7, |_| {});
        assert!(recorded(&f.root().ask(&success("hanako", &other))));
    }
    assert!(locked(&f, "hanako", 1) > 0);
    assert_eq!(locked(&f, "hanako", 7), 0, "the other key is not concerned");
    let stolen = f.assertion("hanako", "hanako", 1, |_| {});
    assert_eq!(code(&f.root().ask(&success("hanako", &stolen))), Code::LockedOut);
    f.pass(31);
    let found = f.assertion("hanako", "hanako", 1, |_| {});
    assert!(recorded(&f.root().ask(&success("hanako", &found))));
}

#[test]
fn a_user_asks_for_itself_only_and_counts_against_nobody_else() {
    let f = Fixture::synced();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let peer = Peer { uid: nobody, gid: nobody, pid: 77 };
    for account in ["hanako", "root", "ghost"] {
        assert_eq!(f.connect(peer).refused(&Request::Begin(begin(account))), Code::CallerNotAllowed, "{account}");
        assert_eq!(f.connect(peer).refused(&Request::Account(begin(account))), Code::CallerNotAllowed, "{account}");
        assert_eq!(f.connect(peer).refused(&failure(account, None, None, Code::PinWrong)), Code::CallerNotAllowed);
    }
    for request in [
        Request::Sync,
        Request::EnrolBegin(wardkey_core::message::agent::EnrolBegin {
            code: "A".into(),
            language: wardkey_core::name::Language::En,
        }),
    ] {
        let code = f.connect(peer).refused(&request);
        assert!(matches!(code, Code::NeedsRoot | Code::CallerNotAllowed), "{code}");
    }
    // Its own account: granted. Naming somebody else as the person counts against nobody, though that one's
    // key is plugged in and signs whatever it is asked silently.
    assert!(matches!(f.connect(peer).in_turn(&Request::Begin(begin("nobody"))), Reply::Granted(_)));
    for _ in 0..6 {
        f.connect(peer).ask(&failure("nobody", Some("hanako"), Some(1), Code::PinWrong));
    }
    assert_eq!(locked(&f, "hanako", 1), 0);
    assert!(matches!(f.connect(peer).in_turn(&Request::Begin(begin("nobody"))), Reply::Granted(_)));
    // Nor may it look at others through a login of its own, or fill the spool.
    f.pass(100_000);
    let mut client = f.connect(peer);
    client.granted(&Request::Begin(begin("nobody")));
    assert_eq!(client.refused(&Request::Prove(login("hanako"))), Code::CallerNotAllowed);
    let before = f.events().len();
    let refused = (0..40).filter(|_| {
        matches!(f.connect(peer).ask(&failure("nobody", None, None, Code::Cancelled)),
            Reply::Refused(refusal) if refusal.code == Code::TooManyRequests)
    });
    assert!(refused.count() >= 20);
    assert!(f.events().len() - before <= 25);
}

#[test]
fn a_user_who_makes_up_services_fills_no_spool() {
    let f = Fixture::joined();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let peer = Peer { uid: nobody, gid: nobody, pid: 77 };
    f.ward.put("ward3", &person("nobody", vec![credential(5)]));
    f.sync().unwrap();
    let accounts = |f: &Fixture| f.events().iter().filter(|event| event.name == EventName::Account).count();
    let ask = |client: &mut Client, n: u32| {
        let service = ServiceName::new(format!("made-up-{n}")).unwrap();
        client.granted(&Request::Account(Begin { service, ..begin("nobody") }));
    };
    let mut client = f.connect(peer);
    (0..40).for_each(|n| ask(&mut client, n));
    assert_eq!(accounts(&f), 1, "one record for all that it makes up");
    let mut root = f.root();
    (0..4).for_each(|n| ask(&mut root, n));
    assert_eq!(accounts(&f), 5, "root's services are a record each");
}

#[test]
fn what_refuses_everyone_refuses_at_once() {
    let f = Fixture::joined();
    assert_eq!(f.root().refused(&Request::Begin(begin("hanako"))), Code::NotSynced);
    f.sync().unwrap();
    let mut newer = begin("hanako");
    newer.protocol = PROTOCOL + 1;
    assert_eq!(f.root().refused(&Request::Begin(newer)), Code::ProtocolError);
    let mut remote = begin("hanako");
    remote.rhost = Some("10.1.2.3".into());
    assert_eq!(f.root().refused(&Request::Begin(remote.clone())), Code::RemoteSession);
    // What the module takes for another machine is one for the agent, too: IPv4 in IPv6, a name that
    // begins like this machine's, sshd from this machine.
    let own = nix::unistd::gethostname().unwrap().into_string().unwrap();
    for (rhost, tty) in [
        (Some("::ffff:10.1.2.3".to_owned()), None),
        (Some(format!("{}.evil.example", own.split('.').next().unwrap())), None),
        (Some("127.0.0.1".to_owned()), Some("ssh".to_owned())),
        (None, Some("ssh".to_owned())),
    ] {
        let begin = Begin { rhost, tty, ..begin("hanako") };
        assert_eq!(f.root().refused(&Request::Begin(begin)), Code::RemoteSession);
    }
    let Request::Outcome(mut outcome) = success("hanako", &f.assertion("hanako", "hanako", 1, |_| {})) else {
        unreachable!()
    };
    outcome.login = remote;
    assert_eq!(f.root().refused(&Request::Outcome(outcome)), Code::RemoteSession);
    let session = Session { id: "c3".into(), active: true, remote: true, ..Session::default() };
    f.sessions.sessions.lock().unwrap().insert(1, session);
    assert_eq!(f.root().refused(&Request::Begin(begin("hanako"))), Code::RemoteSession);
    assert_eq!(f.root().refused(&Request::Hold), Code::ProtocolError, "no login has begun");
}

#[test]
fn two_and_three_logins_wait_and_the_foreground_comes_first() {
    let f = Fixture::synced();
    let session = |id: &str| Session { id: id.into(), seat: Some("seat0".into()), ..Session::default() };
    for pid in 1..=3 {
        f.sessions.sessions.lock().unwrap().insert(pid, session(&pid.to_string()));
    }
    let peer = |pid| Peer { uid: 0, gid: 0, pid };
    let mut one = f.connect(peer(1));
    one.granted(&Request::Begin(begin("hanako")));
    let mut two = f.connect(peer(2));
    assert_eq!(two.ask(&Request::Begin(begin("taro"))), Reply::Wait);
    let mut three = f.connect(peer(3));
    assert_eq!(three.ask(&Request::Begin(begin("taro"))), Reply::Wait);
    // The screen is switched to the third: the first lets go.
    "3".clone_into(&mut f.sessions.foreground.lock().unwrap());
    assert_eq!(one.receive(), Reply::Wait);
    assert!(matches!(three.receive(), Reply::Granted(_)));
    assert_eq!(one.ask(&Request::Hold), Reply::Wait, "too late");
    assert_eq!(three.ask(&Request::Hold), Reply::Held);
    // After Hold the screen may be switched as one likes.
    "2".clone_into(&mut f.sessions.foreground.lock().unwrap());
    assert!(two.is_silent());
    let assertion = f.assertion("taro", "taro", 2, |_| {});
    assert!(recorded(&three.ask(&success("taro", &assertion))));
    assert!(matches!(two.receive(), Reply::Granted(_)), "the foreground before the first");
    // The second goes away without a word.
    drop(two);
    assert!(matches!(one.receive(), Reply::Granted(_)));
    assert_eq!(one.ask(&Request::Hold), Reply::Wait, "the second's screen is still shown");
    "1".clone_into(&mut f.sessions.foreground.lock().unwrap());
    assert!(matches!(one.receive(), Reply::Granted(_)));
    assert_eq!(one.ask(&Request::Hold), Reply::Held);
}

#[test]
fn a_locker_gets_the_key_from_a_prompt_that_was_left_standing() {
    let f = Fixture::synced();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let session = Session {
        id: "1".into(),
        seat: Some("seat0".into()),
        active: true,
        uid: nobody,
        class: "user".into(),
        ..Session::default()
    };
    for pid in [1, 2, 3] {
        f.sessions.sessions.lock().unwrap().insert(pid, session.clone());
    }
    "1".clone_into(&mut f.sessions.foreground.lock().unwrap());
    let with = |service: &str| Request::Begin(Begin { service: ServiceName::new(service).unwrap(), ..begin("nobody") });
    let peer = |uid, pid| Peer { uid, gid: 0, pid };
    let mut sudo = f.connect(peer(0, 1));
    assert!(matches!(sudo.ask(&with("sudo")), Reply::Granted(_)));
    // Programs of the session take all the places that it has.
    let mut others: Vec<_> = (0..3).map(|_| f.connect(peer(nobody, 2))).collect();
    assert!(others.iter_mut().all(|other| other.ask(&with("other")) == Reply::Wait));
    let mut locker = f.connect(peer(nobody, 3));
    assert!(matches!(locker.ask(&with("swaylock")), Reply::Granted(_)));
    assert_eq!(sudo.receive(), Reply::Wait);
    assert_eq!(locker.ask(&Request::Hold), Reply::Held);
    // The oldest of the others gave way to the newest.
    let refused = others[0].receive();
    assert!(matches!(refused, Reply::Refused(refusal) if refusal.code == Code::TooManyRequests));
    assert!(others[2].is_silent());
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
        let Request::Outcome(mut reported) = failure("hanako", Some("hanako"), Some(1), Code::CounterRegressed) else {
            unreachable!()
        };
        reported.attempt = claimed.attempt;
        assert_eq!(client.ask(&Request::Outcome(reported)), Reply::Recorded(claimed.attempt, None));
    }
    let counted: Vec<_> =
        f.events().into_iter().filter(|event| event.name == EventName::LockedOut).map(|event| event.count).collect();
    assert_eq!(counted, [Some(5)]);
    let refused =
        f.events().into_iter().filter(|event| event.name == EventName::Login && event.outcome == Outcome::Failure);
    assert_eq!(refused.count(), 5, "one record each");
}

#[test]
fn refused_beginnings_are_counted_and_name_their_record() {
    let f = Fixture::synced();
    let from = |host: &str| Request::Begin(Begin { rhost: Some(host.into()), ..begin("hanako") });
    let record = |request: &Request| match f.root().ask(request) {
        Reply::Refused(refusal) => refusal.record.unwrap(),
        other => panic!("{other:?}"),
    };
    let hosts = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
    let first: Vec<_> = hosts.iter().map(|host| record(&from(host))).collect();
    let events = f.events();
    for (host, id) in hosts.iter().zip(&first) {
        let event = events.iter().find(|event| event.id == *id).unwrap();
        assert_eq!((event.rhost.as_deref(), event.reason), (Some(*host), Some(Code::RemoteSession)));
    }
    // More of the same: one record, which is made when the time is over.
    let more: Vec<_> = (0..3).map(|_| record(&from(hosts[0]))).collect();
    assert!(more.iter().all(|id| *id == more[0] && !first.contains(id)));
    assert!(!f.events().iter().any(|event| event.id == more[0]));
    f.agent.record(f.agent.tally.take(true));
    let event = f.events().into_iter().find(|event| event.id == more[0]).unwrap();
    assert_eq!((event.count, event.rhost.as_deref()), (Some(3), Some(hosts[0])));
}

#[test]
fn lesson_su_by_the_dozen_keeps_the_key_from_its_own_user_only() {
    let f = Fixture::synced();
    let su = |uid| Request::Begin(Begin { invoker: Some(uid), ..begin("hanako") });
    let detail = |reply: Reply| match reply {
        Reply::Refused(refusal) if refusal.code == Code::TooManyRequests => refusal.detail.unwrap(),
        other => panic!("{other:?}"),
    };
    let mut open: Vec<_> = (0..4).map(|_| f.root()).collect();
    for (number, client) in open.iter_mut().enumerate() {
        let reply = client.ask(&su(2001));
        assert_eq!(matches!(reply, Reply::Granted(_)), number == 0, "{reply:?}");
    }
    // No further login, though its connection stays open; then no further connection.
    for expected in [["too many logins of this uid"; 4].as_slice(), &["too many connections of this uid"]].concat() {
        let mut client = f.root();
        assert_eq!(detail(client.ask(&su(2001))), expected);
        open.push(client);
    }
    // Others are served, greeters and root among them.
    for request in [su(2002), su(0), Request::Begin(begin("hanako"))] {
        assert_eq!(f.root().ask(&request), Reply::Wait);
    }
    // What waits no longer does not count.
    open.clear();
    eventually("everybody has gone", || f.agent.arbiter.is_empty());
    assert!(matches!(f.root().ask(&su(2001)), Reply::Granted(_)));
}

#[test]
fn a_shared_account_names_the_person() {
    let f = Fixture::joined();
    f.ward.policy("ward3", |policy| {
        let groups = List::new(vec![GroupName::new("nurses").unwrap()]).unwrap();
        policy.shared_accounts = List::new(vec![SharedAccount { account: login("ward3pc"), groups }]).unwrap();
    });
    f.ward.put("ward3", &{
        let mut doctor = person("doctor", vec![credential(4)]);
        doctor.groups = List::new(vec![GroupName::new("doctors").unwrap()]).unwrap();
        doctor
    });
    f.sync().unwrap();
    let mut client = f.root();
    let grant = client.granted(&Request::Begin(begin("ward3pc")));
    let mut people: Vec<_> = grant.candidates.iter().map(|candidate| candidate.person.to_string()).collect();
    people.sort();
    assert_eq!(people, ["hanako", "taro"]);
    let grant = client.granted(&Request::Prove(login("taro")));
    let anchor = Anchor { root_key: signing(100).public(), terminal: TERMINAL };
    Snapshot::verify(&grant.evidence.unwrap(), &anchor, &Marks::default(), &login("taro")).unwrap();
    assert_eq!(client.ask(&Request::Hold), Reply::Held);
    let assertion = f.assertion("ward3pc", "taro", 2, |_| {});
    assert!(recorded(&client.ask(&success("ward3pc", &assertion))));
    let event = f.events().into_iter().rfind(|event| event.name == EventName::Login).unwrap();
    assert_eq!((event.account, event.person), (Some(login("ward3pc")), Some(login("taro"))));
    // Who is in none of its groups may not.
    let assertion = f.assertion("ward3pc", "doctor", 4, |_| {});
    assert_eq!(code(&f.root().ask(&success("ward3pc", &assertion))), Code::NotInSharedGroup);
}

#[test]
fn huge_truncated_and_nonsense_frames_end_the_connection_and_nothing_else() {
    use std::io::{Read, Write};
    let f = Fixture::synced();
    for bytes in [&[0xff; 4][..], &[0, 1, 0, 1], &[0, 0, 0, 0], &[0, 0, 0, 9, 1]] {
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let agent = std::sync::Arc::clone(&f.agent);
        let counted = f.connections.admit(0, 64).unwrap();
        let served = std::thread::spawn(move || wardkey_agent::server::serve(&agent, theirs, ROOT, counted));
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
fn the_account_phase_is_answered_and_recorded() {
    let f = Fixture::synced();
    let mut client = f.root();
    assert!(client.granted(&Request::Account(begin("hanako"))).evidence.is_some());
    assert!(client.granted(&Request::Account(begin("ghost"))).evidence.is_some());
    let events: Vec<_> = f.events().into_iter().filter(|event| event.name == EventName::Account).collect();
    assert_eq!(events.len(), 2);
    assert_eq!((events[0].outcome, &events[0].account), (Outcome::Success, &Some(login("hanako"))));
    assert_eq!(
        (events[1].outcome, events[1].reason, &events[1].account),
        (Outcome::Failure, Some(Code::KeyAndNameDoNotMatch), &None)
    );
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
    assert_eq!(code(&f.connect(peer).ask(&success("nobody", &assertion))), Code::OfflineNotSeenHere);
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
    let raised = |f: &Fixture| f.events().into_iter().find(|event| event.reason == Some(Code::MarksNotRaised)).unwrap();
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
