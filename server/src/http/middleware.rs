//! What every request passes, and every answer gets.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use wardkey_core::code::Code;

use super::app::Shared;
use super::body;
use super::peer::Peer;
use super::reply::{ErrorResponse, ReplyCode};

/// Which API key asked, by its id; for the log.
#[derive(Clone, Debug)]
pub struct AskedBy(pub String);

/// Refuses foreign origins, and gives every answer its headers.
pub async fn every_request(State(app): Shared, request: Request, next: Next) -> Response {
    let foreign = request
        .headers()
        .get_all(header::ORIGIN)
        .iter()
        .any(|origin| origin.as_bytes() != app.enrollments.origin().as_bytes());
    let peer = request.extensions().get::<Peer>().copied();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let mut response = if foreign {
        ErrorResponse::new(
            StatusCode::FORBIDDEN,
            Code::RequestInvalid,
            "this origin is not allowed",
        )
        .into_response()
    } else {
        let (request, unread) = body::lend(request);
        let response = next.run(request).await;
        // Refused before its body was read: who still sends would find the connection closed, and
        // never see why. One that was too slow has had its time.
        let too_slow = response.status() == StatusCode::REQUEST_TIMEOUT;
        if response.status().as_u16() >= 400
            && !too_slow
            && let Some(unread) = unread
        {
            unread.throw_away().await;
        }
        response
    };
    log_refusal(&response, route.as_deref(), peer);
    app.counters.request(route.as_deref(), response.status().as_u16());
    response.headers_mut().extend(headers());
    // The connection was counted as that of a terminal, perhaps, whose certificate this is no
    // longer.
    if response.status() == StatusCode::FORBIDDEN
        && response
            .extensions()
            .get::<ReplyCode>()
            .is_some_and(|said| said.0 == Code::TerminalCertificate)
    {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A line for what was refused: who, where, why; nothing of what was sent.
pub fn log_refusal(response: &Response, route: Option<&str>, peer: Option<Peer>) {
    let status = response.status().as_u16();
    // Floods are counted, not told one by one.
    if status < 400 || status == 429 {
        return;
    }
    let code = response
        .extensions()
        .get::<ReplyCode>()
        .map_or_else(|| "-".to_owned(), |said| said.0.to_string());
    let address =
        peer.map_or_else(|| "-".to_owned(), |peer| peer.address.ip().to_canonical().to_string());
    let terminal = peer
        .and_then(|peer| peer.certificate)
        .map_or_else(|| "-".to_owned(), |own| own.terminal.to_hex());
    let route = route.unwrap_or("-");
    match response.extensions().get::<AskedBy>() {
        Some(AskedBy(api_key)) => {
            tracing::info!(status, code, route, address, api_key, "refused");
        }
        None => tracing::info!(status, code, route, address, terminal, "refused"),
    }
}

fn headers() -> [(HeaderName, HeaderValue); 5] {
    [
        (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        ),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ]
}
