//! A request that is being answered: who asks, and the transaction in which it is.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64UrlUnpadded, Encoding};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::name::{LoginName, ScopeName};
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::seal::Seal;
use crate::admin::api_key::Known;
use crate::admin::reach::{self, Reach, Unheard};
use crate::admin::role::Grant;
use crate::admin::{Listing, Operation};
use crate::error::{Error, Result};
use crate::http::App;
use crate::store::{PageRequest, Tx, lookup};
use crate::texts::Text;

/// Rows of a page, when nothing is said.
const ROWS: u32 = 100;
/// The most rows of a page.
const MAX_ROWS: u32 = 1000;

/// What all requests share.
pub struct Api {
    /// The application.
    pub app: std::sync::Arc<App>,
    /// The document that describes the interface.
    pub document: serde_json::Value,
    /// Seals where lists go on: that may be the name of somebody who is not to be seen.
    pub cursors: Seal,
}

/// Which part of a list.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// Only rows that contain this text.
    pub search: Option<String>,
    /// At most this many rows.
    pub limit: Option<u32>,
    /// Go on after this.
    pub after: Option<String>,
}

/// A request that is being answered.
pub struct Call<'a> {
    /// What all requests share.
    pub api: &'a Api,
    /// Who asks.
    pub known: &'a Known,
    /// Where it is done.
    pub tx: Tx,
    /// When.
    pub now: UnixTime,
    /// The deployment's time zone.
    pub zone: TimeZone,
    /// The path of the route.
    pub path: &'static str,
}

/// What was done, and whether terminals hear of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Done<T> {
    /// What was done.
    #[serde(flatten)]
    pub done: T,
    /// Why some terminals do not hear of it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unheard: Option<NotHeard>,
}

/// Why terminals do not hear of what was stored.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NotHeard {
    /// The stable code.
    pub code: String,
    /// What it means, and what to do.
    pub message: String,
}

impl Call<'_> {
    /// What who asks may, and where.
    pub const fn grant(&self) -> &Grant {
        &self.known.grant
    }

    /// An act of `admin`.
    pub fn operation<'b>(&'b mut self, reason: Option<&'b str>) -> Operation<'b> {
        Operation {
            tx: &mut self.tx,
            actor: &self.known.actor,
            now: self.now,
            reason,
            zone: &self.zone,
        }
    }

    /// The page that is asked for.
    ///
    /// # Errors
    /// [`Error::Refused`] when no page of this list gave its place.
    pub fn page(&self, paging: &Paging) -> Result<PageRequest> {
        let after = match &paging.after {
            None => None,
            Some(text) => Some(self.place(text).ok_or_else(|| Error::invalid(Text::NoSuchPage))?),
        };
        let limit = paging.limit.unwrap_or(ROWS);
        if !(1..=MAX_ROWS).contains(&limit) {
            return Err(Error::invalid(format!("limit: 1 to {MAX_ROWS}")));
        }
        Ok(PageRequest { after, limit, search: paging.search.clone() })
    }

    fn place(&self, text: &str) -> Option<String> {
        let sealed = Base64UrlUnpadded::decode_vec(text).ok()?;
        String::from_utf8(self.api.cursors.open(self.path, &sealed)?).ok()
    }

    /// A page without what is not to be seen; where it goes on is sealed.
    pub fn listing<T>(
        &self,
        listing: Listing<T>,
        is_seen: impl FnMut(&T) -> bool,
    ) -> Result<Listing<T>> {
        let next = match listing.next {
            None => None,
            Some(next) => {
                let sealed = self.api.cursors.close(self.path, next.as_bytes())?;
                Some(Base64UrlUnpadded::encode_string(&sealed))
            }
        };
        let items = listing.items.into_iter().filter(is_seen).collect();
        Ok(Listing { items, more: next.is_some(), next })
    }

    /// Those of these people of whom something may be seen, by login name.
    pub async fn seen(&mut self, logins: Vec<String>) -> Result<BTreeSet<String>> {
        if self.grant().is_everywhere() {
            return Ok(logins.into_iter().collect());
        }
        let logins: BTreeSet<LoginName> =
            logins.into_iter().filter_map(|login| LoginName::new(login).ok()).collect();
        let logins: Vec<LoginName> = logins.into_iter().collect();
        let scopes: BTreeMap<LoginName, BTreeSet<ScopeName>> =
            lookup::scopes_of_people(&mut self.tx, &logins).await?;
        let grant = self.grant();
        let seen = scopes.iter().filter(|(_, own)| grant.sees(own.iter().map(ScopeName::as_str)));
        Ok(seen.map(|(login, _)| login.to_string()).collect())
    }

    /// What was done, with what keeps terminals from hearing of it.
    pub async fn done<T>(&mut self, done: T, reach: Reach) -> Result<Done<T>> {
        // The server runs: it is this one.
        let unheard = reach::unheard(&mut self.tx, &reach, true).await?;
        let unheard = unheard.map(|unheard| {
            let (code, args) = match unheard {
                Unheard::ServerStopped => (Code::StoredServerStopped, vec![]),
                Unheard::ScopeHalted(scope) => {
                    (Code::StoredScopeHalted, vec![("value", scope.as_str().into())])
                }
            };
            let message = texts::phrase(code, args).to_string();
            NotHeard { code: code.to_string(), message }
        });
        Ok(Done { done, unheard })
    }
}
