//! Today: what is not as it should be, and where to go from here.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use maud::{Markup, html};
use wardkey_core::name::Language;

use super::records;
use crate::admin::role::Act;
use crate::api::endpoint::{Asked, Nothing};
use crate::api::perform::perform;
use crate::api::records::Events;
use crate::api::server::Status;
use crate::api::terminals;
use crate::watch::StatusView;
use crate::web::form::asked_for;
use crate::web::frame::{Frame, search};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;
use crate::web::visitor::Visitor;

/// Seconds after which a terminal is said to be silent here.
const SILENT: u64 = 3600;
/// Rows of each table.
const ROWS: u32 = 15;

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
    let query = terminals::Which { silent: Some(SILENT), limit: Some(ROWS), ..Default::default() };
    let asked = Asked::<terminals::List> { target: Nothing {}, query, body: Nothing {} };
    let silent = perform(call, asked, None).await?;

    let body = html! {
        @if grant.has(Act::ReadPeople) { (search(&say, ("/people", Text::FindPerson), None)) }
        @if let Some(status) = &status { (state_of(&say, status)) }
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
