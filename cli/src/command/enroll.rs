//! `wardkey enroll`: a code, a key, a PIN, a touch.
//!
//! ```text
//!   code ─ key (plugged in) ─ agent: EnrollBegin (is the code right? how long is a PIN?)
//!     └─ PIN ─ agent: EnrollBegin ─ key: MakeCredential, touch ─ agent: EnrollFinish
//!         └─ again: the PIN was wrong, tries remain ─┘
//! ```
//! What takes a person's time comes first: a challenge of the server lives 60 seconds.

mod desk;
mod pin_rules;

use std::time::{Duration, Instant};

use serde_json::json;
use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_core::codec::List;
use wardkey_core::id::SigningPublicKey;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{self, EnrollBegin, EnrollFinish, Enrolled, Enrollment};
use wardkey_core::message::key::{
    KeyCredential, KeyDetails, KeyInfo, MakeCredential, Pin, Reply, Request,
};
use wardkey_core::name::{DisplayText, Language};
use wardkey_core::snapshot::verify_roots;
use wardkey_core::texts;
use wardkey_ipc::Deadline;

use crate::anchor::{self, Before};
use crate::args::EnrollOptions;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Output};
use crate::peers::{self, Agent, Key};
use crate::security_key::{self as keys, ask};
use crate::texts::Text;
use pin_rules::Kept;

/// How long the agent may take for an exchange with the server.
const SERVER: Duration = Duration::from_secs(30);
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
        let by = |context: &mut Context<'_, '_>, code: &str| enroll_by(context, code, options);
        return desk::desk(context, typed_code, by);
    }
    let code = match &options.code {
        Some(code) => a_code(code)?,
        None => typed_code(context)?,
    };
    enroll_by(context, &code, options)
}

/// Registers the key that is plugged in, for whom the code is.
fn enroll_by(
    context: &mut Context<'_, '_>,
    code: &str,
    options: &EnrollOptions,
) -> Result<Output, CliError> {
    let trust = trust(context)?;
    let (key, mut details) = keys::the_one_key(context)?;
    if details.pin_must_change {
        return Err(CliError::new(Code::PinMustChange));
    }
    // Whether the code is right, and what is wanted of the PIN, before one is asked for. Its
    // challenge would not live long enough.
    let asked = begin(context, &mut Agent::connect(context)?, code, &trust)?;
    details = pin_rules::announce(context, &asked, details);
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
        let registered = pin_rules::check(&pin, &asked)
            .and_then(|()| register(context, code, &key, &trust, pin, options));
        match registered {
            Ok(registered) => return Ok(success(context, &registered)),
            Err(error) => details = keys::another_try(context, error, details)?,
        }
    }
}

/// Says early what would otherwise be said after code and PIN.
fn must_be_joined(context: &Context<'_, '_>) -> Result<(), CliError> {
    match Agent::connect(context)?.ask(&agent::Request::Status, SERVER)? {
        agent::Reply::Status(status) if status.terminal.is_none() => {
            Err(CliError::new(Code::NotJoined))
        }
        agent::Reply::Status(_) => Ok(()),
        _ => Err(peers::unexpected()),
    }
}

/// What this terminal trusts, by root's files, not by the agent's word.
struct Trust {
    /// The root key of the anchor.
    root_key: SigningPublicKey,
    /// Which root document was followed since.
    marks: Marks,
}

fn trust(context: &Context<'_, '_>) -> Result<Trust, CliError> {
    let marks = anchor::marks(&context.env.marks)?.unwrap_or_default();
    match anchor::read(&context.env.anchor)? {
        Before::Anchor(anchor) => Ok(Trust { root_key: anchor.root_key, marks }),
        Before::Nothing => {
            Err(CliError::with(Code::AnchorMissing, context.env.anchor.display().to_string()))
        }
        Before::Unreadable(why) => {
            Err(CliError::with(Code::AnchorMissing, why.phrase()).caused_by(why))
        }
    }
}

/// A key makes a credential for the name that the root key signed and for no other: else a
/// taken-over agent could have it make one for a deployment of its own.
fn check_rp_id(enrollment: &Enrollment, trust: &Trust) -> Result<(), CliError> {
    let root = verify_roots(&enrollment.roots, &trust.root_key, &trust.marks)
        .map_err(|denial| CliError::because(denial.code, denial))?;
    if root.rp_id == enrollment.rp_id {
        return Ok(());
    }
    let ids =
        [("given", enrollment.rp_id.to_string().into()), ("signed", root.rp_id.to_string().into())];
    Err(CliError::with(Code::RpIdMismatch, Text::RpIdNotSigned.with(ids)))
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

/// Asks the server by the code whom the key is for, and for a challenge.
fn begin(
    context: &Context<'_, '_>,
    agent: &mut Agent,
    code: &str,
    trust: &Trust,
) -> Result<Box<Enrollment>, CliError> {
    let begin = EnrollBegin { code: code.to_owned(), language: context.language };
    let agent::Reply::Enrollment(enrollment) =
        agent.ask(&agent::Request::EnrollBegin(begin), SERVER)?
    else {
        return Err(peers::unexpected());
    };
    check_rp_id(&enrollment, trust)?;
    Ok(enrollment)
}

/// A key that the server has.
struct Registered {
    enrolled: Enrolled,
    enrollment: Box<Enrollment>,
    kept: Kept,
}

fn register(
    context: &mut Context<'_, '_>,
    code: &str,
    key: &KeyInfo,
    trust: &Trust,
    pin: Pin,
    options: &EnrollOptions,
) -> Result<Registered, CliError> {
    let mut agent = Agent::connect(context)?;
    let begun = Instant::now();
    let enrollment = begin(context, &mut agent, code, trust)?;
    pin_rules::check(&pin, &enrollment)?;
    let can_force = pin_rules::can_force(&enrollment, key.details.as_ref());
    let args = [("name", enrollment.display_name.as_str()), ("login", enrollment.login.as_str())];
    let registering = context.text_with(Text::Registering, &args);
    context.say(&registering);
    let made = make(context, &enrollment, pin.clone(), TOUCH.saturating_sub(begun.elapsed()))?;
    let finish = EnrollFinish {
        session: enrollment.session.clone(),
        client_data: enrollment.client_data.clone(),
        attestation_object: made.attestation_object,
        credential_id: made.credential.clone(),
        label: label(context.language, options, key)?,
        can_force_pin_change: can_force,
    };
    let agent::Reply::Enrolled(enrolled) =
        agent.ask(&agent::Request::EnrollFinish(finish), SERVER)?
    else {
        return Err(peers::unexpected());
    };
    let on_key = (made.credential, made.min_pin_length);
    let kept = Kept::after(context, &enrollment, on_key, can_force, pin);
    Ok(Registered { enrolled, enrollment, kept })
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
        match link.next(deadline, Code::TouchTimeout)? {
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

fn success(context: &Context<'_, '_>, registered: &Registered) -> Output {
    let Registered { enrolled, enrollment, kept } = registered;
    let name = enrolled.display_name.as_str();
    let mut text = texts::message(Notice::Enrolled, context.language, &[("name", name)]);
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
        "display_name": name,
        "key": enrolled.key.to_hex(),
        "fingerprint": enrolled.key.short(),
        "attested": enrolled.attested,
        "backup_recommended": only,
        "pin": kept.json(),
    });
    Output { text, json }
}
