//! The one table of routes.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use wardkey_core::code::Code;

use super::app::App;
use super::middleware::every_request;
use super::reply::ErrorResponse;
use super::{enroll, events, health, join, log, sync, time};

/// Makes the list and the router from the same lines, so that none can have what the other lacks.
macro_rules! routes {
    ($($method:ident $path:literal => $handler:path,)*) => {
        /// Every route, as in docs/openapi.yaml: path and method.
        pub const ROUTES: &[(&str, &str)] = &[$(($path, stringify!($method))),*];

        fn table() -> Router<Arc<App>> {
            Router::new()$(.route($path, $method($handler)))*
        }
    };
}

routes! {
    get "/healthz" => health::alive,
    get "/readyz" => health::ready,
    get "/v1/root" => sync::root,
    post "/v1/join" => join::join,
    post "/v1/renew" => join::renew,
    post "/v1/time" => time::time,
    post "/v1/wait" => sync::wait,
    get "/v1/scopes/{scope}/changes" => sync::changes,
    get "/v1/policies/{hash}" => sync::policy,
    post "/v1/events" => events::take,
    get "/v1/log/checkpoint" => log::checkpoint,
    post "/v1/log/cosignature" => log::cosignature,
    post "/v1/enroll/begin" => enroll::begin,
    post "/v1/enroll/finish" => enroll::finish,
    // As terminals of 0.1.0 ask: servers are upgraded first.
    post "/v1/enrol/begin" => enroll::begin,
    post "/v1/enrol/finish" => enroll::finish,
}

/// The routes, with what every request passes.
pub fn router(app: Arc<App>) -> Router {
    table()
        .fallback(async || {
            ErrorResponse::new(StatusCode::NOT_FOUND, Code::NotFound, "no such resource")
        })
        .method_not_allowed_fallback(async || {
            let message = "this resource has no such method";
            ErrorResponse::new(StatusCode::METHOD_NOT_ALLOWED, Code::RequestInvalid, message)
        })
        .layer(from_fn_with_state(Arc::clone(&app), every_request))
        .with_state(app)
}
