//! Enrollment of a key with a one-time code, from a terminal.

use axum::Json;
use axum::extract::State;
use wardkey_core::code::Code;
use wardkey_core::message::http::{
    Base64, EnrollBeginReply, EnrollBeginRequest, EnrollFinishReply, EnrollFinishRequest,
};
use wardkey_core::person::CredentialFlags;

use super::app::Shared;
use super::body::Body;
use super::limit::Counted;
use super::peer::ActiveTerminal;
use super::reply::Answer;
use crate::enroll::{fingerprint, redeem};
use crate::error::Error;
use crate::store::code;
use crate::{caller, secret};

/// `POST /v1/enroll/begin`
pub async fn begin(
    State(app): Shared,
    ActiveTerminal(known): ActiveTerminal,
    Body(request): Body<EnrollBeginRequest, 4096>,
) -> Answer<EnrollBeginReply> {
    let terminal = known.terminal.id;
    app.limiter.take(Counted::Code(terminal))?;
    let hash = secret::code_hash(&app.code_key, &request.code).ok_or_else(code::invalid)?;

    let now = app.now();
    let mut tx = app.store.read().await?;
    caller::still_active(&mut tx, &known.certificate).await?;
    let cap = app.config.keys_per_person;
    let begun = redeem::begin(&mut tx, &app.enrollments, (&hash, terminal), cap, now).await?;
    Ok(Json(EnrollBeginReply {
        session: begun.session,
        login: begun.login.to_string(),
        latin_name: begun.latin_name.as_ref().map(ToString::to_string),
        origin: app.enrollments.origin().to_owned(),
        cred_protect: app.enrollments.cred_protect(),
        min_pin_length: begun.pin.min_length,
        pin_change_at_first_use: begun.pin.change_at_first_use.then_some(true),
        public_key: begun.options,
        pool: begun.pool.iter().map(|id| Base64(id.as_slice().to_vec())).collect(),
    }))
}

/// `POST /v1/enroll/finish`
pub async fn finish(
    State(app): Shared,
    ActiveTerminal(known): ActiveTerminal,
    Body(request): Body<EnrollFinishRequest, 32_768>,
) -> Answer<EnrollFinishReply> {
    let now = app.now();
    let session = app.enrollments.take(&request.session, now)?;
    if session.terminal != known.terminal.id {
        let message = "the registration began at another terminal";
        return Err(Error::refused(Code::ChallengeExpired, message).into());
    }
    app.limiter.take(Counted::Account(session.code.person))?;
    let verified = app.enrollments.verify(&session, &request, now);

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
    let made = (&registration, request.can_force_pin_change);
    let person = redeem::finish(&mut tx, &session, made, cap, app.now()).await?;
    tx.commit().await.map_err(Error::from)?;

    app.publisher.refresh().await?;
    Ok(Json(EnrollFinishReply {
        login: person.login.to_string(),
        display_name: person.display_name.to_string(),
        key: fingerprint(&registration.record),
        attested: registration.record.flags.has(CredentialFlags::ATTESTED),
    }))
}
