//! What was found: which record, where, and what is wrong with it.

use std::path::PathBuf;

use serde_json::{Map, Value};
use wardkey_core::code::Code;
use wardkey_core::event::Event;
use wardkey_core::log_entry::LogEntry;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use crate::texts::{Phrase, Text};

/// The most findings that a report lists; all are counted.
pub const MOST: usize = 10_000;

/// What names a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Its place in the log, from 0.
    pub place: Option<u64>,
    /// The number of the event at the server.
    pub number: Option<u64>,
    /// The event's id.
    pub id: Option<String>,
    /// When it happened, seconds since 1970.
    pub time: Option<u64>,
    /// The word of the event.
    pub event: Option<String>,
    /// The person.
    pub person: Option<String>,
    /// The terminal.
    pub terminal: Option<String>,
}

impl Record {
    /// The record at a place of which nothing else is known.
    pub fn at(place: u64) -> Self {
        Self { place: Some(place), ..Self::default() }
    }

    /// An entry of the log, with its event when that can be read.
    pub fn of(place: u64, entry: &LogEntry, event: Option<&Event>) -> Self {
        Self {
            place: Some(place),
            number: Some(entry.number),
            id: event.map(|event| event.id.to_hex()),
            time: event.map(|event| event.time.0),
            event: event.map(|event| event.name.as_str().to_owned()),
            person: event.and_then(|event| Some(event.person.as_ref()?.to_string())),
            terminal: Some(entry.terminal.to_hex()),
        }
    }

    /// In words.
    pub fn phrase(&self) -> Phrase {
        let mut parts: Vec<Phrase> = Vec::new();
        let number = |text: Text, value: Option<u64>| value.map(|v| text.with([("n", v.into())]));
        parts.extend(number(Text::RecordNumber, self.number));
        // The number says more to people; both say it to a second program.
        if self.number.is_none() {
            parts.extend(number(Text::RecordPlace, self.place));
        }
        parts.extend(self.id.as_deref().map(|id| format!("id={id}").into()));
        parts.extend(self.time.map(|time| UnixTime(time).to_rfc3339().into()));
        let words = [&self.event, &self.person];
        parts.extend(words.into_iter().flatten().map(|word| word.as_str().into()));
        Phrase::joined(parts, " ")
    }

    fn to_json(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        for (name, value) in [("place", self.place), ("number", self.number), ("time", self.time)] {
            fields.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        for (name, value) in [
            ("id", &self.id),
            ("event", &self.event),
            ("person", &self.person),
            ("terminal", &self.terminal),
        ] {
            fields.extend(value.as_ref().map(|value| (name.to_owned(), value.as_str().into())));
        }
        fields
    }
}

/// Something that is wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// What the code's sentence is about.
    what: Option<(&'static str, Phrase)>,
    /// Which record.
    pub record: Option<Record>,
    /// Which copy, and its line from 1.
    pub copy: Option<(PathBuf, Option<u64>)>,
    /// In what it is missing, or what it was compared with.
    pub against: Option<Phrase>,
    /// Whether it can be so although nobody touched anything: it does not count as a fault.
    pub is_remark: bool,
}

impl Finding {
    /// Something wrong that its code says all of.
    pub const fn new(code: Code) -> Self {
        Self { code, what: None, record: None, copy: None, against: None, is_remark: false }
    }

    /// Something wrong, and what.
    pub fn what(code: Code, what: impl Into<Phrase>) -> Self {
        Self { what: Some(("what", what.into())), ..Self::new(code) }
    }

    /// Something wrong with a file or folder.
    pub fn path(code: Code, path: Phrase) -> Self {
        Self { what: Some(("path", path)), ..Self::new(code) }
    }

    /// Of this record.
    #[must_use]
    pub fn of(self, record: Record) -> Self {
        Self { record: Some(record), ..self }
    }

    /// In this copy, at a line from 1.
    #[must_use]
    pub fn in_copy(self, path: PathBuf, line: Option<u64>) -> Self {
        Self { copy: Some((path, line)), ..self }
    }

    /// In what it is missing, or what it was compared with.
    #[must_use]
    pub fn against(self, what: impl Into<Phrase>) -> Self {
        Self { against: Some(what.into()), ..self }
    }

    /// Not a fault by itself.
    #[must_use]
    pub fn remark(self) -> Self {
        Self { is_remark: true, ..self }
    }

    /// The sentence of the code.
    pub fn sentence(&self) -> Phrase {
        texts::phrase(self.code, self.what.iter().cloned().collect())
    }

    /// Where it is: the line of a copy, and the record.
    pub fn place(&self) -> Phrase {
        let mut parts: Vec<Phrase> = Vec::new();
        if let Some((path, line)) = &self.copy {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            parts.push(format!("{}{line}", path.display()).into());
        }
        parts.extend(self.record.as_ref().map(Record::phrase));
        parts.extend(self.against.clone());
        Phrase::joined(parts, ", ")
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let mut fields = wardkey_help::json::error(self.code, &self.sentence());
        fields.insert("remark".into(), self.is_remark.into());
        if let Some(record) = &self.record {
            fields.insert("record".into(), record.to_json().into());
        }
        if let Some((path, line)) = &self.copy {
            fields.insert("file".into(), path.display().to_string().into());
            fields.insert("line".into(), (*line).into());
        }
        if let Some(against) = &self.against {
            wardkey_help::json::say(&mut fields, "against", against);
        }
        fields.into()
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
    faults: u64,
    remarks: u64,
}

impl Findings {
    /// Adds one.
    pub fn add(&mut self, finding: Finding) {
        *(if finding.is_remark { &mut self.remarks } else { &mut self.faults }) += 1;
        if self.list.len() < MOST {
            self.list.push(finding);
        }
    }

    /// Adds several.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|finding| self.add(finding));
    }

    /// Those that are listed.
    pub fn listed(&self) -> &[Finding] {
        &self.list
    }

    /// How many there are that nothing explains.
    pub const fn faults(&self) -> u64 {
        self.faults
    }

    /// How many there are that somebody has to look at.
    pub const fn remarks(&self) -> u64 {
        self.remarks
    }
}
