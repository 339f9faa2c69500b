//! The decision: whether this person may log in to this account by this service now, and whether
//! this assertion proves the person. One function, [`decide`], used by the module before it lets
//! anyone in and by the agent before it records anything.

use crate::client_data::ClientData;
use crate::code::{Code, Denial};
use crate::id::{Hash, Nonce, TerminalId};
use crate::person::{CredentialRecord, Status};
use crate::policy::context::LoginContext;
use crate::policy::evaluate::{Permit, evaluate};
use crate::proof::ProofKind;
use crate::proof::assertion::{Assertion, AuthenticatorData};
use crate::snapshot::Snapshot;
use crate::time::UnixTime;

/// Longest time in seconds from the challenge to the decision.
pub const CHALLENGE_SECONDS: u64 = 60;

/// A login that may go on: made by [`decide`] only.
#[derive(Clone, Debug)]
pub struct Granted {
    permit: Permit,
    proof: ProofKind,
    facts: AuthenticatorData,
    client_data: ClientData,
    key: Hash,
    credential: CredentialRecord,
}

impl Granted {
    /// What directory and policy said.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// By which proof.
    pub fn proof(&self) -> ProofKind {
        self.proof
    }

    /// What the key signed about itself.
    pub fn facts(&self) -> &AuthenticatorData {
        &self.facts
    }

    /// What the key signed about the login.
    pub fn client_data(&self) -> &ClientData {
        &self.client_data
    }

    /// Fingerprint of the credential.
    pub fn key(&self) -> &Hash {
        &self.key
    }

    /// The credential that signed.
    pub fn credential(&self) -> &CredentialRecord {
        &self.credential
    }
}

/// How the decider knows that the challenge is fresh.
#[derive(Clone, Copy, Debug)]
pub enum Freshness<'a> {
    /// The module made the nonce itself; seconds by a clock that cannot be set.
    Own {
        /// The nonce that it made.
        nonce: &'a Nonce,
        /// Seconds since.
        elapsed: u64,
    },
    /// The agent goes by the time in the client data, and refuses what it has recorded before. The
    /// module may stand below the agent's floor (it has seen less signed time), but never below `least`:
    /// the clock, or the signed time that both have seen.
    Reported {
        /// The least that the module's time can be.
        least: UnixTime,
    },
}

/// The decision. Takes the verified directory and the raw assertion; the only way to a [`Granted`].
///
/// # Errors
/// A [`Denial`] with the first check that failed. Every path but the last denies.
pub fn decide(
    snapshot: &Snapshot,
    context: &LoginContext<'_>,
    terminal: &TerminalId,
    freshness: Freshness<'_>,
    assertion: &Assertion,
) -> Result<Granted, Denial> {
    let permit = evaluate(snapshot, context).into_permit()?;
    let client_data = ClientData::from_bytes(assertion.client_data.as_slice())
        .map_err(|error| Denial::new(Code::ClientData, error))?;
    client_data_is_ours(&client_data, snapshot, context, terminal)?;
    challenge_is_fresh(&client_data, context, freshness)?;

    let mut granted = None;
    for record in snapshot.records() {
        let credential = record
            .credential(&assertion.credential_id)
            .ok_or_else(|| Denial::new(Code::KeyAndNameDoNotMatch, "credential is not this person's"))?;
        if credential.status != Status::Active {
            return Err(Denial::new(Code::CredentialDisabled, "credential is disabled"));
        }
        if credential.rp_id != snapshot.root().rp_id {
            return Err(Denial::new(Code::RpIdMismatch, "credential of another relying party"));
        }
        if let Some(handle) = &assertion.user_handle
            && handle.as_slice() != record.user_handle.as_bytes()
        {
            return Err(Denial::new(Code::UserHandleMismatch, "user handle is not this person's"));
        }
        let facts = assertion.verify(credential)?;
        granted = Some((facts, credential.clone()));
    }
    let (facts, credential) =
        granted.ok_or_else(|| Denial::new(Code::KeyAndNameDoNotMatch, "no such person in any scope"))?;
    Ok(Granted { permit, proof: ProofKind::KeyWithPin, facts, client_data, key: credential.fingerprint(), credential })
}

fn client_data_is_ours(
    data: &ClientData,
    snapshot: &Snapshot,
    context: &LoginContext<'_>,
    terminal: &TerminalId,
) -> Result<(), Denial> {
    let wrong = |what: &str| Err(Denial::new(Code::ClientData, format!("client data is of another {what}")));
    if data.terminal != *terminal || data.terminal != snapshot.terminal().terminal {
        return wrong("terminal");
    }
    if data.account != *context.account {
        return wrong("account");
    }
    if data.service != *context.service {
        return wrong("service");
    }
    if data.person != *snapshot.login() {
        return wrong("person");
    }
    Ok(())
}

fn challenge_is_fresh(data: &ClientData, context: &LoginContext<'_>, freshness: Freshness<'_>) -> Result<(), Denial> {
    let late = || Err(Denial::new(Code::TooLate, "more than 60 seconds since the challenge"));
    match freshness {
        Freshness::Own { nonce, .. } if data.nonce != *nonce => {
            Err(Denial::new(Code::ClientData, "client data has another nonce"))
        }
        Freshness::Own { elapsed, .. } if elapsed > CHALLENGE_SECONDS => late(),
        // A challenge from the future is as wrong as an old one.
        Freshness::Reported { least }
            if least.since(data.time) > CHALLENGE_SECONDS || data.time.since(context.now) > CHALLENGE_SECONDS =>
        {
            late()
        }
        Freshness::Own { .. } | Freshness::Reported { .. } => Ok(()),
    }
}
