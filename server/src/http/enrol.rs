//! Enrolment of a key with a one-time code, from a terminal.

use axum::Json;
use axum::extract::State;
use wardkey_core::code::Code;
use wardkey_core::message::http::{EnrolBeginReply, EnrolBeginRequest, EnrolFinishReply, EnrolFinishRequest};
use wardkey_core::person::CredentialFlags;

use super::app::Shared;
use super::body::Body;
use super::limit::Counted;
use super::peer::ActiveTerminal;
use super::reply::Answer;
use crate::enrol::{fingerprint, redeem};
use crate::error::Error;
use crate::store::code;
use crate::{caller, secret};

/// `POST /v1/enrol/begin`
pub async fn begin(
    State(app): Shared,
    ActiveTerminal(known): ActiveTerminal,
    Body(request): Body<EnrolBeginRequest, 4096>,
) -> Answer<EnrolBeginReply> {
    let terminal = known.terminal.id;
    app.limiter.take(Counted::Code(terminal))?;
    let hash = secret::code_hash(&app.code_key, &request.code).ok_or_else(code::invalid)?;

    let now = app.now();
    let mut tx = app.store.read().await?;
    caller::still_active(&mut tx, &known.certificate).await?;
    let cap = app.config.keys_per_person;
    let begun = redeem::begin(&mut tx, &app.enrolments, (&hash, terminal), cap, now).await?;
    Ok(Json(EnrolBeginReply {
        session: begun.session,
        login: begun.login.to_string(),
        origin: app.enrolments.origin().to_owned(),
        cred_protect: app.enrolments.cred_protect(),
        public_key: begun.options,
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
        let message = "the registration began at another terminal";
        return Err(Error::refused(Code::ChallengeExpired, message).into());
    }
    app.limiter.take(Counted::Account(session.code.person))?;
    let verified = app.enrolments.verify(&session, &request, now);

    let mut tx = app.store.write().await?;
    caller::still_active(&mut tx, &known.certificate).await?;
    let registration = match verified {
        Ok(registration) => registration,
        Err(error) => {
            redeem::note_refusal(&mut tx, &session, &error, now).await?;
            tx.commit().await.map_err(Error::from)?;
            return Err(error.into());
        }
    };
    let cap = app.config.keys_per_person;
    let person = redeem::finish(&mut tx, &session, &registration, cap, app.now()).await?;
    tx.commit().await.map_err(Error::from)?;

    app.publisher.refresh().await?;
    Ok(Json(EnrolFinishReply {
        login: person.login.to_string(),
        display_name: person.display_name.to_string(),
        key: fingerprint(&registration.record),
        attested: registration.record.flags.has(CredentialFlags::ATTESTED),
    }))
}
