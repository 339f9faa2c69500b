//! `wardkey who`.

use std::time::Duration;

use serde_json::{Value, json};
use wardkey_core::code::Notice;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_core::message::session::SessionInfo;
use wardkey_core::name::{Language, printable};
use wardkey_core::texts;

use crate::args::SearchOptions;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Output};
use crate::peers::{self, Agent};
use crate::texts::Text;

const ANSWER: Duration = Duration::from_secs(10);

pub(crate) fn who(
    context: &mut Context<'_, '_>,
    options: &SearchOptions,
) -> Result<Output, CliError> {
    match Agent::connect(context)?.ask(&Request::Who, ANSWER)? {
        Reply::Sessions(sessions) => {
            let language = context.language;
            let shown: Vec<_> =
                sessions.iter().filter(|session| is_found(session, options)).collect();
            let lines: Vec<_> = shown.iter().map(|session| line(language, session)).collect();
            let text = match &options.search {
                _ if !lines.is_empty() => lines.join("\n"),
                Some(text) => context.text_with(Text::NoneFound, &[("text", text)]),
                None => texts::message(Notice::NobodySignedIn, language, &[]),
            };
            let all: Vec<_> = shown.into_iter().map(session_json).collect();
            Ok(Output { text, json: json!({ "sessions": all }) })
        }
        _ => Err(peers::unexpected()),
    }
}

fn is_found(session: &SessionInfo, options: &SearchOptions) -> bool {
    let key = session.key.map(|key| key.short());
    let places = [&session.seat, &session.tty, &session.session, &key];
    let mut texts = vec![session.person.as_str(), session.account.as_str()];
    texts.extend(places.into_iter().filter_map(|text| text.as_deref()));
    options.finds(&texts)
}

fn line(language: Language, session: &SessionInfo) -> String {
    let place = [session.seat.as_deref(), session.tty.as_deref(), session.session.as_deref()];
    let place: Vec<_> = place.into_iter().flatten().map(|name| printable(name, 32)).collect();
    let since = output::date(session.started);
    let key =
        session.key.map_or_else(|| Text::WhoNoKey.say(language).to_owned(), |key| key.short());
    let args = [
        ("person", session.person.as_str()),
        ("account", session.account.as_str()),
        ("place", &place.join(" ")),
        ("since", &since),
        ("key", &key),
    ];
    let state = match (session.locked, session.key_here) {
        (Some(locked), _) => {
            Text::WhoLocked.say_with(language, &[("since", &output::date(locked))])
        }
        (None, Some(false)) => Text::WhoKeyGone.say(language),
        (None, _) => Text::WhoOpen.say(language),
    };
    format!("{}\n  {state}", Text::WhoLine.say_with(language, &args))
}

fn session_json(session: &SessionInfo) -> Value {
    json!({
        "session": session.session,
        "seat": session.seat,
        "account": session.account.as_str(),
        "person": session.person.as_str(),
        "key": session.key.map(|key| key.short()),
        "service": session.service,
        "tty": session.tty,
        "started": session.started.0,
        "proven": session.proven.0,
        "locked": session.locked.map(|time| time.0),
        "key_plugged": session.key_here,
    })
}
