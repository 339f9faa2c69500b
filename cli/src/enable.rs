//! `wardkey enable` and `wardkey disable`.
//!
//! ```text
//!   ready? ─> a test login ─> another way in? ─> undo prepared ─> guard armed ─> profile switched
//!                     ways in without a key? ─> undone     confirmed ─> kept     else ─> undone
//! ```
//! No option leaves one of these out.

use std::time::Duration;

use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::marks::Marks;
use wardkey_core::message::PROTOCOL;
use wardkey_core::message::agent::{Begin, Reply, Request, Status};
use wardkey_core::name::{LoginName, ServiceName};
use wardkey_core::snapshot::{Anchor, Snapshot};
use wardkey_settings::pam::Settings;

use crate::args::{DisableOptions, EnableOptions};
use crate::peers::{self, Agent};
use crate::profile::{self, State};
use crate::show::Output;
use crate::undo::{self, Guard, Pending};
use crate::ways_in::WaysIn;
use crate::{CliError, Work, anchor, check, doctor, local_list, test_login};

/// As what the agent is asked whether an account is a person's.
const SERVICE: &str = "wardkey-enable";
const ANSWER: Duration = Duration::from_secs(10);
/// So much earlier than by our clock a timer may fire.
const TIMERS_DIFFER: Duration = Duration::from_secs(10);

pub(crate) fn enable(work: &mut Work<'_, '_>, options: &EnableOptions) -> Result<Output, CliError> {
    needs_root(work)?;
    if options.confirm {
        return confirm(work);
    }
    match now(work) {
        (State::On, None) => return Ok(done(work.words().enabled_already, true, false)),
        (_, Some(_)) => {
            let reason = "it is enabled and waits: wardkey enable --confirm, or wardkey disable";
            return Err(CliError::invalid(reason));
        }
        (State::Edited(how), None) => return Err(CliError::with(Code::PamFilesEdited, how)),
        (State::Off, None) => {}
    }
    let (settings, anchor) = ready(work)?;
    let person = test_login::run(work, &settings)?;
    let text = (work.words().test_passed)(&person);
    work.say(&text);
    let ways = ways_in(work, &settings, &anchor)?;
    // The profile goes by it where the module cannot be loaded.
    local_list::keep(work, &work.around.places.pam_config)?;
    let (pending, guard) = switch_on(work)?;
    refuse_open_ways(work, &settings)?;
    let words = work.words();
    work.say(&format!("{}: {}", words.ways_in, ways.open.join(", ")));
    work.say(&(words.try_now)(pending.left().unwrap_or_default().as_secs()));
    if guard == Guard::Process {
        work.say(words.until_power_off);
    }
    if work.cli.json || !work.around.person.interactive() {
        let json = json!({
            "enabled": true, "confirmed": false, "changed": true, "confirm_before": pending.until(),
            "person": person, "ways_in": ways.open,
        });
        return Ok(Output { text: words.confirm_later.into(), json });
    }
    ask_for_confirmation(work, &pending)
}

/// Asks until it is confirmed, or until time is over, or the person goes away: then all is undone.
fn ask_for_confirmation(work: &mut Work<'_, '_>, pending: &Pending) -> Result<Output, CliError> {
    let words = work.words();
    while let Some(left) = pending.left() {
        match work.around.person.ask(words.confirm, Some(left)) {
            Ok(answer) if words.yes.contains(&answer.trim().to_lowercase().as_str()) => return confirm(work),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    let _lock = undo::lock(&work.around.places)?;
    if Pending::read(&work.around.places).is_some() {
        undo::undo(&work.around.places)?;
    } else if now(work).0 == State::On {
        // Confirmed on another screen meanwhile.
        return Ok(done(words.enabled, true, true));
    }
    Err(CliError::new(Code::NotConfirmed))
}

fn confirm(work: &mut Work<'_, '_>) -> Result<Output, CliError> {
    let words = work.words();
    let _lock = undo::lock(&work.around.places)?;
    match now(work) {
        (State::On, Some(pending)) if pending.left().is_some() => {
            undo::confirm(&work.around.places)?;
            Ok(done(words.enabled, true, true))
        }
        (_, Some(_)) => {
            undo::undo(&work.around.places)?;
            Err(CliError::new(Code::NotConfirmed))
        }
        (State::On, None) => Ok(done(words.enabled_already, true, false)),
        (_, None) => Err(CliError::new(Code::NotConfirmed)),
    }
}

pub(crate) fn disable(work: &mut Work<'_, '_>, options: &DisableOptions) -> Result<Output, CliError> {
    needs_root(work)?;
    if let Some(seconds) = options.after {
        std::thread::sleep(Duration::from_secs(seconds.into()));
    }
    let words = work.words();
    let pending = Pending::read(&work.around.places).filter(|_| options.unconfirmed);
    if let Some(left) = pending.and_then(|pending| pending.left()).filter(|left| *left <= TIMERS_DIFFER) {
        std::thread::sleep(left);
    }
    let _lock = undo::lock(&work.around.places)?;
    match now(work) {
        (_, Some(pending)) if options.unconfirmed && pending.left().is_some() => {
            Ok(done(words.nothing_to_undo, true, false))
        }
        (_, Some(_)) => {
            undo::undo(&work.around.places)?;
            Ok(done(words.disabled, false, true))
        }
        (state, None) if options.unconfirmed => Ok(done(words.nothing_to_undo, state != State::Off, false)),
        (State::Off, None) => Ok(done(words.disabled_already, false, false)),
        (State::Edited(how), None) => Err(CliError::with(
            Code::PamFilesEdited,
            format_args!("{how}; take the lines with pam_fido.so out by hand, then run: pam-auth-update"),
        )),
        (State::On, None) => {
            // A power failure meanwhile leaves what pam-auth-update leaves: each file old or new.
            let kept = undo::Kept::now(&work.around.places)?;
            profile::switch(&work.around.places, false).inspect_err(|_| kept.put_back())?;
            Ok(done(words.disabled, false, true))
        }
    }
}

/// Switches on; from the first change to a file on, somebody will undo it.
fn switch_on(work: &mut Work<'_, '_>) -> Result<(Pending, Guard), CliError> {
    let _lock = undo::lock(&work.around.places)?;
    // Since the first look somebody had time to log in; what is kept now is what an undo brings back.
    let (State::Off, None) = now(work) else {
        return Err(CliError::invalid("logins were changed meanwhile, see: wardkey status; then run it again"));
    };
    let pending = undo::begin(&work.around.places)?;
    let switched = undo::arm(&pending)
        .and_then(|guard| profile::switch(&work.around.places, true).map(|()| guard))
        .and_then(|guard| pending.left().map(|_| guard).ok_or_else(|| CliError::new(Code::NotConfirmed)));
    match switched {
        Ok(guard) => Ok((pending, guard)),
        Err(error) => {
            undo::undo(&work.around.places)?;
            Err(error)
        }
    }
}

/// The stacks are evaluated as they are now, with the profile in them: what lets a person in without a key undoes
/// the enabling, unless an administrator has accepted it.
fn refuse_open_ways(work: &mut Work<'_, '_>, settings: &Settings) -> Result<(), CliError> {
    let (open, others) = doctor::before_enabling(work, settings);
    if open.is_empty() {
        for finding in others {
            work.say(&finding.in_words(work.language));
        }
        return Ok(());
    }
    let _lock = undo::lock(&work.around.places)?;
    undo::undo(&work.around.places)?;
    Err(CliError::Findings(open))
}

fn needs_root(work: &Work<'_, '_>) -> Result<(), CliError> {
    if work.around.root { Ok(()) } else { Err(CliError::new(Code::NeedsRoot)) }
}

fn now(work: &Work<'_, '_>) -> (State, Option<Pending>) {
    (profile::state(&work.around.places), Pending::read(&work.around.places))
}

fn done(text: &str, enabled: bool, changed: bool) -> Output {
    Output { text: text.into(), json: json!({ "enabled": enabled, "confirmed": enabled, "changed": changed }) }
}

/// Configuration, agent and directory are as they must be for staff to log in.
fn ready(work: &mut Work<'_, '_>) -> Result<(Settings, Anchor), CliError> {
    let not_ready = |what: &dyn std::fmt::Display| CliError::with(Code::NotReadyToEnable, what);
    let places = work.around.places.clone();
    let (settings, problems) = check::everything(work, &places.pam_config, &places.agent_config);
    if !problems.is_empty() {
        return Err(CliError::Problems(problems));
    }
    let anchor = match anchor::read(&settings.anchor)? {
        anchor::Before::Anchor(anchor) => anchor,
        anchor::Before::Nothing => return Err(not_ready(&"not joined; run: wardkey join")),
        anchor::Before::Unreadable(why) => return Err(not_ready(&why)),
    };
    let Reply::Status(status) = Agent::connect(work)?.ask(&Request::Status, ANSWER)? else {
        return Err(peers::unexpected());
    };
    match unfit(&status, &anchor) {
        Some(why) => Err(not_ready(&why)),
        None => Ok((settings, anchor)),
    }
}

fn unfit(status: &Status, anchor: &Anchor) -> Option<String> {
    if status.terminal != Some(anchor.terminal) {
        return Some("the agent and the trust anchor are not of the same terminal; run: wardkey join".into());
    }
    if status.scopes.is_empty() {
        return Some("no directory has arrived yet; run: wardkey sync".into());
    }
    if let Some(scope) = status.scopes.iter().find(|scope| scope.expires <= status.now) {
        return Some(format!("the directory of {} has expired; run: wardkey sync", scope.scope));
    }
    if status.scopes.iter().all(|scope| scope.people == 0) {
        return Some("the directory has no people; add them at the server".into());
    }
    None
}

fn ways_in(work: &mut Work<'_, '_>, settings: &Settings, anchor: &Anchor) -> Result<WaysIn, CliError> {
    let mut failed = None;
    let ways = WaysIn::look(&settings.local, &mut |name| match is_person(work, anchor, name) {
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

/// Whether the directory has a person of this name. A name that no person can have is nobody's.
pub(crate) fn is_person(work: &Work<'_, '_>, anchor: &Anchor, name: &str) -> Result<bool, CliError> {
    let (Ok(account), Ok(service)) = (LoginName::new(name), ServiceName::new(SERVICE)) else { return Ok(false) };
    let begin =
        Begin { protocol: PROTOCOL, account: Some(account.clone()), service, tty: None, rhost: None, invoker: None };
    match Agent::connect(work)?.ask(&Request::Account(begin), ANSWER)? {
        Reply::Granted(grant) => match &grant.evidence {
            Some(evidence) => Snapshot::verify(evidence, anchor, &Marks::default(), &account)
                .map(|snapshot| snapshot.records().next().is_some())
                .map_err(|denial| CliError::with(denial.code, denial.detail)),
            None => Ok(false),
        },
        _ => Err(peers::unexpected()),
    }
}

/// The profile's state for `wardkey status`.
pub(crate) fn shown(work: &mut Work<'_, '_>) -> (String, serde_json::Value) {
    let words = work.words();
    let (state, pending) = now(work);
    let enabled = state == State::On;
    let (text, name) = match (&state, &pending) {
        (State::On, Some(_)) => (words.waits, "unconfirmed"),
        (State::On, None) => (words.on, "enabled"),
        (State::Off, _) => (words.off, "disabled"),
        (State::Edited(_), _) => (words.edited, "edited"),
    };
    // Where nobody needs a key, every way is open; nobody has to be told.
    let seen = enabled.then(|| doctor::seen(work));
    let json = json!({
        "state": name, "enabled": enabled, "confirm_before": pending.filter(|_| enabled).map(|pending| pending.until()),
        "ways_in_open": seen.as_ref().map(|seen| seen.open),
        "other_secrets": seen.as_ref().and_then(|seen| seen.secrets.clone()),
    });
    let mut lines = format!("{}: {text}", words.profile);
    if let Some(seen) = seen {
        if seen.open > 0 {
            lines += &format!("\n{}", (words.open_ways)(seen.open));
        }
        if let Some(names) = seen.secrets.filter(|names| !names.is_empty()) {
            let names: Vec<_> = names.into_iter().collect();
            lines += &format!("\n{}: {}", words.other_secrets, names.join(", "));
        }
    }
    (lines, json)
}
