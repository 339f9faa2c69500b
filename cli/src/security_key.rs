//! The plugged security key: finding the key, asking for PINs.

use std::time::Duration;

use wardkey_core::code::{Code, Prompt};
use wardkey_core::codec::{self, Bytes, Document, List};
use wardkey_core::id::{CredentialId, Nonce, TerminalId};
use wardkey_core::message::key::{Identified, Identify, KeyDetails, KeyInfo, Pin, Reply, Request};
use wardkey_core::name::RpId;
use wardkey_core::proof::identification::IdentifyData;
use wardkey_core::texts;
use wardkey_ipc::Deadline;
use zeroize::Zeroizing;

use crate::console::NoAnswer;
use crate::context::Context;
use crate::error::CliError;
use crate::peers::{self, Key};
use crate::texts::Text;

/// How long looking at all keys may take.
const LOOK: Duration = Duration::from_secs(15);
/// How long to wait for a key to be plugged.
const PLUG: Duration = Duration::from_secs(120);
/// PIN tries of a key that had none wrong (CTAP 2.1, 6.5.2.2: at most 8).
const ALL_TRIES: u8 = 8;
/// How often a person may be asked for a new PIN that fits.
const ROUNDS: usize = 5;

/// The one key that is plugged, which answers; waits for it to be plugged.
pub(crate) fn the_one_key(
    context: &mut Context<'_, '_>,
) -> Result<(KeyInfo, KeyDetails), CliError> {
    let deadline = Deadline::after(PLUG);
    let mut link = Key::connect(context)?;
    let mut silent = 0;
    let mut told = None;
    while !deadline.has_passed() {
        let keys = list_unless_stopped(context, &mut link)?;
        match keys.as_slice() {
            [KeyInfo { details: Some(details), .. }] if is_fido2(details) => {
                let details = details.clone();
                return keys
                    .into_iter()
                    .next()
                    .map(|key| (key, details))
                    .ok_or_else(peers::unexpected);
            }
            [KeyInfo { details: Some(_), .. }] => return Err(CliError::new(Code::KeyUnsuitable)),
            // What it is will not change by asking again.
            [KeyInfo { problem: Some(Code::KeyUnsuitable), .. }] => {
                return Err(CliError::new(Code::KeyUnsuitable));
            }
            // A key that was just plugged needs a moment.
            [_] if silent < 5 => {
                silent += 1;
                std::thread::sleep(Duration::from_millis(300));
            }
            [key] => return Err(CliError::new(key.problem.unwrap_or(Code::KeyFault))),
            several => {
                let count = several.len();
                if told != Some(count) {
                    if count == 0 {
                        context.say_code(Prompt::InsertKey, &[]);
                    } else {
                        context.tell(Text::SeveralKeys);
                    }
                    told = Some(count);
                }
                wait_for_change(context, count, deadline)?;
            }
        }
    }
    Err(CliError::new(Code::KeyTimeout))
}

/// Waits until another number of keys is plugged than before.
fn wait_for_change(
    context: &mut Context<'_, '_>,
    before: usize,
    deadline: Deadline,
) -> Result<(), CliError> {
    let mut link = Key::connect(context)?;
    link.send(&Request::Watch)?;
    loop {
        let person = &mut *context.env.person;
        match link.next_unless_stopped(person, deadline, Code::KeyTimeout)? {
            Reply::Keys(keys) if keys.len() != before => return Ok(()),
            Reply::Keys(_) => {}
            _ => return Err(peers::unexpected()),
        }
    }
}

/// Whether a PIN may be asked for now.
pub(crate) fn usable(details: &KeyDetails) -> Result<(), CliError> {
    match details.pin_tries {
        Some(0) => Err(CliError::new(Code::PinBlocked)),
        _ => Ok(()),
    }
}

/// After a failure with a PIN: asks the person again if that can be, and says what it costs. Gives
/// the key as it is now. A script is never given another try.
pub(crate) fn another_try(
    context: &mut Context<'_, '_>,
    error: CliError,
    details: KeyDetails,
) -> Result<KeyDetails, CliError> {
    let again = matches!(error.code(), Code::PinWrong | Code::PinPolicy | Code::PinShort)
        && context.env.person.interactive();
    let tries = match &error {
        CliError::Refused { args, .. } => args.iter().find(|(name, _)| *name == "tries"),
        _ => None,
    };
    let left = tries.and_then(|(_, tries)| tries.to_string().parse::<u8>().ok());
    match error.code() {
        // Not knowing how many tries are left, none is spent.
        Code::PinWrong if again && left.is_some_and(|left| left > 0) => {
            context.say(&error.to_text(context.language));
            Ok(KeyDetails { pin_tries: left, ..details })
        }
        Code::PinPolicy | Code::PinShort if again => {
            context.say(&error.to_text(context.language));
            Ok(details)
        }
        Code::PinWrong if left == Some(0) => Err(CliError::new(Code::PinBlocked)),
        _ => Err(error),
    }
}

/// Asks for the first PIN of a key, or the one after `old`: twice, and not shorter than the key
/// takes.
pub(crate) fn ask_new_pin(
    context: &mut Context<'_, '_>,
    details: &KeyDetails,
    old: Option<&Pin>,
) -> Result<Pin, CliError> {
    let least = details.min_pin_length.max(4);
    for _ in 0..ROUNDS {
        let typed = ask(context, &context.text(Text::AskPinNew))?;
        let again = ask(context, &context.text(Text::AskPinAgain))?;
        let same = *typed == *again;
        let problem = match Pin::chosen(typed, least, old) {
            Ok(pin) if same => return Ok(pin),
            Err(code @ (Code::PinPolicy | Code::PinLength | Code::PinEmpty)) if same => {
                let count = u64::from(least).into();
                CliError::with(code, Text::PinLeast.with([("count", count)]))
            }
            Err(code) if same => CliError::new(code),
            _ => CliError::invalid(Text::PinsDiffer),
        };
        if !context.env.person.interactive() {
            return Err(problem);
        }
        context.say(&problem.to_text(context.language));
    }
    Err(CliError::new(Code::Cancelled))
}

/// Asks for the PIN that a key has; what `read` does not take is asked again of a person, and costs
/// no try.
pub(crate) fn ask_pin(
    context: &mut Context<'_, '_>,
    question: &str,
    read: fn(Zeroizing<String>) -> Result<Pin, Code>,
) -> Result<Pin, CliError> {
    for _ in 0..ROUNDS {
        match read(ask(context, question)?) {
            Ok(pin) => return Ok(pin),
            Err(code) if context.env.person.interactive() => context.say_code(code, &[]),
            Err(code) => return Err(CliError::new(code)),
        }
    }
    Err(CliError::new(Code::Cancelled))
}

/// Asks a question without echo.
pub(crate) fn ask(
    context: &mut Context<'_, '_>,
    question: &str,
) -> Result<Zeroizing<String>, CliError> {
    context.env.person.ask_secret(question, context.patience).map_err(no_answer)
}

/// Why there is no answer, as an error.
pub(crate) fn no_answer(error: NoAnswer) -> CliError {
    match error {
        NoAnswer::Cancelled | NoAnswer::TimedOut => CliError::new(Code::Cancelled),
        NoAnswer::Unreadable => CliError::invalid(error.to_string()).caused_by(error),
        NoAnswer::Io(error) => CliError::because(Code::Internal, error),
    }
}

/// A question, and how many tries are left when they are fewer than all.
pub(crate) fn with_tries(
    context: &Context<'_, '_>,
    question: &str,
    details: &KeyDetails,
) -> String {
    match details.pin_tries.filter(|tries| *tries < ALL_TRIES) {
        Some(tries) => {
            let left = texts::message(
                Prompt::PinTriesLeft,
                context.language,
                &[("tries", &tries.to_string())],
            );
            format!("{} {left}", question.trim_end_matches(": "))
        }
        None => question.to_owned(),
    }
}

/// What keys sign to prove whose they are.
pub(crate) struct Challenge {
    pub(crate) data: IdentifyData,
    /// The same, as they sign it.
    pub(crate) bytes: Bytes<{ IdentifyData::MAX_BYTES }>,
}

impl Challenge {
    /// A fresh one.
    ///
    /// # Errors
    /// The kernel has no randomness.
    pub(crate) fn fresh(terminal: TerminalId) -> Result<Self, CliError> {
        let mut nonce = [0; Nonce::LEN];
        getrandom::fill(&mut nonce)
            .map_err(|error| CliError::with(Code::Internal, format!("getrandom: {error}")))?;
        let data = IdentifyData { nonce: Nonce::new(nonce), terminal };
        let bytes = Bytes::new(codec::to_bytes(&data))
            .map_err(|error| CliError::because(Code::Internal, error))?;
        Ok(Self { data, bytes })
    }
}

/// What the keys that are plugged in say to the question whose they are.
pub(crate) enum Looked {
    /// There are none.
    None,
    /// They hold none of the credentials, for this reason.
    Others(Code),
    /// They claim to hold some.
    Claims(Box<Identified>),
}

/// Asks the keys that are plugged in which of these credentials they hold, without PIN or touch,
/// and waits for no others.
pub(crate) fn look(
    context: &Context<'_, '_>,
    rp_id: RpId,
    allow: Vec<CredentialId>,
    challenge: &Challenge,
) -> Result<Looked, CliError> {
    let allow = List::new(allow).map_err(|error| CliError::because(Code::Internal, error))?;
    let wait_ms = u32::try_from(LOOK.as_millis()).unwrap_or(u32::MAX);
    let client_data = challenge.bytes.clone();
    let request = Identify { rp_id, allow, wait_ms, client_data, every: true, more: None };
    let mut link = Key::connect(context)?;
    link.send(&Request::Identify(request))?;
    match link.next(Deadline::after(LOOK), Code::KeyTimeout)? {
        Reply::Insert => Ok(Looked::None),
        Reply::Unregistered(code) => Ok(Looked::Others(code)),
        Reply::Identified(identified) => Ok(Looked::Claims(Box::new(identified))),
        _ => Err(peers::unexpected()),
    }
}

fn is_fido2(details: &KeyDetails) -> bool {
    details.versions.iter().any(|version| version.starts_with("FIDO_2"))
}

/// The same, and whoever sits there may stop it.
fn list_unless_stopped(
    context: &mut Context<'_, '_>,
    link: &mut Key,
) -> Result<Vec<KeyInfo>, CliError> {
    link.send(&Request::List)?;
    let (deadline, late) = (Deadline::after(LOOK), Code::KeyProcessUnreachable);
    match link.next_unless_stopped(&mut *context.env.person, deadline, late)? {
        Reply::Keys(keys) => Ok(keys.into_vec()),
        _ => Err(peers::unexpected()),
    }
}

pub(crate) fn list(link: &mut Key) -> Result<Vec<KeyInfo>, CliError> {
    match link.ask(&Request::List, LOOK)? {
        Reply::Keys(keys) => Ok(keys.into_vec()),
        _ => Err(peers::unexpected()),
    }
}
