//! One person after the other, at a desk.

use std::time::Duration;

use serde_json::json;
use wardkey_core::code::Code;

use crate::console::Wait;
use crate::context::Context;
use crate::error::CliError;
use crate::output::Output;
use crate::texts::Text;

use super::screen::{CLEAN, READING};

/// How long a question waits for somebody who has begun, also to type: whoever goes away leaves no
/// code behind for which the next one would enroll a key.
const AWAY: Duration = Duration::from_secs(120);

/// Asks for codes and registers keys by them, until the question for a code is left unanswered:
/// Ctrl-C, Ctrl-D, the end of the input.
pub(super) fn desk(
    context: &mut Context<'_, '_>,
    ask_code: impl Fn(&mut Context<'_, '_>) -> Result<String, CliError>,
    enroll_by: impl Fn(&mut Context<'_, '_>, &str) -> Result<Output, CliError>,
) -> Result<Output, CliError> {
    let mut count: u32 = 0;
    loop {
        context.patience = Wait::OnceBegun(AWAY);
        context.tell(Text::DeskWelcome);
        let enrolled = match ask_code(context) {
            Ok(code) => {
                context.patience = Wait::For(AWAY);
                enroll_by(context, &code)
            }
            Err(error) if error.code() == Code::Cancelled => return Ok(done(context, count)),
            Err(error) => Err(error),
        };
        match enrolled {
            Ok(output) => {
                count = count.saturating_add(1);
                context.print(&output);
            }
            Err(error) => context.fail(&error),
        }
        if context.env.person.interactive() {
            // Whatever is answered, and also when nothing is.
            let _ = context.env.person.ask(&context.text(Text::DeskNext), Some(READING));
            context.say(CLEAN);
        }
    }
}

fn done(context: &Context<'_, '_>, count: u32) -> Output {
    let text = context.text_with(Text::DeskDone, &[("count", &count.to_string())]);
    Output { text, json: json!({ "enrolled": count }) }
}
