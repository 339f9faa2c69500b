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
use super::form::{asked_for, encoded, origin, wants_page};
use super::frame::Frame;
use super::pages::{
    code, key, lost, me, pass, people, person, records, reports, sessions, sign_in, signed_in,
    terminals, today,
};
use super::refusal::Said;
use super::say::Say;
use super::site::Site;
use super::texts::Text;
use crate::api;
use crate::api::call::Api;
use crate::api::problem::as_problem;
use crate::error::{Error, Result};
use crate::http::body;
use crate::http::middleware::log_refusal;
use crate::http::peer::Peer;
use crate::http::reply::ErrorResponse;
use crate::texts::{Phrase, Text as Words};

/// The pages at an origin.
///
/// # Errors
/// Those of [`Site::new`].
pub fn router(api: Arc<Api>, origin: &str) -> Result<Router> {
    let site = Arc::new(Site::new(api, origin)?);
    let has_own_pages = site.has_own_pages();
    let pages = Router::new()
        .route("/", get(today::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::finish))
        .route("/sign-in/challenge", post(sign_in::begin))
        .route("/sign-out", post(sign_in::end))
        .route("/language", post(sign_in::language))
        .route("/people", get(people::show))
        .route("/people.csv", get(people::file))
        .route("/people/{login}", get(person::show))
        .route("/people/{login}/disable", post(person::switch::<api::people::Disable>))
        .route("/people/{login}/enable", post(person::switch::<api::people::Enable>))
        .route("/people/{login}/code", get(code::ask).post(code::make))
        .route("/people/{login}/code/withdraw", post(code::withdraw))
        .route("/people/{login}/pass", get(pass::ask).post(pass::issue))
        .route("/people/{login}/pass/end", post(pass::end))
        .route("/keys/{fingerprint}/disable", post(key::switch::<api::keys::Disable>))
        .route("/keys/{fingerprint}/enable", post(key::switch::<api::keys::Enable>))
        .route("/keys.csv", get(person::keys_file))
        .route("/terminals", get(terminals::list))
        .route("/terminals.csv", get(terminals::file))
        .route("/terminals/{terminal}", get(terminals::show))
        .route("/terminals/{terminal}/approve", post(terminals::switch::<api::terminals::Approve>))
        .route("/terminals/{terminal}/disable", post(terminals::switch::<api::terminals::Disable>))
        .route("/signed-in", get(signed_in::show))
        .route("/signed-in.csv", get(signed_in::file))
        .route("/events", get(records::events))
        .route("/events.csv", get(records::events_file))
        .route("/trail", get(records::trail))
        .route("/trail.csv", get(records::trail_file))
        .route("/reports", get(reports::index))
        .route("/reports/logins", get(reports::show::<api::reports::Logins>))
        .route("/reports/exceptions", get(reports::show::<api::reports::Exceptions>))
        .route("/reports/inventory", get(reports::show::<api::reports::Inventory>))
        .route("/reports/coverage", get(reports::show::<api::reports::Coverage>))
        .route("/reports/shared-accounts", get(reports::show::<api::reports::SharedAccounts>))
        .route("/sessions", get(sessions::show))
        .route("/sessions/{id}/end", post(sessions::end))
        .route("/assets/style.css", get(assets::style))
        .route("/assets/icon.svg", get(assets::icon))
        .route("/assets/sign-in.js", get(assets::sign_in));
    // Elsewhere there are none, for nobody.
    let pages = if has_own_pages { pages.merge(own()) } else { pages };
    Ok(pages
        .method_not_allowed_fallback(async || {
            not_so(StatusCode::METHOD_NOT_ALLOWED, Code::RequestInvalid, Words::WrongMethod)
        })
        .fallback(async || not_so(StatusCode::NOT_FOUND, Code::NotFound, Words::NoWebPage))
        .layer(from_fn_with_state(Arc::clone(&site), every_page))
        .with_state(site))
}

/// The pages of everybody who is signed in, with a role or without.
fn own() -> Router<Arc<Site>> {
    Router::new()
        .route(me::PLACE, get(me::show))
        .route("/me/logins", get(me::logins))
        .route("/me/language", post(me::language))
        .route("/me/keys/{fingerprint}/name", post(me::name))
        .route("/me/keys/{fingerprint}/lost", get(lost::ask).post(lost::report))
}

/// A refusal that is no route's.
fn not_so(status: StatusCode, code: Code, words: Words) -> Response {
    let said = Phrase::from(words);
    let mut response = ErrorResponse::new(status, code, said.to_string()).into_response();
    response.extensions_mut().insert(Said(said));
    response
}

/// Refuses what no page of ours sent, puts refusals into words, and gives every answer its headers.
async fn every_page(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let path = asked_for(&request);
    let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
    let say = Say::of(request.headers(), site.app().config.zone());
    let wants_json = path.starts_with("/sign-in") && !is_read;
    let headers = request.headers().clone();
    let is_head = request.method() == Method::HEAD;

    // A browser says where each change comes from; what does not say it, is no page of ours.
    let is_ours = is_read || origin(&headers) == Some(site.origin.as_bytes());
    // Where there is nothing, nothing is done.
    let is_ours = is_ours || route.is_none();
    let mut response = if path.contains("%00") {
        not_so(StatusCode::BAD_REQUEST, Code::RequestInvalid, Words::AddressNul)
    } else if is_head && is_file(route.as_deref(), &path) {
        let mut response =
            not_so(StatusCode::METHOD_NOT_ALLOWED, Code::RequestInvalid, Words::WrongMethod);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
        response
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
    let error = response.extensions().get::<ErrorResponse>().cloned();
    if let Some(error) = error.filter(|_| route.is_some() || wants_page(&headers)) {
        // Everybody who signs in comes by the first page: without a role nothing was wanted there.
        let is_on_the_way = is_led_home(is_read, error.code(), &path);
        let asked = (path.as_str(), route.is_some() && !is_on_the_way);
        let who = site.was_refused(&headers, asked, error.code()).await;
        // Where a change of the language leads back to: a page, and no act.
        let back = if is_read { path.as_str() } else { page_of(&path) };
        let frame = Frame { site: &site, say: &say, who: who.as_ref(), path: back };
        let said = response.extensions().get::<Said>().cloned();
        let (kept, _) = std::mem::take(&mut response).into_parts();
        response = in_words(&frame, &error, said, (is_read, wants_json));
        for name in [header::RETRY_AFTER, header::ALLOW] {
            if let Some(value) = kept.headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    } else {
        // Programs that lost their way.
        response = as_problem(response).await;
    }
    response.headers_mut().extend(page_headers());
    response
}

/// Whether it is a file, which is told in the trail when it is taken: nobody takes its head alone.
fn is_file(route: Option<&str>, path: &str) -> bool {
    route.is_some_and(|route| route.ends_with(".csv")) || path.contains("table=")
}

/// The page from which an act is asked for: that of the person, the terminal, or the first one.
fn page_of(path: &str) -> &str {
    let whole = |begins: &str| {
        let rest = path.strip_prefix(begins)?;
        let name = rest.split(['/', '?']).next().filter(|name| !name.is_empty())?;
        path.get(..begins.len() + name.len())
    };
    if path.starts_with("/me/") {
        return me::PLACE;
    }
    whole("/people/").or_else(|| whole("/terminals/")).unwrap_or("/")
}

/// Whether the first page leads to somebody's own one.
fn is_led_home(is_read: bool, code: Code, path: &str) -> bool {
    is_read && code == Code::SignInWithoutRole && path == "/"
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
    // Whoever has no role has another first page.
    if is_led_home(is_read, code, frame.path) {
        return Redirect::to(me::PLACE).into_response();
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
    let sign_in = |more: &str| format!("/sign-in?next={}{more}", encoded(frame.path));
    let again = match code {
        Code::NotSignedIn => Some((sign_in(""), Text::SignIn)),
        Code::SignInAgain => Some((sign_in("&again=1"), Text::SignIn)),
        Code::FormSentBefore => Some((frame.path.to_owned(), Text::Back)),
        _ => None,
    };
    frame.refusal(error.status(), &code.to_string(), (&text, again))
}

/// Everything comes from here: style, the one script, where forms go, who may show it within a
/// page (nobody).
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn page_headers() -> [(HeaderName, HeaderValue); 8] {
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
            ("/me/keys/00/lost", "/me"),
        ] {
            assert_eq!(page_of(path), page);
        }
    }
}
