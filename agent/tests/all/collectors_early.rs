//! Collectors that end a connection before the agent has, and read on: what they have read, nobody
//! knows.

use std::io::{Read, copy, sink};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use wardkey_agent::audit::deliver::batch;
use wardkey_core::event::Format;
use wardkey_settings::collector::Way;

use crate::collectors::{Port, collector, fixture, network, numbers, record, waiting};
use crate::collectors_tls::{Peer, read_all, serve, tls, tls_fixture};

/// Enough that the agent still writes when the collector ends.
const MANY: u32 = 1000;

/// Whatever comes until the agent ends: so no reset tells it that anything was not read.
fn drain(stream: &mut TcpStream) {
    std::thread::sleep(Duration::from_millis(300));
    let _ = copy(stream, &mut sink());
}

fn shake_hands(peer: &mut Peer) {
    while peer.conn.is_handshaking() {
        peer.conn.complete_io(&mut peer.sock).unwrap();
    }
}

#[test]
fn a_fin_that_comes_before_the_agent_s_is_no_delivery() {
    let port = Port::held();
    let to = collector(&port, Format::Ecs);
    let f = fixture(std::slice::from_ref(&to));
    record(&f, 0..MANY);
    let before = waiting(&f, &to);
    let listener = port.listen_narrowly();
    let reading = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.shutdown(Shutdown::Write).unwrap();
        drain(&mut stream);
    });
    let error = batch(&f.agent, &mut network(&f, &to)).unwrap_err().to_string();
    assert!(error.contains("before it had all records"), "{error}");
    reading.join().unwrap();
    assert_eq!(waiting(&f, &to), before);
}

#[test]
fn an_end_that_comes_over_tls_before_the_agent_s_is_no_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let config = tls(folder.path(), 2090);
    let says_it: fn(&mut Peer) -> String = |peer| {
        shake_hands(peer);
        peer.conn.send_close_notify();
        peer.conn.write_tls(&mut peer.sock).unwrap();
        drain(&mut peer.sock);
        String::new()
    };
    let ends_in_tcp: fn(&mut Peer) -> String = |peer| {
        shake_hands(peer);
        peer.sock.shutdown(Shutdown::Write).unwrap();
        drain(&mut peer.sock);
        String::new()
    };
    for (way, manner) in [(Way::Tls, says_it), (Way::TlsFin, says_it), (Way::TlsFin, ends_in_tcp)] {
        let port = Port::held();
        let (to, f) = tls_fixture(folder.path(), way, &port, MANY);
        let before = waiting(&f, &to);
        let reading = serve(port.listen_narrowly(), Arc::clone(&config), manner);
        let error = batch(&f.agent, &mut network(&f, &to)).unwrap_err().to_string();
        assert!(error.contains("before it had all records"), "{way:?}: {error}");
        reading.join().unwrap();
        assert_eq!(waiting(&f, &to), before, "{way:?}");
    }
}

#[test]
fn a_collector_that_reads_all_and_answers_late_has_got_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let config = tls(folder.path(), 2090);
    for way in [Way::Tls, Way::TlsFin] {
        let port = Port::held();
        let (to, f) = tls_fixture(folder.path(), way, &port, 20);
        let reading = serve(port.listen(), Arc::clone(&config), |peer| {
            // A word of its own at once, which is no answer.
            std::io::Write::write_all(peer, b"220 ready").unwrap();
            let text = read_all(peer);
            std::thread::sleep(Duration::from_secs(1));
            peer.conn.send_close_notify();
            peer.conn.complete_io(&mut peer.sock).unwrap();
            // The agent is to end the connection too.
            assert_eq!(peer.sock.read(&mut [0]).unwrap(), 0);
            text
        });
        batch(&f.agent, &mut network(&f, &to)).unwrap();
        assert_eq!(numbers(&reading.join().unwrap()), (0..20).collect::<Vec<_>>());
        assert_eq!(waiting(&f, &to), 0, "{way:?}");
    }
}

#[test]
fn a_server_that_never_speaks_tls_costs_no_more_than_the_time_of_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    let _config = tls(folder.path(), 2090);
    let port = Port::held();
    let (to, f) = tls_fixture(folder.path(), Way::Tls, &port, 1);
    let listener = port.listen();
    let reading = std::thread::spawn(move || drain(&mut listener.accept().unwrap().0));
    let begun = std::time::Instant::now();
    let mut transport = network(&f, &to).by(|way| way.within(Duration::from_millis(300)));
    let error = batch(&f.agent, &mut transport).unwrap_err().to_string();
    // Nothing of the batch was on its way, so smaller ones would change nothing.
    assert!(error.contains("cannot be reached: timed out"), "{error}");
    // Without its own the time would be ten seconds for who does not say who it is.
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    reading.join().unwrap();
}
