//! The one table of routes.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::on;
use tokio::sync::Semaphore;
use wardkey_core::code::Code;

use super::answer::answer;
use super::call::Api;
use super::document::{self, Described};
use super::endpoint::Route;
use super::seal::Seal;
use super::{
    codes, desks, keys, passes, people, problem, records, reports, scopes, server, terminals,
};
use crate::error::Result;
use crate::http::App;
use crate::http::middleware::every_request;
use crate::http::reply::ErrorResponse;

/// Requests that may read the store at once.
const READERS: usize = 3;

/// Makes the list and the router from the same lines.
macro_rules! table {
    ($($route:ty,)*) => {
        /// Every route.
        pub fn described() -> Vec<Described> {
            vec![$(Described::of::<$route>()),*]
        }

        fn table() -> Router<Arc<Api>> {
            Router::new()$(.route(
                <$route as Route>::PATH,
                on(<$route as Route>::METHOD.filter(), answer::<$route>),
            ))*
        }
    };
}

table! {
    server::Document,
    server::Status,
    people::List,
    people::Add,
    people::Show,
    people::Set,
    people::Disable,
    people::Enable,
    keys::List,
    keys::Show,
    keys::Disable,
    keys::Enable,
    codes::List,
    codes::Add,
    codes::Withdraw,
    passes::List,
    passes::Add,
    passes::Disable,
    terminals::List,
    terminals::Show,
    terminals::Approve,
    terminals::Disable,
    desks::List,
    scopes::List,
    scopes::Show,
    records::Events,
    records::Trail,
    reports::Logins,
    reports::Exceptions,
    reports::Inventory,
    reports::Coverage,
    reports::SharedAccounts,
}

/// What all requests of administration share.
///
/// # Errors
/// [`Error::Crypto`](crate::error::Error::Crypto) when nothing can be sealed.
pub fn shared(app: Arc<App>) -> Result<Arc<Api>> {
    Ok(Arc::new(Api {
        document: document::of(&described()),
        cursors: Seal::new(app.code_key.as_slice(), "wardkey/cursor/1")?,
        readers: Semaphore::new(READERS),
        app,
    }))
}

/// The routes, and what is said where there is none.
pub fn router(api: Arc<Api>) -> Router {
    whole(api, |table| {
        table.fallback(async || {
            ErrorResponse::new(StatusCode::NOT_FOUND, Code::NotFound, "no such resource")
        })
    })
}

/// The routes alone, beside others.
pub fn routes(api: Arc<Api>) -> Router {
    whole(api, |table| table)
}

/// The routes, with what every request passes.
fn whole(api: Arc<Api>, more: fn(Router<Arc<Api>>) -> Router<Arc<Api>>) -> Router {
    more(table())
        .method_not_allowed_fallback(async || {
            let message = "this resource has no such method";
            ErrorResponse::new(StatusCode::METHOD_NOT_ALLOWED, Code::RequestInvalid, message)
        })
        .layer(from_fn_with_state(Arc::clone(&api.app), every_request))
        .layer(map_response(problem::as_problem))
        .with_state(api)
}
