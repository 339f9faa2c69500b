//! A key is switched off or on.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;

use super::done::{self, done};
use crate::admin::key::KeySwitched;
use crate::api::call::Done;
use crate::api::endpoint::{Asked, Endpoint, Fingerprint, Nothing, Route, parsed};
use crate::api::keys::KeyAct;
use crate::web::form::Form;
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;

/// Does what a route does with a key: off, which connected terminals hear within about a second, or
/// on again.
pub async fn switch<E>(
    State(site): State<Arc<Site>>,
    say: Say,
    Path(key): Path<String>,
    form: Form,
) -> Result<Response, Refusal>
where
    E: Endpoint
        + Route<Target = Fingerprint, Query = Nothing, Body = KeyAct, View = Done<KeySwitched>>,
{
    let target = parsed("fingerprint", &key)?;
    let body = KeyAct { person: None, reason: form.text("reason") };
    let asked = Asked::<E> { target, query: Nothing {}, body };
    let switched = site.act(&form).await?.perform(asked).await?;
    Ok(done(&site, &say, &done::person(&switched.done.person), switched.unheard))
}
