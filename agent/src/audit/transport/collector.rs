//! A collector on the network: syslog messages, counted by octets, over TCP (RFC 6587, 3.4.1) or
//! TLS (RFC 5425).
//!
//! TCP alone does not say that anybody has read what was sent. So each batch is a connection of its
//! own: it ends with our FIN, and it has arrived when the collector's FIN comes after ours. The
//! kernel of a collector that did not read all, or was gone before, sends a reset instead. (One
//! that ends only its own half, first, is believed to read on.) Over TLS it has arrived when the
//! collector has answered our close_notify by its own; for one that never does, the configuration
//! can say that its FIN is enough (`tls-fin`). What has not arrived comes again, with the same id.

use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Stream};
use wardkey_core::codec;
use wardkey_core::event::Event;
use wardkey_records::{Source, syslog_message};
use wardkey_settings::collector::{Collector, Way};
use wardkey_settings::files::{self, Owner};

use crate::agent::Agent;
use crate::audit::deliver::{Delivery, Transport};
use crate::audit::transport::deadline::Deadline;
use crate::error::AgentError;
use crate::log;
use crate::store::spool::cursor::Destination;
use crate::store::spool::read::Most;
use crate::store::state::Record;
use crate::sync::backoff::Backoff;
use crate::sync::tls;

/// One batch.
const MOST: Most = Most { events: 1024, bytes: 1 << 20 };
/// How long a collector may take to answer a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may take to read a batch.
const BATCH: Duration = Duration::from_secs(30);

/// The longest file of certificates in bytes.
const MAX_CERTIFICATES: usize = 1 << 20;

/// The way to a collector.
#[derive(Debug)]
pub struct Network {
    destination: &'static Destination,
    collector: Collector,
    authorities: PathBuf,
    source: Source,
    failures: Backoff,
}

impl Network {
    /// The way to one of the configured collectors.
    pub fn new(agent: &Agent, destination: &'static Destination, collector: &Collector) -> Self {
        let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        let source = Source {
            host: host.unwrap_or_default(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            enterprise: agent.config.records_enterprise,
        };
        let longest = Duration::from_secs(agent.config.retry_seconds);
        Self {
            destination,
            collector: collector.clone(),
            authorities: agent.config.records_ca.clone(),
            source,
            failures: Backoff::new(longest),
        }
    }

    fn send(&self, agent: &Agent, frames: &[u8]) -> Result<(), AgentError> {
        if frames.is_empty() {
            return Ok(());
        }
        match self.collector.way {
            Way::Tcp => send_plain(&self.collector.address, frames)?,
            way @ (Way::Tls | Way::TlsFin) => {
                send_secret(&self.collector.address, self.tls(agent)?, way, frames)?;
            }
        }
        Ok(())
    }

    /// TLS that trusts the configured authorities, read anew each time: they may be exchanged.
    fn tls(&self, agent: &Agent) -> Result<Arc<ClientConfig>, AgentError> {
        let pem = files::read(&self.authorities, Owner::current(), MAX_CERTIFICATES)?;
        let authorities: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let authorities = authorities.map_err(std::io::Error::other)?;
        let identity = agent.identity();
        Ok(tls::trusting_now(authorities, identity.as_deref(), Arc::clone(&agent.clock))?)
    }

    /// The messages, one after the other, each behind its length.
    fn frames(&self, records: &[Record]) -> Vec<u8> {
        let mut frames = Vec::new();
        for record in records {
            match codec::from_bytes::<Event>(&record.event) {
                Ok(event) => {
                    let message = syslog_message(self.collector.format, &event, &self.source);
                    frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
                    frames.extend_from_slice(message.as_bytes());
                }
                // One of a later version, say: it must not keep the others back.
                Err(error) => {
                    log::warning(format_args!("a record cannot be read, and is not sent: {error}"));
                }
            }
        }
        frames
    }
}

impl Transport for Network {
    fn destination(&self) -> &'static Destination {
        self.destination
    }

    fn most(&self) -> Most {
        MOST
    }

    fn deliver(&mut self, agent: &Agent, records: &[Record]) -> Delivery {
        match self.send(agent, &self.frames(records)) {
            Ok(()) => {
                Delivery { arrived: records.iter().map(|record| record.at).collect(), error: None }
            }
            Err(error) => Delivery { arrived: Vec::new(), error: Some(error) },
        }
    }

    fn worked(&mut self) {
        self.failures.reset();
    }

    fn pause_after(&mut self, _: &AgentError) -> Duration {
        self.failures.next(None)
    }
}

fn send_plain(address: &str, frames: &[u8]) -> std::io::Result<()> {
    let mut stream = Deadline::connect(address, CONNECT, BATCH)?;
    stream.write_all(frames)?;
    stream.end()
}

fn send_secret(
    address: &str,
    tls: Arc<ClientConfig>,
    way: Way,
    frames: &[u8],
) -> std::io::Result<()> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host).map_err(std::io::Error::other)?;
    let mut session = ClientConnection::new(tls, name).map_err(std::io::Error::other)?;
    let mut stream = Deadline::connect(address, CONNECT, BATCH)?;

    Stream::new(&mut session, &mut stream).write_all(frames)?;
    if has_closed(&mut session)? {
        return Err(ended("before it had all records"));
    }
    session.send_close_notify();
    while session.wants_write() {
        session.write_tls(&mut stream)?;
    }

    // Anybody on the way can end a connection. Only the collector itself can say so in TLS, and it
    // has to when it has read that we did (RFC 5425, 4.4). An alert says why it did not want us.
    while !has_closed(&mut session)? {
        if session.read_tls(&mut stream)? == 0 {
            if way == Way::TlsFin {
                break;
            }
            return Err(ended("without close_notify, so nobody knows what it has read"));
        }
    }
    stream.end()
}

/// Whether the collector has said in TLS that it ends. Whatever else it says is passed over.
fn has_closed(session: &mut ClientConnection) -> std::io::Result<bool> {
    let state = session.process_new_packets().map_err(std::io::Error::other)?;
    let mut answer = [0; 512];
    while matches!(session.reader().read(&mut answer), Ok(1..)) {}
    Ok(state.peer_has_closed())
}

fn ended(how: &str) -> std::io::Error {
    let what = format!("the collector ended the connection {how}");
    std::io::Error::new(ErrorKind::UnexpectedEof, what)
}
