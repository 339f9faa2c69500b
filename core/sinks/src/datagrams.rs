//! A collector over UDP (RFC 5426): a datagram for each record, whole in one packet of the path.
//! Nobody says that it arrived: what is lost on the way stays lost. Only a collector that is known
//! to be away is waited for.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};
use wardkey_core::event::Event;
use wardkey_records::{Source, syslog_message};
use wardkey_settings::sink;

use crate::backoff::Backoff;
use crate::event;
use crate::failure::CollectorError;
use crate::resolve::Resolver;
use crate::way::{Delivery, Most, Party, Record, Terms, Way};

/// Records of a batch, and the pause behind it: what waited for days is no flood, and the word that
/// nobody listens may come back meanwhile.
const MOST: Most = Most { events: 64, bytes: usize::MAX };
const PAUSE: Duration = Duration::from_millis(50);
/// How long a name may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// The address of a name is asked for again after this.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// Header of IPv4 or IPv6 and of UDP in bytes.
const HEADERS: (usize, usize) = (20 + 8, 40 + 8);
/// What every collector takes, by RFC 5426 (3.2), over IPv4 and IPv6: where the path does not say
/// what it takes.
const LEAST: (usize, usize) = (480, 1180);
/// What a datagram takes over any path.
const GREATEST: usize = 65_507;

/// The way to a collector over UDP.
#[derive(Debug)]
pub struct Datagrams {
    to: sink::Datagrams,
    source: Source,
    resolver: Resolver,
    at_most: usize,
    socket: Option<(UdpSocket, Instant)>,
    failures: Backoff,
}

impl Datagrams {
    /// The way to one of the configured collectors.
    pub fn new(terms: &Terms, to: &sink::Datagrams) -> Self {
        Self {
            to: to.clone(),
            source: terms.source.clone(),
            resolver: Resolver::default(),
            at_most: GREATEST,
            socket: None,
            failures: Backoff::new(terms.longest),
        }
    }

    /// The same, with no more bytes in a datagram than this, whatever the path takes.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.at_most = bytes;
        self
    }

    fn connect(&mut self) -> Result<UdpSocket, CollectorError> {
        let addresses =
            self.resolver.addresses(&self.to.address, ANSWER).map_err(CollectorError::Name)?;
        let mut last = ErrorKind::NotFound.into();
        for address in addresses {
            match open(address) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(CollectorError::Unreachable(last))
    }

    /// Sends one; `false` when no datagram over this path takes it.
    fn send(&self, socket: &UdpSocket, event: &Event, source: &Source) -> std::io::Result<bool> {
        let mut room = room(socket).min(self.at_most);
        while let Some(message) = self.message((event, source), room) {
            match socket.send(message.as_bytes()) {
                // The path takes less than it seemed.
                Err(error) if error.raw_os_error() == Some(Errno::EMSGSIZE as i32) => {
                    room = message.len().saturating_sub(1);
                }
                sent => return sent.map(|_| true),
            }
        }
        Ok(false)
    }

    /// The message that fits, without the longest of its fields if need be.
    fn message(&self, (event, source): (&Event, &Source), room: usize) -> Option<String> {
        let whole = syslog_message(self.to.format, event, source);
        if whole.len() <= room {
            return Some(whole);
        }
        let shorter = Event { detail: None, ..event.clone() };
        let message = syslog_message(self.to.format, &shorter, source);
        (message.len() <= room).then_some(message)
    }

    fn send_all(&self, party: &dyn Party, socket: &UdpSocket, records: &[Record]) -> Delivery {
        let mut delivery = Delivery::default();
        for record in records {
            let Some(event) = event::of(record, party) else {
                delivery.gave_up.push(record.at);
                continue;
            };
            match self.send(socket, &event, record.told_by(&self.source)) {
                Ok(true) => delivery.arrived.push(record.at),
                Ok(false) => {
                    let name = event.name.as_str();
                    party.warn(&format!("a record ({name}) is too long for UDP"));
                    let to = if record.counts(&event) {
                        &mut delivery.gave_up
                    } else {
                        &mut delivery.arrived
                    };
                    to.push(record.at);
                }
                // It is about one of those before, too: nobody knows which.
                Err(error) => return away(error),
            }
        }
        std::thread::sleep(PAUSE);
        match socket.take_error() {
            Ok(None) => delivery,
            Ok(Some(error)) | Err(error) => away(error),
        }
    }
}

impl Way for Datagrams {
    fn most(&self) -> Most {
        MOST
    }

    fn reopen(&mut self) {
        self.socket = None;
    }

    fn deliver(&mut self, party: &dyn Party, records: &[Record]) -> Delivery {
        let known = self.socket.take().filter(|(_, since)| since.elapsed() < ASK_AGAIN);
        let (socket, since) = match known {
            Some(known) => known,
            None => match self.connect() {
                Ok(socket) => (socket, Instant::now()),
                Err(error) => {
                    return Delivery { error: Some(error.into()), ..Delivery::default() };
                }
            },
        };
        let delivery = self.send_all(party, &socket, records);
        if delivery.error.is_none() {
            self.socket = Some((socket, since));
        }
        delivery
    }

    fn worked(&mut self) {
        self.failures.reset();
    }

    fn pause_after_failure(&mut self) -> Duration {
        self.failures.next(None)
    }
}

/// All of the batch comes again.
fn away(error: std::io::Error) -> Delivery {
    let error = Some(CollectorError::Unreachable(error).into());
    Delivery { error, ..Delivery::default() }
}

fn open(to: SocketAddr) -> std::io::Result<UdpSocket> {
    let from: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(from)?;
    socket.connect(to)?;
    Ok(socket)
}

/// What a packet of the path to the peer takes, as far as the system knows.
fn room(socket: &UdpSocket) -> usize {
    let is_v4 = matches!(socket.local_addr(), Ok(SocketAddr::V4(_)));
    let (headers, least) = if is_v4 { (HEADERS.0, LEAST.0) } else { (HEADERS.1, LEAST.1) };
    let packet = getsockopt(socket, sockopt::IpMtu).ok().and_then(|mtu| usize::try_from(mtu).ok());
    packet.map_or(least, |packet| packet.saturating_sub(headers).max(least)).min(GREATEST)
}
