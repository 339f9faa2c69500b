//! The server on one screen, and whether it is ready.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::code::AnyCode;
use wardkey_core::name::{Language, printable};
use wardkey_core::texts;

use super::checks::{Reason, Severity, reasons};
use super::facts::{Facts, Outlet, Running, Sources, Stock, TerminalCounts};
use crate::clock::Clock;
use crate::error::Result;
use crate::publish::time::Trouble;
use crate::store::destination::SAID_CHARS;
use crate::store::{Store, Tx, setting};
use crate::texts::Phrase;

/// Longest sentence in characters.
const SENTENCE_CHARS: usize = 4096;

/// Something that is not as it should be.
#[derive(Debug, JsonSchema, Serialize)]
pub struct ReasonView {
    /// Stable code.
    pub code: String,
    /// `critical` or `warning`.
    pub severity: &'static str,
    /// What happened and what to do next, in English.
    pub message: String,
    /// The same in Japanese.
    pub message_ja: String,
}

impl From<&Reason> for ReasonView {
    fn from(reason: &Reason) -> Self {
        let said = |language| printable(&reason.message.say(language), SENTENCE_CHARS);
        Self {
            code: reason.code.to_string(),
            severity: reason.severity.as_str(),
            message: said(Language::En),
            message_ja: said(Language::Ja),
        }
    }
}

/// Whether the server is ready, and what is not as it should be.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Readiness {
    /// Whether nothing is critical.
    pub ready: bool,
    /// What is not as it should be.
    pub problems: Vec<ReasonView>,
}

impl Readiness {
    /// What reasons make of it.
    pub fn of(reasons: &[Reason]) -> Self {
        Self {
            ready: reasons.iter().all(|reason| reason.severity != Severity::Critical),
            problems: reasons.iter().map(ReasonView::from).collect(),
        }
    }
}

/// Terminals, counted.
#[derive(Debug, JsonSchema, Serialize)]
pub struct TerminalsView {
    /// That may come.
    pub active: u64,
    /// That await approval.
    pub pending: u64,
    /// That were revoked.
    pub revoked: u64,
    /// Active ones that were not heard of for `silent_hours`.
    pub silent: u64,
    /// Active ones by offline stage, as their last word lets expect.
    pub stages: BTreeMap<&'static str, u64>,
}

impl From<&TerminalCounts> for TerminalsView {
    fn from(counts: &TerminalCounts) -> Self {
        let TerminalCounts { active, pending, revoked, silent, ref stages } = *counts;
        let stages = stages.iter().map(|(stage, count)| (stage.as_str(), *count)).collect();
        Self { active, pending, revoked, silent, stages }
    }
}

/// A scope.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "ScopeStatus")]
pub struct ScopeView {
    /// Its name.
    pub scope: String,
    /// Epoch of what is published.
    pub epoch: u64,
    /// Sequence of the latest change.
    pub seq: u64,
    /// Whether it is not published, as a terminal is ahead.
    pub halted: bool,
}

/// Records on their way to a destination.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "RecordDestination")]
pub struct DestinationView {
    /// The way and the place: `tls siem.example.org:6514`.
    pub name: String,
    /// Records that it lacks.
    pub waiting: u64,
    /// When the oldest of them arrived at the server.
    pub since: Option<u64>,
    /// Since when nothing arrives there; none while records do.
    pub failed: Option<u64>,
    /// The code of why.
    pub last_error_code: Option<String>,
    /// Why, in English.
    pub last_error: Option<String>,
    /// Records that it never took (`records-lost`).
    pub refused: u64,
    /// Records that were pruned before it had them.
    pub pruned: u64,
    /// Why, to be said.
    #[serde(skip)]
    pub why: Option<Phrase>,
}

impl From<&Outlet> for DestinationView {
    fn from(outlet: &Outlet) -> Self {
        let Outlet { destination, waiting, gone, since } = outlet;
        let failed = destination.failed.as_ref();
        let why = failed.and_then(|failed| {
            let sentence = texts::phrase(AnyCode::from_number(failed.code)?, Vec::new());
            let said = failed.said.as_deref().map(|said| printable(said, SAID_CHARS).into());
            Some(Phrase::joined(std::iter::once(sentence).chain(said).collect(), ": "))
        });
        Self {
            name: printable(&destination.name, SENTENCE_CHARS),
            waiting: *waiting,
            since: since.map(|time| time.0),
            failed: failed.map(|failed| failed.since.0),
            last_error_code: failed
                .and_then(|failed| AnyCode::from_number(failed.code))
                .map(|code| code.to_string()),
            last_error: why.as_ref().map(|why| why.say(Language::En)),
            refused: destination.refused,
            pruned: destination.pruned.saturating_add(*gone),
            why,
        }
    }
}

fn destinations(stock: &Stock) -> Vec<DestinationView> {
    stock.outlets.iter().map(DestinationView::from).collect()
}

/// The interface for administration.
#[derive(Debug, JsonSchema, Serialize)]
pub struct AdministrationView {
    /// Where it listens, or should.
    pub listen: String,
    /// Whether it is served.
    pub served: bool,
    /// When its own certificate ends; none where it shows the server's, or that cannot be read.
    pub certificate_until: Option<u64>,
}

/// The server on one screen. Times are Unix seconds.
#[derive(Debug, JsonSchema, Serialize)]
pub struct StatusView {
    /// Name of the deployment.
    pub deployment: String,
    /// Version of this program.
    pub version: &'static str,
    /// Whether the server runs.
    pub running: bool,
    /// Now.
    pub now: u64,
    /// Whether the clock is signed by.
    pub clock_plausible: bool,
    /// Terminals.
    pub terminals: Option<TerminalsView>,
    /// Every scope, by name.
    pub scopes: Vec<ScopeView>,
    /// When the last backup was made.
    pub backup: Option<u64>,
    /// When the last archive of the records was made.
    pub archive: Option<u64>,
    /// Bytes of the database and its log.
    pub database_bytes: Option<u64>,
    /// Free bytes on its disk.
    pub disk_free_bytes: Option<u64>,
    /// When the server's certificate ends.
    pub certificate_until: Option<u64>,
    /// When the certificate of the CA ends.
    pub ca_until: Option<u64>,
    /// When that of the CA ends that was prepared, if one was.
    pub prepared_ca_until: Option<u64>,
    /// Where records go besides the database (`records_to`), by name.
    pub destinations: Vec<DestinationView>,
    /// The interface for administration; none where it is switched off.
    pub administration: Option<AdministrationView>,
    /// Whether the root key lies on this server.
    pub root_key_here: Option<bool>,
    /// What is wrong with the clock.
    #[serde(skip)]
    pub clock: Option<Trouble>,
    /// What is not as it should be, to be said.
    #[serde(skip)]
    pub reasons: Vec<Reason>,
    /// Whether it is ready, and why not.
    #[serde(flatten)]
    pub readiness: Readiness,
}

/// The server on one screen; `running` says whether it runs, and what it says of itself.
pub async fn show(
    store: &Store,
    sources: Sources<'_>,
    clock: &Clock,
    running: Running,
) -> Result<StatusView> {
    let facts = Facts::stored(store, sources, clock, running).await?;
    view(&mut store.read().await?, facts, sources, running).await
}

/// The same in a transaction of the server that runs; `writable` says whether it can be written.
pub async fn show_within(
    tx: &mut Tx,
    writable: bool,
    sources: Sources<'_>,
    clock: &Clock,
) -> Result<StatusView> {
    let facts = Facts::within(tx, writable, (sources, clock), Running::Yes).await?;
    view(tx, facts, sources, Running::Yes).await
}

async fn view(
    tx: &mut Tx,
    facts: Facts,
    sources: Sources<'_>,
    running: Running,
) -> Result<StatusView> {
    let (_, root) = setting::roots(tx).await?;
    let reasons = reasons(&facts, &sources.config.watch);
    let scopes = facts.scopes.iter().map(|scope| ScopeView {
        scope: scope.name.to_string(),
        epoch: scope.position.epoch,
        seq: scope.position.seq,
        halted: scope.halted,
    });
    let stock = facts.stock.as_ref();
    let administration = sources.config.admin.listen.map(|listen| AdministrationView {
        listen: listen.to_string(),
        served: running == Running::Yes,
        certificate_until: stock.and_then(|stock| stock.administration).map(|time| time.0),
    });
    Ok(StatusView {
        deployment: root.name.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        running: facts.running,
        now: facts.now.0,
        clock_plausible: facts.clock.is_none(),
        terminals: stock.map(|stock| TerminalsView::from(&stock.terminals)),
        scopes: scopes.collect(),
        backup: stock.and_then(|stock| stock.backup).map(|time| time.0),
        archive: stock.and_then(|stock| stock.archive).map(|time| time.0),
        database_bytes: stock.map(|stock| stock.database),
        disk_free_bytes: stock.and_then(|stock| stock.free),
        certificate_until: stock.and_then(|stock| stock.certificate).map(|time| time.0),
        ca_until: facts.authority.map(|time| time.0),
        prepared_ca_until: stock.and_then(Stock::prepared_until).map(|time| time.0),
        destinations: stock.map_or_else(Vec::new, destinations),
        administration,
        root_key_here: stock.map(|stock| stock.root_key_here),
        clock: facts.clock,
        readiness: Readiness::of(&reasons),
        reasons,
    })
}
