//! The CA is exchanged: the server is believed, and another certificate is asked for.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::addresses::joined;
use crate::common::server::{Authority, Server, authority, authority_after};
use crate::common::*;
use crate::tls::{Terminal, lose_directory, open_at};
use wardkey_agent::sync::run::round;
use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::time::UnixTime;
use wardkey_testkit::next_root;

/// The root document that follows on one, with another CA.
fn naming(root: &RootDocument, ca: &Authority) -> (RootDocument, SignedRoot) {
    let root = RootDocument { tls_ca: Bytes::new(ca.der.clone()).unwrap(), ..root.clone() };
    next_root(&root, 100, &[101])
}

/// The same of this moment.
fn naming_at(time: u64, root: &RootDocument, ca: &Authority) -> (RootDocument, SignedRoot) {
    naming(&RootDocument { issued: UnixTime(time), ..root.clone() }, ca)
}

/// The server shows itself by another CA, and its root documents name these after the first.
fn exchange(server: &Server, chain: &[(&Authority, Vec<u8>)], taken: &[&[u8]]) {
    let mut root = server.ward.change(|state| state.root.clone());
    let mut signed = Vec::new();
    for (ca, _) in chain {
        let (next, document) = naming(&root, ca);
        root = next;
        signed.push(document);
    }
    server.ward.change(|state| state.extra_roots = signed);
    let links: Vec<Vec<u8>> = chain.iter().rev().map(|(_, link)| link.clone()).collect();
    let (newest, _) = chain.last().unwrap();
    server.exchange(newest, &links, taken);
}

fn restarted(t: &Terminal) -> Arc<wardkey_agent::agent::Agent> {
    t.agent.state.close();
    t.agent.directory.close();
    open_at(t.folder.path(), &t.time)
}

fn asked(server: &Server, what: &str) -> usize {
    server.asked.lock().unwrap().iter().filter(|(_, path)| path == what).count()
}

#[test]
fn a_terminal_that_knows_the_old_ca_believes_the_server_and_has_another_certificate_then() {
    let server = Server::start(&Ward::new(), false);
    let t = joined(&server.address, &server);
    let before = t.agent.identity().unwrap();
    round(&t.agent, 0).unwrap();
    assert_eq!(asked(&server, "/v1/renew"), 0, "its certificate is of the only CA");

    let (new, link) = authority_after(&server.ca, "Second");
    exchange(&server, &[(&new, link)], &[&server.ca.der, &new.der]);
    // Away when that happened: nothing but the old CA is known here.
    let agent = restarted(&t);
    round(&agent, 0).unwrap();
    assert_eq!(agent.directory.view().root.as_ref().unwrap().version, 2);
    round(&agent, 0).unwrap();
    assert_ne!(*server.shown.lock().unwrap(), before.certificate.to_vec(), "used at once");
    let after = agent.identity().unwrap();
    assert_ne!(after.certificate, before.certificate);
    assert_eq!(after.key, before.key, "the key is the one that the server has on record");
    assert!(before.is_of_another(&new.der) && !after.is_of_another(&new.der));
    // The old one counts for nothing any more.
    server.exchange(&new, &[], &[&new.der]);
    round(&agent, 0).unwrap();
    round(&agent, 0).unwrap();
    assert_eq!(*server.shown.lock().unwrap(), after.certificate.to_vec());
    assert_eq!(asked(&server, "/v1/renew"), 1);

    // It is kept, and a directory that is lost comes again.
    agent.state.close();
    agent.directory.close();
    let agent = open_at(t.folder.path(), &t.time);
    assert_eq!(agent.identity().unwrap().certificate, after.certificate);
    round(&agent, 0).unwrap();
}

#[test]
fn terminals_ask_for_another_certificate_one_after_the_other() {
    let server = Server::start(&Ward::new(), false);
    let t = joined(&server.address, &server);
    let (new, link) = authority_after(&server.ca, "Second");
    let now = t.time.load(Ordering::SeqCst);
    let root = server.ward.change(|state| state.root.clone());
    server.ward.change(|state| state.extra_roots = vec![naming_at(now, &root, &new).1]);
    server.exchange(&new, &[link], &[&server.ca.der, &new.der]);
    // By its id it has its turn after 56 seconds of the hour.
    for (seconds, times) in [(0, 0), (0, 0), (55, 0), (2, 1), (0, 1)] {
        t.time.fetch_add(seconds, Ordering::SeqCst);
        server.ward.change(|state| state.now += seconds);
        round(&t.agent, 0).unwrap();
        assert_eq!(t.agent.directory.view().root.as_ref().unwrap().version, 2);
        assert_eq!(asked(&server, "/v1/renew"), times, "{seconds}");
    }
    assert!(!t.agent.identity().unwrap().is_of_another(&new.der));
}

#[test]
fn a_terminal_that_was_away_for_three_exchanges_follows_when_it_is_back() {
    let server = Server::start(&Ward::new(), false);
    let t = joined(&server.address, &server);
    let (second, by_first) = authority_after(&server.ca, "Second");
    let (third, by_second) = authority_after(&second, "Third");
    let (fourth, by_third) = authority_after(&third, "Fourth");
    let chain = [(&second, by_first), (&third, by_second), (&fourth, by_third)];
    exchange(&server, &chain, &[&server.ca.der, &fourth.der]);
    let agent = restarted(&t);
    round(&agent, 0).unwrap();
    round(&agent, 0).unwrap();
    assert_eq!(agent.directory.view().root.as_ref().unwrap().version, 4);
    assert!(!agent.identity().unwrap().is_of_another(&fourth.der));
}

#[test]
fn a_lost_directory_comes_again_after_an_exchange_and_no_one_else_certifies_the_server() {
    let server = Server::start(&Ward::new(), false);
    let t = joined(&server.address, &server);
    let (new, link) = authority_after(&server.ca, "Second");
    exchange(&server, &[(&new, link.clone())], &[&server.ca.der, &new.der]);
    let agent = restarted(&t);
    round(&agent, 0).unwrap();
    // Who has the old CA's key shows what the old CA certifies, to a terminal that has followed.
    let taken: [&[u8]; 2] = [&server.ca.der, &new.der];
    for (thief, links) in [(&server.ca, vec![]), (&authority(), vec![link])] {
        server.exchange(thief, &links, &taken);
        agent.link.note(agent.clock.now(), None);
        agent.state.close();
        agent.directory.close();
        let agent = open_at(t.folder.path(), &t.time);
        assert_eq!(round(&agent, 0).unwrap_err().code(), Code::ServerNotTrusted);
        agent.state.close();
        agent.directory.close();
    }
    server.exchange(&new, &[], &taken);
    let t = Terminal { agent: open_at(t.folder.path(), &t.time), ..t };
    lose_directory(&t);
    let agent = open_at(t.folder.path(), &t.time);
    round(&agent, 0).unwrap();
    assert_eq!(agent.directory.view().root.as_ref().unwrap().version, 2);
}

#[test]
fn a_certificate_that_is_again_of_the_old_ca_is_not_taken_in_its_place() {
    let server = Server::start(&Ward::new(), false);
    let t = joined(&server.address, &server);
    let (new, link) = authority_after(&server.ca, "Second");
    exchange(&server, &[(&new, link)], &[&server.ca.der, &new.der]);
    *server.issues.lock().unwrap() = server.ca_again();
    let before = t.agent.identity().unwrap();
    for _ in 0..3 {
        round(&t.agent, 0).unwrap();
    }
    assert_eq!(asked(&server, "/v1/renew"), 1, "asked for again in an hour");
    assert_eq!(t.agent.identity().unwrap().certificate, before.certificate);
}
