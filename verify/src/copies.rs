//! Copies of records from elsewhere, and how they compare with the log. In memory are of each copy
//! its id, its place and a hash.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Format};
use wardkey_core::evidence::RECORDED_WITHIN;
use wardkey_core::id::{EventId, Hash, TerminalId};
use wardkey_core::time::UnixTime;

use crate::differ::in_order;
use crate::error::{Error, Result, shown};
use crate::file;
use crate::finding::{Finding, Record};
use crate::form::Copied;
use crate::texts::Text;

/// Records that go to syslog and collectors and not to the server, when they are no failures.
const STAY: [EventName; 2] = [EventName::Heartbeat, EventName::Synced];
/// The longest line in bytes that can be a record.
const MAX_LINE: usize = 1024 * 1024;

/// A file with copies.
#[derive(Debug)]
pub struct Source {
    /// Its path.
    pub path: PathBuf,
    /// Lines that are records.
    pub records: u64,
    /// Lines that are not.
    pub others: u64,
    /// Whether the newest record stands first: such a file is read from its end.
    pub newest_first: bool,
}

#[derive(Debug)]
struct Copy {
    source: usize,
    line: u64,
    offset: u64,
    format: Format,
    digest: Hash,
    time: u64,
    terminal: Option<TerminalId>,
    event: Option<EventName>,
    stays: bool,
    is_seen: AtomicBool,
}

/// Copies from files.
#[derive(Debug, Default)]
pub struct Copies {
    sources: Vec<Source>,
    copies: HashMap<EventId, Vec<Copy>>,
    /// Of each terminal from when to when there are copies that came from itself.
    covered: HashMap<TerminalId, (u64, u64)>,
    /// Of each terminal from where to where in the log there are copies that the server sent on:
    /// what waited at a terminal comes late, and a destination begins with what comes next.
    sent_on: HashMap<TerminalId, (u64, u64)>,
}

impl Copies {
    /// Reads files; what is wrong with their order.
    ///
    /// # Errors
    /// [`Error::File`], also of a file without any record.
    pub fn read(paths: &[PathBuf]) -> Result<(Self, Vec<Finding>)> {
        let (mut copies, mut findings) = (Self::default(), Vec::new());
        for path in paths {
            findings.extend(copies.add(path)?);
        }
        Ok((copies, findings))
    }

    /// The files.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    fn add(&mut self, path: &Path) -> Result<Vec<Finding>> {
        let path_of = path.to_owned();
        let mut source = Source { path: path_of, records: 0, others: 0, newest_first: false };
        let mut order: BTreeMap<(TerminalId, bool), Vec<Placed>> = BTreeMap::new();
        // One that comes again, as after a crash, is no other one.
        let mut places = HashSet::new();
        let mut from = BufReader::new(file::open(path)?);
        let (mut bytes, mut offset, mut line) = (Vec::new(), 0_u64, 0_u64);
        loop {
            bytes.clear();
            let most = MAX_LINE as u64;
            let read = from.by_ref().take(most).read_until(b'\n', &mut bytes);
            let length = read.map_err(Error::io(path))? as u64;
            if length == 0 {
                break;
            }
            line += 1;
            let copied = std::str::from_utf8(&bytes).ok().and_then(Copied::read);
            match copied {
                None => source.others += 1,
                Some(copied) => {
                    source.records += 1;
                    let is_first = copied.place.is_none_or(|place| places.insert(place));
                    if let Some((terminal, time)) = copied.terminal().zip(copied.time())
                        && is_first
                    {
                        let (id, place) = (copied.id, copied.place);
                        let key = (terminal, place.is_some());
                        let of_terminal = order.entry(key).or_default();
                        of_terminal.push(Placed { time, place, line, id });
                    }
                    self.keep(&copied, (line, offset));
                }
            }
            offset += length;
        }
        if source.records == 0 {
            return Err(Error::file(path, Text::NoRecords));
        }
        let mut orders: Vec<Order> = order.into_values().map(Order::of).collect();
        source.newest_first = is_newest_first(orders.iter());
        if source.newest_first {
            orders.iter_mut().for_each(Order::reverse);
        }
        self.sources.push(source);
        Ok(orders.iter().flat_map(|order| misplaced(order, path)).collect())
    }

    fn keep(&mut self, copied: &Copied, (line, offset): (u64, u64)) {
        let (time, terminal) = (copied.time().unwrap_or_default(), copied.terminal());
        if let Some(terminal) = terminal {
            let (all, at) = match copied.place {
                Some(place) => (&mut self.sent_on, place),
                None => (&mut self.covered, time),
            };
            let covered = all.entry(terminal).or_insert((at, at));
            *covered = (covered.0.min(at), covered.1.max(at));
        }
        self.copies.entry(copied.id).or_default().push(Copy {
            source: self.sources.len(),
            line,
            offset,
            format: copied.format,
            digest: copied.digest(),
            time,
            terminal,
            event: copied.get("event").and_then(EventName::of_word),
            stays: stays(copied),
            is_seen: AtomicBool::new(false),
        });
    }

    /// Compares the event at a place of the log with its copies: what is wrong with them. Notes
    /// that the log has it.
    pub fn compare(&self, place: u64, event: &Event) -> Vec<Finding> {
        let Some(copies) = self.copies.get(&event.id) else { return self.missing(place, event) };
        let mut findings = Vec::new();
        for copy in copies {
            copy.is_seen.store(true, Ordering::Relaxed);
            let wanted = Copied::of(event, copy.format);
            if wanted.as_ref().is_some_and(|wanted| wanted.digest() == copy.digest) {
                continue;
            }
            let Some(source) = self.sources.get(copy.source) else { continue };
            let found = line_at(&source.path, copy.offset).and_then(|line| Copied::read(&line));
            let both = wanted.zip(found);
            let names = both.map(|(wanted, found)| wanted.differences(&found)).unwrap_or_default();
            let what = Text::FieldsDiffer.with([("names", names.join(", ").into())]);
            findings.push(
                Finding::what(Code::RecordChanged, what)
                    .in_copy(source.path.clone(), Some(copy.line)),
            );
        }
        findings
    }

    /// That no copy has an event, when copies of the same terminal are there from before and after.
    fn missing(&self, place: u64, event: &Event) -> Vec<Finding> {
        let is_in = |all: &HashMap<TerminalId, (u64, u64)>, at: u64| {
            let covered = event.terminal.and_then(|terminal| all.get(&terminal));
            covered.is_some_and(|(from, until)| *from < at && at < *until)
        };
        let is_covered = is_in(&self.covered, event.time.0) || is_in(&self.sent_on, place);
        if !is_covered {
            return Vec::new();
        }
        vec![Finding::new(Code::RecordRemoved).against(Text::MissingInCopies)]
    }

    /// Copies of which the log has no record, after all of it was compared. `until` is up to when
    /// the log has records of a terminal: later ones may be on their way. With how many these are.
    pub fn left(&self, until: impl Fn(Option<&TerminalId>) -> UnixTime) -> (Vec<Finding>, u64) {
        let (mut findings, mut on_their_way) = (Vec::new(), 0);
        for (id, copies) in &self.copies {
            for copy in copies.iter().filter(|copy| !copy.is_seen.load(Ordering::Relaxed)) {
                if copy.stays {
                    continue;
                }
                if copy.time > until(copy.terminal.as_ref()).0 {
                    on_their_way += 1;
                    continue;
                }
                let Some(source) = self.sources.get(copy.source) else { continue };
                findings.push(
                    Finding::new(Code::RecordRemoved)
                        .in_copy(source.path.clone(), Some(copy.line))
                        .of(named(id, copy))
                        .against(Text::MissingInLog),
                );
            }
        }
        findings.sort_by(|one, other| one.copy.cmp(&other.copy));
        (findings, on_their_way)
    }
}

/// Whether a record stays at its terminal and with the collectors, or is one by which the server
/// tells a collector what it lost.
fn stays(copied: &Copied) -> bool {
    let is_loss = copied.get("event") == Some(EventName::RecordsLost.as_str());
    if is_loss && copied.get("terminal").is_none() {
        return true;
    }
    let is_failure = copied.get("outcome").is_some_and(|word| word.eq_ignore_ascii_case("failure"));
    !is_failure && STAY.iter().any(|name| copied.get("event") == Some(name.as_str()))
}

/// A record of a terminal, and where its copy stands.
#[derive(Clone, Copy, Debug)]
struct Placed {
    time: u64,
    place: Option<u64>,
    line: u64,
    id: EventId,
}

/// The records of a terminal as they stand in a file, and in which order they should.
#[derive(Debug)]
struct Order {
    records: Vec<Placed>,
    /// Of each when it was recorded, or its place in the log.
    numbers: Vec<u64>,
    /// How far those may be apart that stand in another order: those of one moment may.
    within: u64,
}

impl Order {
    /// By time; of what the server sent on by place, unless somebody has sorted that by time.
    fn of(records: Vec<Placed>) -> Self {
        let times: Vec<u64> = records.iter().map(|placed| placed.time).collect();
        let places: Option<Vec<u64>> = records.iter().map(|placed| placed.place).collect();
        match places {
            Some(places) if sorted(&places) > sorted(&times) => {
                Self { records, numbers: places, within: 0 }
            }
            _ => Self { records, numbers: times, within: RECORDED_WITHIN },
        }
    }

    fn reverse(&mut self) {
        self.records.reverse();
        self.numbers.reverse();
    }
}

/// How many numbers stand in their order.
fn rising(numbers: &[u64]) -> usize {
    in_order(numbers).into_iter().filter(|kept| *kept).count()
}

/// How many numbers stand in their order or against it, whichever are more.
fn sorted(numbers: &[u64]) -> usize {
    rising(numbers).max(falling(numbers))
}

fn falling(numbers: &[u64]) -> usize {
    let numbers: Vec<u64> = numbers.iter().rev().copied().collect();
    rising(&numbers)
}

/// Whether records stand from the newest to the oldest, as a search in a SIEM gives them: fewer
/// have to be moved to have them in that order.
fn is_newest_first<'a>(orders: impl Iterator<Item = &'a Order>) -> bool {
    let (mut oldest, mut newest) = (0, 0);
    for order in orders {
        oldest += rising(&order.numbers);
        newest += falling(&order.numbers);
    }
    newest > oldest
}

/// Records of one terminal that stand among those of another time. Its records come in their order;
/// those that one moment made may change places.
fn misplaced(order: &Order, path: &Path) -> Vec<Finding> {
    let Order { records, numbers, within } = order;
    let kept = in_order(numbers);
    // Of each the next one in order on either side.
    let before = last_kept(numbers.iter().zip(&kept));
    let mut after = last_kept(numbers.iter().zip(&kept).rev());
    after.reverse();

    let mut findings = Vec::new();
    let records = records.iter().zip(numbers);
    for ((((placed, number), kept), before), after) in records.zip(&kept).zip(before).zip(after) {
        let is_late = before.is_some_and(|before| before > number.saturating_add(*within));
        let is_early = after.is_some_and(|after| after.saturating_add(*within) < *number);
        if !kept && (is_late || is_early) {
            findings.push(
                Finding::new(Code::RecordMoved)
                    .in_copy(path.to_owned(), Some(placed.line))
                    .of(dated(&placed.id, placed.time))
                    .against(shown(path)),
            );
        }
    }
    findings
}

/// For each time the last one in front of it that was kept.
fn last_kept<'a>(times: impl Iterator<Item = (&'a u64, &'a bool)>) -> Vec<Option<u64>> {
    let mut last = None;
    let before = times.map(|(time, kept)| if *kept { last.replace(*time) } else { last });
    before.collect()
}

fn named(id: &EventId, copy: &Copy) -> Record {
    Record {
        event: copy.event.map(|name| name.as_str().to_owned()),
        terminal: copy.terminal.as_ref().map(TerminalId::to_hex),
        ..dated(id, copy.time)
    }
}

fn dated(id: &EventId, time: u64) -> Record {
    Record { id: Some(id.to_hex()), time: Some(time), ..Record::default() }
}

fn line_at(path: &Path, offset: u64) -> Option<String> {
    let mut file = file::open(path).ok()?;
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut line = String::new();
    BufReader::new(file).take(MAX_LINE as u64).read_line(&mut line).ok()?;
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(times: impl Iterator<Item = u64>) -> Order {
        let id = EventId::new([7; 16]);
        let placed = |(time, line)| Placed { time, place: None, line, id };
        Order::of(times.zip(1..).map(placed).collect())
    }

    #[test]
    fn what_is_most_in_one_direction_is_read_in_that() {
        for (times, newest_first) in [
            (vec![], false),
            (vec![5, 5, 5], false),
            (vec![1, 2, 3], false),
            (vec![3, 2, 1], true),
            (vec![9, 8, 1, 7, 6], true),
            (vec![1, 2, 9, 3, 4], false),
        ] {
            let order = order(times.iter().copied());
            assert_eq!(is_newest_first([order].iter()), newest_first, "{times:?}");
        }
    }

    /// Each looks for the nearest line that is in order. With a look at every line between them
    /// this takes hours.
    #[test]
    fn so_many_lines_out_of_order_are_named_as_a_few() {
        let count = 200_000;
        let times = (0..count).rev().map(|step| step * 1000);
        let found = misplaced(&order(times), Path::new("auth.log"));
        assert_eq!(found.len() as u64, count - 1);
    }
}
