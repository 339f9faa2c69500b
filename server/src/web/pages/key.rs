//! A key is switched off or on.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;

use super::done::{self, done};
use crate::api::endpoint::{Asked, Fingerprint, Nothing, parsed};
use crate::api::keys::{Disable, Enable, KeyAct};
use crate::web::form::Form;
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;

/// Switches a key off: connected terminals refuse it within about a second.
pub async fn disable(
    State(site): State<Arc<Site>>,
    say: Say,
    Path(key): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let target: Fingerprint = parsed("fingerprint", &key)?;
    let asked = Asked::<Disable> { target, query: Nothing {}, body: why(&form) };
    let acting = site.act(&form).await?;
    let switched = acting.perform(asked).await?;
    Ok(done(&site, &say, &done::person(&switched.done.person), switched.unheard))
}

/// Switches a key on again.
pub async fn enable(
    State(site): State<Arc<Site>>,
    say: Say,
    Path(key): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let target: Fingerprint = parsed("fingerprint", &key)?;
    let asked = Asked::<Enable> { target, query: Nothing {}, body: why(&form) };
    let acting = site.act(&form).await?;
    let switched = acting.perform(asked).await?;
    Ok(done(&site, &say, &done::person(&switched.done.person), switched.unheard))
}

fn why(form: &Form) -> KeyAct {
    KeyAct { person: None, reason: form.text("reason") }
}
