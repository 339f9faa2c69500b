//! A collector on the network: syslog messages, counted by octets, over TCP (RFC 6587, 3.4.1) or
//! TLS (RFC 5425).
//!
//! TCP alone does not say that anybody has read what was sent. So each batch is a connection of its
//! own: it ends with our FIN, and it has arrived when the collector's FIN comes after ours. The
//! kernel of a collector that did not read all, or was gone before, sends a reset instead. A FIN
//! that comes before ours proves nothing, and nothing has arrived. Over TLS it has arrived when the
//! collector has answered our close_notify by its own; for one that never does, the configuration
//! can say that its FIN after our close_notify is enough (`tls-fin`). What has not arrived comes
//! again, with the same id, in smaller batches.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use wardkey_records::{Source, syslog_message};
use wardkey_settings::collector::{self, Collector};

use crate::addresses::reach_first;
use crate::authorities;
use crate::backoff::Backoff;
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::event;
use crate::failure::CollectorError;
use crate::pace::Pace;
use crate::resolve::{Lookup, Resolver};
use crate::secret::{Counts, Secret};
use crate::way::{At, Delivery, Most, Party, Record, Terms, Way};

/// How long a name or an address of a collector may take to answer; over TLS, until it has shown
/// who it is.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a batch may take in all: from asking for the address to the end of the connection.
const BATCH: Duration = Duration::from_secs(30);
/// The most bytes of records of a batch, as they are in the spool.
const STORED: usize = 1 << 20;
/// The most bytes of a batch as they are sent; one record is sent however long it is. Some formats
/// have ten times the bytes of what is in the spool.
const SENT: usize = 1 << 20;

/// The way to a collector.
#[derive(Debug)]
pub struct Network {
    collector: Collector,
    authorities: PathBuf,
    source: Source,
    within: Duration,
    resolver: Resolver,
    pace: Pace,
    failures: Backoff,
}

impl Network {
    /// The way to one of the configured collectors.
    pub fn new(terms: &Terms, collector: &Collector) -> Self {
        let longest = terms.longest;
        Self {
            collector: collector.clone(),
            authorities: terms.authorities.clone(),
            source: terms.source.clone(),
            within: BATCH,
            resolver: Resolver::default(),
            pace: Pace::default(),
            failures: Backoff::new(longest),
        }
    }

    /// The same, with another time for a batch.
    #[must_use]
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// The same, with another way to find the addresses of its name.
    #[must_use]
    pub fn asking(mut self, lookup: Lookup) -> Self {
        self.resolver = Resolver::with(lookup);
        self
    }

    fn send(&mut self, party: &dyn Party, frames: &[u8]) -> Result<(), CollectorError> {
        if frames.is_empty() {
            return Ok(());
        }
        let tls = match self.collector.way {
            collector::Way::Tcp => None,
            collector::Way::Tls => {
                Some((authorities::tls(party, &self.authorities)?, Counts::CloseNotify))
            }
            collector::Way::TlsFin => {
                Some((authorities::tls(party, &self.authorities)?, Counts::Fin))
            }
        };
        let deadline = Deadline::after(self.within);
        let addresses = self
            .resolver
            .addresses(&self.collector.address, self.within.min(ANSWER))
            .map_err(CollectorError::Name)?;
        let connect =
            |address, until| Connection::open(address, until).map_err(CollectorError::Unreachable);

        let Some((tls, counts)) = tls else {
            let connection = reach_first(&addresses, ANSWER, deadline, connect)?;
            return send_plain(connection.until(deadline), frames);
        };
        let name = self.name()?;
        let secret = reach_first(&addresses, ANSWER, deadline, |address, until| {
            Secret::agree(connect(address, until)?, Arc::clone(&tls), name.clone())
        })?;
        secret.send(deadline, counts, frames)
    }

    /// The name that its certificate has to be for.
    fn name(&self) -> Result<ServerName<'static>, CollectorError> {
        let address = &self.collector.address;
        let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        ServerName::try_from(host)
            .map_err(|error| CollectorError::Name(std::io::Error::other(error)))
    }

    fn frames(&self, party: &dyn Party, records: &[Record]) -> Frames {
        let (mut frames, mut unread) = (Vec::new(), Vec::new());
        let mut taken = 0;
        for record in records {
            if let Some(event) = event::of(record, party) {
                let message =
                    syslog_message(self.collector.format, &event, record.told_by(&self.source));
                let length = message.len().to_string();
                let after = frames.len() + length.len() + 1 + message.len();
                if !frames.is_empty() && after > SENT {
                    break;
                }
                frames.extend_from_slice(length.as_bytes());
                frames.push(b' ');
                frames.extend_from_slice(message.as_bytes());
            } else {
                unread.push(record.at);
            }
            taken += 1;
        }
        Frames { bytes: frames, taken, unread }
    }
}

/// The messages, one after the other, each behind its length; and of how many records. The others
/// have to wait for the next connection.
struct Frames {
    bytes: Vec<u8>,
    taken: usize,
    /// Those of them that nobody can read.
    unread: Vec<At>,
}

impl Way for Network {
    fn most(&self) -> Most {
        Most { events: self.pace.records(), bytes: STORED }
    }

    fn deliver(&mut self, party: &dyn Party, records: &[Record]) -> Delivery {
        let Frames { bytes, taken, unread } = self.frames(party, records);
        let begun = Instant::now();
        match self.send(party, &bytes) {
            Ok(()) => {
                self.pace.arrived(begun.elapsed(), self.within);
                Delivery::all(records.get(..taken).unwrap_or(records), unread)
            }
            Err(error) => {
                if error.was_on_its_way() {
                    self.pace.failed(taken);
                }
                Delivery { error: Some(error.into()), ..Delivery::default() }
            }
        }
    }

    fn worked(&mut self) {
        self.failures.reset();
    }

    fn pause_after_failure(&mut self) -> Duration {
        self.failures.next(None)
    }
}

fn send_plain(mut connection: Connection, frames: &[u8]) -> Result<(), CollectorError> {
    let mut rest = frames;
    loop {
        // Whatever ends here ends before us, and so before it can have read everything.
        if !connection.pass_over()? {
            return Err(CollectorError::Early);
        }
        if rest.is_empty() {
            return Ok(connection.end()?);
        }
        match connection.write(rest) {
            Ok(taken) => rest = rest.get(taken..).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                connection.wait(true)?
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}
