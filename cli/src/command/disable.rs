//! `wardkey disable`.

use std::time::Duration;

use wardkey_core::code::Code;

use crate::args::DisableOptions;
use crate::context::Context;
use crate::error::CliError;
use crate::output::Output;
use crate::pam::kept::Kept;
use crate::pam::profile::{self, State};
use crate::pam::undo::{self, Pending};
use crate::texts::Text;

use super::enable::{done, needs_root, now};

/// So much earlier than by our clock a timer may fire.
const TIMERS_DIFFER: Duration = Duration::from_secs(10);

/// The service of `passwd(1)`.
const PASSWD: &str = "passwd";

pub(crate) fn disable(
    context: &mut Context<'_, '_>,
    options: &DisableOptions,
) -> Result<Output, CliError> {
    let output = switch_off(context, options)?;
    Ok(with_other_services(context, output))
}

/// Names the services that ask for the key still: files that somebody wrote are not changed.
fn with_other_services(context: &Context<'_, '_>, output: Output) -> Output {
    let services = profile::other_services(&context.env.places);
    let Output { mut text, mut json } = output;
    let is_off = json.get("enabled").is_some_and(|enabled| *enabled == false);
    if is_off && !services.is_empty() {
        let names = services.join(", ");
        let more = context.text_with(Text::OtherServices, &[("services", &names)]);
        text = format!("{text}\n{more}");
        if services.iter().any(|name| name == PASSWD) {
            text = format!("{text}\n{}", context.text(Text::PasswdOfKeys));
        }
    }
    if let Some(fields) = json.as_object_mut() {
        fields.insert("services".to_owned(), services.into());
    }
    Output { text, json }
}

fn switch_off(context: &mut Context<'_, '_>, options: &DisableOptions) -> Result<Output, CliError> {
    needs_root(context)?;
    if let Some(seconds) = options.after {
        std::thread::sleep(Duration::from_secs(seconds.into()));
    }
    let pending = Pending::read(&context.env.places).filter(|_| options.unconfirmed);
    if let Some(left) =
        pending.and_then(|pending| pending.left()).filter(|left| *left <= TIMERS_DIFFER)
    {
        std::thread::sleep(left);
    }
    let _lock = undo::lock(&context.env.places)?;
    if !options.unconfirmed {
        undo::forget_unconfirmed(&context.env.places)?;
    }
    match now(context) {
        (_, Some(pending)) if options.unconfirmed && pending.left().is_some() => {
            Ok(done(context, Text::NothingToUndo, true, false))
        }
        (_, Some(_)) if options.unconfirmed => {
            undo::undo_unconfirmed(&context.env.places)?;
            Ok(done(context, Text::Disabled, false, true))
        }
        (_, Some(_)) => {
            undo::undo(&context.env.places)?;
            Ok(done(context, Text::Disabled, false, true))
        }
        (state, None) if options.unconfirmed => {
            Ok(done(context, Text::NothingToUndo, state != State::Off, false))
        }
        (State::Off, None) => Ok(done(context, Text::DisabledAlready, false, false)),
        (State::Edited(how), None) => {
            Err(CliError::with(Code::PamFilesEdited, Text::TakeOutByHand.with([("how", how)])))
        }
        (State::On, None) => {
            // A power failure meanwhile leaves what pam-auth-update leaves: each file old or new.
            let kept = Kept::now(&context.env.places)?;
            profile::switch(&context.env.places, false).inspect_err(|_| kept.put_back())?;
            Ok(done(context, Text::Disabled, false, true))
        }
    }
}
