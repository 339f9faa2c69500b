//! What a login is claimed to be signed by, and the decision about it on the agent's own copy of
//! the directory.

use wardkey_core::client_data::ClientData;
use wardkey_core::code::{Code, Denial};
use wardkey_core::codec;
use wardkey_core::decide::{
    self, Freshness, Granted, decide, decide_by_code, decide_by_vouch, decide_vouch,
};
use wardkey_core::directory::leaf_key;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{LoginOutcome, LoginResult};
use wardkey_core::name::LoginName;
use wardkey_core::policy::context::LoginContext;
use wardkey_core::proof::SignedByCode;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::snapshot::{Anchor, Snapshot};
use wardkey_core::time::UnixTime;
use wardkey_core::vouch::Vouch;

use crate::agent::Agent;
use crate::error::AgentError;
use crate::login::authorise::Caller;
use crate::login::preverified::Preverified;

/// What a login is claimed to be signed by.
#[derive(Clone, Copy)]
pub enum Signed<'a> {
    /// A security key.
    Key(&'a Assertion),
    /// The code of a pass.
    Code(&'a SignedByCode),
    /// A code, and the colleague who vouched for it.
    Vouch(&'a SignedByCode, &'a Assertion),
}

impl<'a> Signed<'a> {
    /// What signs a login; a failure, a change of PIN and a vouch claim none.
    pub const fn of(result: &'a LoginResult) -> Option<Self> {
        match result {
            LoginResult::Success(assertion) => Some(Self::Key(assertion)),
            LoginResult::SuccessByCode(signed) => Some(Self::Code(signed)),
            LoginResult::SuccessByVouch(signed, vouch) => Some(Self::Vouch(signed, vouch)),
            LoginResult::Failure(_) | LoginResult::PinChanged | LoginResult::Vouched(_) => None,
        }
    }

    /// What was signed about the login.
    pub fn client_data(self) -> Result<ClientData, Denial> {
        let bytes = match self {
            Self::Key(assertion) => &assertion.client_data,
            Self::Code(signed) | Self::Vouch(signed, _) => &signed.client_data,
        };
        ClientData::from_bytes(bytes.as_slice())
            .map_err(|error| Denial::new(Code::ClientData, error))
    }

    /// As it was reported.
    pub fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Key(assertion) => codec::to_message(assertion),
            Self::Code(signed) => codec::to_message(signed),
            Self::Vouch(signed, vouch) => {
                [codec::to_message(signed), codec::to_message(vouch)].concat()
            }
        }
    }
}

/// Repeats the decision on the agent's own copy of the directory.
pub fn verify(
    agent: &Agent,
    caller: &Caller,
    outcome: &LoginOutcome,
    said: &ClientData,
    signed: Signed<'_>,
    preverified: Option<Preverified>,
) -> Result<Granted, AgentError> {
    let person = &said.person;
    let anchor = agent.anchor().ok_or_else(|| Denial::new(Code::NotJoined, "not joined"))?;
    let evidence = agent
        .directory
        .evidence(person)?
        .ok_or_else(|| Denial::new(Code::NotSynced, "no directory"))?;
    let mut marks = agent.marks();
    let snapshot = Preverified::or_verify(preverified, &evidence, &anchor, &marks, person)
        .inspect_err(|_| {
            // Our own copy does not verify: fetch it again.
            agent.refetch.store(true, std::sync::atomic::Ordering::SeqCst);
            agent.wake_sync.wake();
        })?;
    remember_seen(agent, caller, person, &mut marks);
    let account = outcome
        .login
        .account
        .as_ref()
        .ok_or_else(|| Denial::new(Code::ClientData, "no account"))?;
    let (now, least) = time_of(agent, said.time);
    let request = LoginContext {
        account,
        service: &outcome.login.service,
        remote: false,
        now,
        marks: &marks,
    };
    let least = least.max(snapshot.signed_time());
    let freshness = Freshness::Reported { least };
    Ok(match signed {
        Signed::Key(assertion) => {
            decide(&snapshot, &request, &anchor.terminal, freshness, assertion)?
        }
        Signed::Code(signed) => {
            decide_by_code(&snapshot, &request, &anchor.terminal, freshness, signed)?
        }
        Signed::Vouch(signed, assertion) => {
            let voucher = vouch_of(assertion)?.voucher;
            let voucher = snapshot_of(agent, &anchor, &marks, &voucher)?;
            let terminal = &anchor.terminal;
            decide_by_vouch(&snapshot, &voucher, &request, terminal, freshness, signed, assertion)?
        }
    })
}

/// What a colleague's key has signed.
fn vouch_of(assertion: &Assertion) -> Result<Vouch, Denial> {
    Vouch::from_bytes(assertion.client_data.as_slice())
        .map_err(|error| Denial::new(Code::ClientData, error))
}

/// Repeats the decision whether a colleague may vouch, on the agent's own copy of the directory.
pub fn verify_vouch(
    agent: &Agent,
    caller: &Caller,
    outcome: &LoginOutcome,
    assertion: &Assertion,
) -> Result<Vouch, AgentError> {
    let vouch = vouch_of(assertion)?;
    let anchor = agent.anchor().ok_or_else(|| Denial::new(Code::NotJoined, "not joined"))?;
    let mut marks = agent.marks();
    let person = snapshot_of(agent, &anchor, &marks, &vouch.person)?;
    let voucher = snapshot_of(agent, &anchor, &marks, &vouch.voucher)?;
    for who in [&vouch.person, &vouch.voucher] {
        remember_seen(agent, caller, who, &mut marks);
    }
    let (now, least) = time_of(agent, vouch.from);
    let request = LoginContext {
        // Which account the person will use, each login says.
        account: &vouch.person,
        service: &outcome.login.service,
        remote: false,
        now,
        marks: &marks,
    };
    let freshness = Freshness::Reported { least: least.max(person.signed_time()) };
    let terminal = &anchor.terminal;
    Ok(decide_vouch(&person, &voucher, &request, terminal, freshness, assertion)?)
}

fn snapshot_of(
    agent: &Agent,
    anchor: &Anchor,
    marks: &Marks,
    person: &LoginName,
) -> Result<Snapshot, AgentError> {
    let evidence = agent
        .directory
        .evidence(person)?
        .ok_or_else(|| Denial::new(Code::NotSynced, "no directory"))?;
    Ok(Snapshot::verify(&evidence, anchor, marks, person)?)
}

/// The time to judge a login by, and the least that the module's can be: by the clock, or, where
/// the module went by the server's time because the clock is wrong, by that.
fn time_of(agent: &Agent, said: UnixTime) -> (UnixTime, UnixTime) {
    let (clock, least) = (agent.clock.now(), agent.clock.realtime());
    let is_late = |time| clock.since(time) > decide::CHALLENGE_SECONDS;
    match agent.clock.attested() {
        // A clock that is behind is raised to what was signed, and needs none of this.
        Some(attested) if is_late(attested) && is_late(said) => (attested, attested),
        _ => (clock, least),
    }
}

/// Adds the person to those seen here. A module that runs as root has judged by its own marks; for
/// any other module the agent's memory counts.
pub fn remember_seen(agent: &Agent, caller: &Caller, person: &LoginName, marks: &mut Marks) {
    let key = leaf_key(person);
    if caller.peer.is_root() || matches!(agent.state.last_seen(&key), Ok(Some(_))) {
        marks.remember(key, agent.clock.now());
    }
}
