//! The HTTPS interface: routes, and what every request passes.
//!
//! ```text
//!   TLS ─> Peer ─> Origin, headers ─> route ─> ActiveTerminal ─> limits ─> Body ─> handler
//! ```
//! Bodies are those of `wardkey_core::message::http`. Every refusal is an [`ErrorReply`] with a
//! stable code.
//!
//! [`ErrorReply`]: wardkey_core::message::http::ErrorReply

pub mod body;
pub mod enrol;
pub mod events;
pub mod health;
pub mod join;
pub mod limit;
pub mod peer;
pub mod reply;
pub mod sync;
pub mod time;

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::watch;
use wardkey_core::code::Code;
use wardkey_core::time::UnixTime;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::config::Config;
use crate::enrol::Enrolments;
use crate::pki::Authority;
use crate::publish::Publisher;
use crate::store::Store;
use limit::Limiter;
use peer::{Peer, Seen};
use reply::{Refusal, Said};

/// Every route, as in docs/openapi.yaml: path and method.
pub const ROUTES: &[(&str, &str)] = &[
    ("/healthz", "get"),
    ("/readyz", "get"),
    ("/v1/root", "get"),
    ("/v1/join", "post"),
    ("/v1/renew", "post"),
    ("/v1/time", "post"),
    ("/v1/wait", "post"),
    ("/v1/scopes/{scope}/changes", "get"),
    ("/v1/policies/{hash}", "get"),
    ("/v1/events", "post"),
    ("/v1/enrol/begin", "post"),
    ("/v1/enrol/finish", "post"),
];

/// What the handlers share.
pub struct App {
    /// The configuration.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
    /// The store.
    pub store: Store,
    /// Heads and documents.
    pub publisher: Arc<Publisher>,
    /// Keys the hash of enrolment codes.
    pub code_key: Zeroizing<[u8; 32]>,
    /// Issues certificates.
    pub authority: Authority,
    /// Registrations under way.
    pub enrolments: Enrolments,
    /// Requests a minute.
    pub limiter: Limiter,
    /// When terminals were heard of.
    pub seen: Seen,
    /// True once the server stops: whoever waits is answered at once.
    pub stop: watch::Receiver<bool>,
}

impl App {
    /// The time by which codes and challenges are judged: never before what was signed, so that a clock
    /// that is set back gives nothing that has expired its life back.
    pub fn now(&self) -> UnixTime {
        self.clock.now().max(self.publisher.time())
    }
}

/// The application.
pub type Shared = State<Arc<App>>;

/// The routes.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/v1/root", get(sync::root))
        .route("/v1/join", post(join::join))
        .route("/v1/renew", post(join::renew))
        .route("/v1/time", post(time::time))
        .route("/v1/wait", post(sync::wait))
        .route("/v1/scopes/{scope}/changes", get(sync::changes))
        .route("/v1/policies/{hash}", get(sync::policy))
        .route("/v1/events", post(events::take))
        .route("/v1/enrol/begin", post(enrol::begin))
        .route("/v1/enrol/finish", post(enrol::finish))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, Code::NotFound, "no such resource"))
        .method_not_allowed_fallback(async || {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, Code::RequestInvalid, "this resource has no such method")
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), every_request))
        .with_state(app)
}

/// Refuses foreign origins, and gives every answer its headers.
async fn every_request(State(app): Shared, request: Request, next: Next) -> Response {
    let foreign = request
        .headers()
        .get_all(header::ORIGIN)
        .iter()
        .any(|origin| origin.as_bytes() != app.enrolments.origin().as_bytes());
    let peer = request.extensions().get::<Peer>().copied();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let mut response = if foreign {
        Refusal::new(StatusCode::FORBIDDEN, Code::RequestInvalid, "this origin is not allowed").into_response()
    } else {
        let (request, unread) = body::lend(request);
        let response = next.run(request).await;
        // Refused before its body was read: who still sends would find the connection closed, and never
        // see why. One that was too slow has had its time.
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
    response.headers_mut().extend(headers());
    // The connection was counted as that of a terminal, perhaps, whose certificate this is no longer.
    if response.status() == StatusCode::FORBIDDEN
        && response.extensions().get::<Said>().is_some_and(|said| said.0 == Code::TerminalCertificate)
    {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A line for what was refused: who, where, why; nothing of what was sent.
fn log_refusal(response: &Response, route: Option<&str>, peer: Option<Peer>) {
    let status = response.status().as_u16();
    // Floods are counted, not told one by one.
    if status < 400 || status == 429 {
        return;
    }
    let code = response.extensions().get::<Said>().map_or_else(|| "-".to_owned(), |said| said.0.to_string());
    let address = peer.map_or_else(|| "-".to_owned(), |peer| peer.address.ip().to_canonical().to_string());
    let terminal = peer.and_then(|peer| peer.certificate).map_or_else(|| "-".to_owned(), |own| own.terminal.to_hex());
    tracing::info!(status, code, route = route.unwrap_or("-"), address, terminal, "refused");
}

fn headers() -> [(HeaderName, HeaderValue); 5] {
    [
        (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ]
}
