//! Who visits: the session of the cookie.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::refusal::Refusal;
use super::site::Site;
use crate::admin::session::SignedIn;

/// Somebody who is signed in.
pub struct Visitor(pub SignedIn);

impl FromRequestParts<Arc<Site>> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Refusal> {
        site.visitor(&parts.headers).await.map(Self)
    }
}
