//! Paths, and what every request of a page passes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use wardkey_core::code::Code;

use super::assets;
use super::form::{asked_for, encoded, origin};
use super::frame::Frame;
use super::pages::{code, key, pass, people, person, records, sign_in, terminals, today};
use super::refusal::Said;
use super::say::Say;
use super::site::Site;
use crate::api;
use crate::api::call::Api;
use crate::error::{Error, Result};
use crate::http::body;
use crate::http::middleware::log_refusal;
use crate::http::peer::Peer;
use crate::http::reply::ErrorResponse;

/// The pages at an origin.
///
/// # Errors
/// Those of [`Site::new`].
pub fn router(api: Arc<Api>, origin: &str) -> Result<Router> {
    let site = Arc::new(Site::new(api, origin)?);
    Ok(Router::new()
        .route("/", get(today::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::finish))
        .route("/sign-in/challenge", post(sign_in::begin))
        .route("/sign-out", post(sign_in::end))
        .route("/language", post(sign_in::language))
        .route("/people", get(people::show))
        .route("/people/{login}", get(person::show))
        .route("/people/{login}/disable", post(person::switch::<api::people::Disable>))
        .route("/people/{login}/enable", post(person::switch::<api::people::Enable>))
        .route("/people/{login}/code", get(code::ask).post(code::make))
        .route("/people/{login}/code/withdraw", post(code::withdraw))
        .route("/people/{login}/pass", get(pass::ask).post(pass::issue))
        .route("/people/{login}/pass/end", post(pass::end))
        .route("/keys/{fingerprint}/disable", post(key::switch::<api::keys::Disable>))
        .route("/keys/{fingerprint}/enable", post(key::switch::<api::keys::Enable>))
        .route("/terminals", get(terminals::list))
        .route("/terminals/{terminal}", get(terminals::show))
        .route("/terminals/{terminal}/approve", post(terminals::switch::<api::terminals::Approve>))
        .route("/terminals/{terminal}/disable", post(terminals::switch::<api::terminals::Disable>))
        .route("/events", get(records::events))
        .route("/trail", get(records::trail))
        .route("/assets/style.css", get(assets::style))
        .route("/assets/sign-in.js", get(assets::sign_in))
        .route_layer(from_fn_with_state(Arc::clone(&site), every_page))
        .with_state(site))
}

/// Refuses what no page of ours sent, puts refusals into words, and gives every answer its headers.
async fn every_page(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let path = asked_for(&request);
    let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
    let say = Say::of(request.headers(), site.app().config.zone());
    let wants_json = path.starts_with("/sign-in") && !is_read;

    // A browser says where each change comes from; what does not say it, is no page of ours.
    let is_ours = is_read || origin(request.headers()) == Some(site.origin.as_bytes());
    let has_nul = path.contains("%00");
    let mut response = if has_nul {
        ErrorResponse::invalid("the address has a NUL").into_response()
    } else if is_ours {
        request.extensions_mut().insert(say.clone());
        let (request, unread) = body::lend(request);
        // Whoever hangs up does not end what was begun.
        let work = tokio::spawn(next.run(request));
        let broken = |error| ErrorResponse::from(Error::damaged(error)).into_response();
        let response = work.await.unwrap_or_else(broken);
        let is_slow = response.status() == StatusCode::REQUEST_TIMEOUT;
        if response.status().as_u16() >= 400
            && !is_slow
            && let Some(unread) = unread
        {
            unread.throw_away().await;
        }
        response
    } else {
        let message = "this request comes from another page";
        ErrorResponse::new(StatusCode::FORBIDDEN, Code::FormNotOurs, message).into_response()
    };

    log_refusal(&response, route.as_deref(), peer);
    site.app().counters.request(route.as_deref(), response.status().as_u16());
    if let Some(error) = response.extensions().get::<ErrorResponse>().cloned() {
        // Where a change of the language leads back to: a page, and no act.
        let back = if is_read { path.as_str() } else { page_of(&path) };
        let frame = Frame { site: &site, say: &say, who: None, path: back };
        let said = response.extensions().get::<Said>().cloned();
        let retry = response.headers().get(header::RETRY_AFTER).cloned();
        response = in_words(&frame, &error, said, (is_read, wants_json));
        if let Some(retry) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, retry);
        }
    }
    response.headers_mut().extend(headers());
    response
}

/// The page from which an act is asked for: that of the person, the terminal, or the first one.
fn page_of(path: &str) -> &str {
    let whole = |begins: &str| {
        let rest = path.strip_prefix(begins)?;
        let name = rest.split(['/', '?']).next().filter(|name| !name.is_empty())?;
        path.get(..begins.len() + name.len())
    };
    whole("/people/").or_else(|| whole("/terminals/")).unwrap_or("/")
}

/// A refusal as a page, as an answer to the script of signing in, or as the way there.
fn in_words(
    frame: &Frame<'_>,
    error: &ErrorResponse,
    said: Option<Said>,
    (is_read, wants_json): (bool, bool),
) -> Response {
    let code = error.code();
    if is_read && matches!(code, Code::NotSignedIn | Code::SignInAgain) {
        let again = if code == Code::SignInAgain { "&again=1" } else { "" };
        let to = format!("/sign-in?next={}{again}", encoded(frame.path));
        return Redirect::to(&to).into_response();
    }
    let text = match said {
        Some(Said(phrase)) => frame.say.phrase(&phrase),
        // What a bound says in English, its code says in both languages.
        None => Some(frame.say.code(&code.to_string()))
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| error.message().to_owned()),
    };
    if wants_json {
        let text = format!("{text} ({code})");
        return ErrorResponse::new(error.status(), code, text).into_response();
    }
    let again = match code {
        Code::NotSignedIn => Some(format!("/sign-in?next={}", encoded(frame.path))),
        Code::SignInAgain => Some(format!("/sign-in?next={}&again=1", encoded(frame.path))),
        _ => None,
    };
    frame.refusal(error.status(), &code.to_string(), (&text, again.as_deref()))
}

/// Everything comes from here: style, the one script, where forms go, who may show it within a
/// page (nobody).
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn headers() -> [(HeaderName, HeaderValue); 8] {
    [
        (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        // Not "no-referrer": with that a browser says of no form where it comes from.
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        ),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static(
                "publickey-credentials-get=(self), camera=(), microphone=(), geolocation=()",
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_of_the_page_that_asks_for_it() {
        for (path, page) in [
            ("/people/kato/disable", "/people/kato"),
            ("/people/kato/code", "/people/kato"),
            ("/terminals/00/approve", "/terminals/00"),
            ("/keys/00/disable", "/"),
            ("/people/", "/"),
            ("/language", "/"),
        ] {
            assert_eq!(page_of(path), page);
        }
    }
}
