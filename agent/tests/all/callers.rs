//! Who may ask for what, and how often.

use crate::common::*;
use crate::lockout::locked;
use wardkey_agent::session::Session;
use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::message::PROTOCOL;
use wardkey_core::message::agent::{Begin, Reply, Request};
use wardkey_core::name::ServiceName;
use wardkey_ipc::Peer;

#[test]
fn a_user_asks_for_itself_only_and_counts_against_nobody_else() {
    let f = Fixture::synced();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let peer = Peer { uid: nobody, gid: nobody, pid: 77 };
    for account in ["hanako", "root", "ghost"] {
        assert_eq!(
            f.connect(peer).refused(&Request::Begin(begin(account))),
            Code::CallerNotAllowed,
            "{account}"
        );
        assert_eq!(
            f.connect(peer).refused(&Request::Account(begin(account))),
            Code::CallerNotAllowed,
            "{account}"
        );
        assert_eq!(
            f.connect(peer).refused(&failure(account, None, None, Code::PinWrong)),
            Code::CallerNotAllowed
        );
    }
    for request in [
        Request::Sync,
        Request::EnrollBegin(wardkey_core::message::agent::EnrollBegin {
            code: "A".into(),
            language: wardkey_core::name::Language::En,
        }),
    ] {
        let code = f.connect(peer).refused(&request);
        assert!(matches!(code, Code::NeedsRoot | Code::CallerNotAllowed), "{code}");
    }
    // Its own account: granted. Naming somebody else as the person counts against nobody, though
    // that one's key is plugged in and signs whatever it is asked silently.
    assert!(matches!(f.connect(peer).in_turn(&Request::Begin(begin("nobody"))), Reply::Granted(_)));
    for _ in 0..6 {
        f.connect(peer).ask(&failure("nobody", Some("hanako"), Some(1), Code::PinWrong));
    }
    assert_eq!(locked(&f, "hanako", 1), 0);
    let named =
        |event: &Event| event.person.is_some() || event.key.is_some() || event.model.is_some();
    assert!(!f.events().iter().any(named), "and names nobody: an old proof is anybody's to show");
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
    let accounts =
        |f: &Fixture| f.events().iter().filter(|event| event.name == EventName::Account).count();
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
    // What the module takes for another machine is one for the agent, too: IPv4 in IPv6, a name
    // that begins like this machine's, sshd from this machine.
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
    let Request::Outcome(mut outcome) =
        success("hanako", &f.assertion("hanako", "hanako", 1, |_| {}))
    else {
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
        assert_eq!(
            (event.rhost.as_deref(), event.reason),
            (Some(*host), Some(Code::RemoteSession))
        );
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
fn the_account_phase_is_answered_and_recorded() {
    let f = Fixture::synced();
    let mut client = f.root();
    assert!(client.granted(&Request::Account(begin("hanako"))).evidence.is_some());
    assert!(client.granted(&Request::Account(begin("ghost"))).evidence.is_some());
    let events: Vec<_> =
        f.events().into_iter().filter(|event| event.name == EventName::Account).collect();
    assert_eq!(events.len(), 2);
    assert_eq!((events[0].outcome, &events[0].account), (Outcome::Success, &Some(login("hanako"))));
    assert_eq!(
        (events[1].outcome, events[1].reason, &events[1].account),
        (Outcome::Failure, Some(Code::KeyAndNameDoNotMatch), &None)
    );
}
