//! A request that is being answered: who asks, and the transaction in which it is.

use base64ct::{Base64UrlUnpadded, Encoding};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use wardkey_core::code::Code;
use wardkey_core::id::TerminalId;
use wardkey_core::name::ScopeName;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::seal::Seal;
use crate::admin::known::Known;
use crate::admin::reach::{self, Reach, Unheard};
use crate::admin::role::Grant;
use crate::admin::{Listing, Operation};
use crate::error::{Error, Result};
use crate::http::App;
use crate::http::reply::ErrorResponse;
use crate::store::{PageRequest, Tx, terminal};
use crate::texts::Text;

/// Seconds after which a report may be asked for again while another is made.
const REPORT: u64 = 5;
/// Rows of a page, when nothing is said.
const ROWS: u32 = 100;
/// The most rows of a page.
const MAX_ROWS: u32 = 1000;
/// The longest text that is searched, in characters.
const MAX_SEARCH: usize = 200;

/// What all requests share.
pub struct Api {
    /// The application.
    pub app: std::sync::Arc<App>,
    /// The document that describes the interface.
    pub document: serde_json::Value,
    /// Seals where lists go on.
    pub cursors: Seal,
    /// How many requests may read at once: the rest of the store's readers is for terminals.
    pub readers: Semaphore,
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
    /// Where a place in a list is good: route, key, and what is asked beside the part of the list.
    pub place: String,
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

impl Api {
    /// The turn of a report: nobody waits for one, with whatever they hold.
    ///
    /// # Errors
    /// 429 while another is made.
    pub fn report(&self) -> Result<SemaphorePermit<'_>, ErrorResponse> {
        self.app.reports.try_acquire().map_err(|_| ErrorResponse::too_many(REPORT))
    }
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

    /// The page that is asked for, of what whoever asks may see: the store leaves the rest out
    /// before it counts rows.
    ///
    /// # Errors
    /// [`Error::Refused`] when no page of this list gave its place, and for bounds.
    pub fn page(&self, paging: &Paging) -> Result<PageRequest> {
        let after = match &paging.after {
            None => None,
            Some(text) => Some(self.place(text).ok_or_else(|| Error::invalid(Text::NoSuchPage))?),
        };
        let limit = paging.limit.unwrap_or(ROWS);
        if !(1..=MAX_ROWS).contains(&limit) {
            return Err(Error::invalid(format!("limit: 1 to {MAX_ROWS}")));
        }
        let search = paging.search.clone();
        if search.as_ref().is_some_and(|text| text.chars().count() > MAX_SEARCH) {
            return Err(Error::invalid(format!("search: at most {MAX_SEARCH} characters")));
        }
        Ok(PageRequest { after, limit, search, within: self.grant().scopes().cloned() })
    }

    /// Leaves out the ids of terminals that are not to be seen.
    pub async fn mask_terminals<'b>(
        &mut self,
        ids: impl IntoIterator<Item = &'b mut Option<String>>,
    ) -> Result<()> {
        if self.grant().is_everywhere() {
            return Ok(());
        }
        let read = |id: Option<&str>| TerminalId::from_hex(id?).ok();
        let places: Vec<&mut Option<String>> = ids.into_iter().collect();
        let all: Vec<TerminalId> =
            places.iter().filter_map(|place| read(place.as_deref())).collect();
        let scopes = terminal::scopes_of(&mut self.tx, &all).await?;
        for place in places {
            let own = read(place.as_deref()).and_then(|id| scopes.get(&id));
            if own.is_none_or(|own| !self.grant().sees(own.iter().map(ScopeName::as_str))) {
                *place = None;
            }
        }
        Ok(())
    }

    fn place(&self, text: &str) -> Option<String> {
        let sealed = Base64UrlUnpadded::decode_vec(text).ok()?;
        String::from_utf8(self.api.cursors.open(&self.place, &sealed)?).ok()
    }

    /// A page as it goes out: where the list goes on is sealed.
    pub fn listing<T>(&self, listing: Listing<T>) -> Result<Listing<T>> {
        let next = match listing.next {
            None => None,
            Some(next) => {
                let sealed = self.api.cursors.close(&self.place, next.as_bytes())?;
                Some(Base64UrlUnpadded::encode_string(&sealed))
            }
        };
        Ok(Listing { items: listing.items, more: next.is_some(), next })
    }

    /// What was done, with what keeps terminals from hearing of it.
    pub async fn done<T>(&mut self, done: T, reach: Reach) -> Result<Done<T>> {
        let unheard = NotHeard::of(&mut self.tx, &reach).await?;
        Ok(Done { done, unheard })
    }
}

impl NotHeard {
    /// What keeps terminals from hearing of something, if anything.
    pub async fn of(tx: &mut Tx, reach: &Reach) -> Result<Option<Self>> {
        // The server runs: it is this one.
        let unheard = reach::unheard(tx, reach, true).await?;
        Ok(unheard.map(|unheard| {
            let (code, args) = match unheard {
                Unheard::ServerStopped => (Code::StoredServerStopped, vec![]),
                Unheard::ScopeHalted(scope) => {
                    (Code::StoredScopeHalted, vec![("value", scope.as_str().into())])
                }
            };
            let message = texts::phrase(code, args).to_string();
            Self { code: code.to_string(), message }
        }))
    }
}
