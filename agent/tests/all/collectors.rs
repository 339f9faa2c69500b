//! Records on their way to collectors: a real rsyslogd, and peers that misbehave.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::common::server::authority;
use crate::common::*;
use nix::sys::socket;
use wardkey_agent::audit::carried::Carried;
use wardkey_agent::audit::deliver::{Transport, batch};
use wardkey_agent::audit::destination::SYSLOG;
use wardkey_agent::store::spool::cursor::Destination;
use wardkey_core::code::{Code, Notice};
use wardkey_core::event::{EventName, Format, Outcome};
use wardkey_core::message::agent::DestinationStatus;
use wardkey_settings::collector::{Collector, Way};
use wardkey_settings::sink::Sink;
use wardkey_sinks::collector::Network;

/// A port of the loopback interface that the system gives to nobody else while this lives. Whoever
/// asks for it by its number can listen there, and until then a connection is refused: the socket
/// that holds it does not listen.
pub struct Port {
    pub number: u16,
    _held: OwnedFd,
}

impl Port {
    pub fn held() -> Self {
        let (family, kind) = (socket::AddressFamily::Inet, socket::SockType::Stream);
        let held = socket::socket(family, kind, socket::SockFlag::SOCK_CLOEXEC, None).unwrap();
        // Else nobody could listen beside it; the listeners here set it too.
        socket::setsockopt(&held, socket::sockopt::ReuseAddr, &true).unwrap();
        let any = socket::SockaddrIn::new(127, 0, 0, 1, 0);
        socket::bind(held.as_raw_fd(), &any).unwrap();
        let bound: socket::SockaddrIn = socket::getsockname(held.as_raw_fd()).unwrap();
        Self { number: bound.port(), _held: held }
    }

    pub fn listen(&self) -> TcpListener {
        TcpListener::bind(("127.0.0.1", self.number)).unwrap()
    }

    /// A listener whose connections take little at once: a writer soon has to wait.
    pub fn listen_narrowly(&self) -> TcpListener {
        let listener = self.listen();
        socket::setsockopt(&listener, socket::sockopt::RcvBuf, &4096).unwrap();
        socket::setsockopt(&listener, socket::sockopt::TcpMaxSeg, &536).unwrap();
        listener
    }
}

pub fn collector(port: &Port, format: Format) -> Collector {
    Collector { way: Way::Tcp, address: format!("127.0.0.1:{}", port.number), format }
}

/// A synchronised agent with these collectors.
pub fn fixture(collectors: &[Collector]) -> Fixture {
    fixture_of(&collectors.iter().cloned().map(Into::into).collect::<Vec<_>>())
}

/// A synchronised agent with these sinks.
pub fn fixture_of(sinks: &[Sink]) -> Fixture {
    let fixture = Fixture::at(tempfile::tempdir().unwrap(), |config| {
        config.records_to = sinks.to_vec();
    });
    fixture.sync().unwrap();
    fixture
}

pub fn network(fixture: &Fixture, collector: &Collector) -> Carried<Network> {
    let destination = fixture.agent.outlets.destination(&collector.name()).unwrap();
    Carried::new(&fixture.agent.config, destination, |terms| Network::new(terms, collector))
}

pub fn waiting(fixture: &Fixture, collector: &Collector) -> u64 {
    fixture.agent.state.waiting(network(fixture, collector).destination()).unwrap()
}

/// The destination that a sink is.
pub fn destination_of(fixture: &Fixture, sink: &Sink) -> &'static Destination {
    fixture.agent.outlets.destination(&sink.name()).unwrap()
}

/// What `wardkey status` is told of a sink.
pub fn shown(fixture: &Fixture, name: &str) -> DestinationStatus {
    let all = wardkey_agent::control::status(&fixture.agent).destinations.unwrap();
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names[..2], ["syslog", "server"]);
    all.iter().find(|one| one.name == name).unwrap().clone()
}

pub fn record(fixture: &Fixture, details: std::ops::Range<u32>) {
    let event = |n| {
        let mut event = fixture.agent.event(EventName::KeyChanged, Outcome::Success);
        event.detail = Some(format!("記録 {n:05}; \"quoted\" [x] a=b|c\\"));
        event
    };
    fixture.agent.record(details.map(event).collect());
}

/// The numbers of the records of [`record`] in a text, in their order.
pub fn numbers(text: &str) -> Vec<u32> {
    let rest = text.split("記録 ").skip(1);
    rest.map(|rest| rest.chars().take(5).collect::<String>().parse().unwrap()).collect()
}

/// rsyslogd with a port for TCP and a file of what it understood.
struct Rsyslogd(Child);

impl Rsyslogd {
    fn start(folder: &Path, port: &Port) -> Self {
        let port = port.number;
        let configuration = folder.join("rsyslog.conf");
        let text = format!(
            "global(workDirectory=\"{0}\" maxMessageSize=\"64k\" \
             parser.escapeControlCharactersOnReceive=\"on\")\n\
             module(load=\"imtcp\")\n\
             module(load=\"mmpstrucdata\")\n\
             input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
             template(name=\"read\" type=\"string\" string=\"%pri% %app-name% %msgid% %hostname% \
             %$!rfc5424-sd!wardkey@32473!event% |%msg%\\n\")\n\
             action(type=\"mmpstrucdata\")\n\
             action(type=\"omfile\" file=\"{0}/read\" template=\"read\")\n",
            folder.display()
        );
        std::fs::write(&configuration, text).unwrap();
        let process = Command::new("/usr/sbin/rsyslogd")
            .args(["-n", "-f"])
            .arg(&configuration)
            .arg("-i")
            .arg(folder.join("pid"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        eventually("rsyslogd listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self(process)
    }
}

impl Drop for Rsyslogd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_collector_reads_every_form_whole_and_in_order() {
    for format in Format::ALL {
        let folder = tempfile::tempdir().unwrap();
        let port = Port::held();
        let to = collector(&port, format);
        let f = fixture(std::slice::from_ref(&to));
        record(&f, 0..1200);
        let rsyslogd = Rsyslogd::start(folder.path(), &port);
        let mut transport = network(&f, &to);
        let all = waiting(&f, &to);
        while batch(&f.agent, &mut transport).unwrap() > 0 {}
        assert_eq!(waiting(&f, &to), 0);

        let file = folder.path().join("read");
        let text = || std::fs::read_to_string(&file).unwrap_or_default();
        eventually("all lines", || text().lines().count() as u64 == all);
        let text = text();
        let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
        let last = text.lines().last().unwrap();
        let id = if format == Format::Atna { "DICOM+RFC3881" } else { "key-changed" };
        assert!(last.starts_with(&format!("86 wardkey {id} {host} ")), "{last}");
        if format == Format::Rfc5424 {
            assert!(last.contains(" key-changed |"), "structured data is read: {last}");
        } else if !matches!(format, Format::Atna | Format::KeyValue | Format::Rfc5424) {
            assert_eq!(numbers(&text), (0..1200).collect::<Vec<_>>(), "{format:?}");
        }
        drop(rsyslogd);
    }
}

#[test]
fn a_collector_that_is_down_delays_nobody_and_loses_nothing_over_restarts() {
    let port = Port::held();
    let to = collector(&port, Format::Ecs);
    let mut f = fixture(std::slice::from_ref(&to));
    record(&f, 0..50);
    let mut transport = network(&f, &to);
    let happened = f.agent.state.oldest(transport.destination());
    assert!(batch(&f.agent, &mut transport).is_err(), "nobody listens");
    let shown = shown(&f, &to.name());
    assert_eq!((shown.waiting, shown.since), (waiting(&f, &to), happened));
    assert!(happened.is_some() && shown.failed == Some(f.agent.clock.now()));
    assert!(shown.last_error.unwrap().contains("refused"));
    assert_eq!(shown.code, Some(Notice::CollectorUnreachable.number()));
    assert_eq!(shown.system.unwrap(), "Connection refused (os error 111)");
    for _ in 0..3 {
        f.root().ask(&failure("taro", Some("taro"), Some(2), Code::PinWrong));
    }
    let before = waiting(&f, &to);
    f.restart_with(|config| config.records_to = vec![to.clone().into()]);
    record(&f, 50..60);
    assert_eq!(waiting(&f, &to), before + 10);

    let listener = port.listen();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    let mut transport = network(&f, &to);
    assert_eq!(batch(&f.agent, &mut transport).unwrap() as u64, before + 10);
    let text = reading.join().unwrap();
    assert_eq!(numbers(&text), (0..60).collect::<Vec<_>>());
    assert_eq!(waiting(&f, &to), 0);
    let shown = self::shown(&f, &to.name());
    assert_eq!((shown.waiting, shown.since, shown.last_error), (0, None, None));
    assert!(f.agent.state.waiting(&SYSLOG).unwrap() > 0, "another destination is as it was");
}

/// What a collector does with a connection.
type Manner = fn(TcpStream);

#[test]
fn what_a_collector_did_not_read_to_its_end_comes_again() {
    let manners: [(&str, Manner); 3] = [
        ("ends at once", drop),
        ("ends before it has read all", |mut stream| {
            assert!(stream.read(&mut [0; 8]).unwrap() > 0);
        }),
        ("reads nothing and ends late", |stream| {
            std::thread::sleep(Duration::from_millis(300));
            drop(stream);
        }),
    ];
    for ((what, manner), count) in manners.into_iter().flat_map(|one| [(one, 1), (one, 600)]) {
        let port = Port::held();
        let to = collector(&port, Format::Cef);
        let f = fixture(std::slice::from_ref(&to));
        record(&f, 0..count);
        let before = waiting(&f, &to);
        let listener = port.listen();
        let reading = std::thread::spawn(move || manner(listener.accept().unwrap().0));
        let mut transport = network(&f, &to);
        assert!(batch(&f.agent, &mut transport).is_err(), "{what}");
        reading.join().unwrap();
        assert_eq!(waiting(&f, &to), before, "{what}");
    }
}

/// Writes the certificate of a CA to `ca.pem`.
pub fn write_ca(folder: &Path, der: &[u8]) {
    std::fs::write(folder.join("ca.der"), der).unwrap();
    let pem = Command::new("openssl")
        .args(["x509", "-inform", "DER", "-in"])
        .arg(folder.join("ca.der"))
        .output()
        .unwrap();
    std::fs::write(folder.join("ca.pem"), pem.stdout).unwrap();
}

/// OpenSSL's server, which asks for a certificate and writes what it reads to a file.
struct OpenSsl(Child);

impl OpenSsl {
    /// With a certificate for this name, of a CA of its own, which is written to `ca.pem`.
    fn start(folder: &Path, port: &Port, name: &str) -> Self {
        let port = port.number;
        let ca = authority();
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2090, 1, 1);
        let certificate = params.signed_by(&key, &ca.issuer).unwrap().pem();
        std::fs::write(folder.join("server.pem"), certificate + &key.serialize_pem()).unwrap();
        write_ca(folder, &ca.der);
        let process = Command::new("openssl")
            .args(["s_server", "-quiet", "-Verify", "1", "-accept", &format!("127.0.0.1:{port}")])
            .arg("-cert")
            .arg(folder.join("server.pem"))
            .arg("-key")
            .arg(folder.join("server.pem"))
            .stdin(Stdio::piped())
            .stdout(std::fs::File::create(folder.join("read")).unwrap())
            .stderr(std::fs::File::create(folder.join("said")).unwrap())
            .spawn()
            .unwrap();
        eventually("openssl listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self(process)
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn tls_takes_every_record_to_the_collector_that_its_certificate_names() {
    let folder = tempfile::tempdir().unwrap();
    let port = Port::held();
    let to = Collector { way: Way::Tls, ..collector(&port, Format::Ocsf) };
    let configure = |config: &mut wardkey_agent::config::Config| {
        config.records_to = vec![to.clone().into()];
        config.records_ca = folder.path().join("ca.pem");
    };
    let f = Fixture::at(tempfile::tempdir().unwrap(), configure);
    f.sync().unwrap();
    record(&f, 0..1500);
    let all = waiting(&f, &to);
    let mut transport = network(&f, &to);
    assert!(batch(&f.agent, &mut transport).is_err(), "nobody is trusted yet");

    // Another name, then another CA: nothing is sent to either.
    let impostor = OpenSsl::start(folder.path(), &port, "siem.example.org");
    assert!(batch(&f.agent, &mut transport).is_err(), "the name is not the collector's");
    drop(impostor);
    let other = tempfile::tempdir().unwrap();
    let impostor = OpenSsl::start(other.path(), &port, "127.0.0.1");
    assert!(batch(&f.agent, &mut transport).is_err(), "the CA is another one");
    drop(impostor);
    for folder in [&folder, &other] {
        assert_eq!(std::fs::read_to_string(folder.path().join("read")).unwrap(), "");
    }
    assert_eq!(waiting(&f, &to), all);

    let openssl = OpenSsl::start(folder.path(), &port, "127.0.0.1");
    while batch(&f.agent, &mut transport).unwrap() > 0 {}
    assert_eq!(waiting(&f, &to), 0);
    let read = || std::fs::read_to_string(folder.path().join("read")).unwrap();
    eventually("all records", || numbers(&read()).len() >= 1500);
    assert_eq!(numbers(&read()), (0..1500).collect::<Vec<_>>());
    let said = std::fs::read_to_string(folder.path().join("said")).unwrap();
    assert!(said.contains("depth=0"), "the terminal showed its certificate: {said}");
    drop(openssl);
}
