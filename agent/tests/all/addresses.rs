//! The server moves: terminals follow to where it says that it is.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::server::Server;
use crate::common::*;
use crate::tls::{Terminal, lose_directory, open_at, open_over, request, terminal};
use wardkey_agent::control::status;
use wardkey_agent::sync::exchange::{note_success, upstream};
use wardkey_agent::sync::http::places::Network;
use wardkey_agent::sync::join::join;
use wardkey_agent::sync::run::round;
use wardkey_core::addresses::MAX_NUMBER;
use wardkey_core::code::Code;
use wardkey_testkit::next_root;

/// Another place of a server: whatever comes goes on to it, until it is taken away.
struct Place {
    address: String,
    port: u16,
    is_gone: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Place {
    fn before(server: &Server) -> Self {
        let to: u16 = server.address.rsplit(':').next().unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_gone, streams) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::default()));
        let (gone, open) = (Arc::clone(&is_gone), Arc::clone(&streams));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if gone.load(Ordering::SeqCst) {
                    return;
                }
                let near = stream.unwrap();
                let far = TcpStream::connect(("127.0.0.1", to)).unwrap();
                let mut all: std::sync::MutexGuard<'_, Vec<TcpStream>> = open.lock().unwrap();
                all.extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                let pair = (near.try_clone().unwrap(), far.try_clone().unwrap());
                std::thread::spawn(move || pump(near, far));
                std::thread::spawn(move || pump(pair.1, pair.0));
            }
        });
        Self { address: format!("https://localhost:{port}"), port, is_gone, streams }
    }

    /// Nobody is there any more.
    fn take_away(self) {
        self.is_gone.store(true, Ordering::SeqCst);
        // The one that the listener waits for; then it is closed.
        let _ = TcpStream::connect(("127.0.0.1", self.port)).map(|mut last| last.read(&mut [0]));
        for stream in self.streams.lock().unwrap().iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let mut part = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut part) {
        if to.write_all(&part[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

pub fn tell(ward: &Ward, number: u64, list: &[&str]) {
    let list = list.iter().map(|one| (*one).to_owned()).collect();
    ward.change(|state| state.addresses = Some((number, list)));
}

pub fn joined(at: &str, server: &Server) -> Terminal {
    let t = terminal(T0);
    join(&t.agent, &request(at, &server.token_text)).unwrap();
    round(&t.agent, 0).unwrap();
    t
}

pub fn place(t: &Terminal) -> String {
    t.agent.link.place().unwrap()
}

/// The terminal's agent stops and starts, and looks again after this time.
pub fn again(t: &mut Terminal, look_again: Option<Duration>) {
    t.agent.state.close();
    t.agent.directory.close();
    let network = look_again.map_or_else(Network::default, |look_again| Network { look_again });
    t.agent = open_over(network, t.folder.path(), &t.time);
}

#[test]
fn a_terminal_follows_to_the_new_address_and_the_old_one_may_go() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let old = Place::before(&server);
    let t = joined(&old.address, &server);
    assert_eq!(place(&t), old.address);
    tell(&ward, 1, &[&server.address]);
    assert!(round(&t.agent, 0).unwrap(), "something is new");
    round(&t.agent, 0).unwrap();
    assert_eq!(place(&t), server.address);
    let identity = t.agent.identity().unwrap();
    assert_eq!(identity.places(), [server.address.clone(), old.address.clone()]);

    // The old place is gone. So it is after a restart, and with the directory lost.
    old.take_away();
    round(&t.agent, 0).unwrap();
    lose_directory(&t);
    let agent = open_at(t.folder.path(), &t.time);
    round(&agent, 0).unwrap();
    assert!(agent.directory.view().is_complete());
    assert_eq!(agent.link.place().unwrap(), server.address);
}

#[test]
fn a_wrong_address_strands_nobody() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let (first, second) = (Place::before(&server), Place::before(&server));
    let t = joined(&first.address, &server);
    tell(&ward, 1, &[&second.address]);
    round(&t.agent, 0).unwrap();
    round(&t.agent, 0).unwrap();
    assert_eq!(place(&t), second.address);

    // Nobody is there, or another server; the address of the join went long ago. The one by which
    // the list came is tried after them.
    first.take_away();
    let root = ward.change(|state| state.root.clone());
    let impostor = Server::start(&ward, true);
    ward.change(|state| state.root = root);
    tell(&ward, 2, &["https://localhost:1", &impostor.address]);
    round(&t.agent, 0).unwrap();
    for _ in 0..2 {
        round(&t.agent, 0).unwrap();
        assert_eq!(place(&t), second.address);
    }
    assert!(impostor.asked.lock().unwrap().is_empty(), "it was told nothing");
    t.agent.state.close();
    t.agent.directory.close();
    let agent = open_at(t.folder.path(), &t.time);
    round(&agent, 0).unwrap();
    assert_eq!(agent.link.place().unwrap(), second.address);

    // Everything gone is said as ever.
    second.take_away();
    assert_eq!(round(&agent, 0).unwrap_err().code(), Code::ServerUnreachable);
    // And the right one is found when it is there.
    let mut identity = wardkey_agent::identity::Identity::clone(&agent.identity().unwrap());
    identity.addresses.list.push(server.address.clone());
    agent.set_identity(Arc::new(identity));
    round(&agent, 0).unwrap();
    assert_eq!(agent.link.place().unwrap(), server.address);
}

#[test]
fn the_status_says_where_the_server_answered_last() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let t = joined(&server.address, &server);
    note_success(&t.agent);
    tell(&ward, 1, &["https://localhost:1"]);
    round(&t.agent, 0).unwrap();
    note_success(&t.agent);

    // It looks for it elsewhere, and nobody is there.
    upstream(&t.agent).unwrap();
    assert_eq!(place(&t), "https://localhost:1");
    assert_eq!(status(&t.agent).server.unwrap(), server.address);
    round(&t.agent, 0).unwrap();
    note_success(&t.agent);
    assert_eq!(status(&t.agent).server.unwrap(), server.address);
}

fn list(f: &Fixture) -> Vec<String> {
    f.agent.identity().unwrap().addresses.list.clone()
}

#[test]
fn no_older_list_and_no_list_of_another_key_is_taken() {
    let mut f = Fixture::synced();
    tell(&f.ward, 5, &["https://b:1"]);
    f.sync().unwrap();
    f.restart();
    assert_eq!(list(&f), ["https://b:1"]);
    assert!(!f.sync().unwrap(), "it has it, and says so");
    // What the server would not send: an older one, to a terminal that says that it has none.
    for (number, by, expected) in [(4, 101, None), (5, 101, None), (6, 66, Some(()))] {
        f.ward.change(|state| state.publish_seed = by);
        tell(&f.ward, number, &["https://evil:1"]);
        let asked = wardkey_agent::sync::apply::request_of(&f.agent, 0, false);
        let mut lie = asked.clone();
        lie.addresses = None;
        let reply = wardkey_agent::sync::upstream::Upstream::wait(&*f.ward, &lie).unwrap();
        let applied = wardkey_agent::sync::apply::apply(&f.agent, &*f.ward, &asked, reply, false);
        assert_eq!(applied.err().map(drop), expected, "{number}");
        assert_eq!(list(&f), ["https://b:1"]);
    }

    // Whoever had the publish key gave the highest number; the new root document ends that.
    f.ward.change(|state| state.publish_seed = 101);
    tell(&f.ward, MAX_NUMBER, &["https://evil:1"]);
    f.sync().unwrap();
    f.restart();
    assert_eq!(list(&f), ["https://evil:1"]);
    let root = f.ward.change(|state| state.root.clone());
    let (_, replaced) = next_root(&root, 100, &[111]);
    f.ward.change(|state| {
        state.extra_roots = vec![replaced];
        state.publish_seed = 111;
    });
    tell(&f.ward, 7, &["https://c:1"]);
    f.sync().unwrap();
    f.sync().unwrap();
    assert_eq!(list(&f), ["https://c:1"]);
}

#[test]
fn a_list_of_a_thief_ends_with_the_exchange_where_the_server_names_no_address() {
    let mut f = Fixture::synced();
    tell(&f.ward, MAX_NUMBER, &["https://evil:1"]);
    f.sync().unwrap();
    f.restart();
    assert_eq!(list(&f), ["https://evil:1"]);
    let root = f.ward.change(|state| state.root.clone());
    let (_, replaced) = next_root(&root, 100, &[111]);
    f.ward.change(|state| {
        state.extra_roots = vec![replaced];
        state.publish_seed = 111;
    });
    tell(&f.ward, 7, &[]);
    f.sync().unwrap();
    f.sync().unwrap();
    f.restart();
    let identity = f.agent.identity().unwrap();
    assert_eq!(identity.places(), std::slice::from_ref(&identity.server));
    assert!(!f.sync().unwrap(), "it has the list, and says so");
}

#[test]
fn a_terminal_that_was_off_during_two_changes_follows_by_the_address_of_between() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let (first, second) = (Place::before(&server), Place::before(&server));
    let mut t = joined(&first.address, &server);
    tell(&ward, 1, &[&second.address]);
    round(&t.agent, 0).unwrap();

    // It is off.
    first.take_away();
    tell(&ward, 2, &[&server.address]);
    again(&mut t, None);
    round(&t.agent, 0).unwrap();
    assert_eq!(place(&t), second.address);
    round(&t.agent, 0).unwrap();
    assert_eq!(place(&t), server.address);
    second.take_away();
    round(&t.agent, 0).unwrap();
    assert_eq!(place(&t), server.address);
}

#[test]
fn a_mistyped_address_is_taken_back_by_whatever_address_answers() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let t = joined(&server.address, &server);
    let right = [server.address.as_str()];
    for list in [&[][..], &right[..]] {
        let number = t.agent.identity().unwrap().addresses.number;
        tell(&ward, number + 1, &["https://localhost:1"]);
        round(&t.agent, 0).unwrap();
        round(&t.agent, 0).unwrap();
        assert_eq!(place(&t), server.address);
        tell(&ward, number + 2, list);
        round(&t.agent, 0).unwrap();
        round(&t.agent, 0).unwrap();
        assert_eq!(t.agent.identity().unwrap().places(), std::slice::from_ref(&server.address));
    }
}

#[test]
fn a_terminal_that_joins_by_an_old_address_is_told_the_new_one_at_once() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let (old, other) = (Place::before(&server), Place::before(&server));
    tell(&ward, 3, &[&server.address]);
    let t = joined(&old.address, &server);
    round(&t.agent, 0).unwrap();
    assert_eq!(place(&t), server.address);
    // Joined again by another one, it is told again.
    join(&t.agent, &request(&other.address, &server.token_text)).unwrap();
    assert_eq!(t.agent.identity().unwrap().places(), std::slice::from_ref(&other.address));
    round(&t.agent, 0).unwrap();
    assert_eq!(t.agent.identity().unwrap().places(), [server.address.clone(), other.address]);
}

#[test]
fn a_list_that_comes_again_takes_no_address_away() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let (first, second) = (Place::before(&server), Place::before(&server));
    let t = joined(&first.address, &server);
    for (number, list) in [(1, &second.address), (2, &server.address)] {
        tell(&ward, number, &[list]);
        round(&t.agent, 0).unwrap();
        round(&t.agent, 0).unwrap();
    }
    let places = [server.address.clone(), second.address.clone(), first.address.clone()];
    assert_eq!(t.agent.identity().unwrap().places(), places);
    // Under another root document it is told the list once more, by one of its addresses.
    let root = ward.change(|state| state.root.clone());
    let (_, next) = next_root(&root, 100, &[101]);
    ward.change(|state| state.extra_roots = vec![next]);
    round(&t.agent, 0).unwrap();
    round(&t.agent, 0).unwrap();
    let identity = t.agent.identity().unwrap();
    assert_eq!(identity.addresses.root_version, 2);
    assert_eq!(identity.places(), places);
}
