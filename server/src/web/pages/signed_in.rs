//! Who is signed in at which terminal.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};

use crate::admin::desk::DeskSessionView;
use crate::admin::role::Act;
use crate::api::call::Call;
use crate::api::desks::{List, Which};
use crate::api::endpoint::{Asked, Nothing};
use crate::api::perform::perform;
use crate::error::Result as Outcome;
use crate::report::Cell;
use crate::web::file::{self, PART};
use crate::web::filter::Filter;
use crate::web::form::{asked_for, asked_of, query_of};
use crate::web::frame::{Frame, next, or_nothing};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;
use crate::web::visitor::Visitor;

/// The list.
pub async fn show(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(query): Filter<Which>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let given = query.clone();
    let asked = given_of(&given);
    let mut look = site.look(&who, format!("signed-in\n{}", query_of(&asked))).await?;
    let list = Asked::<List> { target: Nothing {}, query, body: Nothing {} };
    let sessions = perform(&mut look.call, list, None).await?;

    let body = html! {
        form.line.no-print role="search" {
            label { (say.text(Text::FindSignedIn))
                input type="search" name="search" size="28" maxlength="200"
                    value=[given.search.as_deref()]; }
            label { (say.text(Text::Scope))
                input name="scope" size="16" value=[given.scope.as_deref()]; }
            @for (name, value) in [("terminal", &given.terminal), ("person", &given.person)] {
                @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
            }
            button { (say.text(Text::Search)) }
        }
        section {
            p { (say.text(Text::SignedInWhat)) }
            (table(&say, &sessions.items))
        }
        (next(&say, "/signed-in", &asked, sessions.next.as_deref()))
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::SignedIn), body))
}

/// The list as a file.
pub async fn file(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(query): Filter<Which>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let list = file::List::<List, DeskSessionView> {
        name: "signed-in",
        asked: query_of(&given_of(&query)),
        head: &[
            Text::Terminal,
            Text::Person,
            Text::Name,
            Text::Account,
            Text::LoggedInSince,
            Text::SessionBegan,
            Text::State,
            Text::StateSince,
            Text::Code,
            Text::PerhapsEnded,
            Text::Service,
            Text::Fingerprint,
            Text::Seen,
        ],
        part: Box::new(move |after| Which { after, limit: Some(PART), ..query.clone() }),
        row: |say, session| {
            vec![
                session.terminal_name.as_str().into(),
                session.person.as_str().into(),
                Cell::name(session.name.as_deref()),
                session.account.as_str().into(),
                say.moment_or_none(session.since),
                say.moment(session.began),
                say.text(screen(session).0).as_str().into(),
                say.moment_or_none(session.screen_since),
                Cell::name(session.screen_reason.as_deref()),
                Cell::Count(session.uncertain.into()),
                Cell::name(session.service.as_deref()),
                Cell::name(session.key.as_deref()),
                say.moment_or_none(session.heard),
            ]
        },
    };
    file::list(site, say, (headers, who), list).await
}

fn given_of(query: &Which) -> [(&'static str, Option<&str>); 4] {
    [
        ("search", query.search.as_deref()),
        ("scope", query.scope.as_deref()),
        ("terminal", query.terminal.as_deref()),
        ("person", query.person.as_deref()),
    ]
}

/// The first of those that fit, as a part of another page; nothing for whoever may not see them.
pub async fn section(call: &mut Call<'_>, say: &Say, which: Which) -> Outcome<Markup> {
    if !call.grant().has(Act::ReadSessions) {
        return Ok(html! {});
    }
    let all = asked_of("/signed-in", &given_of(&which));
    let asked = Asked::<List> { target: Nothing {}, query: which, body: Nothing {} };
    let sessions = perform(call, asked, None).await?;
    Ok(html! {
        section {
            h2 { (say.text(Text::SignedInNow)) }
            (table(say, &sessions.items))
            p.no-print { a.button href=(all) { (say.text(Text::AllSignedIn)) } }
        }
    })
}

/// Who is signed in, as a table.
fn table(say: &Say, sessions: &[DeskSessionView]) -> Markup {
    let rows = html! {
        table {
            thead { tr {
                th scope="col" { (say.text(Text::Terminal)) }
                th scope="col" { (say.text(Text::Person)) }
                th scope="col" { (say.text(Text::Account)) }
                th scope="col" { (say.text(Text::LoggedInSince)) }
                th scope="col" { (say.text(Text::State)) }
                th scope="col" { (say.text(Text::Key)) }
                th scope="col" { (say.text(Text::Seen)) }
            } }
            tbody {
                @for session in sessions {
                    tr {
                        td { a href={ "/terminals/" (session.terminal) } {
                            (session.terminal_name)
                        } }
                        td { (person(session)) }
                        td { (session.account) }
                        td.time { (say.time_or_none(session.since)) }
                        td { (state(say, session)) }
                        td { (session.key.as_deref().unwrap_or("–")) }
                        td.time { (say.time_or_none(session.heard)) }
                    }
                }
            }
        }
    };
    or_nothing(say, sessions.is_empty(), rows)
}

/// A person of the terminal's scopes has a page.
fn person(session: &DeskSessionView) -> Markup {
    html! {
        @match &session.name {
            Some(name) => a href={ "/people/" (session.person) } {
                (name) " (" (session.person) ")"
            },
            None => (session.person),
        }
    }
}

/// What its screen is, and how that looks.
fn screen(session: &DeskSessionView) -> (Text, &'static str) {
    match session.screen {
        "locked" => (Text::ScreenLocked, "state"),
        "opened" => (Text::ScreenOpened, "state bad"),
        _ => (Text::ScreenOpen, "state good"),
    }
}

fn state(say: &Say, session: &DeskSessionView) -> Markup {
    let (text, class) = screen(session);
    html! {
        span class=(class) { (say.text(text)) }
        @if let Some(since) = session.screen_since {
            " " span.quiet { (say.time(since)) }
        }
        @if session.uncertain { " " span.state.bad { (say.text(Text::PerhapsEnded)) } }
    }
}
