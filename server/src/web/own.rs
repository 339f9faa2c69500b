//! What somebody who is signed in does with what is their own, with a role or without.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::tz::TimeZone;
use tokio::sync::SemaphorePermit;
use wardkey_core::code::Code;
use wardkey_core::time::UnixTime;

use super::cookies::{SESSION, cookie};
use super::form::Form;
use super::refusal::Refusal;
use super::site::Site;
use crate::admin::Operation;
use crate::admin::session::{self, Holder};
use crate::error::{Error, Result};
use crate::http::limit::Counted;
use crate::store::Tx;

/// Somebody who is signed in, with a role or without.
pub struct Anybody(pub Holder);

impl FromRequestParts<Arc<Site>> for Anybody {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Refusal> {
        site.guest(&parts.headers).await.map(Self)
    }
}

/// What is one's own, being read.
pub struct OwnLook<'a> {
    /// The transaction.
    pub tx: Tx,
    _turn: Option<SemaphorePermit<'a>>,
}

/// An act on what is one's own, which a form of the session asked for.
pub struct OwnAct<'a> {
    site: &'a Site,
    /// Who acts.
    pub who: Holder,
    /// In which it is done.
    pub tx: Tx,
    /// When.
    pub now: UnixTime,
    zone: TimeZone,
}

/// Begins to read. All staff have turns of their own: nobody who administrates waits for them.
pub async fn look(site: &Site) -> Result<OwnLook<'_>> {
    let turn = site.own.acquire().await.ok();
    Ok(OwnLook { tx: site.app().store.read().await?, _turn: turn })
}

/// Begins an act that a form asks for.
///
/// # Errors
/// [`Code::NotSignedIn`]; [`Code::FormNotOurs`]; 429.
pub async fn begin<'a>(site: &'a Site, form: &Form) -> Result<OwnAct<'a>, Refusal> {
    let who = site.holder(&form.headers).await?;
    if !who.sent(form.token()) {
        return Err(session::refused(Code::FormNotOurs).into());
    }
    site.app().limiter.take(Counted::ApiKeyChanges(who.id))?;
    let now = site.app().now();
    let mut tx = site.app().store.write().await?;
    // Within the transaction that acts on it: it may be over meanwhile.
    let secret = cookie(&form.headers, SESSION).unwrap_or_default();
    let who = session::held(&mut tx, secret, site.audience(), now).await?;
    Ok(OwnAct { site, who, tx, now, zone: site.app().config.zone() })
}

impl OwnAct<'_> {
    /// For `admin`.
    pub fn operation<'b>(&'b mut self, reason: Option<&'b str>) -> Operation<'b> {
        let Self { who, tx, now, zone, .. } = self;
        Operation { tx, actor: &who.actor, now: *now, reason, zone }
    }

    /// Keeps what was done, and publishes it.
    pub async fn keep(self) -> Result<()> {
        self.tx.commit().await.map_err(Error::from)?;
        self.site.app().refresh().await
    }
}
