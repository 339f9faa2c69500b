//! Logins and refusals, by scope and hour or day.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::event::Class;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::place::Places;
use super::{Asked, Counts, PeriodView};
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::store::report::{self, Alike, InStretch, Stretch};
use crate::when::{Step, steps};

/// The most hours or days of a report.
pub const MOST_STEPS: usize = 1000;
/// Up to so many seconds are shown by the hour, unless days are asked for.
const BY_HOUR: u64 = 2 * 86_400;

/// Logins and refusals.
#[derive(Debug, JsonSchema, Serialize)]
pub struct LoginsView {
    /// The period.
    pub period: PeriodView,
    /// The one scope, when one was asked for.
    pub scope: Option<String>,
    /// `hour` or `day`.
    pub by: &'static str,
    /// All of it.
    pub total: Counts,
    /// How many of these were at terminals of several scopes: they are counted in each.
    pub in_several_scopes: u64,
    /// For each scope.
    pub by_scope: Vec<OfScope>,
    /// For each hour or day, also those without any.
    pub by_time: Vec<OfTime>,
    /// For each scope and hour or day in which there was any.
    pub by_scope_and_time: Vec<OfScopeAndTime>,
    /// For each PAM service.
    pub by_service: Vec<OfService>,
    /// For each reason of refusals, the most frequent first.
    pub refusals: Vec<OfReason>,
}

/// Of a scope.
#[derive(Debug, JsonSchema, Serialize)]
pub struct OfScope {
    /// The scope; none for terminals without one.
    pub scope: Option<String>,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Of an hour or a day.
#[derive(Debug, JsonSchema, Serialize)]
pub struct OfTime {
    /// When it begins, Unix seconds.
    pub begins: u64,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Of a scope in an hour or a day.
#[derive(Debug, JsonSchema, Serialize)]
pub struct OfScopeAndTime {
    /// When it begins, Unix seconds.
    pub begins: u64,
    /// The scope; none for terminals without one.
    pub scope: Option<String>,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Of a PAM service.
#[derive(Debug, JsonSchema, Serialize)]
pub struct OfService {
    /// The service; none when records do not say it.
    pub service: Option<String>,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Refusals with one reason.
#[derive(Debug, JsonSchema, Serialize)]
pub struct OfReason {
    /// Its stable code; none when records do not say it.
    pub reason: Option<String>,
    /// What it says.
    #[serde(skip)]
    pub code: Option<Code>,
    /// How many.
    pub refused: u64,
}

/// The report; by hour or day, or by what fits the period.
///
/// # Errors
/// [`Code::ReportPeriod`], [`Code::ReportTooFine`] for a period of more than [`MOST_STEPS`].
pub async fn logins(tx: &mut Tx, asked: &Asked<'_>, by: Option<Step>) -> Result<LoginsView> {
    let period = asked.period(tx, &[Class::Logins]).await?;
    let (from, to) = period.stretch();
    let fitting = if to.since(from) <= BY_HOUR { Step::Hour } else { Step::Day };
    let step = by.unwrap_or(fitting);
    let begins = steps((from, to), step, asked.zone, MOST_STEPS).ok_or_else(too_fine)?;

    let found = report::logins_in(tx, &stretches(&begins, to)).await?;
    let alike = report::logins_alike(tx, (from, to)).await?;
    let terminals = found.iter().map(|found| found.of.terminal).collect();
    let places = Places::read(tx, terminals, asked.scope).await?;

    let mut view = LoginsView {
        period,
        scope: asked.scope.map(ToString::to_string),
        by: if step == Step::Hour { "hour" } else { "day" },
        total: Counts::default(),
        in_several_scopes: 0,
        by_scope: Vec::new(),
        by_time: Vec::new(),
        by_scope_and_time: Vec::new(),
        by_service: Vec::new(),
        refusals: Vec::new(),
    };
    by_time(&mut view, &found, &begins, &places);
    by_kind(&mut view, &alike, &places);
    Ok(view)
}

fn too_fine() -> Error {
    let most = ("count", (MOST_STEPS as u64).into());
    Error::refused(Code::ReportTooFine, texts::phrase(Code::ReportTooFine, vec![most]))
}

/// From each beginning to the next.
fn stretches(begins: &[UnixTime], to: UnixTime) -> Vec<Stretch> {
    let ends = begins.iter().skip(1).copied().chain([to]);
    begins.iter().copied().zip(ends).collect()
}

fn by_time(view: &mut LoginsView, found: &[InStretch], begins: &[UnixTime], places: &Places<'_>) {
    let mut times: BTreeMap<u32, Counts> = BTreeMap::new();
    let mut scopes: BTreeMap<Option<String>, Counts> = BTreeMap::new();
    let mut both: BTreeMap<(u32, Option<String>), Counts> = BTreeMap::new();
    for InStretch { stretch, of } in found {
        if !places.counts(&of.terminal) {
            continue;
        }
        view.total.take(of);
        times.entry(*stretch).or_default().take(of);
        let under = places.of(&of.terminal);
        if under.len() > 1 {
            view.in_several_scopes += of.events;
        }
        for scope in under {
            let scope = scope.map(ToString::to_string);
            scopes.entry(scope.clone()).or_default().take(of);
            both.entry((*stretch, scope)).or_default().take(of);
        }
    }

    let time = |number: u32| {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        begins.get(number).map_or(0, |begins| begins.0)
    };
    view.by_scope = scopes.into_iter().map(|(scope, counts)| OfScope { scope, counts }).collect();
    view.by_time = (0u32..)
        .zip(begins)
        .map(|(number, begins)| OfTime {
            begins: begins.0,
            counts: times.remove(&number).unwrap_or_default(),
        })
        .collect();
    view.by_scope_and_time = both
        .into_iter()
        .map(|((number, scope), counts)| OfScopeAndTime { begins: time(number), scope, counts })
        .collect();
}

fn by_kind(view: &mut LoginsView, alike: &[Alike], places: &Places<'_>) {
    let mut services: BTreeMap<Option<&str>, Counts> = BTreeMap::new();
    let mut reasons: BTreeMap<Option<u16>, u64> = BTreeMap::new();
    for row in alike.iter().filter(|row| places.counts(&row.of.terminal)) {
        services.entry(row.service.as_deref()).or_default().take(&row.of);
        if !row.of.succeeded() {
            *reasons.entry(row.reason).or_default() += row.of.events;
        }
    }

    view.by_service = services
        .into_iter()
        .map(|(service, counts)| OfService { service: service.map(Into::into), counts })
        .collect();
    view.refusals = reasons
        .into_iter()
        .map(|(number, refused)| OfReason {
            reason: number.map(|number| format!("WK-{number}")),
            code: number.and_then(Code::from_number),
            refused,
        })
        .collect();
    view.refusals.sort_by_key(|row| std::cmp::Reverse(row.refused));
}
