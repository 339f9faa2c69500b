//! What the command line asks for: status, synchronise, join, enroll.

use std::sync::atomic::Ordering;

use serde_json::json;
use wardkey_core::cause::Cause;
use wardkey_core::code::{Code, Denial};
use wardkey_core::codec::{Bytes, List};
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::{CredentialId, Hash};
use wardkey_core::message::agent::{
    DestinationStatus, EnrollBegin, EnrollFinish, Enrolled, Enrollment, Join, PeoplePage, Refusal,
    Reply, Request, ScopeStatus, Status, WayIn,
};
use wardkey_core::message::http::{
    Base64, EnrollBeginReply, EnrollBeginRequest, EnrollFinishRequest,
};
use wardkey_core::name::{DisplayText, LoginName, RpId, printable};
use wardkey_core::policy::pin::LENGTHS;
use wardkey_ipc::Peer;

use crate::agent::Agent;
use crate::audit::destination::SERVER;
use crate::error::{AgentError, ServerError, Told};
use crate::log;
use crate::login;
use crate::presence;
use crate::store::view::View;
use crate::sync::exchange::{note_failure, note_success, upstream};
use crate::sync::run::round;
use crate::witness;

/// The terminal of the enrollment console.
const CONSOLE: &str = "tty12";

/// Answers a request that is no login.
pub fn answer(agent: &Agent, peer: Peer, request: &Request) -> Reply {
    let result = match request {
        Request::Status => Ok(Reply::Status(Box::new(status(agent)))),
        Request::Sync => needs_root(peer).and_then(|()| sync(agent)),
        Request::Join(join) => needs_root(peer).and_then(|()| self::join(agent, join)),
        Request::EnrollBegin(begin) => {
            may_enroll(agent, peer).and_then(|()| enroll_begin(agent, begin))
        }
        Request::EnrollFinish(finish) => {
            may_enroll(agent, peer).and_then(|()| enroll_finish(agent, peer, finish))
        }
        Request::People(page) => needs_root(peer).and_then(|()| people(agent, page)),
        Request::Preview(person) => needs_root(peer).map(|()| preview(agent, person)),
        Request::WayIn(way) => needs_root(peer).map(|()| record_way_in(agent, way)),
        _ => Err(Denial::new(Code::ProtocolError, "this belongs to a login").into()),
    };
    result.unwrap_or_else(|error| Reply::Refused(refused(&error)))
}

fn refused(error: &AgentError) -> Refusal {
    let retry_after = match error {
        AgentError::Server(error) => error.retry_after(),
        _ => None,
    };
    let detail = Some(error.detail()).filter(|detail| !detail.is_empty());
    Refusal { code: error.code(), detail, retry_after, record: None }
}

fn needs_root(peer: Peer) -> Result<(), AgentError> {
    if peer.is_root() {
        Ok(())
    } else {
        Err(Denial::new(Code::NeedsRoot, format!("uid {}", peer.uid)).into())
    }
}

/// Whoever may have the key process make a credential may enroll: root, the person at the terminal,
/// and the enrollment console while its terminal is shown. The code says whose the key becomes,
/// whoever asks.
fn may_enroll(agent: &Agent, peer: Peer) -> Result<(), AgentError> {
    if peer.is_root() {
        return Ok(());
    }
    let screens = agent.sessions.screens();
    // Whoever sits before another terminal does not type at the console.
    let is_console = is_console(agent, peer) && screens.line.as_deref() == Some(CONSOLE);
    if is_console || screens.has_active_local(peer.uid) {
        return Ok(());
    }
    Err(Denial::new(
        Code::CallerNotAllowed,
        "only root, the user of the active local session and the enrollment console may enroll",
    )
    .into())
}

/// Whether it is the process of the enrollment console that asks.
fn is_console(agent: &Agent, peer: Peer) -> bool {
    agent.enroller == Some(peer.uid)
}

/// What a login would be shown.
fn preview(agent: &Agent, person: &LoginName) -> Reply {
    match login::service::preview(agent, person) {
        Ok(grant) => Reply::Granted(Box::new(grant)),
        Err(refusal) => Reply::Refused(refusal),
    }
}

/// The state of the agent.
pub fn status(agent: &Agent) -> Status {
    let view = agent.directory.view();
    let link = agent.link();
    let identity = agent.identity();
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        terminal: identity.as_ref().map(|identity| identity.terminal),
        terminal_name: view.terminal.as_ref().map(|terminal| terminal.name.clone()),
        server: link
            .answered
            .or_else(|| agent.link.place())
            .or_else(|| identity.as_ref().map(|identity| identity.server.clone())),
        connected: link.connected == Some(true),
        last_contact: link.last_contact,
        last_error: link.last_error.as_ref().map(|told| printable(&told.why, 300)),
        scopes: scopes(&view),
        events_waiting: agent.state.waiting(&SERVER).unwrap_or_default(),
        logins: u32::try_from(agent.arbiter.len()).unwrap_or(u32::MAX),
        now: agent.clock.now(),
        keys: agent.keys.load(Ordering::Relaxed),
        in_memory: agent.state.in_memory(),
        clock_ahead: agent.clock_hides_the_server(),
        active: view
            .terminal
            .as_ref()
            .map(|terminal| terminal.status == wardkey_core::person::Status::Active),
        sessions: Some(presence::service::rules(agent)),
        destinations: Some(destinations(agent)),
        last_code: link.last_error.as_ref().map(|told| told.code.number()),
        last_system: link.last_error.as_ref().and_then(system),
        log: witness::status(agent),
    }
}

fn destinations(agent: &Agent) -> List<DestinationStatus, 16> {
    let all = agent.outlets.all().into_iter().map(|outlet| {
        let (to, failed) = (outlet.destination(), outlet.failed());
        DestinationStatus {
            name: to.name.to_owned(),
            waiting: agent.state.waiting(to).unwrap_or_default(),
            since: agent.state.oldest(to),
            last_error: failed.as_ref().map(|failed| printable(&failed.told.why, 200)),
            failed: failed.as_ref().map(|failed| failed.at),
            code: failed.as_ref().map(|failed| failed.told.code.number()),
            system: failed.as_ref().and_then(|failed| system(&failed.told)),
        }
    });
    List::new(all.collect()).unwrap_or_default()
}

/// What the system said.
fn system(told: &Told) -> Option<String> {
    told.system.as_ref().filter(|said| !said.is_empty()).map(|said| printable(said, 200))
}

fn scopes(view: &View) -> List<ScopeStatus, 8> {
    let scopes = view.terminal_scopes().map(|scope| ScopeStatus {
        scope: scope.head.scope.clone(),
        position: scope.head.position(),
        people: scope.head.count,
        issued: scope.head.issued,
        expires: scope.head.expires,
    });
    List::new(scopes.collect()).unwrap_or_default()
}

fn sync(agent: &Agent) -> Result<Reply, AgentError> {
    // An answer may be overtaken by the other thread's; then there was something new.
    let mut result = round(agent, 0);
    for _ in 0..3 {
        if !matches!(result, Ok(true)) {
            break;
        }
        result = round(agent, 0);
    }
    match &result {
        Ok(_) => note_success(agent),
        Err(error) => note_failure(agent, error),
    }
    result?;
    // Who asks for it wants to know that the log goes on, too.
    if let Err(error) = upstream(agent).and_then(|server| witness::look(agent, server.as_ref())) {
        log::warning(format_args!("the server's log of records was not witnessed: {error}"));
    }
    agent.outlets.wake_all();
    Ok(Reply::Synced(scopes(&agent.directory.view())))
}

fn join(agent: &Agent, request: &Join) -> Result<Reply, AgentError> {
    Ok(Reply::Joined(Box::new(crate::sync::join::join(agent, request)?)))
}

fn enroll_begin(agent: &Agent, request: &EnrollBegin) -> Result<Reply, AgentError> {
    let server = upstream(agent)?;
    let reply =
        server.enroll_begin(&EnrollBeginRequest { code: request.code.trim().to_owned() })?;
    Ok(Reply::Enrollment(Box::new(enrollment(agent, reply)?)))
}

fn malformed(error: impl Into<Cause>) -> AgentError {
    ServerError::Malformed(error.into()).into()
}

fn enrollment(agent: &Agent, reply: EnrollBeginReply) -> Result<Enrollment, AgentError> {
    let options = reply.public_key;
    let rp_id = RpId::new(options.rp.id).map_err(malformed)?;
    // The server may not have keys made for a name that the root key did not sign.
    let view = agent.directory.view();
    if view.root.as_ref().is_some_and(|root| root.rp_id != rp_id) {
        return Err(
            Denial::new(Code::RpIdMismatch, "the server asks for another relying party").into()
        );
    }
    let ids = |all: Vec<Base64>| {
        all.into_iter().map(|id| CredentialId::new(id.0)).collect::<Result<Vec<_>, _>>()
    };
    let pool = ids(reply.pool)?;
    let excluded = options.exclude_credentials.unwrap_or_default();
    let mut own = ids(excluded.into_iter().map(|one| one.id).collect())?;
    own.retain(|id| !pool.contains(id));
    let algorithms = options
        .pub_key_cred_params
        .iter()
        .filter_map(|parameter| i32::try_from(parameter.alg).ok());
    Ok(Enrollment {
        session: reply.session,
        login: LoginName::new(reply.login).map_err(malformed)?,
        display_name: DisplayText::new(options.user.display_name).map_err(malformed)?,
        user_handle: Bytes::new(options.user.id.0)?,
        rp_name: DisplayText::new(options.rp.name).map_err(malformed)?,
        latin_name: reply.latin_name.map(DisplayText::new).transpose().map_err(malformed)?,
        client_data: Bytes::new(client_data_json(&options.challenge, &reply.origin))?,
        algorithms: List::new(algorithms.collect())?,
        exclude: List::new(own)?,
        cred_protect: reply.cred_protect,
        min_pin_length: min_pin_length(reply.min_pin_length)?,
        pin_change_at_first_use: reply.pin_change_at_first_use,
        roots: view.roots.clone(),
        pool: Some(List::new(pool)?),
        rp_id,
    })
}

/// A length that no PIN can have would make keys useless: it is not handed on.
fn min_pin_length(said: Option<u8>) -> Result<Option<u8>, AgentError> {
    match said {
        Some(least) if !LENGTHS.contains(&least) => {
            Err(malformed(format!("PINs of {least} characters")))
        }
        said => Ok(said),
    }
}

/// clientDataJSON (WebAuthn level 3, 5.8.1) in the order of 5.8.1.1.
fn client_data_json(challenge: &Base64, origin: &str) -> Vec<u8> {
    let text = |value: serde_json::Value| value.to_string();
    let challenge = text(json!(challenge));
    let origin = text(json!(origin));
    format!(
        "{{\"type\":\"webauthn.create\",\"challenge\":{challenge},\"origin\":{origin},\
         \"crossOrigin\":false}}"
    )
    .into_bytes()
}

fn enroll_finish(agent: &Agent, peer: Peer, request: &EnrollFinish) -> Result<Reply, AgentError> {
    let reply = upstream(agent)?.enroll_finish(&EnrollFinishRequest {
        session: request.session.clone(),
        credential_id: Base64(request.credential_id.as_slice().to_vec()),
        client_data: Base64(request.client_data.as_slice().to_vec()),
        attestation_object: Base64(request.attestation_object.as_slice().to_vec()),
        label: request.label.as_str().to_owned(),
        can_force_pin_change: request.can_force_pin_change,
    })?;
    let enrolled = Enrolled {
        login: LoginName::new(reply.login).map_err(malformed)?,
        display_name: DisplayText::new(reply.display_name).map_err(malformed)?,
        key: Hash::from_slice(&reply.key.0)?,
        attested: reply.attested,
    };
    let mut event = agent.event(EventName::Enrolled, Outcome::Success);
    event.person = Some(enrolled.login.clone());
    event.key = Some(enrolled.key.short());
    event.peer_uid = Some(peer.uid);
    event.tty = is_console(agent, peer).then(|| CONSOLE.to_owned());
    agent.record(vec![event]);
    Ok(Reply::Enrolled(enrolled))
}

fn people(agent: &Agent, page: &PeoplePage) -> Result<Reply, AgentError> {
    Ok(Reply::People(Box::new(agent.directory.people(page)?)))
}

/// Records what root's doctor found.
fn record_way_in(agent: &Agent, way: &WayIn) -> Reply {
    let outcome = if way.accepted.is_some() { Outcome::Success } else { Outcome::Failure };
    let mut event = agent.event(EventName::WayIn, outcome);
    event.reason = Some(way.code);
    event.service = Some(printable(&way.subject, 64));
    event.detail =
        way.accepted.as_ref().or(way.detail.as_ref()).map(|detail| printable(detail, 200));
    let id = event.id;
    agent.record(vec![event]);
    Reply::Recorded(id, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_length_that_a_pin_can_have_is_handed_on() {
        for said in [None, Some(4), Some(6), Some(63)] {
            assert_eq!(min_pin_length(said).unwrap(), said);
        }
        for said in [0, 3, 64, 255] {
            let refused = min_pin_length(Some(said)).unwrap_err();
            assert_eq!(refused.code(), Code::ProtocolError, "{said}");
        }
    }

    #[test]
    fn client_data_is_the_json_that_browsers_make() {
        let made = client_data_json(&Base64(vec![0xfb, 0xff]), "https://wardkey.example\"\\");
        assert_eq!(
            String::from_utf8(made).unwrap(),
            concat!(
                r#"{"type":"webauthn.create","challenge":"-_8","#,
                r#""origin":"https://wardkey.example\"\\","crossOrigin":false}"#
            )
        );
    }
}
