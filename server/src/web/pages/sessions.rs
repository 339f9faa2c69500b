//! Who is signed in to the pages: one's own sessions, and everybody's for an owner of the whole
//! deployment.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use maud::{Markup, html};

use super::done::done;
use crate::admin::session::Holder;
use crate::admin::session::list::{SessionView, end_one, visible};
use crate::error::{Error, Result};
use crate::web::filter::Filter;
use crate::web::form::{Form, asked_for};
use crate::web::frame::{Frame, Led, act, or_nothing, token};
use crate::web::own::{Anybody, OwnAct, begin, look};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;

/// The page.
pub async fn show(
    State(site): State<Arc<Site>>,
    say: Say,
    Anybody(who): Anybody,
    Filter(led): Filter<Led>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let mut look = look(&site).await?;
    let sessions = visible(&mut look.tx, &who, site.app().now()).await?;
    drop(look);
    let body = html! {
        (led.said(&say))
        section {
            p { (say.text(Text::SessionsWhat)) }
            (or_nothing(&say, sessions.is_empty(), table(&who, &say, &sessions)))
        }
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::Sessions), body))
}

fn table(who: &Holder, say: &Say, sessions: &[SessionView]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { (say.text(Text::Person)) }
                th scope="col" { (say.text(Text::SignedInSince)) }
                th scope="col" { (say.text(Text::LastUsed)) }
                th scope="col" { (say.text(Text::Key)) }
                th.act scope="col" { (say.text(Text::Act)) }
            } }
            tbody {
                @for session in sessions {
                    tr {
                        td { (session.name) " (" (session.login) ")" }
                        td.time { (say.time(session.began)) }
                        td.time { (say.time(session.seen)) }
                        td { (session.label) " " span.quiet { (session.key) } }
                        td.act { (end_of(who, say, session)) }
                    }
                }
            }
        }
    }
}

/// What ends it: one's own at once, somebody else's with a reason.
fn end_of(who: &Holder, say: &Say, session: &SessionView) -> Markup {
    let action = format!("/sessions/{}/end", session.id);
    html! {
        @if session.is_this {
            span.state.good { (say.text(Text::ThisSession)) }
        } @else if session.is_own {
            form method="post" action=(action) {
                (token(who))
                button.bad { (say.text(Text::EndSession)) }
            }
        } @else {
            (act(who, say, (&action, Text::EndSession), true))
        }
    }
}

/// Ends one.
pub async fn end(
    State(site): State<Arc<Site>>,
    say: Say,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let OwnAct { who, mut tx, now, .. } = begin(&site, &form).await?;
    end_one(&mut tx, &who, (&id, form.field("reason")), now).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(done(&site, &say, "/sessions", None))
}
