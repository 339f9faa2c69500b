//! Enrolment of a key with a one-time code, from a terminal.

use axum::Json;
use axum::extract::State;
use wardkey_core::code::Code;
use wardkey_core::message::http::{EnrolBeginReply, EnrolBeginRequest, EnrolFinishReply, EnrolFinishRequest};
use wardkey_core::person::CredentialFlags;

use super::body::Body;
use super::limit::Counted;
use super::peer::{ActiveTerminal, KnownTerminal};
use super::reply::{Answer, Refusal};
use super::{App, Shared};
use crate::enrol::{Session, Subject, fingerprint};
use crate::error::{Error, Result};
use crate::secret;
use crate::store::audit::{self, Act, Actor};
use crate::store::credential::{self, CredentialStatus, Registration};
use crate::store::person::{self, Person, PersonStatus};
use crate::store::{code, state};

/// `POST /v1/enrol/begin`
pub async fn begin(
    State(app): Shared,
    ActiveTerminal(known): ActiveTerminal,
    Body(request): Body<EnrolBeginRequest, 4096>,
) -> Answer<EnrolBeginReply> {
    let terminal = known.terminal.id;
    app.limiter.take(Counted::Code(terminal))?;
    let now = app.now();
    let hash = secret::code_hash(&app.code_key, &request.code).ok_or_else(code::invalid)?;
    let mut tx = app.store.read().await?;
    known.still_active(&mut tx).await?;
    let open = code::open(&mut tx, &hash, now).await?;
    let person = active(person::by_id(&mut tx, open.person).await?)?;
    let keys = credential::of_person(&mut tx, person.id).await?;
    let kept: Vec<_> = keys.iter().filter(|key| key.status != CredentialStatus::Deleted).collect();
    if kept.len() >= app.config.keys_per_person as usize {
        return Err(Error::refused(Code::TooManyKeys, format!("the person has {} keys already", kept.len())).into());
    }
    let subject = Subject {
        login: &person.login,
        display_name: &person.display_name,
        user_handle: &person.user_handle,
        exclude: kept.iter().map(|key| key.id.clone()).collect(),
    };
    let (session, public_key) = app.enrolments.begin(&subject, (open, terminal), now)?;
    Ok(Json(EnrolBeginReply {
        session,
        login: person.login.to_string(),
        origin: app.enrolments.origin().to_owned(),
        cred_protect: app.enrolments.cred_protect(),
        public_key,
    }))
}

/// `POST /v1/enrol/finish`
pub async fn finish(
    State(app): Shared,
    ActiveTerminal(known): ActiveTerminal,
    Body(request): Body<EnrolFinishRequest, 32_768>,
) -> Answer<EnrolFinishReply> {
    let now = app.now();
    let session = app.enrolments.take(&request.session, now)?;
    if session.terminal != known.terminal.id {
        return Err(Error::refused(Code::ChallengeExpired, "the registration began at another terminal").into());
    }
    app.limiter.take(Counted::Account(session.code.person))?;
    let registration = match app.enrolments.verify(&session, &request, now) {
        Ok(registration) => registration,
        Err(error) => {
            // The challenge is gone; the code stays, so nobody has to fetch another one.
            app.note_refusal(&known, &session, &error).await?;
            return Err(Refusal::from(error));
        }
    };
    let person = app.enrol(&known, &session, &registration).await?;
    app.publisher.refresh().await?;
    Ok(Json(EnrolFinishReply {
        login: person.login.to_string(),
        display_name: person.display_name.to_string(),
        key: fingerprint(&registration.record),
        attested: registration.record.flags.has(CredentialFlags::ATTESTED),
    }))
}

/// A person who is switched off gets no key; said in the words of a wrong code.
fn active(person: Person) -> Result<Person> {
    if person.status == PersonStatus::Active { Ok(person) } else { Err(code::invalid()) }
}

impl App {
    /// Code used up, key added, person published, all recorded: in one transaction.
    async fn enrol(
        &self,
        known: &KnownTerminal,
        session: &Session,
        registration: &Registration,
    ) -> Result<Person, Refusal> {
        let now = self.now();
        let mut tx = self.store.write().await?;
        known.still_active(&mut tx).await?;
        let person = active(person::by_id(&mut tx, session.code.person).await?)?;
        code::use_up(&mut tx, session.code, now).await?;
        credential::add(&mut tx, person.id, registration, self.config.keys_per_person).await?;
        state::publish_person(&mut tx, person.id).await?;
        let record = &registration.record;
        let detail = format!(
            "person {}, label \"{}\", model {}, {}",
            person.login,
            record.label,
            record.aaguid,
            if record.flags.has(CredentialFlags::ATTESTED) { "attested" } else { "not attested" }
        );
        let key = record.fingerprint().short();
        audit::record(&mut tx, now, &Actor::terminal(&session.terminal), Act::new("key.enrol", &key).with(&detail))
            .await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(person)
    }

    async fn note_refusal(&self, known: &KnownTerminal, session: &Session, error: &Error) -> Result<(), Refusal> {
        let mut tx = self.store.write().await?;
        known.still_active(&mut tx).await?;
        let person = person::by_id(&mut tx, session.code.person).await?;
        let why = error.to_string();
        let act = Act::new("key.enrol-refused", person.login.as_str()).with(&why);
        audit::record(&mut tx, self.now(), &Actor::terminal(&session.terminal), act).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(())
    }
}
