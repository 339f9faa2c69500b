//! Who is signed in to the pages: one's own sessions, and everybody's for an owner of the whole
//! deployment.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use maud::{Markup, html};
use wardkey_core::code::Code;

use super::done::done;
use crate::admin::session::list::{SessionView, end_one, visible};
use crate::admin::session::{self, SignedIn};
use crate::error::{Error, Result};
use crate::http::limit::Counted;
use crate::web::cookies::{SESSION, cookie};
use crate::web::filter::Filter;
use crate::web::form::{Form, asked_for};
use crate::web::frame::{Frame, Led, act, or_nothing, token};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;
use crate::web::visitor::Visitor;

/// The page.
pub async fn show(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(led): Filter<Led>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let mut look = site.look(&who, "sessions".into()).await?;
    let now = look.call.now;
    let sessions = visible(&mut look.call.tx, &who, now).await?;
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

fn table(who: &SignedIn, say: &Say, sessions: &[SessionView]) -> Markup {
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
fn end_of(who: &SignedIn, say: &Say, session: &SessionView) -> Markup {
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
    Visitor(who): Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    if !who.sent(form.token()) {
        return Err(session::refused(Code::FormNotOurs).into());
    }
    site.app().limiter.take(Counted::ApiKeyChanges(who.known.id))?;
    let now = site.app().now();
    let mut tx = site.app().store.write().await?;
    // Within the transaction that acts on it: it may be over meanwhile.
    let secret = cookie(&form.headers, SESSION).unwrap_or_default();
    let who = session::known(&mut tx, secret, now).await?;
    end_one(&mut tx, &who, (&id, form.field("reason")), now).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(done(&site, &say, "/sessions", None))
}
