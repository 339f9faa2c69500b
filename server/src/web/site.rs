//! What all pages share, and the transactions in which they look and act.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::http::HeaderMap;
use tokio::sync::{Semaphore, SemaphorePermit};
use wardkey_core::code::Code;
use wardkey_core::name::RpId;
use wardkey_core::time::UnixTime;

use super::ceremony::Ceremony;
use super::cookies::{SESSION, cookie};
use super::form::{self, Form};
use super::refusal::Refusal;
use crate::admin::role::Act;
use crate::admin::session::{self, Audience, Holder, SignedIn};
use crate::api::call::{Api, Call};
use crate::api::endpoint::{Asked, Endpoint};
use crate::api::perform::{must_have, perform};
use crate::error::{Error, Result};
use crate::http::App;
use crate::http::limit::Counted;
use crate::store::Tx;
use crate::store::api_key::ID_LEN;
use crate::texts::Text;

/// What all pages share.
pub struct Site {
    /// What the interface has, too.
    pub api: Arc<Api>,
    /// Challenges.
    pub ceremony: Ceremony,
    /// Where the pages are: `https://host:port`.
    pub origin: String,
    /// For whom keys sign.
    pub rp_id: RpId,
    /// The name of the deployment.
    pub deployment: String,
    /// The sessions that take a file now.
    pub files: Arc<Mutex<BTreeSet<[u8; ID_LEN]>>>,
    /// Turns of those who look at what is their own.
    pub own: Semaphore,
    sessions: Semaphore,
}

/// Sessions that are looked up at once.
const SESSIONS: usize = 2;
/// Own pages that are read at once.
const OWN: usize = 2;
/// The least that tells one form from another: 16 random bytes.
const ONCE: usize = 32;
/// Letters of what was asked for in the trail.
const ASKED: usize = 200;

/// A page that is being made.
pub struct Look<'a> {
    /// Who looks, at what, in which transaction.
    pub call: Call<'a>,
    _turn: Option<SemaphorePermit<'a>>,
}

/// An act that a form of somebody's session asks for.
pub struct Acting<'a> {
    site: &'a Site,
    who: SignedIn,
    secret: String,
    once: Option<String>,
}

impl Site {
    /// The pages at an origin.
    ///
    /// # Errors
    /// One of an invalid request when no key of this deployment would sign there.
    pub fn new(api: Arc<Api>, origin: &str) -> Result<Self> {
        let root = api.app.publisher.keys().root().clone();
        let rp_id = root.rp_id.clone();
        let host = origin.strip_prefix("https://").unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let below = host.strip_suffix(rp_id.as_str());
        if !below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.')) {
            let args = [("origin", origin.into()), ("rp_id", rp_id.as_str().into())];
            return Err(Error::invalid(Text::PagesElsewhere.with(args)));
        }
        Ok(Self {
            ceremony: Ceremony::new(api.app.code_key.as_slice(), origin)?,
            origin: origin.to_owned(),
            deployment: root.name.to_string(),
            rp_id,
            files: Arc::default(),
            own: Semaphore::new(OWN),
            sessions: Semaphore::new(SESSIONS),
            api,
        })
    }

    /// The application.
    pub fn app(&self) -> &App {
        &self.api.app
    }

    /// Whom the pages are for.
    pub fn audience(&self) -> Audience {
        if self.has_own_pages() { Audience::Staff } else { Audience::Administrators }
    }

    /// Whether everybody has a page of their own.
    pub fn has_own_pages(&self) -> bool {
        self.app().config.admin.self_service
    }

    /// Who is signed in and has a role; the use is noted, now and then.
    pub async fn visitor(&self, headers: &HeaderMap) -> Result<SignedIn, Refusal> {
        Ok(self.guest(headers).await?.with_role()?)
    }

    /// The same of whoever is signed in, with a role or without.
    pub async fn guest(&self, headers: &HeaderMap) -> Result<Holder, Refusal> {
        let (app, now) = (self.app(), self.app().now());
        let who = self.holder(headers).await?;
        app.limiter.take(Counted::ApiKey(who.id))?;
        // What cannot be written, as on a full disk, keeps nobody from looking.
        if who.is_due
            && let Err(error) = self.note_use(&who, now).await
        {
            tracing::warn!(%error, "the use of a session is not noted");
        }
        Ok(who)
    }

    async fn note_use(&self, who: &Holder, now: UnixTime) -> Result<()> {
        let mut tx = self.app().store.write().await?;
        session::saw(&mut tx, who, now).await?;
        tx.commit().await.map_err(Error::from)
    }

    /// Begins a page. `place` is where places in its list are good: its path, and what it asks
    /// beside the part of the list.
    pub async fn look<'a>(&'a self, who: &'a SignedIn, place: String) -> Result<Look<'a>> {
        let turn = self.api.readers.acquire().await.ok();
        let tx = self.app().store.read().await?;
        let place = format!("{place}\n{}", who.login);
        Ok(Look { call: self.call(who, tx, self.app().now(), place), _turn: turn })
    }

    /// Begins an act that a form asks for.
    ///
    /// # Errors
    /// [`Code::NotSignedIn`]; [`Code::FormNotOurs`]; 429; and without a reason.
    pub async fn act(&self, form: &Form) -> Result<Acting<'_>, Refusal> {
        let who = self.signed_in(&form.headers).await?;
        if !who.sent(form.token()) {
            return Err(session::refused(Code::FormNotOurs).into());
        }
        if form.field("reason").is_none() {
            return Err(Error::invalid(Text::ReasonMissing).into());
        }
        self.app().limiter.take(Counted::ApiKeyChanges(who.known.id))?;
        let secret = cookie(&form.headers, SESSION).unwrap_or_default().to_owned();
        Ok(Acting { site: self, who, secret, once: None })
    }

    /// The same for what is done anew each time that it is asked for, such as a code that is shown
    /// once: a form that comes a second time does nothing.
    ///
    /// # Errors
    /// Those of [`Self::act`]; [`Code::FormNotOurs`] for a form that cannot be told from others.
    pub async fn act_once(&self, form: &Form) -> Result<Acting<'_>, Refusal> {
        let acting = self.act(form).await?;
        let once = form.text(form::ONCE).filter(|once| once.len() >= ONCE);
        let once = once.ok_or_else(|| session::refused(Code::FormNotOurs))?;
        Ok(Acting { once: Some(once), ..acting })
    }

    /// Who was refused what they asked for, when that is somebody who is signed in. Of a page that
    /// there is, it is written into the trail: who tries what is not theirs is not unseen.
    pub async fn was_refused(
        &self,
        headers: &HeaderMap,
        (asked, is_of_a_page): (&str, bool),
        code: Code,
    ) -> Option<Holder> {
        if matches!(code, Code::NotSignedIn | Code::TooManyRequests) {
            return None;
        }
        let who = self.holder(headers).await.ok()?;
        if is_of_a_page && is_told(code) {
            let asked: String = asked.chars().take(ASKED).collect();
            let login = &who.login;
            tracing::info!(%login, asked, %code, "refused to somebody who is signed in");
            // It stays refused, whatever can be written.
            if let Err(error) = self.tell(&who, (&asked, code)).await {
                tracing::warn!(%error, "a refusal is not in the trail");
            }
        }
        Some(who)
    }

    /// Writes a refusal into the trail; of those that are too many that there are more.
    async fn tell(&self, who: &Holder, (asked, code): (&str, Code)) -> Result<()> {
        let (limiter, id) = (&self.app().limiter, who.id);
        // What is looked for and not there uses up nothing of what is forbidden.
        let counted = match code {
            Code::NotFound => Counted::Misses(id),
            _ => Counted::Refusals(id),
        };
        if limiter.take(counted).is_ok() {
            return self.write_refusal(who, (asked, &code.to_string())).await;
        }
        if limiter.take(Counted::MoreRefusals(id)).is_ok() {
            let more = "and more, which the log of the service has";
            return self.write_refusal(who, (asked, &format!("{code} {more}"))).await;
        }
        Ok(())
    }

    async fn write_refusal(&self, who: &Holder, what: (&str, &str)) -> Result<()> {
        let mut tx = self.app().store.write().await?;
        session::refuse_page(&mut tx, who, what, self.app().now()).await?;
        tx.commit().await.map_err(Error::from)
    }

    /// Who is signed in and has a role.
    pub async fn signed_in(&self, headers: &HeaderMap) -> Result<SignedIn, Refusal> {
        Ok(self.holder(headers).await?.with_role()?)
    }

    /// Who is signed in. Cookies that do not hold use up what their address may ask.
    pub async fn holder(&self, headers: &HeaderMap) -> Result<Holder, Refusal> {
        let (app, now) = (self.app(), self.app().now());
        let secret = cookie(headers, SESSION).unwrap_or_default();
        // What is none costs no look into the store.
        if !session::is_secret(secret) {
            return Err(session::not_signed_in().into());
        }
        // Anybody can make one up: what they may ask at once is bounded, apart from lists, for
        // which nobody who switches something off waits.
        let _turn = self.sessions.acquire().await.ok();
        let mut tx = app.store.read().await?;
        Ok(session::held(&mut tx, secret, self.audience(), now).await?)
    }

    fn call<'a>(&'a self, who: &'a SignedIn, tx: Tx, now: UnixTime, place: String) -> Call<'a> {
        let zone = self.app().config.zone();
        Call { api: &self.api, known: &who.known, tx, now, zone, place }
    }
}

impl Acting<'_> {
    /// Does it, and keeps it.
    ///
    /// # Errors
    /// Those of the act; nothing is kept then. [`Code::SignInAgain`] for what lets somebody in.
    pub async fn perform<E: Endpoint>(self, mut asked: Asked<E>) -> Result<E::View> {
        let Self { site, who, secret, once } = self;
        must_have(&who.known.grant, E::ACT)?;
        if needs_signature(E::ACT) {
            who.must_be_fresh(site.app().now())?;
        }
        // It may take a while, and the store's one writer does not wait for it.
        E::prepare(&mut asked).await?;

        let now = site.app().now();
        let mut tx = site.app().store.write().await?;
        // Within the transaction that acts on it: it may be over meanwhile.
        let who = session::known(&mut tx, &secret, now).await?;
        if let Some(once) = &once {
            session::take_form(&mut tx, &who, once).await?;
        }
        let mut call = site.call(&who, tx, now, String::new());
        let view = perform::<E>(&mut call, asked, None).await?;
        call.tx.commit().await.map_err(Error::from)?;
        match site.app().refresh().await {
            // It is there, and shown this once.
            Err(error) if once.is_some() => tracing::error!(%error, "not published yet"),
            refreshed => refreshed?,
        }
        Ok(view)
    }
}

/// Whether a refusal says that somebody wanted what is not theirs.
const fn is_told(code: Code) -> bool {
    matches!(
        code,
        Code::ActNotAllowed
            | Code::OutsideScopes
            | Code::SignInWithoutRole
            | Code::PersonProtected
            | Code::NotFound
            | Code::FormNotOurs
    )
}

/// Whether an act needs a signature of the last minutes: what lets people in, and what lets a
/// machine in at which they type their PINs.
const fn needs_signature(act: Act) -> bool {
    act.lets_in() || matches!(act, Act::ApproveTerminals)
}
