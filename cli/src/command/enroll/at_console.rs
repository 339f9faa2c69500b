//! One person after the other, at a virtual terminal at which nobody is logged in.
//!
//! ```text
//!   login name ─ code ─ agent: whose is it? ─ "is this you?" ─ key, PIN, touch ─ screen cleared
//!       ^          └ wrong, or another person's: the same words, and a pause
//!       └── idle, Ctrl-C at any moment, anything else: from the beginning
//! ```
//! There is no way out but the end of the process, after which systemd starts it anew.

use std::time::Duration;

use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::name::LoginName;

use crate::console::Wait;
use crate::context::Context;
use crate::error::CliError;
use crate::output::Output;
use crate::security_key::{ask, no_answer};
use crate::systemd;
use crate::texts::Text;

use super::begun::Begun;
use super::screen::{READING, RESET};

/// How long a question waits. Whoever goes away leaves nothing behind for the next one.
const AWAY: Duration = Duration::from_secs(120);
/// How long the first question waits before the screen is cleared and it is asked anew.
const IDLE: Duration = Duration::from_secs(60);
/// The longest pause after wrong codes, in seconds.
const LONGEST: u64 = 16;

/// Who has a code, as typed.
pub(super) struct Typed {
    /// Whom the code has to be for.
    pub(super) login: LoginName,
    /// The code.
    pub(super) code: String,
}

/// Whose key it becomes by a code.
pub(super) struct Whose {
    /// As it is shown.
    pub(super) name: String,
    /// What the server said.
    pub(super) begun: Begun,
}

/// Registers keys until the process is told to end, or its terminal is gone.
pub(super) fn at_console(
    context: &mut Context<'_, '_>,
    a_code: impl Fn(&str) -> Result<String, CliError>,
    whom: impl Fn(&mut Context<'_, '_>, &Typed) -> Result<Whose, CliError>,
    enroll_by: impl Fn(&mut Context<'_, '_>, &Typed, Begun) -> Result<Output, CliError>,
) -> Result<Output, CliError> {
    let (mut count, mut wrong, mut is_shown) = (0_u32, 0_u32, false);
    let mut stopped = None;
    while !context.env.person.is_over() {
        context.say(RESET);
        for text in [stopped.take(), Some(Text::ConsoleWelcome), Some(Text::ConsoleUncalled)] {
            text.into_iter().for_each(|text| context.tell(text));
        }
        context.tell(Text::ConsoleStop);
        if !is_shown && !context.env.person.is_over() {
            // "enable" waits for this.
            systemd::tell_ready();
            is_shown = true;
        }

        let mut begun = false;
        let enrolled = typed(context, &a_code).and_then(|typed| {
            begun = true;
            let whose = whom(context, &typed).map_err(in_the_same_words)?;
            is_meant(context, &whose.name)?;
            enroll_by(context, &typed, whose.begun)
        });
        match enrolled {
            Ok(output) => {
                (count, wrong) = (count.saturating_add(1), 0);
                context.print(&output);
            }
            Err(error) if error.code() == Code::Cancelled => {
                stopped = begun.then_some(Text::ConsoleStopped);
                continue;
            }
            Err(error) => {
                context.fail(&error);
                if error.code() == Code::EnrollmentCodeInvalid {
                    wrong = wrong.saturating_add(1);
                    context.env.person.pause(pause(wrong));
                }
            }
        }
        // Whatever is answered, and also when nothing is.
        let _ = context.env.person.ask(&context.text(Text::ConsoleNext), Some(READING));
    }
    let text = context.text_with(Text::DeskDone, &[("count", &count.to_string())]);
    Ok(Output { text, json: json!({ "enrolled": count }) })
}

/// What is said of a code that does not lead on. Whatever may be said of good codes alone (another
/// person's, one of somebody who has keys enough) is said in the words of a wrong one.
fn in_the_same_words(error: CliError) -> CliError {
    let is_said_of_all = matches!(error, CliError::Unreachable { .. })
        || matches!(
            error.code(),
            Code::Cancelled
                | Code::NotJoined
                | Code::AnchorMissing
                | Code::CallerNotAllowed
                | Code::TerminalDisabled
                | Code::TerminalCertificate
                | Code::TooManyRequests
                | Code::ServerUnreachable
                | Code::ServerNotTrusted
        );
    if is_said_of_all { error } else { CliError::new(Code::EnrollmentCodeInvalid) }
}

/// After so many wrong codes one after the other. It is a brake for hands: what limits the tries
/// of a terminal is the server.
fn pause(wrong: u32) -> Duration {
    Duration::from_secs(2_u64.saturating_pow(wrong).min(LONGEST))
}

fn typed(
    context: &mut Context<'_, '_>,
    a_code: impl Fn(&str) -> Result<String, CliError>,
) -> Result<Typed, CliError> {
    let question = context.text(Text::AskLogin);
    let login = context.env.person.ask(&question, Some(IDLE)).map_err(no_answer)?;
    if login.trim().is_empty() {
        return Err(CliError::new(Code::Cancelled));
    }
    let login = LoginName::new(login.trim()).map_err(|_| CliError::invalid(Text::LoginNotOne))?;
    context.patience = Wait::For(AWAY);
    let code = a_code(&ask(context, &context.text(Text::AskCode))?)?;
    Ok(Typed { login, code })
}

/// The code is the person's who typed it: nothing is spent before that is said.
fn is_meant(context: &mut Context<'_, '_>, whose: &str) -> Result<(), CliError> {
    let text = context.text_with(Text::ConsoleWhom, &[("name", whose)]);
    context.say(&text);
    let answer = ask(context, &context.text(Text::AskWhether))?;
    if answer.is_empty() { Ok(()) } else { Err(CliError::new(Code::Cancelled)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_with_wrong_codes_to_a_quarter_of_a_minute() {
        let seconds = [1, 2, 4, 5, u32::MAX].map(|wrong| pause(wrong).as_secs());
        assert_eq!(seconds, [2, 4, 16, 16, 16]);
    }
}
