//! `wardkey key`.

use std::time::Duration;

use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::message::key::{Pin, Reply, Request};

use crate::args::SearchOptions;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Output};
use crate::peers::{self, Key};
use crate::security_key::{
    another_try, ask_new_pin, ask_pin, list, the_one_key, usable, with_tries,
};
use crate::texts::Text;

/// How long setting or changing a PIN may take.
const CHANGE: Duration = Duration::from_secs(40);

pub(crate) fn info(
    context: &mut Context<'_, '_>,
    options: &SearchOptions,
) -> Result<Output, CliError> {
    let mut keys = list(&mut Key::connect(context)?)?;
    keys.retain(|key| {
        let ids = format!("{:04x}:{:04x}", key.vendor, key.product);
        let model = key.details.as_ref().map_or_else(String::new, |of| of.aaguid.to_string());
        options.finds(&[&key.name, &key.path, &ids, &model])
    });
    let text = match &options.search {
        Some(text) if keys.is_empty() => context.text_with(Text::NoneFound, &[("text", text)]),
        _ => output::keys(context.language, &keys),
    };
    Ok(Output {
        text,
        json: json!({ "keys": keys.iter().map(output::key_json).collect::<Vec<_>>() }),
    })
}

pub(crate) fn change_pin(context: &mut Context<'_, '_>) -> Result<Output, CliError> {
    let (_, mut details) = the_one_key(context)?;
    loop {
        if !details.pin_set {
            return Err(CliError::new(Code::PinNotSet));
        }
        usable(&details)?;
        let question = with_tries(context, &context.text(Text::AskPinNow), &details);
        // A PIN of kana, which another program has set, is changed here: nothing else takes it.
        let old = ask_pin(context, &question, Pin::new)?;
        let new = ask_new_pin(context, &details, Some(&old))?;
        let request = Request::ChangePin { old, new };
        match Key::connect(context)?.ask(&request, CHANGE) {
            Ok(Reply::Done) => break,
            Ok(_) => return Err(peers::unexpected()),
            Err(error) => details = another_try(context, error, details)?,
        }
    }
    let text = context.text(Text::PinChanged);
    Ok(Output { text, json: json!({ "changed": true }) })
}
