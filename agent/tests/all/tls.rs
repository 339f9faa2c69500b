//! Join and synchronisation over real TLS on the loopback interface.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::common::server::{Server, authority};
use crate::common::*;
use wardkey_agent::agent::Agent;
use wardkey_agent::audit::deliver;
use wardkey_agent::audit::destination::SERVER;
use wardkey_agent::audit::transport::server::Upload;
use wardkey_agent::clock::Clock;
use wardkey_agent::sync::http::places::Network;
use wardkey_agent::sync::join::join;
use wardkey_agent::sync::upstream::Upstream;
use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::{EventId, Hash};
use wardkey_core::message::agent::Join;
use wardkey_core::name::DisplayText;
use wardkey_core::time::{ClockReading, UnixTime};
use wardkey_core::token::JoinToken;
use wardkey_testkit::next_root_key;

pub struct Terminal {
    pub folder: tempfile::TempDir,
    pub time: Arc<AtomicU64>,
    pub agent: Arc<Agent>,
}

pub fn terminal(realtime: u64) -> Terminal {
    let folder = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicU64::new(realtime));
    let agent = open_at(folder.path(), &time);
    Terminal { folder, time, agent }
}

pub fn open_at(folder: &std::path::Path, time: &Arc<AtomicU64>) -> Arc<Agent> {
    open_over(Network::default(), folder, time)
}

pub fn open_over(network: Network, folder: &std::path::Path, time: &Arc<AtomicU64>) -> Arc<Agent> {
    let time = Arc::clone(time);
    let clock = Clock::with(Box::new(move || ClockReading {
        realtime: UnixTime(time.load(Ordering::SeqCst)),
        boottime: 5,
        boot_id: Bytes::new(*b"boot").unwrap(),
    }));
    let sessions = Box::new(Shared(Arc::new(FakeSessions::default())));
    Arc::new(Agent::open(config(folder), clock, sessions, Box::new(network)).unwrap())
}

pub fn request(server: &str, token: &str) -> Join {
    Join {
        server: server.into(),
        token: token.into(),
        name: DisplayText::new("ward3-a").unwrap(),
        machine: Hash::new([7; 32]),
        replace: None,
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, wardkey_agent::error::AgentError>) -> Code {
    result.unwrap_err().code()
}

#[test]
fn a_terminal_joins_synchronises_and_recovers_over_tls() {
    let server = Server::start(&Ward::new(), false);
    let t = terminal(T0);
    let joined = join(&t.agent, &request(&server.address, &server.token_text)).unwrap();
    assert_eq!(joined.terminal, TERMINAL);
    for file in ["terminal.toml", "terminal.pem", "terminal.key"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(t.folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert!(wardkey_agent::sync::run::round(&t.agent, 0).unwrap());
    assert!(t.agent.directory.view().is_complete());
    // The same deployment again is a repair; another one is refused.
    join(&t.agent, &request(&server.address, &server.token_text)).unwrap();
    let (_, other) = JoinToken::make([2; 10], &signing(66).public()).unwrap();
    assert_eq!(refused(join(&t.agent, &request(&server.address, &other))), Code::AlreadyJoined);
    // Unless root says that this one is left: then the other must prove itself as any, and until it
    // has, nothing is lost.
    let leave = Join { replace: Some(true), ..request(&server.address, &other) };
    assert_eq!(refused(join(&t.agent, &leave)), Code::ServerNotTrusted);
    assert_eq!(t.agent.identity().unwrap().terminal, TERMINAL);
    assert!(t.agent.directory.view().is_complete());
    // The cache is lost: the roots come again, for the key that was joined.
    lose_directory(&t);
    let agent = open_at(t.folder.path(), &t.time);
    assert!(agent.directory.view().root.is_none());
    wardkey_agent::sync::run::round(&agent, 0).unwrap();
    assert!(agent.directory.view().is_complete());
}

#[test]
fn a_terminal_that_joins_after_an_exchange_rests_on_the_new_root_key_and_older_ones_follow() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let one = ward.change(|state| state.root.clone());
    let (_, second) = next_root_key(&one, 100, 120);
    ward.change(|state| state.extra_roots = vec![second.clone()]);
    let (_, of_new) = JoinToken::make([2; 10], &signing(120).public()).unwrap();
    let new = terminal(T0);
    let joined = join(&new.agent, &request(&server.address, &of_new)).unwrap();
    assert_eq!(*joined.roots, *std::slice::from_ref(&second), "nothing of the old key");
    assert_eq!(new.agent.identity().unwrap().root_key, signing(120).public());
    wardkey_agent::sync::run::round(&new.agent, 0).unwrap();
    assert!(new.agent.directory.view().is_complete());
    // With its directory lost it begins there again.
    lose_directory(&new);
    let agent = open_at(new.folder.path(), &new.time);
    wardkey_agent::sync::run::round(&agent, 0).unwrap();
    assert_eq!(agent.directory.view().roots.len(), 1);

    // By a token of before a terminal begins at the first and follows.
    let old = terminal(T0);
    let joined = join(&old.agent, &request(&server.address, &server.token_text)).unwrap();
    assert_eq!(joined.roots.len(), 2);
    assert_eq!(old.agent.marks().root_key, Some(signing(120).public()));
    // A token of now is of the same deployment; one of neither key is not.
    join(&old.agent, &request(&server.address, &of_new)).unwrap();
    assert_eq!(old.agent.identity().unwrap().root_key, signing(120).public());
    let (_, other) = JoinToken::make([2; 10], &signing(66).public()).unwrap();
    assert_eq!(refused(join(&old.agent, &request(&server.address, &other))), Code::AlreadyJoined);
}

#[test]
fn a_join_begins_with_its_token_s_root_key_whatever_stands_around_it() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let one = ward.change(|state| state.root.clone());
    let (two, second) = next_root_key(&one, 100, 120);
    let (_, third) = next_root_key(&two, 120, 121);
    let (_, foreign) = next_root_key(&one, 66, 66);
    let (_, token) = JoinToken::make([2; 10], &signing(120).public()).unwrap();
    let many = |count| std::iter::repeat_n(foreign.clone(), count).collect::<Vec<_>>();
    let right = vec![second, third];
    for (what, roots) in [
        ("none of its key", many(2)),
        ("a foreign one behind", [right.clone(), many(1)].concat()),
        ("too many in front", [many(15), right.clone()].concat()),
        ("too many behind", [right.clone(), many(15)].concat()),
    ] {
        ward.change(|state| state.extra_roots = roots);
        let terminal = terminal(T0);
        join(&terminal.agent, &request(&server.address, &token)).expect_err(what);
        assert!(terminal.agent.identity().is_none(), "{what}");
        assert!(terminal.agent.directory.view().root.is_none(), "{what}");
        assert!(!server.joined.load(Ordering::SeqCst), "{what}");
    }
    for in_front in [0, 14] {
        ward.change(|state| state.extra_roots = [many(in_front), right.clone()].concat());
        let joined = join(&terminal(T0).agent, &request(&server.address, &token)).unwrap();
        assert_eq!(*joined.roots, *right, "{in_front}");
    }
}

#[test]
fn whoever_has_the_old_root_key_wins_nothing_at_a_terminal_that_lost_its_directory() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let one = ward.change(|state| state.root.clone());
    let (_, second) = next_root_key(&one, 100, 120);
    ward.change(|state| state.extra_roots = vec![second.clone()]);
    let t = terminal(T0);
    join(&t.agent, &request(&server.address, &server.token_text)).unwrap();
    wardkey_agent::sync::run::round(&t.agent, 0).unwrap();
    lose_directory(&t);

    let agent = open_at(t.folder.path(), &t.time);
    assert!(agent.directory.view().root.is_none());
    let (fork, forged) = next_root_key(&one, 100, 66);
    let (_, longer) = next_root_key(&fork, 66, 67);
    for roots in [vec![forged.clone()], vec![forged, longer]] {
        ward.change(|state| state.extra_roots = roots);
        let refused = wardkey_agent::sync::run::round(&agent, 0);
        assert_eq!(refused.unwrap_err().code(), Code::RootInvalid);
        assert!(agent.directory.view().root.is_none());
    }
    ward.change(|state| state.extra_roots = Vec::new());
    let refused = wardkey_agent::sync::run::round(&agent, 0);
    assert_eq!(refused.unwrap_err().code(), Code::Rollback);
    ward.change(|state| state.extra_roots = vec![second]);
    wardkey_agent::sync::run::round(&agent, 0).unwrap();
    assert!(agent.directory.view().is_complete());
}

pub fn lose_directory(terminal: &Terminal) {
    terminal.agent.state.close();
    terminal.agent.directory.close();
    std::fs::write(terminal.folder.path().join("directory.redb"), b"gone").unwrap();
}

#[test]
fn a_join_trusts_nothing_but_the_token() {
    // Another deployment's server
    let server = Server::start(&Ward::new(), false);
    let t = terminal(T0);
    let (_, other) = JoinToken::make([2; 10], &signing(66).public()).unwrap();
    assert_eq!(refused(join(&t.agent, &request(&server.address, &other))), Code::ServerNotTrusted);
    // A wrong secret
    let (_, wrong) = JoinToken::make([3; 10], &signing(100).public()).unwrap();
    assert_eq!(refused(join(&t.agent, &request(&server.address, &wrong))), Code::JoinTokenInvalid);
    for text in ["", "wkj2-", "no token", &wrong[6..]] {
        let request = Join { token: text.into(), ..request(&server.address, &wrong) };
        assert_eq!(refused(join(&t.agent, &request)), Code::JoinTokenInvalid);
    }
    // Somebody in the middle who shows the true root document
    let impostor = Server::start(&Ward::new(), true);
    assert_eq!(
        refused(join(&t.agent, &request(&impostor.address, &impostor.token_text))),
        Code::ServerNotTrusted
    );
    assert!(!impostor.joined.load(Ordering::SeqCst), "it was told nothing");
    // Nobody there, not even HTTPS
    assert_eq!(
        refused(join(&t.agent, &request("https://localhost:1", &server.token_text))),
        Code::ServerUnreachable
    );
    for address in ["http://localhost:1", "localhost", "https://localhost:1/x"] {
        assert_eq!(
            refused(join(&t.agent, &request(address, &server.token_text))),
            Code::ProtocolError
        );
    }
    assert!(t.agent.identity().is_none());
    assert_eq!(std::fs::read_dir(t.folder.path()).unwrap().count(), 2, "only the two stores");
}

#[test]
fn a_wrong_clock_does_not_keep_a_terminal_from_its_server() {
    // (the machine's clock, what happens): the certificate is valid in 2027
    for (what, realtime, reached) in [
        ("right", T0, true),
        ("in 1970", 100, true),
        ("in 2001", 1_000_000_000, true),
        ("in 2100", 4_100_000_000, true),
    ] {
        let server = Server::start(&Ward::new(), false);
        let t = terminal(realtime);
        let result = join(&t.agent, &request(&server.address, &server.token_text));
        assert_eq!(result.is_ok(), reached, "{what}: {result:?}");
        wardkey_agent::sync::run::round(&t.agent, 0).unwrap();
    }
    // Signed time says that 2028 is over: the certificate is, too.
    let server = Server::start(&Ward::new(), false);
    server.ward.change(|state| state.root.issued = UnixTime(1_840_000_000));
    let t = terminal(T0);
    assert_eq!(
        refused(join(&t.agent, &request(&server.address, &server.token_text))),
        Code::ServerNotTrusted
    );
}

#[test]
fn without_a_certificate_of_the_terminal_the_server_refuses_and_says_why() {
    let server = Server::start(&Ward::new(), false);
    let clock = Arc::new(Clock::machine());
    clock.raise(UnixTime(T0));
    let tls = wardkey_agent::sync::tls::trusting(&server.ca.der, None, Arc::clone(&clock)).unwrap();
    let http = wardkey_agent::sync::http::Http::new(&server.address, tls).unwrap();
    let asked = wardkey_agent::sync::apply::request(&Default::default(), 0, false);
    let error = http.wait(&asked).unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::TerminalCertificate, Some(7)));
    // Another CA than the deployment's, whoever issued it.
    let tls = wardkey_agent::sync::tls::trusting(&authority().der, None, clock).unwrap();
    let http = wardkey_agent::sync::http::Http::new(&server.address, tls).unwrap();
    assert_eq!(http.wait(&asked).unwrap_err().code(), Code::ServerNotTrusted);
}

#[test]
fn a_server_that_asks_for_patience_gets_it_and_every_record() {
    const PATIENCE: u64 = 2;
    let server = Server::start(&Ward::new(), false);
    let t = terminal(T0);
    join(&t.agent, &request(&server.address, &server.token_text)).unwrap();
    wardkey_agent::sync::run::round(&t.agent, 0).unwrap();
    *server.too_many.lock().unwrap() = Some(PATIENCE);
    server.asked.lock().unwrap().clear();
    let record = || {
        let event = t.agent.event(EventName::KeyChanged, Outcome::Success);
        let id = event.id;
        t.agent.record(vec![event]);
        id
    };
    let mut ids: Vec<_> = (0..3).map(|_| record()).collect();
    let threads = [wardkey_agent::sync::run::run as fn(&Agent), |agent| {
        deliver::run(agent, Upload::new(agent.config.retry_seconds))
    }]
    .map(|work| {
        let agent = Arc::clone(&t.agent);
        std::thread::spawn(move || work(&agent))
    });
    let asked = |path: &str| -> Vec<Instant> {
        let asked = server.asked.lock().unwrap();
        asked.iter().filter(|(_, what)| what == path).map(|(when, _)| *when).collect()
    };
    let both_asked =
        |times: usize| ["/v1/wait", "/v1/events"].iter().all(|path| asked(path).len() >= times);
    eventually("both have asked", || both_asked(1));
    // Neither new records nor logins that would like news shorten the pause, which is seen below;
    // nothing is dropped.
    while server.asked.lock().unwrap()[0].0.elapsed() < Duration::from_millis(PATIENCE * 1000 - 300)
    {
        ids.push(record());
        t.agent.wake_sync.wake();
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(t.agent.state.waiting(&SERVER).unwrap() >= ids.len() as u64);
    *server.too_many.lock().unwrap() = None;
    let arrived = |ids: &[EventId]| {
        let events = server.ward.events();
        ids.iter().all(|id| events.iter().filter(|event| event.id == *id).count() == 1)
    };
    eventually("both ask again, and each record arrives once", || {
        both_asked(2) && arrived(&ids) && t.agent.state.waiting(&SERVER).unwrap() == 0
    });
    for path in ["/v1/wait", "/v1/events"] {
        let asked = asked(path);
        assert!(
            asked[1] - asked[0] >= Duration::from_secs(PATIENCE),
            "{path}: {:?}",
            asked[1] - asked[0]
        );
    }
    t.agent.stop();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
