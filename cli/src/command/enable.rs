//! `wardkey enable`.
//!
//! ```text
//!   ready? ─> another way in? ─> a test login ─> undo prepared ─> guard armed ─> profile switched
//!                     ways in without a key? ─> undone     confirmed ─> kept     else ─> undone
//! ```
//! No option leaves one of these out.

use std::time::Duration;

use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::message::agent::{Reply, Request, Status};
use wardkey_core::snapshot::Anchor;
use wardkey_settings::pam::Settings;

use crate::args::EnableOptions;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Output};
use crate::pam::profile::{self, State};
use crate::pam::undo::{self, Guard, Pending};
use crate::pam::ways_in::WaysIn;
use crate::pam::{local_list, test_login};
use crate::peers::{self, Agent};
use crate::texts::{Phrase, Text};
use crate::{anchor, config, directory, doctor};

/// What is typed to confirm.
const YES: [&str; 3] = ["yes", "y", "はい"];
const ANSWER: Duration = Duration::from_secs(10);

pub(crate) fn enable(
    context: &mut Context<'_, '_>,
    options: &EnableOptions,
) -> Result<Output, CliError> {
    needs_root(context)?;
    if options.confirm {
        return confirm(context);
    }
    match now(context) {
        (State::On, None) => return Ok(done(context, Text::EnabledAlready, true, false)),
        (_, Some(_)) => {
            return Err(CliError::invalid(Text::WaitsAlready));
        }
        (State::Edited(how), None) => return Err(CliError::with(Code::PamFilesEdited, how)),
        (State::Off, None) => {}
    }
    let (settings, anchor) = ready(context)?;
    // Before somebody has logged in for nothing.
    let ways = ways_in(context, &settings, &anchor)?;
    let person = test_login::run(context, &settings)?;
    let text = context.text_with(Text::TestPassed, &[("name", &person)]);
    context.say(&text);
    // The profile goes by it where the module cannot be loaded.
    local_list::keep(context, &context.env.places.pam_config)?;
    let (pending, guard) = switch_on(context, options.within())?;
    refuse_open_ways(context, &settings)?;
    let ways_in = format!("{}: {}", context.text(Text::WaysIn), ways.open.join(", "));
    context.say(&ways_in);
    let time = output::duration(pending.seconds()).say(context.language);
    let try_now = context.text_with(Text::TryNow, &[("time", &time)]);
    context.say(&try_now);
    if guard == Guard::Process {
        context.tell(Text::UntilPowerOff);
    }
    if context.cli.common.json || !context.env.person.interactive() {
        let json = json!({
            "enabled": true, "confirmed": false, "changed": true, "confirm_before": pending.until(),
            "person": person, "ways_in": ways.open,
        });
        return Ok(Output { text: context.text(Text::ConfirmLater), json });
    }
    ask_for_confirmation(context, &pending)
}

/// Asks until it is confirmed, or until time is over, or the person goes away: then all is undone.
fn ask_for_confirmation(
    context: &mut Context<'_, '_>,
    pending: &Pending,
) -> Result<Output, CliError> {
    let question = context.text(Text::AskConfirm);
    while let Some(left) = pending.left() {
        match context.env.person.ask(&question, Some(left)) {
            Ok(answer) if YES.contains(&answer.trim().to_lowercase().as_str()) => {
                return confirm(context);
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    let _lock = undo::lock(&context.env.places)?;
    if Pending::read(&context.env.places).is_some() {
        undo::undo_unconfirmed(&context.env.places)?;
    } else if now(context).0 == State::On {
        // Confirmed on another screen meanwhile.
        return Ok(done(context, Text::Enabled, true, true));
    }
    Err(CliError::new(Code::NotConfirmed))
}

fn confirm(context: &mut Context<'_, '_>) -> Result<Output, CliError> {
    let _lock = undo::lock(&context.env.places)?;
    match now(context) {
        (State::On, Some(pending)) if pending.left().is_some() => {
            undo::confirm(&context.env.places)?;
            Ok(done(context, Text::Enabled, true, true))
        }
        (_, Some(_)) => {
            undo::undo_unconfirmed(&context.env.places)?;
            Err(CliError::new(Code::NotConfirmed))
        }
        (State::On, None) => Ok(done(context, Text::EnabledAlready, true, false)),
        (_, None) => Err(CliError::new(Code::NotConfirmed)),
    }
}

/// Switches on; from the first change to a file on, somebody will undo it.
fn switch_on(
    context: &mut Context<'_, '_>,
    within: Option<Duration>,
) -> Result<(Pending, Guard), CliError> {
    let _lock = undo::lock(&context.env.places)?;
    // Since the first look somebody had time to log in; what is kept now is what an undo brings
    // back.
    let (State::Off, None) = now(context) else {
        return Err(CliError::invalid(Text::ChangedMeanwhile));
    };
    let within = within.unwrap_or(context.env.places.confirm_within);
    let pending = undo::begin(&context.env.places, within)?;
    let switched = undo::arm(&pending)
        .and_then(|guard| profile::switch(&context.env.places, true).map(|()| guard))
        .and_then(|guard| {
            pending.left().map(|_| guard).ok_or_else(|| CliError::new(Code::NotConfirmed))
        });
    match switched {
        Ok(guard) => Ok((pending, guard)),
        Err(error) => {
            undo::undo(&context.env.places)?;
            Err(error)
        }
    }
}

/// The stacks are evaluated as they are now, with the profile in them: what lets a person in
/// without a key undoes the enabling, unless an administrator has accepted it.
fn refuse_open_ways(context: &mut Context<'_, '_>, settings: &Settings) -> Result<(), CliError> {
    let (open, others) = doctor::before_enabling(context, settings);
    if open.is_empty() {
        for finding in others {
            context.say(&finding.in_words(context.language));
        }
        return Ok(());
    }
    let _lock = undo::lock(&context.env.places)?;
    undo::undo(&context.env.places)?;
    Err(CliError::Findings(open))
}

pub(super) fn needs_root(context: &Context<'_, '_>) -> Result<(), CliError> {
    if context.env.root { Ok(()) } else { Err(CliError::new(Code::NeedsRoot)) }
}

pub(super) fn now(context: &Context<'_, '_>) -> (State, Option<Pending>) {
    (profile::state(&context.env.places), Pending::read(&context.env.places))
}

pub(super) fn done(context: &Context<'_, '_>, text: Text, enabled: bool, changed: bool) -> Output {
    Output {
        text: context.text(text),
        json: json!({ "enabled": enabled, "confirmed": enabled, "changed": changed }),
    }
}

/// Configuration, agent and directory are as they must be for staff to log in.
fn ready(context: &mut Context<'_, '_>) -> Result<(Settings, Anchor), CliError> {
    let not_ready = |what: Phrase| CliError::with(Code::NotReadyToEnable, what);
    let places = context.env.places.clone();
    let (settings, problems) =
        config::everything(context, &places.pam_config, &places.agent_config);
    if !problems.is_empty() {
        return Err(CliError::Problems(problems));
    }
    let anchor = match anchor::read(&settings.anchor)? {
        anchor::Before::Anchor(anchor) => anchor,
        anchor::Before::Nothing => return Err(not_ready(Text::NotJoinedYet.into())),
        anchor::Before::Unreadable(why) => return Err(not_ready(why.phrase()).caused_by(why)),
    };
    let Reply::Status(status) = Agent::connect(context)?.ask(&Request::Status, ANSWER)? else {
        return Err(peers::unexpected());
    };
    match unfit(&status, &anchor) {
        Some(why) => Err(not_ready(why)),
        None => Ok((settings, anchor)),
    }
}

fn unfit(status: &Status, anchor: &Anchor) -> Option<Phrase> {
    if status.terminal != Some(anchor.terminal) {
        return Some(Text::OtherTerminal.into());
    }
    if status.scopes.is_empty() {
        return Some(Text::NoDirectory.into());
    }
    if let Some(scope) = status.scopes.iter().find(|scope| scope.expires <= status.now) {
        return Some(Text::DirectoryExpired.with([("scope", scope.scope.as_str().into())]));
    }
    if status.scopes.iter().all(|scope| scope.people == 0) {
        return Some(Text::DirectoryEmpty.into());
    }
    None
}

fn ways_in(
    context: &mut Context<'_, '_>,
    settings: &Settings,
    anchor: &Anchor,
) -> Result<WaysIn, CliError> {
    let mut failed = None;
    let ways = WaysIn::look(&settings.local, &mut |name| match directory::is_person(
        context, anchor, name,
    ) {
        Ok(is_person) => is_person,
        Err(error) => {
            failed.get_or_insert(error);
            true
        }
    });
    match (ways.open.is_empty(), failed) {
        (false, _) => Ok(ways),
        (true, Some(error)) => Err(error),
        (true, None) => Err(CliError::with(Code::NoOtherWayIn, ways.explained())),
    }
}
