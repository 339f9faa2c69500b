//! Terminals: which come, which log people in, and which have ways in without a key.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::event::{Class, EventName};
use wardkey_core::id::TerminalId;
use wardkey_core::time::UnixTime;

use super::{Asked, Counts, PeriodView};
use crate::admin::terminal::{self, Reckoning, TerminalView, Wanted};
use crate::error::Result;
use crate::store::page::MAX_ROWS;
use crate::store::report;
use crate::store::{PageRequest, Tx};

/// What is counted for each terminal.
const KINDS: [EventName; 5] = [
    EventName::Login,
    EventName::PassLogin,
    EventName::BreakGlassLogin,
    EventName::WayIn,
    EventName::Offline,
];

/// Terminals.
#[derive(Debug, JsonSchema, Serialize)]
pub struct CoverageView {
    /// The period of what is counted; states are those of now.
    pub period: PeriodView,
    /// The one scope, when one was asked for.
    pub scope: Option<String>,
    /// How many of what.
    pub total: Totals,
    /// Terminals that are not deleted, by name.
    pub terminals: Vec<CoveredView>,
    /// Versions of the programs of active terminals, the most frequent first.
    pub versions: Vec<VersionView>,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[schemars(rename = "CoverageTotals")]
pub struct Totals {
    /// Active ones; those below are of these.
    pub active: u64,
    /// That await approval.
    pub pending: u64,
    /// That are revoked.
    pub revoked: u64,
    /// At which somebody logged in with a key in the period.
    pub with_logins: u64,
    /// That are not online, as their last word lets expect.
    pub offline: u64,
    /// At which a way in without a key opened in the period.
    pub with_ways_in: u64,
}

/// A terminal.
#[derive(Debug, JsonSchema, Serialize)]
pub struct CoveredView {
    /// The terminal, as it is now.
    #[serde(flatten)]
    pub terminal: TerminalView,
    /// Logins and refusals in the period.
    #[serde(flatten)]
    pub counts: Counts,
    /// When somebody last logged in there with a key in the period, Unix seconds.
    pub last_login: Option<u64>,
    /// How often it lost the server in the period.
    pub offline: u64,
    /// Ways in without a key that opened in the period.
    pub ways_in_opened: u64,
    /// Ways in without a key that an administrator accepted in the period.
    pub ways_in_accepted: u64,
}

/// A version of the programs.
#[derive(Debug, JsonSchema, Serialize)]
pub struct VersionView {
    /// The version; none of terminals that have not said it.
    pub version: Option<String>,
    /// Terminals.
    pub terminals: u64,
}

#[derive(Default)]
struct Counted {
    counts: Counts,
    last_login: Option<UnixTime>,
    offline: u64,
    opened: u64,
    accepted: u64,
}

/// The report; `head_seconds` is for how long what is published is valid.
///
/// # Errors
/// [`Code::ReportPeriod`](wardkey_core::code::Code::ReportPeriod).
pub async fn coverage(tx: &mut Tx, asked: &Asked<'_>, head_seconds: u64) -> Result<CoverageView> {
    let period = asked.period(tx, &Class::ALL).await?;
    let mut counted = counted(tx, &period).await?;
    let mut view = CoverageView {
        period,
        scope: asked.scope.map(ToString::to_string),
        total: Totals::default(),
        terminals: Vec::new(),
        versions: Vec::new(),
    };

    let wanted = Wanted { scope: asked.scope, ..Wanted::default() };
    let by = Reckoning { now: asked.now, head_seconds };
    let mut request = PageRequest { limit: MAX_ROWS, ..PageRequest::default() };
    loop {
        let page = terminal::list(tx, &wanted, by, &request).await?;
        for terminal in page.items {
            let counted = counted.remove(&terminal.id).unwrap_or_default();
            let row = CoveredView {
                terminal,
                counts: counted.counts,
                last_login: counted.last_login.map(|time| time.0),
                offline: counted.offline,
                ways_in_opened: counted.opened,
                ways_in_accepted: counted.accepted,
            };
            view.total.take(&row);
            view.terminals.push(row);
        }
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    view.versions = versions(&view.terminals);
    Ok(view)
}

async fn counted(tx: &mut Tx, period: &PeriodView) -> Result<BTreeMap<String, Counted>> {
    let mut counted: BTreeMap<TerminalId, Counted> = BTreeMap::new();
    for row in report::of_kinds(tx, &KINDS, period.stretch()).await? {
        let of = counted.entry(row.of.terminal).or_default();
        if row.of.is(EventName::WayIn) {
            let ways = if row.of.succeeded() { &mut of.accepted } else { &mut of.opened };
            *ways += row.of.events;
        } else if row.of.is(EventName::Offline) {
            of.offline += row.of.events;
        } else {
            of.counts.take(&row.of);
            let by_key = row.of.is(EventName::Login) && row.of.succeeded() && row.of.is_valid();
            of.last_login = of.last_login.max(by_key.then_some(row.last));
        }
    }
    Ok(counted.into_iter().map(|(id, counted)| (id.to_hex(), counted)).collect())
}

impl Totals {
    fn take(&mut self, row: &CoveredView) {
        match row.terminal.status {
            "active" => self.active += 1,
            "pending" => {
                self.pending += 1;
                return;
            }
            _ => {
                self.revoked += 1;
                return;
            }
        }
        self.with_logins += u64::from(row.counts.with_key > 0);
        self.offline += u64::from(row.terminal.stage != Some("online"));
        self.with_ways_in += u64::from(row.ways_in_opened > 0);
    }
}

fn versions(terminals: &[CoveredView]) -> Vec<VersionView> {
    let mut versions: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    for row in terminals.iter().filter(|row| row.terminal.status == "active") {
        *versions.entry(row.terminal.version.as_deref()).or_default() += 1;
    }
    let view = |(version, terminals): (Option<&str>, u64)| VersionView {
        version: version.map(Into::into),
        terminals,
    };
    let mut versions: Vec<VersionView> = versions.into_iter().map(view).collect();
    versions.sort_by_key(|row| std::cmp::Reverse(row.terminals));
    versions
}
