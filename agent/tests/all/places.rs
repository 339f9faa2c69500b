//! Who answers at the addresses of a server, and who only seems to.

use std::sync::{Arc, Mutex};

use crate::addresses::{joined, tell};
use crate::common::server::{Answer, Server};
use crate::common::*;
use crate::tls::{lose_directory, open_at};
use wardkey_agent::sync::join::recover_roots;
use wardkey_agent::sync::run::round;
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
