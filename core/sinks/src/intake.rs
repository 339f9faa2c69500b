//! A collector over HTTPS: the bulk interface of Elasticsearch and OpenSearch, or the HTTP Event
//! Collector of Splunk.
//!
//! A batch is a request. A record has arrived when the answer says so of this record: not before,
//! and not by the end of a connection. Elasticsearch gets each under the id of the event, so that
//! one that comes again is the same document. What it never takes, such as a field that is not of
//! its mapping, is lost to it, counted, and keeps nothing back; but where it takes none of a batch
//! and does not say that the records are at fault, all of it waits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::json;
use wardkey_core::event::Event;
use wardkey_records::{Source, render};
use wardkey_settings::files::{self, Owner};
use wardkey_settings::intake::{self, Kind};
use zeroize::Zeroizing;

use crate::authorities;
use crate::backoff::Backoff;
use crate::event;
use crate::failure::{CollectorError, TOO_LONG};
use crate::https::{Https, NotSent};
use crate::pace::Pace;
use crate::way::{At, Delivery, Most, Party, Record, Terms, Way};

/// How long a batch may take in all: from asking for the address to the end of the answer.
const BATCH: Duration = Duration::from_secs(30);
/// The most bytes of records of a batch, as they are in the spool.
const STORED: usize = 256 * 1024;
/// The most bytes of a body; one record is sent however long it is.
const SENT: usize = 1 << 20;

/// What is asked for of the bulk interface's answer.
const ANSWERED: &str = "filter_path=items.*.status,items.*.error.type";
/// Refusals of it that are about the record, whatever becomes of the others: no index and no
/// pipeline has anything to do with them.
const FAULTS_OF_A_RECORD: [&str; 2] = ["document_parsing_exception", "mapper_parsing_exception"];

/// The way to a collector over HTTPS.
#[derive(Debug)]
pub struct Intake {
    to: intake::Intake,
    authorities: PathBuf,
    source: Source,
    pace: Pace,
    failures: Backoff,
}

/// Records as they are sent.
#[derive(Debug, Default)]
struct Batch {
    body: Vec<u8>,
    /// Those in the body, in its order, and whether the loss of one counts.
    sent: Vec<(At, bool)>,
    /// Those that nobody can read.
    unread: Vec<At>,
}

/// What became of a record, by the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrived,
    /// It is not taken, now or later.
    Never,
    /// It is not taken now.
    Later(u16),
}

impl Intake {
    /// The way to one of the configured collectors.
    pub fn new(terms: &Terms, to: &intake::Intake) -> Self {
        Self {
            to: to.clone(),
            authorities: terms.authorities.clone(),
            source: terms.source.clone(),
            pace: Pace::default(),
            failures: Backoff::new(terms.longest),
        }
    }

    fn batch(&self, party: &dyn Party, records: &[Record]) -> Batch {
        let mut batch = Batch::default();
        for record in records {
            let Some(event) = event::of(record, party) else {
                batch.unread.push(record.at);
                continue;
            };
            let piece = self.piece(&event, record.told_by(&self.source));
            if !batch.body.is_empty() && batch.body.len() + piece.len() > SENT {
                break;
            }
            batch.body.extend_from_slice(piece.as_bytes());
            batch.sent.push((record.at, record.counts(&event)));
        }
        batch
    }

    /// A record as its interface takes it.
    fn piece(&self, event: &Event, source: &Source) -> String {
        let text = render(self.to.format, event, source);
        match self.to.kind {
            Kind::Elastic => {
                let action = json!({ "create": { "_id": event.id.to_hex() } });
                format!("{action}\n{text}\n")
            }
            Kind::Splunk => {
                let parsed = self.to.is_json().then(|| serde_json::from_str(&text).ok()).flatten();
                let record: serde_json::Value = parsed.unwrap_or(text.into());
                let envelope = json!({
                    "time": event.time.0,
                    "host": source.host,
                    "source": "wardkey",
                    "sourcetype": format!("wardkey:{}", self.to.format.as_str()),
                    "event": record,
                });
                format!("{envelope}\n")
            }
        }
    }

    /// Sends a batch: what became of each of its records.
    fn send(&self, party: &dyn Party, batch: &Batch) -> Result<Vec<Fate>, CollectorError> {
        let token = token(&self.to.token)?;
        let tls: Arc<ClientConfig> = authorities::tls(party, &self.authorities)?;
        let http = Https::new(self.to.address(), tls, &self.source);
        let (path, kind, word) = match self.to.kind {
            Kind::Elastic => {
                let index = self.to.index().unwrap_or_default();
                let path = format!("/{index}/_bulk?{ANSWERED}");
                (path, "application/x-ndjson", "ApiKey")
            }
            Kind::Splunk => ("/services/collector/event".to_owned(), "application/json", "Splunk"),
        };
        let authorization = Zeroizing::new(format!("{word} {}", *token));
        let (status, said) =
            http.post_body(&path, (kind, &authorization), &batch.body, BATCH).map_err(away)?;

        match (self.to.kind, status) {
            (_, 401 | 403) => Err(CollectorError::TokenRefused(status)),
            // Alone it is too long for good.
            (_, TOO_LONG) if batch.sent.len() == 1 => Ok(vec![Fate::Never]),
            (Kind::Elastic, 200) => bulk(&said, batch.sent.len()),
            (Kind::Splunk, 200 | 400) => events(status, &said, batch.sent.len()),
            _ => Err(CollectorError::Refused(status)),
        }
    }
}

impl Way for Intake {
    fn most(&self) -> Most {
        Most { events: self.pace.records(), bytes: STORED }
    }

    fn deliver(&mut self, party: &dyn Party, records: &[Record]) -> Delivery {
        let batch = self.batch(party, records);
        if batch.sent.is_empty() {
            return Delivery { gave_up: batch.unread, ..Delivery::default() };
        }
        let begun = Instant::now();
        match self.send(party, &batch) {
            Ok(fates) => {
                self.pace.arrived(begun.elapsed(), BATCH);
                sort(party, batch, &fates)
            }
            Err(error) => {
                let error = if begun.elapsed() >= BATCH { CollectorError::Slow } else { error };
                if error.was_on_its_way() {
                    self.pace.failed(batch.sent.len());
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

/// What is done with, up to the first record that comes again: they stay in their order.
fn sort(party: &dyn Party, batch: Batch, fates: &[Fate]) -> Delivery {
    let mut delivery = Delivery::default();
    for (&(at, counts), fate) in batch.sent.iter().zip(fates) {
        match fate {
            Fate::Never if counts => delivery.gave_up.push(at),
            Fate::Arrived | Fate::Never => delivery.arrived.push(at),
            Fate::Later(status) => {
                delivery.error = Some(CollectorError::Refused(*status).into());
                break;
            }
        }
    }
    if !delivery.gave_up.is_empty() {
        let count = delivery.gave_up.len();
        party.warn(&format!("a collector takes {count} of the records never"));
    }
    delivery.gave_up.extend(batch.unread);
    delivery
}

/// The token: one word of visible ASCII.
fn token(path: &Path) -> Result<Zeroizing<String>, CollectorError> {
    let bytes = files::read_secret(path, Owner::current(), intake::Intake::LONGEST_TOKEN)
        .map_err(|error| CollectorError::Token(error.to_string()))?;
    let bytes = Zeroizing::new(bytes);
    let word = bytes.trim_ascii();
    if word.is_empty() || !word.iter().all(u8::is_ascii_graphic) {
        return Err(CollectorError::Token(format!("{}: not one word", path.display())));
    }
    Ok(Zeroizing::new(String::from_utf8_lossy(word).into_owned()))
}

/// The answer of the bulk interface: a status for each action, in their order.
fn bulk(said: &[u8], sent: usize) -> Result<Vec<Fate>, CollectorError> {
    #[derive(Deserialize)]
    struct Bulk {
        items: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        create: Created,
    }
    #[derive(Deserialize)]
    struct Created {
        status: u16,
        error: Option<Fault>,
    }
    #[derive(Deserialize)]
    struct Fault {
        #[serde(rename = "type")]
        kind: String,
    }
    let bulk: Bulk = serde_json::from_slice(said).map_err(|_| CollectorError::Answer)?;
    if bulk.items.len() != sent {
        return Err(CollectorError::Answer);
    }
    // With the same status it refuses all while an index is closed or a pipeline is missing: so a
    // record is at fault where the answer says so, or says that another one arrived.
    let has_come = |item: &Item| matches!(item.create.status, 200 | 201 | 409);
    let is_open = bulk.items.iter().any(has_come);
    let is_at_fault = |item: &Item| {
        let fault = item.create.error.as_ref();
        fault.is_some_and(|fault| FAULTS_OF_A_RECORD.contains(&fault.kind.as_str()))
    };
    let fate = |item: &Item| match item.create.status {
        // 409: it is there since an earlier try.
        200 | 201 | 409 => Fate::Arrived,
        400 if is_open || is_at_fault(item) => Fate::Never,
        status => Fate::Later(status),
    };
    Ok(bulk.items.iter().map(fate).collect())
}

/// What an event itself can be refused for: its form, no `event`, an empty one, an index of its
/// own, fields that are none.
const FAULTS_OF_AN_EVENT: [u32; 5] = [5, 6, 12, 13, 15];

/// The answer of the HTTP Event Collector: it has all; or it does not take one, and has those
/// before. Anything else, such as an index that is gone, is about none of them.
fn events(status: u16, said: &[u8], sent: usize) -> Result<Vec<Fate>, CollectorError> {
    #[derive(Deserialize)]
    struct Said {
        code: u32,
        #[serde(rename = "invalid-event-number")]
        event: Option<usize>,
    }
    match (status, serde_json::from_slice(said)) {
        (200, Ok(Said { code: 0, .. })) => Ok(vec![Fate::Arrived; sent]),
        (400, Ok(Said { code, event: Some(event) }))
            if event < sent && FAULTS_OF_AN_EVENT.contains(&code) =>
        {
            let mut fates = vec![Fate::Arrived; event];
            fates.push(Fate::Never);
            Ok(fates)
        }
        (200, _) => Err(CollectorError::Answer),
        (status, _) => Err(CollectorError::Refused(status)),
    }
}

fn away(error: NotSent) -> CollectorError {
    match error {
        NotSent::NotTrusted(why) => CollectorError::Tls(rustls::Error::General(why)),
        // One that takes no more may end the connection in the middle of a body.
        NotSent::Broken(error) => CollectorError::Broken(error),
        NotSent::Away(why) => CollectorError::Unreachable(std::io::Error::other(why)),
    }
}

#[cfg(test)]
mod tests {
    use wardkey_core::codec;
    use wardkey_core::event::{EventName, Outcome};
    use wardkey_core::id::EventId;
    use wardkey_core::time::UnixTime;
    use wardkey_settings::sink::Sink;

    use super::*;

    struct Nobody;

    impl Party for Nobody {
        fn tls(
            &self,
            _: Vec<rustls::pki_types::CertificateDer<'static>>,
        ) -> Result<Arc<ClientConfig>, Box<dyn std::error::Error + Send + Sync>> {
            Err("nobody is reached".into())
        }

        fn warn(&self, _: &str) {}
    }

    #[test]
    fn what_nobody_reads_and_what_others_lost_is_counted_and_a_loss_of_ones_own_is_not() {
        let source = Source::new("server", "wardkey-server", "1", 32473);
        let terms = Terms {
            authorities: PathBuf::new(),
            source: source.clone(),
            longest: Duration::from_secs(1),
        };
        let Some(Sink::Intake(to)) = Sink::read("elastic://127.0.0.1:9/wardkey ecs /t") else {
            panic!("it is an intake");
        };
        let lost = |id| {
            let (name, outcome) = (EventName::RecordsLost, Outcome::Failure);
            codec::to_bytes(&Event::new(EventId::new([id; 16]), UnixTime(7), name, outcome))
        };
        let of_a_terminal =
            Record { source: Some(Box::new(source)), ..Record::own(At::Disk(3), lost(3)) };
        let records = [
            Record::own(At::Disk(1), vec![0xff]),
            Record::own(At::Disk(2), lost(2)),
            of_a_terminal,
        ];
        let batch = Intake::new(&terms, &to).batch(&Nobody, &records);
        let delivery = sort(&Nobody, batch, &[Fate::Never, Fate::Never]);
        assert_eq!(delivery.arrived, [At::Disk(2)]);
        assert_eq!(delivery.gave_up, [At::Disk(3), At::Disk(1)]);
    }
}
