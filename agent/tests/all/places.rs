//! Who answers at the addresses of a server, and who only seems to.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::addresses::{again, joined, place, tell};
use crate::common::server::{Answer, Server, refuse};
use crate::common::*;
use crate::tls::{lose_directory, open_at};
use wardkey_agent::agent::Agent;
use wardkey_agent::sync::join::recover_roots;
use wardkey_agent::sync::run::round;
use wardkey_core::code::Code;
use wardkey_testkit::next_root;

/// Another server with the same keys: what it knows, it knows from now on alone.
fn copy(server: &Server) -> Arc<Server> {
    let state = server.ward.change(|state| state.clone());
    server.beside(&Arc::new(Ward(Mutex::new(state))))
}

/// Whatever comes to this server is answered so.
fn becomes(server: &Server, answer: Option<Answer>) {
    *server.strange.lock().unwrap() = answer;
}

fn page(status: &'static str) -> Option<Answer> {
    Some((status, b"<html>Welcome</html>".to_vec()))
}

/// How often a server was asked for news.
fn asked(server: &Server) -> usize {
    let asked = server.asked.lock().unwrap();
    asked.iter().filter(|(_, path)| path == "/v1/wait").count()
}

#[test]
fn whoever_stands_before_the_server_keeps_no_lost_directory_from_it() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let t = joined(&server.address, &server);
    let of_before = copy(&server);
    let root = ward.change(|state| state.root.clone());
    let (_, second) = next_root(&root, 100, &[101]);
    ward.change(|state| state.extra_roots = vec![second]);
    let (stranger, door) = (Server::start(&Ward::new(), false), copy(&server));
    becomes(&stranger, page("404 Not Found"));
    becomes(&door, page("200 OK"));
    tell(&ward, 1, &[&stranger.address, &of_before.address, &door.address]);
    round(&t.agent, 0).unwrap();
    assert_eq!(t.agent.marks().root_version, 2);

    lose_directory(&t);
    let agent = open_at(t.folder.path(), &t.time);
    let identity = agent.identity().unwrap();
    becomes(&server, page("404 Not Found"));
    recover_roots(&agent, &identity).unwrap_err();
    assert!(agent.directory.view().root.is_none());
    becomes(&server, None);
    recover_roots(&agent, &identity).unwrap();
    assert_eq!(agent.directory.view().root.as_ref().unwrap().version, 2);
    assert!(stranger.asked.lock().unwrap().is_empty(), "it was told nothing");
}

#[test]
fn another_program_with_the_certificate_of_the_deployment_is_not_the_server() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let door = copy(&server);
    let t = joined(&server.address, &server);
    let answers = [
        page("404 Not Found"),
        page("405 Method Not Allowed"),
        page("200 OK"),
        page("301 Moved Permanently"),
        page("502 Bad Gateway"),
        Some(("200 OK", b"{}".to_vec())),
        Some(refuse("404 Not Found", Code::NotFound)),
        Some(refuse("403 Forbidden", Code::TerminalCertificate)),
        Some(refuse("500 Internal Server Error", Code::Internal)),
    ];
    for (number, answer) in (1..).zip(answers) {
        let what = format!("{answer:?}");
        becomes(&door, answer);
        // Another list each time: the same would be tried where it was left.
        let silent = format!("https://localhost:{number}");
        tell(&ward, number, &[&door.address, &server.address, &silent]);
        round(&t.agent, 0).unwrap();
        let before = asked(&door);
        round(&t.agent, 0).expect(&what);
        assert_eq!((place(&t), asked(&door)), (server.address.clone(), before + 1), "{what}");
        round(&t.agent, 0).expect(&what);
        assert_eq!(asked(&door), before + 1, "{what}: it stays");
    }

    // What the server itself says is its answer, and no other place is asked.
    becomes(&door, Some(refuse("503 Service Unavailable", Code::ServerBehind)));
    tell(&ward, 99, &[&door.address, &server.address]);
    round(&t.agent, 0).unwrap();
    let before = asked(&server);
    assert_eq!(round(&t.agent, 0).unwrap_err().code(), Code::ServerBehind);
    assert_eq!((place(&t), asked(&server)), (door.address.clone(), before));
}

#[test]
fn a_terminal_that_may_not_come_hears_so_whoever_else_is_silent() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let t = joined(&server.address, &server);
    tell(&ward, 1, &["https://localhost:1", &server.address]);
    round(&t.agent, 0).unwrap();
    becomes(&server, Some(refuse("403 Forbidden", Code::TerminalDisabled)));
    assert_eq!(round(&t.agent, 0).unwrap_err().code(), Code::TerminalDisabled);
}

#[test]
fn an_old_server_of_the_deployment_keeps_nobody_who_knows_better() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let t = joined(&server.address, &server);
    let old = copy(&server);
    ward.put("ward3", &person("jiro", vec![credential(3)]));
    tell(&ward, 1, &[&old.address]);
    round(&t.agent, 0).unwrap();
    assert_eq!(round(&t.agent, 0).unwrap_err().code(), Code::Rollback);
    round(&t.agent, 0).unwrap();
    assert_eq!((place(&t), asked(&old)), (server.address.clone(), 1));
    round(&t.agent, 0).unwrap();
    assert_eq!((place(&t), asked(&old)), (server.address.clone(), 1));
}

#[test]
fn a_terminal_goes_back_to_where_the_server_says_that_it_is() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let named = server.beside(&ward);
    let mut t = joined(&server.address, &server);
    becomes(&named, page("503 Service Unavailable"));
    tell(&ward, 1, &[&named.address]);
    for _ in 0..2 {
        round(&t.agent, 0).unwrap();
        assert_eq!(place(&t), server.address);
    }
    // Not at once: there may be nobody, and whoever looks does not wait for news.
    becomes(&named, None);
    again(&mut t, None);
    round(&t.agent, 0).unwrap();
    assert_eq!(place(&t), server.address);
    again(&mut t, Some(Duration::ZERO));
    round(&t.agent, 0).unwrap();
    assert_eq!(place(&t), named.address);
    again(&mut t, None);
    round(&t.agent, 0).unwrap();
    assert_eq!(place(&t), named.address);
}

#[test]
fn a_terminal_that_starts_again_begins_where_the_server_answered() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let dead = copy(&server);
    becomes(&dead, page("503 Service Unavailable"));
    let mut t = joined(&server.address, &server);
    tell(&ward, 1, &[&dead.address, &server.address]);
    for _ in 0..2 {
        round(&t.agent, 0).unwrap();
    }
    assert_eq!((place(&t), asked(&dead)), (server.address.clone(), 1));
    again(&mut t, None);
    round(&t.agent, 0).unwrap();
    assert_eq!((place(&t), asked(&dead)), (server.address.clone(), 1));
    // Another list is tried from its beginning.
    tell(&ward, 2, &[&dead.address, "https://localhost:1", &server.address]);
    for _ in 0..2 {
        round(&t.agent, 0).unwrap();
    }
    assert_eq!((place(&t), asked(&dead)), (server.address.clone(), 2));
}

#[test]
fn a_server_that_was_set_back_is_asked_as_it_knows_it() {
    let ward = Ward::new();
    let server = Server::start(&ward, false);
    let t = joined(&server.address, &server);
    tell(&ward, 1, &[&server.address]);
    round(&t.agent, 0).unwrap();
    let ask = |agent: &Agent| {
        let before = asked(&server);
        let fresh = round(agent, 0).unwrap();
        (fresh, asked(&server) - before)
    };
    assert_eq!(ask(&t.agent), (false, 1));
    server.is_older.store(true, Ordering::SeqCst);
    assert_eq!(ask(&t.agent), (false, 2), "in its words");
    assert_eq!(ask(&t.agent), (false, 1), "it is remembered");
    ward.put("ward3", &person("jiro", vec![credential(3)]));
    assert_eq!(ask(&t.agent), (true, 1), "nothing is missed");

    // It is of now again: it tells the list to whoever does not say that it has it, once.
    server.is_older.store(false, Ordering::SeqCst);
    assert_eq!(ask(&t.agent), (false, 1));
    server.is_older.store(true, Ordering::SeqCst);
    assert_eq!(ask(&t.agent), (false, 2), "it said again which list it has");
    // What is wrong with a request for another reason is said.
    becomes(&server, Some(refuse("400 Bad Request", Code::RequestInvalid)));
    assert_eq!(round(&t.agent, 0).unwrap_err().code(), Code::RequestInvalid);
}
