//! A report as people see it, whatever form it has.

use jiff::tz::TimeZone;
use wardkey_core::name::{Language, printable};
use wardkey_core::time::UnixTime;

use super::plot::Plot;
use crate::admin::report::{Counts, PeriodView};
use crate::texts::{Phrase, Text};
use crate::when::shown;

/// A report.
#[derive(Debug)]
pub struct Sheet {
    /// What it is.
    pub title: Text,
    /// Which period, how many, and what is not counted.
    pub lines: Vec<Phrase>,
    /// Plots.
    pub plots: Vec<Plot>,
    /// Tables, the one of most use first.
    pub tables: Vec<Table>,
}

/// A table of a report.
#[derive(Debug)]
pub struct Table {
    /// By what it is asked for.
    pub name: &'static str,
    /// What it is.
    pub title: Text,
    /// The columns.
    pub head: Vec<Text>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
    /// Whether it is too long for a screen: shown there only when it is asked for.
    pub is_long: bool,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// There is none.
    Nothing,
    /// Words, or a name as somebody gave it.
    Said(Phrase),
    /// A number.
    Count(u64),
    /// So many of a thousand.
    Share(u16),
    /// A moment in the deployment's zone.
    Time(String),
}

impl Sheet {
    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

impl Cell {
    /// For a screen and a page: a dash where there is nothing.
    pub fn say(&self, language: Language) -> String {
        match self {
            Self::Nothing => "-".into(),
            Self::Said(phrase) => phrase.say(language),
            Self::Count(count) => count.to_string(),
            Self::Share(share) => format!("{} %", decimal(*share)),
            Self::Time(time) => time.clone(),
        }
    }

    /// Whether it stands at the right, as numbers do.
    pub const fn is_number(&self) -> bool {
        matches!(self, Self::Count(_) | Self::Share(_))
    }

    /// A moment.
    pub fn time(seconds: u64, zone: &TimeZone) -> Self {
        Self::Time(shown(UnixTime(seconds), zone))
    }

    /// A moment that may not have come.
    pub fn time_or_nothing(seconds: Option<u64>, zone: &TimeZone) -> Self {
        seconds.map_or(Self::Nothing, |seconds| Self::time(seconds, zone))
    }

    /// A name that may not be known.
    pub fn name(name: Option<&str>) -> Self {
        name.map_or(Self::Nothing, Self::from)
    }

    /// Names in a row.
    pub fn names(names: &[String]) -> Self {
        if names.is_empty() { Self::Nothing } else { names.join(", ").as_str().into() }
    }
}

impl From<Phrase> for Cell {
    fn from(phrase: Phrase) -> Self {
        Self::Said(phrase)
    }
}

impl From<Text> for Cell {
    fn from(text: Text) -> Self {
        Self::Said(text.into())
    }
}

/// A name: what would move the cursor of a screen becomes `?`.
impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Said(printable(text, text.len()).into())
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

/// So many of a thousand in percent.
pub(super) fn decimal(share: u16) -> String {
    format!("{}.{}", share / 10, share % 10)
}

/// From when to when, and which part of the deployment.
pub(super) fn of_period(period: &PeriodView, scope: Option<&str>, zone: &TimeZone) -> Vec<Phrase> {
    let (from, to) = period.stretch();
    let said = Text::ReportPeriod.with([
        ("from", shown(from, zone).into()),
        ("to", shown(to, zone).into()),
        ("zone", period.time_zone.as_str().into()),
    ]);
    let archived = period
        .archived_before
        .map(|before| Text::ReportArchived.with([("time", shown(UnixTime(before), zone).into())]));
    [said, of_scope(scope)].into_iter().chain(archived).collect()
}

/// Which part of the deployment.
pub(super) fn of_scope(scope: Option<&str>) -> Phrase {
    match scope {
        Some(scope) => Text::ReportOneScope.with([("scope", scope.into())]),
        None => Text::ReportAllScopes.into(),
    }
}

/// Columns of logins and refusals.
pub(super) const COUNTS: [Text; 5] = [
    Text::HeadLogins,
    Text::HeadWithKey,
    Text::HeadWithPass,
    Text::HeadTwoFactors,
    Text::HeadRefused,
];

/// Cells of logins and refusals.
pub(super) fn counts(counts: &Counts) -> [Cell; 5] {
    [
        counts.logins().into(),
        counts.with_key.into(),
        counts.with_pass.into(),
        counts.two_factors().map_or(Cell::Nothing, Cell::Share),
        counts.refused.into(),
    ]
}

/// What is drawn of logins and refusals.
pub(super) const SERIES: [Text; 3] =
    [Text::SeriesWithKey, Text::SeriesWithPass, Text::SeriesRefused];

/// The values of [`SERIES`].
pub(super) fn drawn(counts: &Counts) -> Vec<u64> {
    vec![counts.with_key, counts.with_pass, counts.refused]
}
