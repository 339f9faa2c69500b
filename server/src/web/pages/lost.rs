//! A key of one's own is lost.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use super::done::done;
use super::me::PLACE;
use crate::admin::own;
use crate::api::call::NotHeard;
use crate::store::credential::CredentialStatus;
use crate::web::cookies::{SESSION, take_cookie};
use crate::web::form::{Form, asked_for, encoded};
use crate::web::frame::{Frame, token};
use crate::web::own::{Anybody, begin, look};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;

/// What stands in the trail when nothing was said.
const REASON: &str = "reported lost";

/// What will happen, and a button.
pub async fn ask(
    State(site): State<Arc<Site>>,
    say: Say,
    Anybody(who): Anybody,
    Path(fingerprint): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let mut look = look(&site).await?;
    let now = site.app().now();
    let key = own::key_of(&mut look.tx, &who.login, &fingerprint).await?;
    let own = own::show(&mut look.tx, &who.login, now).await?;
    drop(look);
    if who.must_be_fresh(now).is_err() {
        return Ok(again(&fingerprint));
    }

    let active = own.keys.iter().filter(|own| own.key.status == "active").count();
    let is_off = key.status != CredentialStatus::Active;
    let name = key.own_name.as_ref().unwrap_or(&key.label);
    let body = html! {
        section.narrow {
            p {
                b { (name) } " "
                // Whoever had a session could exchange names, and not those of the enrollment.
                @if key.own_name.is_some() { "(" (key.label) ") " }
                span.quiet { (key.fingerprint().to_hex().get(..16).unwrap_or_default()) }
            }
            @if is_off {
                p { (say.text(Text::OwnOff)) }
                p { a href=(PLACE) { (say.text(Text::Back)) } }
            } @else {
                ul.facts {
                    li { (say.text(Text::LostOff)) }
                    li { (say.text(Text::LostBack)) }
                    @if active < 2 { li { b { (say.text(Text::LostLast)) } } }
                    @if key.row == who.key { li { b { (say.text(Text::LostThis)) } } }
                    li { (say.text(Text::LostNext)) }
                }
                form method="post" action=(place(&fingerprint)) {
                    (token(&who))
                    label {
                        (say.text(Text::LostWhere))
                        input name="reason" size="32" maxlength="200";
                    }
                    p {
                        button.bad { (say.text(Text::LostDo)) } " "
                        a href=(PLACE) { (say.text(Text::Back)) }
                    }
                }
            }
        }
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::OwnLost), body))
}

/// Switches it off, at every terminal.
pub async fn report(
    State(site): State<Arc<Site>>,
    say: Say,
    Path(fingerprint): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let mut act = begin(&site, &form).await?;
    if act.who.must_be_fresh(act.now).is_err() {
        return Ok(again(&fingerprint));
    }
    let login = act.who.login.clone();
    let key = own::key_of(&mut act.tx, &login, &fingerprint).await?;
    let signed_in_with_it = key.row == act.who.key;
    let reason = form.field("reason").unwrap_or(REASON);
    let switched = own::report_lost(&mut act.operation(Some(reason)), &login, &fingerprint).await?;
    let unheard = NotHeard::of(&mut act.tx, &switched.reach).await?;
    act.keep().await?;
    Ok(if signed_in_with_it {
        out(&site, &say, unheard)
    } else {
        done(&site, &say, PLACE, unheard)
    })
}

fn place(fingerprint: &str) -> String {
    format!("{PLACE}/keys/{}/lost", encoded(fingerprint))
}

/// Back here by a new signature, which says why.
fn again(fingerprint: &str) -> Response {
    let next = encoded(&place(fingerprint));
    Redirect::to(&format!("/sign-in?next={next}&again=own")).into_response()
}

/// The session went with the key that began it: the page of signing in says so.
fn out(site: &Site, say: &Say, unheard: Option<NotHeard>) -> Response {
    let to = format!("/sign-in?next={}&reported=1", encoded(PLACE));
    let mut response = match unheard {
        None => Redirect::to(&to).into_response(),
        unheard => done(site, say, &to, unheard),
    };
    if let Some(cookie) = take_cookie(SESSION) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
