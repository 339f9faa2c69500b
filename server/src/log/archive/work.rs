//! An act of pruning: parts of an archive, one after the other. Each is looked at without holding
//! up anybody, and what of it is past its time goes in a transaction of its own, signed with all
//! that went before.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::codec::{self, List};
use wardkey_core::event::{Class, Event};
use wardkey_core::log_archive::{PruneAct, PruneDigest, PrunedClass};
use wardkey_core::log_entry::LogEntry;
use wardkey_core::time::UnixTime;
use wardkey_tlog::Hash;

use super::super::files::refused;
use super::super::{entry, pruned};
use super::create::met;
use super::pruning::{Kept, PrunedRecords, Pruning, Unsent};
use super::read::Whole;
use crate::error::Result;
use crate::store::archive as stored_archive;
use crate::store::audit::{self, Act};
use crate::store::gap::{self, Candidate};
use crate::store::{Db, Tx};
use crate::when::shown_utc;

/// Records of one part, at most and at least.
const MOST: usize = 512;
const LEAST: usize = 16;
/// Parts are made smaller while one holds up others for longer than this, and greater when it took
/// less than a quarter of it.
const LONGEST: Duration = Duration::from_millis(50);
/// Between two parts, and never less than the one before took: the running server's records have
/// their turn.
const PAUSE: Duration = Duration::from_millis(5);

/// The classes of an act.
pub type Classes = List<PrunedClass, 16>;

/// An act of pruning.
pub struct Work<'a> {
    pruning: &'a Pruning<'a>,
    whole: &'a Whole,
    /// When it began, and the time by which records are old.
    began: UnixTime,
    now: UnixTime,
    classes: Classes,
    archive: Option<i64>,
    act: Option<u64>,
    digest: PruneDigest,
    counts: BTreeMap<&'static str, u64>,
    kept: Kept,
    unsent: Vec<Unsent>,
    changed: Option<i64>,
    at_once: usize,
}

/// What becomes of a record.
enum Looked {
    Goes(Class),
    NotDue,
    Compared,
    Changed,
}

impl<'a> Work<'a> {
    /// Nothing was looked at yet. It begins at a time, and records are old by another one.
    pub fn new(
        pruning: &'a Pruning<'a>,
        whole: &'a Whole,
        (began, now): (UnixTime, UnixTime),
        classes: Classes,
        archive: Option<i64>,
        (kept, unsent): (Kept, Vec<Unsent>),
    ) -> Self {
        Self {
            pruning,
            whole,
            began,
            now,
            classes,
            archive,
            act: None,
            digest: PruneDigest::default(),
            counts: BTreeMap::new(),
            kept,
            unsent,
            changed: None,
            at_once: MOST,
        }
    }

    /// How many records the next part has.
    pub const fn at_once(&self) -> usize {
        self.at_once
    }

    /// Entries of the archive, which follow each other.
    ///
    /// # Errors
    /// [`Code::ArchiveOther`]; those of the store and of the keys.
    pub async fn part(&mut self, part: Vec<(u64, Vec<u8>)>) -> Result<()> {
        let archived: BTreeMap<u64, Vec<u8>> = part.into_iter().collect();
        let mut tx = self.pruning.store.read().await?;
        let candidates = between(&mut tx, &archived).await?;
        drop(tx);
        let due = self.sorted(candidates.iter(), &archived)?;
        if self.pruning.is_rehearsal {
            self.count(&due);
            return Ok(());
        }
        let due = due.into_iter().map(|(candidate, _)| candidate.place);
        let due: BTreeMap<u64, Vec<u8>> =
            due.filter_map(|place| Some((place, archived.get(&place)?.clone()))).collect();
        if due.is_empty() { Ok(()) } else { self.take(&due).await }
    }

    /// Takes out what was seen to be due, and still is: a key may be suspected since, and somebody
    /// else may have pruned.
    async fn take(&mut self, due: &BTreeMap<u64, Vec<u8>>) -> Result<()> {
        let mut tx = self.pruning.store.write_behind().await?;
        let begun = Instant::now();
        let candidates = between(&mut tx, due).await?;
        let still = candidates.iter().filter(|candidate| due.contains_key(&candidate.place));
        let past = self.sorted(still, due)?;
        if past.is_empty() {
            return Ok(());
        }

        let mut digest = self.digest;
        past.iter().for_each(|(candidate, _)| digest.add(candidate.place));
        let act = match self.act {
            Some(act) => act,
            None => self.begin(&mut tx).await?,
        };
        let records: Vec<&Candidate> = past.iter().map(|(candidate, _)| *candidate).collect();
        gap::prune(&mut tx, act, &records).await?;
        let document = self.document(act, digest);
        let signed = pruned::sign_act(&mut tx, self.pruning.keyring, &document).await?;
        stored_archive::put_act(&mut tx, act, digest.records, &signed).await?;
        tx.commit().await?;
        self.act = Some(act);
        self.count(&past);

        let took = begun.elapsed();
        self.at_once = next(self.at_once, took);
        tokio::time::sleep(took.max(PAUSE)).await;
        Ok(())
    }

    fn document(&self, number: u64, digest: PruneDigest) -> PruneAct {
        PruneAct {
            number,
            time: self.began,
            archive: self.whole.digest,
            records: digest.records,
            places: digest.places,
            classes: self.classes.clone(),
        }
    }

    /// Records that go, with their classes; of the others is counted why they stay.
    fn sorted<'c>(
        &mut self,
        candidates: impl Iterator<Item = &'c Candidate>,
        archived: &BTreeMap<u64, Vec<u8>>,
    ) -> Result<Vec<(&'c Candidate, Class)>> {
        let mut going = Vec::new();
        for candidate in candidates {
            let entry = archived.get(&candidate.place).map(Vec::as_slice).unwrap_or_default();
            match self.look(candidate, entry)? {
                Looked::Goes(class) => going.push((candidate, class)),
                Looked::NotDue => self.kept.not_due += 1,
                Looked::Compared => self.kept.compared += 1,
                Looked::Changed => {
                    self.kept.changed += 1;
                    self.changed.get_or_insert(candidate.recorded.number);
                }
            }
        }
        Ok(going)
    }

    fn look(&self, candidate: &Candidate, archived: &[u8]) -> Result<Looked> {
        if Hash::of_entry(archived) != candidate.hash {
            return Err(refused(Code::ArchiveOther, &self.whole.path));
        }
        // What somebody changed here is evidence, and stays.
        if entry::bytes(&candidate.recorded).ok().as_deref() != Some(archived) {
            return Ok(Looked::Changed);
        }
        let Some((class, since)) = class_and_age(archived, self.now) else {
            return Ok(Looked::NotDue);
        };
        let due = self.classes.iter().find(|due| due.class() == Some(class));
        if due.is_none_or(|due| since >= due.before) {
            return Ok(Looked::NotDue);
        }
        Ok(if candidate.is_compared { Looked::Compared } else { Looked::Goes(class) })
    }

    fn count(&mut self, gone: &[(&Candidate, Class)]) {
        for (candidate, class) in gone {
            self.digest.add(candidate.place);
            *self.counts.entry(class.as_str()).or_default() += 1;
            let lacking = self.unsent.iter_mut().filter(|to| candidate.place >= to.from);
            lacking.for_each(|to| to.records += 1);
        }
    }

    /// Begins the act, with its row of the trail: before anything is gone.
    async fn begin(&mut self, tx: &mut Tx) -> Result<u64> {
        let archive = match self.archive {
            Some(archive) => archive,
            // Of an archive that this database does not know: it came out of an older backup.
            None => {
                let path = self.whole.path.display().to_string();
                stored_archive::add(tx, &met(self.whole, &path), self.began).await?
            }
        };
        self.archive = Some(archive);
        let act = stored_archive::begin(tx, archive).await?;
        let before = self.classes.iter().filter_map(|due| {
            Some(format!("{} before {}", due.class()?.as_str(), shown_utc(due.before)))
        });
        let before: Vec<String> = before.collect();
        let detail = format!("act {act}, archive {archive}: {}", before.join(", "));
        record(tx, self.pruning, "archive.prune", (&self.whole.sha256, &detail)).await?;
        Ok(act)
    }

    /// Says in the trail how much was pruned.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn done(self) -> Result<PrunedRecords> {
        if let Some(act) = self.act {
            let mut tx = self.pruning.store.write().await?;
            let detail = format!("act {act}: {} records", self.digest.records);
            record(&mut tx, self.pruning, "archive.pruned", (&self.whole.sha256, &detail)).await?;
            stored_archive::tell(&mut tx, act).await?;
            tx.commit().await?;
        }
        Ok(PrunedRecords {
            path: self.whole.path.clone(),
            archive: self.archive,
            act: self.act,
            classes: self.counts,
            records: self.digest.records,
            kept: self.kept,
            unsent: self.unsent.into_iter().filter(|to| to.records > 0).collect(),
            rehearsal: self.pruning.is_rehearsal,
            changed: self.changed,
        })
    }
}

/// Says in the trail how much was pruned by acts that were interrupted.
///
/// # Errors
/// Those of the store.
pub async fn tell_untold(pruning: &Pruning<'_>) -> Result<()> {
    let mut tx = pruning.store.read().await?;
    let untold = stored_archive::untold(&mut tx).await?;
    drop(tx);
    if untold.is_empty() {
        return Ok(());
    }
    let mut tx = pruning.store.write().await?;
    for act in untold {
        let detail = format!("act {}: {} records, interrupted", act.number, act.records);
        record(&mut tx, pruning, "archive.pruned", (&act.archive.to_hex(), &detail)).await?;
        stored_archive::tell(&mut tx, act.number).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn record(
    tx: &mut Tx,
    pruning: &Pruning<'_>,
    action: &str,
    (archive, detail): (&str, &str),
) -> Result<()> {
    let act = Act::new(action, archive).with(detail).because(pruning.reason);
    audit::record(tx, pruning.clock.now(), pruning.actor, act).await
}

/// The records of the database at the places of these entries, and between them.
async fn between(db: &mut Db, entries: &BTreeMap<u64, Vec<u8>>) -> Result<Vec<Candidate>> {
    let ends = entries.first_key_value().zip(entries.last_key_value());
    match ends {
        Some(((from, _), (last, _))) => gap::candidates(db, *from, last.saturating_add(1)).await,
        None => Ok(Vec::new()),
    }
}

/// How many records the next part has when one of so many took so long. A moment in which the
/// machine had much to do makes no slow work of all that follows.
fn next(at_once: usize, took: Duration) -> usize {
    if took > LONGEST {
        (at_once / 2).max(LEAST)
    } else if took < LONGEST / 4 {
        (at_once * 2).min(MOST)
    } else {
        at_once
    }
}

/// The class of a record, and since when it counts: when it arrived, or happened, whichever is
/// later. A server whose clock was behind took records in at times that were long past. A terminal
/// whose clock is ahead makes none older than it is now. None of one that this version cannot read.
fn class_and_age(entry: &[u8], now: UnixTime) -> Option<(Class, UnixTime)> {
    let entry: LogEntry = codec::from_bytes(entry).ok()?;
    let event: Event = codec::from_bytes(entry.event.as_slice()).ok()?;
    Some((entry.class(&event), entry.received.max(event.time.min(now))))
}

#[cfg(test)]
mod tests {
    use wardkey_core::codec::Bytes;
    use wardkey_core::event::{EventName, Outcome};
    use wardkey_core::id::{EventId, TerminalId};
    use wardkey_core::log_entry::Finding;

    use super::*;

    fn entry(received: u64, time: u64, finding: Finding) -> Vec<u8> {
        let (id, time) = (EventId::new([1; 16]), UnixTime(time));
        let event = Event::new(id, time, EventName::Offline, Outcome::Success);
        codec::to_bytes(&LogEntry {
            number: 1,
            received: UnixTime(received),
            terminal: TerminalId::new([2; 16]),
            finding,
            event: Bytes::new(codec::to_bytes(&event)).unwrap(),
        })
    }

    #[test]
    fn a_record_is_as_old_as_it_is_by_the_clock_that_was_ahead_of_the_other() {
        let now = UnixTime(1000);
        for (received, time, since) in [
            (500, 490, 500),
            // The server's clock was behind when the record came.
            (20, 490, 490),
            // The terminal's is ahead: the record is no younger than now.
            (500, 5000, 1000),
            // It was offline for long.
            (900, 100, 900),
        ] {
            let found = class_and_age(&entry(received, time, Finding::None), now);
            assert_eq!(found, Some((Class::Operation, UnixTime(since))), "{received} {time}");
        }
        let disproved = class_and_age(&entry(5, 5, Finding::Invalid), now);
        assert_eq!(disproved, Some((Class::Security, UnixTime(5))));
        assert_eq!(class_and_age(b"something else", now), None);
    }

    #[test]
    fn parts_are_halved_while_they_hold_others_up_and_doubled_when_they_do_not() {
        let slow = LONGEST + Duration::from_millis(1);
        assert_eq!(next(MOST, LONGEST), MOST);
        assert_eq!(next(MOST, slow), MOST / 2);
        assert_eq!(next(LEAST + 1, slow), LEAST);
        let quick = LONGEST / 4 - Duration::from_millis(1);
        assert_eq!(next(LEAST, LONGEST / 4), LEAST);
        assert_eq!(next(LEAST, quick), LEAST * 2);
        assert_eq!(next(MOST - 1, quick), MOST);
    }
}
