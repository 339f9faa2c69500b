//! Who asks: an API key in `Authorization: Bearer`.

use axum::http::header;
use axum::http::request::Parts;
use wardkey_core::code::Code;
use wardkey_core::time::UnixTime;

use crate::admin::api_key;
use crate::admin::known::Known;
use crate::error::{Error, Result};
use crate::http::App;
use crate::http::limit::Counted;
use crate::http::peer::Peer;
use crate::http::reply::ErrorResponse;
use crate::store::api_key as stored;

/// The token of a request; empty without one.
pub fn token(parts: &Parts) -> &str {
    let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, token) = given.and_then(|given| given.split_once(' ')).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" }
}

/// Who asks. Tokens that do not hold use up what their address may ask, and nothing of any key.
///
/// # Errors
/// 401 with [`Code::ApiKeyInvalid`]; 429.
pub async fn known(app: &App, parts: &Parts) -> Result<Known, ErrorResponse> {
    let (now, token) = (app.now(), token(parts));
    // What is no token costs no look into the store.
    let known = if api_key::is_token(token) {
        api_key::known(&mut app.store.read().await?, token, now).await
    } else {
        Err(api_key::invalid())
    };
    let known = match known {
        Err(error) if error.code() == Code::ApiKeyInvalid => {
            if let Some(peer) = parts.extensions.get::<Peer>() {
                app.limiter.take(Counted::address(peer.address.ip()))?;
            }
            return Err(error.into());
        }
        known => known?,
    };
    app.limiter.take(Counted::ApiKey(known.id))?;

    // What cannot be written, as on a full disk, keeps nobody from looking.
    if known.is_due
        && let Err(error) = note_use(app, &known, now).await
    {
        tracing::warn!(%error, "the last use of an API key is not noted");
    }
    Ok(known)
}

async fn note_use(app: &App, known: &Known, now: UnixTime) -> Result<()> {
    let mut tx = app.store.write().await?;
    stored::used(&mut tx, &known.id, now).await?;
    tx.commit().await.map_err(Error::from)
}
