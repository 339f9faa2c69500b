//! Terminals.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};

use super::done::done;
use super::signed_in;
use crate::admin::role::Act;
use crate::admin::terminal::{TerminalDetails, TerminalSwitched, TerminalView};
use crate::api::call::Done;
use crate::api::desks;
use crate::api::endpoint::{Asked, Endpoint, Nothing, Reason, Route, Terminal, parsed};
use crate::api::perform::perform;
use crate::api::terminals::{List, Show, Which};
use crate::report::Cell;
use crate::web::file::{self, PART};
use crate::web::filter::Filter;
use crate::web::form::{Form, asked_for, query_of};
use crate::web::frame::{Frame, Led, act, next, or_nothing, search, state};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;
use crate::web::visitor::Visitor;

/// The list.
pub async fn list(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(query): Filter<Which>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let given = query.clone();
    let numbers = numbers_of(&given);
    let asked = given_of(&given, &numbers);
    let mut look = site.look(&who, format!("terminals\n{}", query_of(&asked))).await?;
    let list = Asked::<List> { target: Nothing {}, query, body: Nothing {} };
    let terminals = perform(&mut look.call, list, None).await?;

    let body = html! {
        (search(&say, ("/terminals", Text::FindTerminal), given.search.as_deref()))
        section { (table(&say, &terminals.items)) }
        (next(&say, "/terminals", &asked, terminals.next.as_deref()))
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::Terminals), body))
}

/// The list as a file.
pub async fn file(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(query): Filter<Which>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let list = file::List::<List, TerminalView> {
        name: "terminals",
        asked: query_of(&given_of(&query, &numbers_of(&query))),
        head: &[
            Text::Name,
            Text::Id,
            Text::State,
            Text::Scopes,
            Text::Tags,
            Text::Seen,
            Text::Address,
            Text::Stage,
            Text::NextStage,
            Text::Behind,
            Text::Version,
            Text::Joined,
            Text::CertificateUntil,
        ],
        part: Box::new(move |after| Which { after, limit: Some(PART), ..query.clone() }),
        row: |say, terminal| {
            vec![
                terminal.name.as_str().into(),
                terminal.id.as_str().into(),
                say.state(terminal.status),
                Cell::names(&terminal.scopes),
                Cell::names(&terminal.tags),
                say.moment_or_none(terminal.seen),
                Cell::name(terminal.address.as_deref()),
                terminal.stage.map_or(Cell::Nothing, |stage| say.state(stage)),
                say.moment_or_none(terminal.stage_until),
                terminal.behind.map_or(Cell::Nothing, Cell::Count),
                Cell::name(terminal.version.as_deref()),
                say.moment(terminal.joined),
                say.moment(terminal.certificate_until),
            ]
        },
    };
    file::list(site, say, (headers, who), list).await
}

fn numbers_of(query: &Which) -> [Option<String>; 2] {
    [query.silent, query.behind].map(|number| number.map(|number| number.to_string()))
}

fn given_of<'a>(
    query: &'a Which,
    [silent, behind]: &'a [Option<String>; 2],
) -> [(&'static str, Option<&'a str>); 5] {
    [
        ("search", query.search.as_deref()),
        ("scope", query.scope.as_deref()),
        ("tag", query.tag.as_deref()),
        ("silent", silent.as_deref()),
        ("behind", behind.as_deref()),
    ]
}

/// Terminals as a table.
pub fn table(say: &Say, terminals: &[TerminalView]) -> Markup {
    let rows = html! {
        table {
            thead { tr {
                th scope="col" { (say.text(Text::Name)) }
                th scope="col" { (say.text(Text::State)) }
                th scope="col" { (say.text(Text::Scopes)) }
                th scope="col" { (say.text(Text::Seen)) }
                th scope="col" { (say.text(Text::Stage)) }
                th scope="col" { (say.text(Text::Behind)) }
            } }
            tbody {
                @for terminal in terminals {
                    tr {
                        td { a href={ "/terminals/" (terminal.id) } { (terminal.name) } }
                        td { (state(say, terminal.status)) }
                        td { (terminal.scopes.join(", ")) }
                        td.time { (say.time_or_none(terminal.seen)) }
                        td { (stage(say, terminal)) }
                        td { (terminal.behind.map_or_else(|| "–".into(), |n| n.to_string())) }
                    }
                }
            }
        }
    };
    or_nothing(say, terminals.is_empty(), rows)
}

/// The offline stage, and until when.
fn stage(say: &Say, terminal: &TerminalView) -> Markup {
    html! {
        (say.word(terminal.stage.unwrap_or("–")))
        @if let Some(until) = terminal.stage_until {
            " " span.quiet { (say.with(Text::StageUntil, &[("time", &say.time(until))])) }
        }
    }
}

/// One of them.
pub async fn show(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Path(id): Path<String>,
    Filter(led): Filter<Led>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let target: Terminal = parsed("terminal", &id)?;
    let mut look = site.look(&who, "terminal".into()).await?;
    let asked = Asked::<Show> { target, query: Nothing {}, body: Nothing {} };
    let details = perform(&mut look.call, asked, None).await?;
    let terminal = &details.terminal;
    let grant = &who.known.grant;
    let which = desks::Which { terminal: Some(terminal.id.clone()), ..Default::default() };
    let sessions = signed_in::section(&mut look.call, &say, which).await?;
    let at = |verb: &str| format!("/terminals/{}/{verb}", terminal.id);

    let body = html! {
        (led.said(&say))
        section {
            (facts(&say, &details))
            @if terminal.status == "pending" && grant.has(Act::ApproveTerminals) {
                (act(&who, &say, (&at("approve"), Text::ApproveTerminal), false))
            }
            @if terminal.status != "revoked" && grant.has(Act::DisableTerminals) {
                (act(&who, &say, (&at("disable"), Text::DisableTerminal), true))
            }
        }
        (sessions)
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&terminal.name, body))
}

fn facts(say: &Say, details: &TerminalDetails) -> Markup {
    let terminal = &details.terminal;
    html! {
        dl {
            dt { (say.text(Text::State)) } dd { (state(say, terminal.status)) }
            dt { (say.text(Text::Scopes)) } dd { (terminal.scopes.join(", ")) }
            dt { (say.text(Text::Tags)) } dd { (terminal.tags.join(", ")) }
            dt { (say.text(Text::Joined)) } dd { (say.time(terminal.joined)) }
            dt { (say.text(Text::Seen)) }
            dd { (say.time_or_none(terminal.seen)) " " (terminal.address.as_deref().unwrap_or("")) }
            dt { (say.text(Text::Stage)) } dd { (stage(say, terminal)) }
            dt { (say.text(Text::CertificateUntil)) } dd { (say.time(terminal.certificate_until)) }
            @for position in &details.positions {
                dt { (say.text(Text::Scope)) " " (position.scope) }
                dd {
                    (position.has.as_deref().unwrap_or("–")) " / " (position.published)
                }
            }
        }
    }
}

/// Does what a route does with a terminal: lets it in, or revokes it.
pub async fn switch<E>(
    State(site): State<Arc<Site>>,
    say: Say,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Refusal>
where
    E: Endpoint
        + Route<Target = Terminal, Query = Nothing, Body = Reason, View = Done<TerminalSwitched>>,
{
    let target = parsed("terminal", &id)?;
    let body = Reason { reason: form.text("reason") };
    let asked = Asked::<E> { target, query: Nothing {}, body };
    let switched = site.act(&form).await?.perform(asked).await?;
    Ok(done(&site, &say, &format!("/terminals/{id}"), switched.unheard))
}
