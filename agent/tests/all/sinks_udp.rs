//! Records as datagrams: a real rsyslogd, nobody, and a path that takes little.

use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::socket::{self, sockopt};
use wardkey_agent::audit::carried::Carried;
use wardkey_agent::audit::deliver::batch;
use wardkey_agent::audit::render::source::of_this_machine;
use wardkey_agent::upkeep::record_lost;
use wardkey_core::event::{Event, EventName, Format, Outcome};
use wardkey_records::syslog_message;
use wardkey_settings::sink::{self, Sink};
use wardkey_sinks::datagrams::Datagrams;

use crate::collectors::{destination_of, fixture_of, numbers, record};
use crate::common::*;

fn to(port: u16, format: Format) -> sink::Datagrams {
    sink::Datagrams { address: format!("127.0.0.1:{port}"), format }
}

fn transport(f: &Fixture, to: &sink::Datagrams) -> Carried<Datagrams> {
    Carried::new(&f.agent.config, destination_of(f, &Sink::Datagrams(to.clone())), |terms| {
        Datagrams::new(terms, to)
    })
}

fn waiting(f: &Fixture, to: &sink::Datagrams) -> u64 {
    f.agent.state.waiting(destination_of(f, &Sink::Datagrams(to.clone()))).unwrap()
}

fn listener() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

/// A port of the loopback interface that the system gives to nobody else while this lives. Whoever
/// asks for it by its number can listen there; until then what is sent there is refused: the socket
/// that holds it hears one address alone, from which nothing comes.
struct Port(UdpSocket);

impl Port {
    fn held() -> Self {
        let held = Self::shared(0);
        held.connect("127.0.0.1:9").unwrap();
        Self(held)
    }

    fn number(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn listen(&self) -> UdpSocket {
        Self::shared(self.number())
    }

    /// A socket beside which there may be others that are made so.
    fn shared(port: u16) -> UdpSocket {
        let (family, kind) = (socket::AddressFamily::Inet, socket::SockType::Datagram);
        let made = socket::socket(family, kind, socket::SockFlag::SOCK_CLOEXEC, None).unwrap();
        socket::setsockopt(&made, sockopt::ReuseAddr, &true).unwrap();
        let made = UdpSocket::from(made);
        let at = socket::SockaddrIn::new(127, 0, 0, 1, port);
        socket::bind(std::os::fd::AsRawFd::as_raw_fd(&made), &at).unwrap();
        made
    }
}

fn received(socket: &UdpSocket) -> Vec<String> {
    let mut all = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length) = socket.recv(&mut buffer) {
        all.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    all
}

/// rsyslogd with a port for UDP and a file of what it understood.
struct Rsyslogd(Child);

impl Rsyslogd {
    fn start(folder: &Path, port: u16) -> Self {
        let configuration = folder.join("rsyslog.conf");
        let text = format!(
            "global(workDirectory=\"{0}\" maxMessageSize=\"64k\")\n\
             module(load=\"imudp\")\n\
             input(type=\"imudp\" port=\"{port}\" address=\"127.0.0.1\" rcvbufSize=\"8m\")\n\
             template(name=\"read\" type=\"string\" string=\"%app-name% %msgid% |%msg%\\n\")\n\
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
            .spawn();
        Self(process.unwrap())
    }
}

impl Drop for Rsyslogd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_collector_reads_every_datagram() {
    let folder = tempfile::tempdir().unwrap();
    let held = Port::held();
    let port = held.number();
    let _rsyslogd = Rsyslogd::start(folder.path(), port);
    let read = || std::fs::read_to_string(folder.path().join("read")).unwrap_or_default();
    let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
    eventually("rsyslogd reads", || {
        probe.send_to(b"<13>1 - - probe - - - probe", ("127.0.0.1", port)).unwrap();
        read().contains("probe")
    });

    let to = to(port, Format::Ecs);
    let f = fixture_of(&[Sink::Datagrams(to.clone())]);
    record(&f, 0..300);
    let mut transport = transport(&f, &to);
    while batch(&f.agent, &mut transport).unwrap() > 0 {}
    assert_eq!(waiting(&f, &to), 0);
    eventually("all records", || numbers(&read()).len() >= 300);
    assert_eq!(numbers(&read()), (0..300).collect::<Vec<_>>());
    assert!(read().contains("wardkey key-changed |"));
}

#[test]
fn a_collector_that_is_known_to_be_away_is_waited_for() {
    let port = Port::held();
    let to = to(port.number(), Format::Ecs);
    let f = fixture_of(&[Sink::Datagrams(to.clone())]);
    record(&f, 0..5);
    let before = waiting(&f, &to);
    let mut transport = transport(&f, &to);
    let error = batch(&f.agent, &mut transport).unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
    assert_eq!(waiting(&f, &to), before);
    let socket = port.listen();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert_eq!(batch(&f.agent, &mut transport).unwrap() as u64, before);
    assert_eq!(numbers(&received(&socket).concat()), (0..5).collect::<Vec<_>>());
}

#[test]
fn a_record_that_the_path_does_not_take_goes_without_its_detail_or_is_counted_as_lost() {
    let (socket, port) = listener();
    let to = to(port, Format::Ecs);
    let f = fixture_of(&[Sink::Datagrams(to.clone())]);
    let mut transport = transport(&f, &to);
    while batch(&f.agent, &mut transport).unwrap() > 0 {}
    received(&socket);

    let mut event = f.agent.event(EventName::KeyChanged, Outcome::Success);
    event.detail = Some("記録 00000".repeat(20));
    let shorter = Event { detail: None, ..event.clone() };
    let shorter = syslog_message(Format::Ecs, &shorter, &of_this_machine(&f.agent.config));
    f.agent.record(vec![event.clone()]);
    let mut narrow = self::transport(&f, &to).by(|way| way.at_most(shorter.len()));
    assert_eq!(batch(&f.agent, &mut narrow).unwrap(), 1);
    assert_eq!(received(&socket), std::slice::from_ref(&shorter));

    let mut narrow = self::transport(&f, &to).by(|way| way.at_most(shorter.len() - 1));
    let lost = |f: &Fixture| {
        let events = f.events();
        events.into_iter().filter(|one| one.name == EventName::RecordsLost).collect::<Vec<_>>()
    };
    for _ in 0..3 {
        f.agent.record(vec![Event { id: wardkey_agent::random::fresh_id(), ..event.clone() }]);
    }
    assert_eq!(batch(&f.agent, &mut narrow).unwrap(), 3);
    record_lost(&f.agent);
    let found = lost(&f);
    assert_eq!((found.len(), found[0].count), (1, Some(3)));
    assert_eq!(found[0].detail.as_deref(), Some(format!("udp {} 3", to.address).as_str()));
    // That record is too long as well: it is told of no loss of its own, for ever.
    while batch(&f.agent, &mut narrow.by(|way| way.at_most(100))).is_ok_and(|count| count > 0) {
        narrow = self::transport(&f, &to);
    }
    record_lost(&f.agent);
    assert_eq!(lost(&f).len(), 1);
    assert_eq!((waiting(&f, &to), received(&socket).len()), (0, 0));
}
