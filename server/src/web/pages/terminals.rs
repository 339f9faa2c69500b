//! Terminals.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::done::done;
use crate::admin::role::Act;
use crate::admin::terminal::{TerminalDetails, TerminalSwitched, TerminalView};
use crate::api::call::Done;
use crate::api::endpoint::{Asked, Endpoint, Nothing, Reason, Route, Terminal, parsed};
use crate::api::perform::perform;
use crate::api::terminals::{List, Show, Which};
use crate::web::form::{Form, asked_for};
use crate::web::frame::{Frame, act, next, or_nothing, search, state};
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
    Query(query): Query<Which>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let numbers = [query.silent, query.behind].map(|number| number.map(|n| n.to_string()));
    let given = [query.search.clone(), query.scope.clone(), query.tag.clone()];
    let place = format!("terminals\n{given:?}\n{numbers:?}");
    let mut look = site.look(&who, place).await?;
    let asked = Asked::<List> { target: Nothing {}, query, body: Nothing {} };
    let terminals = perform(&mut look.call, asked, None).await?;

    let [searched, scope, tag] = &given;
    let [silent, behind] = &numbers;
    let asked = [
        ("search", searched.as_deref()),
        ("scope", scope.as_deref()),
        ("tag", tag.as_deref()),
        ("silent", silent.as_deref()),
        ("behind", behind.as_deref()),
    ];
    let body = html! {
        (search(&say, ("/terminals", Text::FindTerminal), searched.as_deref()))
        section { (table(&say, &terminals.items)) }
        (next(&say, "/terminals", &asked, terminals.next.as_deref()))
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::Terminals), body))
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
                        td { (say.word(terminal.stage.unwrap_or("–"))) }
                        td { (terminal.behind.map_or_else(|| "–".into(), |n| n.to_string())) }
                    }
                }
            }
        }
    };
    or_nothing(say, terminals.is_empty(), rows)
}

/// What is asked of a page to which an act led back.
#[derive(Deserialize)]
pub struct Led {
    done: Option<String>,
}

/// One of them.
pub async fn show(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Path(id): Path<String>,
    Query(led): Query<Led>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let target: Terminal = parsed("terminal", &id)?;
    let mut look = site.look(&who, "terminal".into()).await?;
    let asked = Asked::<Show> { target, query: Nothing {}, body: Nothing {} };
    let details = perform(&mut look.call, asked, None).await?;
    let terminal = &details.terminal;
    let grant = &who.known.grant;
    let at = |verb: &str| format!("/terminals/{}/{verb}", terminal.id);

    let body = html! {
        @if led.done.is_some() {
            section.note.good role="status" { p { (say.text(Text::Done)) } }
        }
        section {
            (facts(&say, &details))
            @if terminal.status == "pending" && grant.has(Act::ApproveTerminals) {
                (act(&who, &say, (&at("approve"), Text::ApproveTerminal), false))
            }
            @if terminal.status != "revoked" && grant.has(Act::DisableTerminals) {
                (act(&who, &say, (&at("disable"), Text::DisableTerminal), true))
            }
        }
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
            dt { (say.text(Text::Stage)) } dd { (say.word(terminal.stage.unwrap_or("–"))) }
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
