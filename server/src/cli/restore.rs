//! `wardkey-server restore`

use std::io::IsTerminal;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::texts;

use super::args::Restore;
use super::output::{Output, language};
use super::question::{self, ask};
use crate::admin::init::make_folder;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::restore::{Asked, KeysFrom, Prepared, Replayed, Report, Where, look_for_link, root_key};
use crate::serve;
use crate::store::audit::Actor;
use crate::store::{by_its_own_tools, to_time};
use crate::texts::{Phrase, Text};
use crate::when::shown_utc;

/// The answer in JSON.
#[derive(Serialize)]
struct Answer<'a> {
    restored: bool,
    #[serde(flatten)]
    report: &'a Report,
    aside: Option<&'a Path>,
}

pub async fn restore(config: &Config, given: Restore, output: Output) -> Result<()> {
    if config.database.is_some() {
        return Err(by_its_own_tools());
    }
    look_for_link(&config.store)?;
    let (actor, zone, now) = (Actor::process(), config.zone(), Clock::system().now());
    let asked = Asked {
        from: &given.from,
        identity: given.identity.as_deref(),
        trail: given.trail.as_deref(),
        root: given.root.as_ref(),
        replace: given.replace,
        actor: &actor,
        now,
        reason: given.reason.as_deref(),
        zone: &zone,
    };
    if given.check {
        let report = Prepared::make(config, &asked, Where::TempDir).await?.report;
        let answer = Answer { restored: false, report: &report, aside: None };
        output.say(&answer, || said(lines(&report)))?;
        warn(output, &report);
        output.remark(Text::RestoreRehearsed);
        return Ok(());
    }

    make_folder(config)?;
    // Held to the end: no other restore, and no server that starts.
    let _held = serve::hold(&config.store).map_err(|error| match error.code() {
        Code::StoreHeld => refused(Code::RestoreServerRuns),
        _ => error,
    })?;
    let mut prepared = Prepared::make(config, &asked, Where::NextToStore).await?;
    if !output.json {
        // A root key that is asked for is not shown: it has to be that of the papers.
        let hidden = prepared.needs_root().then(|| root_line(&prepared.report));
        let lines =
            lines(&prepared.report).into_iter().filter(|line| Some(line) != hidden.as_ref());
        said(lines.collect()).iter().for_each(|line| eprintln!("{line}"));
    }
    warn(output, &prepared.report);
    confirm(given.yes, &mut prepared)?;

    let report = serde_json::to_value(&prepared.report).map_err(Error::crypto("JSON"))?;
    let clock = prepared.report.clock;
    let placed = prepared.place(config, now).await?;
    let answer = serde_json::json!({ "restored": true, "report": report, "aside": placed.aside });
    output.say(&answer, || {
        let mut done = vec![Text::RestoreDone.into()];
        if let Some(aside) = &placed.aside {
            done.push(Text::RestoreAside.with([("path", aside.display().to_string().into())]));
        }
        if clock {
            done.push(Text::RestoreClock.into());
        }
        said(done)
    })
}

fn confirm(yes: bool, prepared: &mut Prepared) -> Result<()> {
    let can_ask = !yes && std::io::stdin().is_terminal();
    let until = Instant::now() + question::LIMIT;
    if prepared.needs_root() {
        if !can_ask {
            return Err(refused(Code::RestoreRootUnknown));
        }
        let typed = root_key(&ask(Text::RestoreTypeRoot, until)?);
        prepared.of_root(&typed.map_err(|_| refused(Code::RestoreRootOther))?)?;
    }
    if yes {
        return Ok(());
    }
    if can_ask && ask(Text::RestoreType, until)?.trim() == prepared.report.contents.rp_id {
        return Ok(());
    }
    Err(refused(Code::RestoreUnconfirmed))
}

fn refused(code: Code) -> Error {
    Error::refused(code, texts::phrase(code, vec![]))
}

fn said(lines: Vec<Phrase>) -> Vec<String> {
    lines.iter().map(|line| line.say(language())).collect()
}

fn root_line(report: &Report) -> Phrase {
    Text::RestoreRoot.with([("key", report.contents.root_key.clone().into())])
}

fn lines(report: &Report) -> Vec<Phrase> {
    let contents = &report.contents;
    let made = i64::try_from(report.made).ok().and_then(|made| to_time(made).ok());
    let made = made.map(shown_utc).unwrap_or_default();
    let mut lines = vec![
        Text::RestoreOf.with([
            ("name", contents.name.clone().into()),
            ("rp_id", contents.rp_id.clone().into()),
            ("time", made.into()),
            ("version", report.program.clone().into()),
        ]),
        root_line(report),
        Text::RestoreHolds.with([
            ("people", contents.counts.people.into()),
            ("keys", contents.counts.keys.into()),
            ("terminals", contents.counts.terminals.into()),
            ("events", contents.counts.events.into()),
        ]),
        Text::RestoreRaised.with([
            ("epoch", report.epoch.into()),
            ("scopes", (contents.scopes.len() as u64).into()),
            ("terminals", report.terminals.into()),
        ]),
        Text::RestoreVoided.with([
            ("codes", report.codes.into()),
            ("tokens", report.tokens.into()),
            ("passes", report.passes.into()),
            ("loans", report.loans.into()),
            ("sealed", report.sealed.into()),
        ]),
        match report.keys {
            KeysFrom::Machine => Text::RestoreKeysStay.into(),
            KeysFrom::Backup => Text::RestoreKeysTaken.into(),
        },
    ];
    if let (Some(trail), Some(replayed)) = (&report.trail, &report.replayed) {
        for path in report.parted.iter().chain([trail]) {
            lines.push(Text::RestoreTrail.with([
                ("path", path.display().to_string().into()),
                ("rows", (replayed.rows as u64).into()),
            ]));
        }
        lines.extend(again(replayed));
    }
    if !report.addresses.is_empty() {
        let addresses = report.addresses.join(", ").into();
        lines.push(Text::RestoreAddresses.with([("addresses", addresses)]));
    }
    if report.replaces {
        lines.push(Text::RestoreReplaces.into());
    }
    lines
}

/// What is disabled again, by name.
fn again(replayed: &Replayed) -> Vec<Phrase> {
    [
        (Text::AgainPeople, &replayed.people),
        (Text::AgainKeys, &replayed.keys),
        (Text::AgainTerminals, &replayed.terminals),
        (Text::AgainAdministrators, &replayed.administrators),
        (Text::AgainUnknown, &replayed.unknown),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(text, names)| text.with([("names", listed(names))]))
    .collect()
}

/// Names with a space between, however many: an argument of a sentence would be cut.
fn listed(names: &[String]) -> Phrase {
    Phrase::joined(names.iter().map(|name| name.clone().into()).collect(), " ")
}

/// What an administrator has to look at.
fn warn(output: Output, report: &Report) {
    output.warn(&warnings(report));
}

/// Each holds whatever the others say: what may be enabled again, and what is to be done again.
fn warnings(report: &Report) -> Vec<Phrase> {
    let mut warnings = Vec::new();
    if let Some(why) = &report.silent {
        warnings.push(Text::TrailNotRead.with([("why", why.clone())]));
    }
    match report.trail_ends {
        None => warnings.push(Text::TrailNotGiven.into()),
        Some(end) if !report.trail_is_of_here => {
            let time = to_time(end).ok().map(shown_utc).unwrap_or_default();
            warnings.push(Text::TrailEnds.with([("time", time.into())]));
        }
        Some(_) => {}
    }
    let lost = report.replayed.iter().flat_map(|replayed| &replayed.lost);
    let lost: Vec<String> = lost.map(|(act, times)| format!("{act} ({times})")).collect();
    if !lost.is_empty() {
        warnings.push(Text::TrailLost.with([("acts", listed(&lost))]));
    }
    warnings
}
