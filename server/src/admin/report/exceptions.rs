//! What is out of the ordinary: passes and codes, logins without the server, devices that proved
//! nothing, ways in without a key, and what administrators overrode.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::event::{Class, EventName};
use wardkey_core::id::TerminalId;
use wardkey_core::name::ScopeName;
use wardkey_core::policy::stage::Stage;
use wardkey_core::time::UnixTime;

use super::place::Places;
use super::{Asked, Counts, PeriodView};
use crate::error::Result;
use crate::store::Tx;
use crate::store::report::{self, IssuedPass, Last};

/// What records say: its name in the report, the kind of event, and how it ended where that
/// matters.
const RECORDED: [(&str, EventName, Option<bool>); 21] = [
    ("break-glass-login", EventName::BreakGlassLogin, Some(true)),
    ("break-glass-refused", EventName::BreakGlassLogin, Some(false)),
    ("break-glass-wrong", EventName::BreakGlassWrong, None),
    ("break-glass-void", EventName::BreakGlassVoid, None),
    ("pass-login", EventName::PassLogin, Some(true)),
    ("pass-wrong", EventName::PassWrong, None),
    ("pass-void", EventName::PassVoid, None),
    ("offline", EventName::Offline, None),
    ("way-in-opened", EventName::WayIn, Some(false)),
    ("way-in-accepted", EventName::WayIn, Some(true)),
    ("unlocked-without-key", EventName::SessionUnlocked, Some(false)),
    ("session-not-locked", EventName::SessionNotLocked, None),
    ("device-suspected", EventName::DeviceSuspected, None),
    ("clone-suspected", EventName::CloneSuspected, None),
    ("locked-out", EventName::LockedOut, None),
    ("directory-refused", EventName::DirectoryRefused, None),
    ("marks-not-raised", EventName::MarksNotRaised, None),
    ("clock-wrong", EventName::ClockWrong, None),
    ("records-lost", EventName::RecordsLost, None),
    ("state-set-aside", EventName::StateSetAside, None),
    ("log-contradicted", EventName::LogContradicted, None),
];

/// What the trail says: the act is its name in the report.
const ACTS: [&str; 32] = [
    "address.set",
    "address.retire",
    "break-glass.add",
    "break-glass.used",
    "break-glass.clear-alarm",
    "pass.issue",
    "code.issue",
    "code.withdraw",
    "key.enroll",
    "key.suspicion-cleared",
    "terminal.enable",
    "terminal.replace",
    "clock.confirm",
    "epoch.raise",
    "restore",
    "ca.prepare",
    "ca.retire",
    "ca.rotate",
    "ca.stolen",
    "publish-key.rotate",
    "publish-key.stolen",
    "root-key.export",
    "root-key.lost",
    "root-key.rotate",
    "token.reused",
    "terminal.replace-refused",
    "terminal.conflict",
    "terminal.quota",
    "scope.halt",
    "event.set-aside",
    "key.clone-suspected",
    "clock.refused",
];

/// What is out of the ordinary.
#[derive(Debug, JsonSchema, Serialize)]
pub struct ExceptionsView {
    /// The period.
    pub period: PeriodView,
    /// The one scope, when one was asked for: acts of administration are of none and left out.
    pub scope: Option<String>,
    /// Each kind, also those of which there was none.
    pub kinds: Vec<KindView>,
    /// Logins and refusals by offline stage.
    pub stages: Vec<OfStage>,
    /// Logins whose record does not say the stage: those that were stored by an earlier version.
    pub stage_unknown: u64,
    /// Passes that began in the period.
    pub passes: Vec<PassView>,
}

/// One kind.
#[derive(Debug, JsonSchema, Serialize)]
pub struct KindView {
    /// Its name.
    pub kind: &'static str,
    /// How many.
    pub count: u64,
    /// At how many terminals; none for acts of administration.
    pub terminals: Option<u64>,
    /// When last, Unix seconds.
    pub last: Option<u64>,
}

/// An offline stage.
#[derive(Debug, JsonSchema, Serialize)]
pub struct OfStage {
    /// `soft`, `degraded` or `hard`.
    pub stage: &'static str,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
}

/// A pass.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "ReportedPass")]
pub struct PassView {
    /// Login name of its person.
    pub person: String,
    /// The person's name.
    pub name: String,
    /// From when, Unix seconds.
    pub from: u64,
    /// Until before when, Unix seconds.
    pub until: u64,
    /// For the terminals of this scope.
    pub scope: Option<String>,
    /// For the terminal of this name.
    pub terminal: Option<String>,
    /// Who issued it.
    pub issued_by: String,
    /// Why.
    pub reason: String,
    /// When it was last used, Unix seconds.
    pub used: Option<u64>,
    /// When it ended before its time, Unix seconds.
    pub ended: Option<u64>,
}

/// The report.
///
/// # Errors
/// [`Code::ReportPeriod`](wardkey_core::code::Code::ReportPeriod).
pub async fn exceptions(tx: &mut Tx, asked: &Asked<'_>) -> Result<ExceptionsView> {
    let period = asked.period(tx, &Class::ALL).await?;
    let stretch = period.stretch();
    let names: Vec<EventName> = RECORDED.iter().map(|&(_, name, _)| name).collect();
    let found = report::of_kinds(tx, &names, stretch).await?;
    let unproven = report::without_proof(tx, stretch).await?;
    let logins = report::logins_alike(tx, stretch).await?;
    let issued = report::passes(tx, stretch, asked.people_of()).await?;

    let of_logins = logins.iter().map(|row| row.of.terminal);
    let of_events = found.iter().chain(&unproven).map(|row| row.of.terminal);
    let of_passes = issued.iter().filter_map(|pass| pass.terminal);
    let terminals: BTreeSet<TerminalId> = of_logins.chain(of_events).chain(of_passes).collect();
    let places = Places::read(tx, terminals, asked.scope).await?;

    let mut kinds: Vec<KindView> = Vec::new();
    if asked.scope.is_none() {
        let acted = report::acts(tx, &ACTS, stretch).await?;
        kinds.extend(ACTS.iter().map(|&act| {
            let row = acted.iter().find(|row| row.action == act);
            let (count, last) = row.map_or((0, None), |row| (row.acts, Some(row.last.0)));
            KindView { kind: act, count, terminals: None, last }
        }));
    }
    kinds.extend(RECORDED.iter().map(|&(kind, name, success)| {
        let ended = |row: &Last| success.is_none_or(|success| success == row.of.succeeded());
        // What nothing proves was no login; it is counted below.
        let claims = success == Some(true) && name.is_login();
        let holds = |row: &Last| !claims || row.of.is_valid();
        let is_it = |row: &&Last| row.of.is(name) && ended(row) && holds(row);
        kind_of(kind, found.iter().filter(is_it), &places)
    }));
    kinds.push(kind_of("evidence-invalid", unproven.iter(), &places));

    let mut stages: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut stage_unknown = 0;
    for row in logins.iter().filter(|row| places.counts(&row.of.terminal)) {
        match row.stage.as_deref() {
            Some(stage) => stages.entry(stage).or_default().take(&row.of),
            // A refusal before the directory was read has no stage.
            None if row.of.succeeded() => stage_unknown += row.of.events,
            None => {}
        }
    }
    let of_stage = |stage: Stage| {
        let stage = stage.as_str();
        OfStage { stage, counts: stages.get(stage).copied().unwrap_or_default() }
    };

    Ok(ExceptionsView {
        period,
        scope: asked.scope.map(ToString::to_string),
        kinds,
        stages: [Stage::Soft, Stage::Degraded, Stage::Hard].map(of_stage).into(),
        stage_unknown,
        passes: issued
            .into_iter()
            .filter(|pass| asked.scope.is_none_or(|scope| is_for(pass, scope, &places)))
            .map(PassView::from)
            .collect(),
    })
}

fn kind_of<'a>(
    kind: &'static str,
    rows: impl Iterator<Item = &'a Last>,
    places: &Places<'_>,
) -> KindView {
    let mut terminals = BTreeSet::new();
    let (mut count, mut last) = (0, None);
    for row in rows.filter(|row| places.counts(&row.of.terminal)) {
        terminals.insert(row.of.terminal);
        count += row.of.events;
        last = last.max(Some(row.last.0));
    }
    KindView { kind, count, terminals: Some(terminals.len() as u64), last }
}

fn is_for(pass: &IssuedPass, scope: &ScopeName, places: &Places<'_>) -> bool {
    match &pass.terminal {
        Some(terminal) => places.has(terminal, scope),
        None => pass.scope.as_deref() == Some(scope.as_str()),
    }
}

impl From<IssuedPass> for PassView {
    fn from(pass: IssuedPass) -> Self {
        let seconds = |time: Option<UnixTime>| time.map(|time| time.0);
        Self {
            person: pass.login.to_string(),
            name: pass.name.to_string(),
            from: pass.begins.0,
            until: pass.until.0,
            scope: pass.scope,
            terminal: pass.terminal_name,
            issued_by: pass.issuer,
            reason: pass.reason,
            used: seconds(pass.used),
            ended: seconds(pass.ended),
        }
    }
}
