//! Today: what is not as it should be, and where to go from here.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use maud::{Markup, html};
use wardkey_core::name::Language;

use super::{records, signed_in};
use crate::admin::key::KeyOfPerson;
use crate::admin::role::Act;
use crate::api::call::Call;
use crate::api::endpoint::{Asked, Nothing};
use crate::api::perform::perform;
use crate::api::records::Events;
use crate::api::server::Status;
use crate::api::{desks, keys, terminals};
use crate::watch::StatusView;
use crate::web::form::asked_for;
use crate::web::frame::{Frame, or_nothing, search, state};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;
use crate::web::visitor::Visitor;
use crate::when;

/// Seconds after which a terminal is said to be silent here.
const SILENT: u64 = 3600;
/// Rows of each table.
const ROWS: u32 = 15;
/// Characters of a day: 2027-01-15.
const DAY: usize = 10;

/// The page.
pub async fn show(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let mut look = site.look(&who, "today".into()).await?;
    let call = &mut look.call;
    let grant = call.grant().clone();

    let status = if grant.has(Act::ReadStatus) && grant.is_everywhere() {
        let asked = Asked::<Status> { target: Nothing {}, query: Nothing {}, body: Nothing {} };
        Some(perform(call, asked, None).await?)
    } else {
        None
    };
    let failures = if grant.has(Act::ReadEvents) {
        let query = crate::api::records::Which {
            outcome: Some("failure".into()),
            limit: Some(ROWS),
            ..Default::default()
        };
        let asked = Asked::<Events> { target: Nothing {}, query, body: Nothing {} };
        Some(perform(call, asked, None).await?)
    } else {
        None
    };
    let which = desks::Which { limit: Some(ROWS), ..Default::default() };
    let sessions = signed_in::section(call, &say, which).await?;
    let lost = if grant.has(Act::ReadKeys) {
        let query = keys::Wanted {
            disabled_since: Some(midnight(call)),
            limit: Some(ROWS),
            ..Default::default()
        };
        let asked = Asked::<keys::List> { target: Nothing {}, query, body: Nothing {} };
        perform(call, asked, None).await?.items
    } else {
        Vec::new()
    };
    let query = terminals::Which { silent: Some(SILENT), limit: Some(ROWS), ..Default::default() };
    let asked = Asked::<terminals::List> { target: Nothing {}, query, body: Nothing {} };
    let silent = perform(call, asked, None).await?;

    let body = html! {
        @if grant.has(Act::ReadPeople) { (search(&say, ("/people", Text::FindPerson), None)) }
        @if let Some(status) = &status { (state_of(&say, status)) }
        (sessions)
        @if !lost.is_empty() {
            section {
                h2 { (say.text(Text::KeysLostToday)) }
                (or_nothing(&say, false, keys_off(&say, &lost)))
            }
        }
        section {
            h2 { (say.text(Text::SilentTerminals)) }
            (super::terminals::table(&say, &silent.items))
        }
        @if let Some(failures) = &failures {
            section {
                h2 { (say.text(Text::LatestFailures)) }
                (records::table(&say, &failures.items))
            }
        }
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::Today), body))
}

/// The beginning of the day in the deployment's zone, as an address says it.
fn midnight(call: &Call<'_>) -> String {
    when::shown(call.now, &call.zone).chars().take(DAY).collect()
}

fn keys_off(say: &Say, keys: &[KeyOfPerson]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { (say.text(Text::Time)) }
                th scope="col" { (say.text(Text::Person)) }
                th scope="col" { (say.text(Text::Label)) }
                th scope="col" { (say.text(Text::Fingerprint)) }
                th scope="col" { (say.text(Text::State)) }
            } }
            tbody {
                @for KeyOfPerson { person, key, .. } in keys {
                    tr {
                        td.time { (say.time_or_none(key.disabled)) }
                        td { a href={ "/people/" (person) } { (person) } }
                        td { (key.label) }
                        td.id { (key.fingerprint.get(..16).unwrap_or_default()) }
                        td { (state(say, key.status)) }
                    }
                }
            }
        }
    }
}

fn state_of(say: &Say, status: &StatusView) -> Markup {
    let problems = &status.readiness.problems;
    html! {
        @if problems.is_empty() {
            section.note.good { p { (say.text(Text::AllIsWell)) } }
        }
        @for problem in problems {
            @let class = if problem.severity == "critical" { "note bad" } else { "note warn" };
            section class=(class) {
                p {
                    @match say.language {
                        Language::Ja => (problem.message_ja),
                        Language::En => (problem.message),
                    }
                    " " span.quiet { (problem.code) }
                }
            }
        }
        div.tiles {
            @if let Some(terminals) = &status.terminals {
                (tile(say, Text::TerminalsActive, &terminals.active.to_string()))
                (tile(say, Text::TerminalsSilent, &terminals.silent.to_string()))
                (tile(say, Text::TerminalsPending, &terminals.pending.to_string()))
            }
            (tile(say, Text::LastBackup, &say.time_or_none(status.backup)))
        }
    }
}

fn tile(say: &Say, text: Text, value: &str) -> Markup {
    html! { div.tile { b { (value) } (say.text(text)) } }
}
