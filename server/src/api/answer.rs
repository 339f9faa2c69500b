//! How every request is answered: who asks, whether the role has the act, whether the scopes are
//! theirs; then, in one transaction, what is asked.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use wardkey_core::id::to_hex;
use zeroize::Zeroizing;

use super::call::{Api, Call};
use super::endpoint::{Asked, Endpoint, Route, has_tag};
use super::perform::{must_have, perform};
use super::repeated::{self, Named};
use super::{caller, tag};
use crate::admin::api_key;
use crate::admin::known::Known;
use crate::admin::role::Kind;
use crate::error::{Error, Result};
use crate::http::body::{Body, kind_of};
use crate::http::limit::Counted;
use crate::http::middleware::AskedBy;
use crate::http::reply::ErrorResponse;

/// The longest body in bytes.
const MAX_BODY: usize = 65_536;

/// Answers a request of a route.
pub async fn answer<E: Endpoint>(State(api): State<Arc<Api>>, request: Request) -> Response {
    // Whoever hangs up does not end what was begun: it keeps its turn until its work is done, and
    // memory for a code or a reader of the store is not taken by more than are allowed.
    let work = tokio::spawn(whole::<E>(api, request));
    let broken = |error| ErrorResponse::from(Error::damaged(error)).into_response();
    work.await.unwrap_or_else(broken)
}

async fn whole<E: Endpoint>(api: Arc<Api>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let known = match caller::known(&api.app, &parts).await {
        Ok(known) => known,
        Err(refused) => return refused.into_response(),
    };
    let asked_by = AskedBy(to_hex(&known.id));
    let mut response = match answered::<E>(&api, known, (parts, body)).await {
        Ok(response) => response,
        Err(refused) => refused.into_response(),
    };
    response.extensions_mut().insert(asked_by);
    response
}

async fn answered<E: Endpoint>(
    api: &Api,
    mut known: Known,
    (mut parts, body): (Parts, axum::body::Body),
) -> Result<Response, ErrorResponse> {
    must_have(&known.grant, E::ACT)?;
    if E::ACT.kind() == Kind::Changes {
        api.app.limiter.take(Counted::ApiKeyChanges(known.id))?;
    }

    let target = target::<E>(&mut parts).await?;
    if has_nul(parts.uri.query().unwrap_or_default()) {
        return Err(ErrorResponse::invalid("the query has a NUL character"));
    }
    let Query(query) = Query::<E::Query>::try_from_uri(&parts.uri)
        .map_err(|error| ErrorResponse::invalid(error.body_text()))?;
    let token = Zeroizing::new(caller::token(&parts).to_owned());
    let headers = parts.headers.clone();
    let if_match = if_match::<E>(&headers)?;
    let path = parts.uri.path_and_query().map(|path| path.as_str().to_owned());
    let body = if E::METHOD.has_body() {
        Body::<Value, MAX_BODY>::from_request(Request::from_parts(parts, body), &()).await?.0
    } else {
        Value::Object(serde_json::Map::new())
    };
    let named = match E::ACT.kind() {
        Kind::Reads => None,
        Kind::Changes => {
            let path = path.as_deref().unwrap_or_default();
            let says = [E::METHOD.as_str(), path, if_match.as_deref().unwrap_or_default()];
            Named::of(&headers, &says, &body)?
        }
    };
    let body = serde_json::from_value::<E::Body>(body).map_err(|error| invalid_body(&error))?;
    let mut asked = Asked::<E> { target, query, body };
    E::prepare(&mut asked).await?;

    // Before it has a reader of the store, which others wait for.
    let _long = if E::IS_LONG { Some(api.report()?) } else { None };
    let (app, now) = (&api.app, api.app.now());
    let _reads = match E::ACT.kind() {
        Kind::Reads => api.readers.acquire().await.ok(),
        Kind::Changes => None,
    };
    let tx = match E::ACT.kind() {
        Kind::Reads => app.store.read().await?,
        Kind::Changes => {
            let mut tx = app.store.write().await?;
            // Within the transaction that acts on it: it may have been switched off meanwhile.
            known = api_key::known(&mut tx, &token, now).await?;
            tx
        }
    };
    let zone = app.config.zone();
    let place = place::<E>(&known, path.as_deref().unwrap_or_default());
    let mut call = Call { api, known: &known, tx, now, zone, place };

    if let Some(named) = &named
        && let Some(body) = named.answered(&mut call).await?
    {
        let mut response = json(body);
        let yes = HeaderValue::from_static("true");
        response.headers_mut().insert(repeated::REPLAYED, yes);
        return Ok(response);
    }
    let body = tag::bytes(&perform::<E>(&mut call, asked, if_match.as_deref()).await?)?;
    if let Some(named) = &named {
        named.keep(&mut call, &body).await?;
    }
    let Call { tx, .. } = call;
    if E::ACT.kind() == Kind::Changes {
        tx.commit().await.map_err(Error::from)?;
        app.refresh().await?;
    }

    let tag = has_tag::<E>().then(|| tag::of_bytes(&body));
    let mut response = json(body);
    if let Some(tag) = tag.and_then(|tag| HeaderValue::try_from(tag).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Where a place in a list is good: for this key, and what it asks beside the part of the list.
fn place<E: Route>(known: &Known, path: &str) -> String {
    let is_part = |said: &&str| said.starts_with("after=") || said.starts_with("limit=");
    let (_, query) = path.split_once('?').unwrap_or_default();
    let rest: Vec<&str> = query.split('&').filter(|said| !is_part(said)).collect();
    [E::PATH, &to_hex(&known.id), &rest.join("&")].join("\n")
}

async fn target<E: Route>(parts: &mut Parts) -> Result<E::Target, ErrorResponse> {
    let wrong = |what: String| ErrorResponse::invalid(what);
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let params = params.map_err(|_| wrong("the path is not UTF-8".into()))?;
    let (name, text) = params.iter().next().unwrap_or_default();
    text.parse::<E::Target>().map_err(|error| wrong(format!("{name}: {error}")))
}

/// Whether there is a NUL in a query, which no name and no text has: PostgreSQL refuses to look for
/// it, and the whole statement with it.
fn has_nul(query: &str) -> bool {
    query.contains("%00")
}

/// What a request that changes something says that it is to change. Where that cannot be looked at,
/// nothing is done: whoever sends it relies on it.
fn if_match<E: Endpoint>(headers: &HeaderMap) -> Result<Option<String>, ErrorResponse> {
    let all = headers.get_all(header::IF_MATCH).iter();
    // One that cannot be read matches nothing.
    let all: Vec<&str> = all.map(|value| value.to_str().unwrap_or_default()).collect();
    if all.is_empty() || E::ACT.kind() == Kind::Reads {
        return Ok(None);
    }
    if !E::IS_MATCHED {
        return Err(ErrorResponse::invalid("If-Match: this operation has nothing to compare"));
    }
    Ok(Some(all.join(",")))
}

fn json(body: Vec<u8>) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (StatusCode::OK, kind, body).into_response()
}

fn invalid_body(error: &serde_json::Error) -> ErrorResponse {
    ErrorResponse::invalid(kind_of(error))
}
