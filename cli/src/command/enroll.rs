//! `wardkey enroll`: a code, a key, a PIN, a touch.
//!
//! ```text
//!   code ─ key (plugged in) ─ agent: EnrollBegin (is the code right? how long is a PIN?)
//!     └─ PIN ─ agent: EnrollBegin (if late) ─ key: MakeCredential, touch ─ agent: EnrollFinish
//!         └─ again: the PIN was wrong, tries remain ─┘
//! ```
//! What takes a person's time comes first: a challenge of the server lives 60 seconds. One that is
//! young enough after it is taken; each costs one of the tries at codes that a terminal has.

mod at_console;
mod begun;
mod desk;
mod pin_rules;
mod screen;

use std::time::Duration;

use serde_json::json;
use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_core::codec::List;
use wardkey_core::message::agent::{self, EnrollFinish, Enrolled, Enrollment};
use wardkey_core::message::key::{
    KeyCredential, KeyDetails, KeyInfo, MakeCredential, Pin, Reply, Request,
};
use wardkey_core::name::{DisplayText, Language};
use wardkey_core::texts;
use wardkey_ipc::Deadline;

use crate::args::EnrollOptions;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Output};
use crate::peers::{self, Agent, Key};
use crate::security_key::{self as keys, ask};
use crate::texts::Text;
use at_console::{Typed, Whose};
use begun::{Asked, Begun, SERVER, begin, must_be_joined, shown_name, trust};
use pin_rules::Kept;

/// How long after the challenge the key may still be touched: the answer has to reach the server.
const TOUCH: Duration = Duration::from_secs(52);
/// How long the key process may take beyond that to say that it is over.
const MARGIN: Duration = Duration::from_secs(5);
const MAX_CODE: usize = 64;

pub(crate) fn enroll(
    context: &mut Context<'_, '_>,
    options: &EnrollOptions,
) -> Result<Output, CliError> {
    must_be_joined(context)?;
    if options.desk {
        let by = |context: &mut Context<'_, '_>, code: &str| {
            enroll_by(context, Asked { code, whose: None }, None, options)
        };
        return desk::desk(context, typed_code, by);
    }
    let code = match &options.code {
        Some(code) => a_code(code)?,
        None => typed_code(context)?,
    };
    enroll_by(context, Asked { code: &code, whose: None }, None, options)
}

/// The enrollment console: [`at_console`].
pub(crate) fn at_console(context: &mut Context<'_, '_>) -> Result<Output, CliError> {
    if !context.env.person.is_confined() {
        return Err(CliError::new(Code::ConsoleUnprotected));
    }
    let whom = |context: &mut Context<'_, '_>, typed: &Typed| {
        must_be_joined(context)?;
        let trust = trust(context)?;
        let begun = begin(context, asked_by(typed), &trust)?;
        let name = shown_name(context, &begun.enrollment);
        let name = format!("{name} ({})", begun.enrollment.login);
        Ok(Whose { name, begun })
    };
    let by = |context: &mut Context<'_, '_>, typed: &Typed, begun: Begun| {
        let options = EnrollOptions { code: None, label: None, desk: false };
        enroll_by(context, asked_by(typed), Some(begun), &options)
    };
    at_console::at_console(context, a_code, whom, by)
}

fn asked_by(typed: &Typed) -> Asked<'_> {
    Asked { code: &typed.code, whose: Some(&typed.login) }
}

/// Registers the key that is plugged in, for whom the code is.
fn enroll_by(
    context: &mut Context<'_, '_>,
    asked: Asked<'_>,
    begun: Option<Begun>,
    options: &EnrollOptions,
) -> Result<Output, CliError> {
    let trust = trust(context)?;
    let (key, mut details) = keys::the_one_key(context)?;
    if details.pin_must_change {
        return Err(CliError::new(Code::PinMustChange));
    }
    // Whether the code is right, and what is wanted of the PIN, before one is asked for.
    let mut begun = match begun {
        Some(begun) => begun,
        None => begin(context, asked, &trust)?,
    };
    details = pin_rules::announce(context, &begun.enrollment, details);
    let mut first = if details.pin_set { None } else { Some(first_pin(context, &details)?) };
    loop {
        let pin = match first.take() {
            Some(pin) => pin,
            None => {
                keys::usable(&details)?;
                let question = keys::with_tries(context, &context.text(Text::AskPin), &details);
                keys::ask_pin(context, &question, Pin::typed)?
            }
        };
        if let Err(error) = pin_rules::check(&pin, &begun.enrollment) {
            details = keys::another_try(context, error, details)?;
            continue;
        }
        begun = begun.fresh(context, asked, &trust)?;
        match register(context, &begun, &key, pin, options) {
            Ok((enrolled, kept)) => return Ok(success(context, &begun, &enrolled, &kept)),
            Err(error) => details = keys::another_try(context, error, details)?,
        }
    }
}

fn typed_code(context: &mut Context<'_, '_>) -> Result<String, CliError> {
    a_code(&ask(context, &context.text(Text::AskCode))?)
}

fn a_code(code: &str) -> Result<String, CliError> {
    let code = code.trim();
    if code.is_empty() || code.len() > MAX_CODE {
        return Err(CliError::new(Code::EnrollmentCodeInvalid));
    }
    Ok(code.to_owned())
}

fn first_pin(context: &mut Context<'_, '_>, details: &KeyDetails) -> Result<Pin, CliError> {
    context.tell(Text::NoPinYet);
    let least =
        context.text_with(Text::PinLeast, &[("count", &details.min_pin_length.max(4).to_string())]);
    context.say(&least);
    loop {
        let pin = keys::ask_new_pin(context, details, None)?;
        match Key::connect(context)?.ask(&Request::SetPin(pin.clone()), SERVER) {
            Ok(Reply::Done) => {
                context.tell(Text::PinStored);
                return Ok(pin);
            }
            Ok(_) => return Err(peers::unexpected()),
            // The key has rules of its own.
            Err(error) if error.code() == Code::PinPolicy => {
                keys::another_try(context, error, details.clone())?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Has the key make a credential, and the server take it.
fn register(
    context: &mut Context<'_, '_>,
    begun: &Begun,
    key: &KeyInfo,
    pin: Pin,
    options: &EnrollOptions,
) -> Result<(Enrolled, Kept), CliError> {
    let enrollment = &begun.enrollment;
    pin_rules::check(&pin, enrollment)?;
    let can_force = pin_rules::can_force(enrollment, key.details.as_ref());
    let name = shown_name(context, enrollment);
    let args = [("name", name.as_str()), ("login", enrollment.login.as_str())];
    let registering = context.text_with(Text::Registering, &args);
    context.say(&registering);
    let made = make(context, enrollment, pin.clone(), TOUCH.saturating_sub(begun.at.elapsed()))?;
    let finish = EnrollFinish {
        session: enrollment.session.clone(),
        client_data: enrollment.client_data.clone(),
        attestation_object: made.attestation_object,
        credential_id: made.credential.clone(),
        label: label(context.language, options, key)?,
        can_force_pin_change: can_force,
    };
    // The key has been touched: whoever stops it now would not know what came of it.
    let agent::Reply::Enrolled(enrolled) =
        Agent::connect(context)?.ask(&agent::Request::EnrollFinish(finish), SERVER)?
    else {
        return Err(peers::unexpected());
    };
    let on_key = (made.credential, made.min_pin_length);
    let kept = Kept::after(context, enrollment, on_key, can_force, pin);
    Ok((enrolled, kept))
}

fn make(
    context: &mut Context<'_, '_>,
    enrollment: &Enrollment,
    pin: Pin,
    wait: Duration,
) -> Result<KeyCredential, CliError> {
    let pool = enrollment.pool.iter().flat_map(|pool| pool.iter());
    let exclude = enrollment.exclude.iter().chain(pool).cloned().collect();
    let request = Request::MakeCredential(Box::new(MakeCredential {
        pin,
        rp_id: enrollment.rp_id.clone(),
        rp_name: enrollment.rp_name.to_string(),
        user_handle: enrollment.user_handle.clone(),
        user_name: enrollment.login.to_string(),
        display_name: enrollment.display_name.to_string(),
        client_data: enrollment.client_data.clone(),
        algorithms: enrollment.algorithms.clone(),
        exclude: List::new(exclude).map_err(|_| peers::unexpected())?,
        cred_protect: enrollment.cred_protect,
        wait_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX),
        min_pin_length: enrollment.min_pin_length,
    }));
    let mut link = Key::connect(context)?;
    link.send(&request)?;
    drop(request);
    let deadline = Deadline::after(wait + MARGIN);
    loop {
        let person = &mut *context.env.person;
        match link.next_unless_stopped(person, deadline, Code::TouchTimeout)? {
            Reply::Insert => context.say_code(Prompt::InsertKey, &[]),
            Reply::Touch => context.say_code(Prompt::TouchNow, &[]),
            Reply::Credential(credential) => return Ok(credential),
            _ => return Err(peers::unexpected()),
        }
    }
}

fn label(
    language: Language,
    options: &EnrollOptions,
    key: &KeyInfo,
) -> Result<DisplayText, CliError> {
    if let Some(label) = &options.label {
        return Ok(label.clone());
    }
    let name = output::name_of(key);
    // 64 characters may be more bytes than a label takes.
    DisplayText::new(name.trim())
        .or_else(|_| DisplayText::new(Text::DefaultLabel.say(language)))
        .map_err(|error| CliError::invalid(error.to_string()).caused_by(error))
}

fn success(context: &Context<'_, '_>, begun: &Begun, enrolled: &Enrolled, kept: &Kept) -> Output {
    let enrollment = &begun.enrollment;
    let name = shown_name(context, enrollment);
    let mut text = texts::message(Notice::Enrolled, context.language, &[("name", &name)]);
    text += &format!("\n{}: {}", context.text(Text::Fingerprint), enrolled.key.short());
    let only = enrollment.exclude.is_empty();
    if only {
        text += &format!("\n{}", context.text(Text::Backup));
    }
    for line in kept.lines(context.language) {
        text += &format!("\n{line}");
    }
    let json = json!({
        "login": enrolled.login.as_str(),
        "display_name": enrolled.display_name.as_str(),
        "key": enrolled.key.to_hex(),
        "fingerprint": enrolled.key.short(),
        "attested": enrolled.attested,
        "backup_recommended": only,
        "pin": kept.json(),
    });
    Output { text, json }
}
