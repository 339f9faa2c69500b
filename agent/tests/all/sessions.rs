//! Sessions over the agent's socket: what the module tells, what `wardkey who` is told, the
//! records.

use crate::common::*;
use wardkey_agent::session::Session;
use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName};
use wardkey_core::id::{EventId, Hash};
use wardkey_core::message::agent::{Reply, Request};
use wardkey_core::message::session::{SessionInfo, SessionOpen};
use wardkey_core::name::ServiceName;
use wardkey_ipc::Peer;

const LOGIN: EventId = EventId::new([6; 16]);

fn open(account: &str, person: &str) -> Request {
    Request::SessionOpen(Box::new(SessionOpen {
        account: login(account),
        service: ServiceName::new("login").unwrap(),
        tty: Some("tty1".into()),
        person: login(person),
        key: Some(Hash::new([7; 32])),
        login: LOGIN,
    }))
}

fn who(fixture: &Fixture, peer: Peer) -> Vec<SessionInfo> {
    match fixture.connect(peer).ask(&Request::Who) {
        Reply::Sessions(sessions) => sessions.into_vec(),
        other => panic!("{other:?}"),
    }
}

fn root(pid: i32) -> Peer {
    Peer { pid, ..ROOT }
}

fn session_events(fixture: &Fixture) -> Vec<Event> {
    let is_session = |event: &Event| event.name.as_str().starts_with("session-");
    fixture.events().into_iter().filter(is_session).collect()
}

#[test]
fn a_session_is_known_from_its_beginning_to_its_end() {
    let mut f = Fixture::synced();
    let Reply::Recorded(id, None) = f.connect(root(70)).ask(&open("ward3", "hanako")) else {
        panic!("not taken")
    };
    let known = who(&f, ROOT);
    let of = |known: &[SessionInfo]| -> Vec<_> {
        known.iter().map(|one| (one.account.clone(), one.person.clone())).collect()
    };
    assert_eq!(of(&known), [(login("ward3"), login("hanako"))]);

    // It goes on while the agent is restarted.
    f.restart();
    let agent = std::sync::Arc::clone(&f.agent);
    std::thread::spawn(move || wardkey_agent::presence::run::run(&agent));
    eventually("it is restored", || !who(&f, ROOT).is_empty());
    assert_eq!(of(&who(&f, ROOT)), of(&known));

    // Another process ends nothing.
    f.connect(root(71)).ask(&Request::SessionClose(login("ward3")));
    assert_eq!(who(&f, ROOT).len(), 1);
    f.pass(600);
    f.connect(root(70)).ask(&Request::SessionClose(login("ward3")));
    assert!(who(&f, ROOT).is_empty());
    f.agent.stop();

    let events = session_events(&f);
    let names: Vec<_> = events.iter().map(|event| event.name).collect();
    assert_eq!(names, [EventName::SessionStarted, EventName::SessionEnded]);
    assert_eq!(events[0].id, id);
    for event in &events {
        assert_eq!(event.person, Some(login("hanako")));
        assert_eq!(event.account, Some(login("ward3")));
        assert_eq!(event.key.as_deref(), Some("0707070707070707"));
        assert_eq!((event.service.as_deref(), event.tty.as_deref()), (Some("login"), Some("tty1")));
    }
    assert_eq!((events[0].seconds, events[1].seconds), (None, Some(600)));
}

#[test]
fn only_root_tells_of_sessions_and_others_see_their_own() {
    let f = Fixture::synced();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let peer = Peer { uid: nobody, gid: nobody, pid: 80 };
    for request in [open("nobody", "nobody"), Request::SessionClose(login("nobody"))] {
        match f.connect(peer).ask(&request) {
            Reply::Refused(refusal) => assert_eq!(refusal.code, Code::NeedsRoot),
            other => panic!("{other:?}"),
        }
    }
    f.connect(root(70)).ask(&open("hanako", "hanako"));
    f.connect(root(72)).ask(&open("nobody", "taro"));
    assert_eq!(who(&f, ROOT).len(), 2);
    let own = who(&f, peer);
    assert_eq!((own.len(), &own[0].account), (1, &login("nobody")));
}

#[test]
fn what_su_and_sudo_open_within_a_session_is_no_session_of_its_own() {
    let f = Fixture::synced();
    let session = |leader| Session { id: "2".into(), leader, ..Session::default() };
    for (leader, known) in [(Some(7), 0), (None, 0), (Some(70), 1)] {
        f.sessions.sessions.lock().unwrap().insert(70, session(leader));
        let reply = f.connect(root(70)).ask(&open("hanako", "hanako"));
        assert!(matches!(reply, Reply::Recorded(..)), "{reply:?}");
        assert_eq!(who(&f, ROOT).len(), known, "leader {leader:?}");
    }
}
