//! Several logins, one security key.

use crate::common::*;
use wardkey_agent::session::Session;
use wardkey_core::code::Code;
use wardkey_core::message::agent::{Begin, Reply, Request};
use wardkey_core::name::ServiceName;
use wardkey_ipc::Peer;

#[test]
fn two_and_three_logins_wait_and_the_foreground_comes_first() {
    let f = Fixture::synced();
    let session =
        |id: &str| Session { id: id.into(), seat: Some("seat0".into()), ..Session::default() };
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
    let with = |service: &str| {
        Request::Begin(Begin { service: ServiceName::new(service).unwrap(), ..begin("nobody") })
    };
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
fn su_by_the_dozen_keeps_the_key_from_its_own_user_only() {
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
    for expected in
        [["too many logins of this uid"; 4].as_slice(), &["too many connections of this uid"]]
            .concat()
    {
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
