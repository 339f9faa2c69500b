//! Collectors over TLS that end a connection in their own manner, or show a certificate that is not
//! valid.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use wardkey_core::event::Format;
use wardkey_settings::collector::{Collector, Way};

use crate::collectors::{Port, collector, network, numbers, record, waiting, write_ca};
use crate::common::server::authority;
use crate::common::*;
use wardkey_agent::audit::deliver::batch;

pub type Peer = StreamOwned<ServerConnection, TcpStream>;

/// A server for `127.0.0.1` until the end of a year.
pub fn tls(folder: &Path, until: i32) -> Arc<ServerConfig> {
    tls_for(folder, "127.0.0.1", until)
}

/// A server for a name until the end of a year, of a CA of its own, which is written to `ca.pem`.
fn tls_for(folder: &Path, name: &str, until: i32) -> Arc<ServerConfig> {
    let (ca, key) = (authority(), rcgen::KeyPair::generate().unwrap());
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 12, 31);
    let certificate = params.signed_by(&key, &ca.issuer).unwrap();
    write_ca(folder, &ca.der);

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        );
    Arc::new(config.unwrap())
}

/// One connection: what was read, then what the collector does.
pub fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    manner: fn(&mut Peer) -> String,
) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        manner(&mut StreamOwned::new(ServerConnection::new(tls).unwrap(), stream))
    })
}

/// What the agent says until it ends.
pub fn read_all(peer: &mut Peer) -> String {
    let mut text = String::new();
    let _ = peer.read_to_string(&mut text);
    text
}

/// An agent with some records for a collector at this port.
pub fn tls_fixture(folder: &Path, way: Way, port: &Port, records: u32) -> (Collector, Fixture) {
    let to = Collector { way, ..collector(port, Format::Ecs) };
    let f = Fixture::at(tempfile::tempdir().unwrap(), |config| {
        config.records_to = vec![to.clone().into()];
        config.records_ca = folder.join("ca.pem");
    });
    f.sync().unwrap();
    record(&f, 0..records);
    (to, f)
}

fn ends_in_tcp_alone(peer: &mut Peer) -> String {
    let text = read_all(peer);
    peer.sock.shutdown(Shutdown::Write).unwrap();
    let _ = peer.sock.read(&mut [0]);
    text
}

#[test]
fn the_end_of_tcp_is_enough_only_where_the_configuration_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let config = tls(folder.path(), 2090);
    let port = Port::held();
    let (to, f) = tls_fixture(folder.path(), Way::TlsFin, &port, 20);
    let before = waiting(&f, &to);

    // One that is gone before it has read anything.
    let reading = serve(port.listen(), Arc::clone(&config), |peer| {
        while peer.conn.is_handshaking() {
            peer.conn.complete_io(&mut peer.sock).unwrap();
        }
        String::new()
    });
    assert!(batch(&f.agent, &mut network(&f, &to)).is_err());
    reading.join().unwrap();
    assert_eq!(waiting(&f, &to), before);

    let reading = serve(port.listen(), config, ends_in_tcp_alone);
    batch(&f.agent, &mut network(&f, &to)).unwrap();
    assert_eq!(numbers(&reading.join().unwrap()), (0..20).collect::<Vec<_>>());
    assert_eq!(waiting(&f, &to), 0);
}

#[test]
fn an_end_that_the_collector_did_not_say_in_tls_is_no_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let config = tls(folder.path(), 2090);
    let port = Port::held();
    let (to, f) = tls_fixture(folder.path(), Way::Tls, &port, 20);
    let before = waiting(&f, &to);

    // As whoever stands on the way can do: FIN, without the word of the collector.
    let reading = serve(port.listen(), Arc::clone(&config), ends_in_tcp_alone);
    let error = batch(&f.agent, &mut network(&f, &to)).unwrap_err().to_string();
    assert!(error.contains("close_notify"), "{error}");
    assert_eq!(numbers(&reading.join().unwrap()).len(), 20);
    assert_eq!(waiting(&f, &to), before);

    // One that says that it ends before it has read anything.
    let reading = serve(port.listen(), Arc::clone(&config), |peer| {
        while peer.conn.is_handshaking() {
            peer.conn.complete_io(&mut peer.sock).unwrap();
        }
        peer.conn.send_close_notify();
        peer.conn.write_tls(&mut peer.sock).unwrap();
        String::new()
    });
    assert!(batch(&f.agent, &mut network(&f, &to)).is_err());
    reading.join().unwrap();
    assert_eq!(waiting(&f, &to), before);

    // One that answers, however much it talks before.
    let reading = serve(port.listen(), config, |peer| {
        peer.write_all(&vec![b'x'; 8 << 20]).unwrap();
        let text = read_all(peer);
        peer.conn.send_close_notify();
        peer.flush().unwrap();
        text
    });
    batch(&f.agent, &mut network(&f, &to)).unwrap();
    assert_eq!(numbers(&reading.join().unwrap()), (0..20).collect::<Vec<_>>());
    assert_eq!(waiting(&f, &to), 0);
}

#[test]
fn an_expired_collector_is_refused_also_while_the_server_is_away() {
    let folder = tempfile::tempdir().unwrap();
    // The last that the server signed is of January 2027, the clock says 2028.
    let config = tls(folder.path(), 2027);
    let port = Port::held();
    let (to, f) = tls_fixture(folder.path(), Way::Tls, &port, 20);
    f.time.fetch_add(366 * 86_400, std::sync::atomic::Ordering::SeqCst);
    assert!(f.agent.clock.least().0 < f.agent.clock.now().0 - 300 * 86_400);
    let before = waiting(&f, &to);
    let reading = serve(port.listen(), config, |peer| {
        peer.sock.set_read_timeout(Some(LONG)).unwrap();
        match peer.read(&mut [0; 64]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => "nothing".into(),
            Ok(1..) => "records".into(),
            _ => "refused".into(),
        }
    });
    assert!(batch(&f.agent, &mut network(&f, &to)).is_err());
    assert_eq!(reading.join().unwrap(), "refused");
    assert_eq!(waiting(&f, &to), before);
}

/// Where the name of the collector leads.
static ADDRESSES: Mutex<Vec<SocketAddr>> = Mutex::new(Vec::new());

#[test]
fn an_address_at_which_tls_fails_leaves_the_records_to_the_next() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let name = "siem.example.org";
    let to = Collector { way: Way::Tls, address: format!("{name}:6514"), format: Format::Ecs };
    let f = Fixture::at(tempfile::tempdir().unwrap(), |config| {
        config.records_to = vec![to.clone().into()];
        config.records_ca = folder.path().join("ca.pem");
    });
    f.sync().unwrap();
    record(&f, 0..20);
    let ports = [Port::held(), Port::held(), Port::held(), Port::held()];
    let [impostor, ends, silent, right] = ports.each_ref().map(Port::listen);
    let all = [&impostor, &ends, &silent, &right].map(|one| one.local_addr().unwrap());
    ADDRESSES.lock().unwrap().extend(all);

    // One of another CA, one that ends at once, one that never says anything.
    let heard = serve(impostor, tls_for(other.path(), name, 2090), read_all);
    std::thread::spawn(move || drop(ends.accept()));
    let reading = serve(right, tls_for(folder.path(), name, 2090), |peer| {
        let text = read_all(peer);
        peer.conn.send_close_notify();
        peer.flush().unwrap();
        text
    });
    let lookup = |_: &str| Ok(ADDRESSES.lock().unwrap().clone());
    let mut transport =
        network(&f, &to).by(|way| way.asking(lookup).within(Duration::from_secs(10)));
    batch(&f.agent, &mut transport).unwrap();
    assert_eq!(numbers(&reading.join().unwrap()), (0..20).collect::<Vec<_>>());
    assert_eq!((heard.join().unwrap().as_str(), waiting(&f, &to)), ("", 0));
    drop(silent);
}
