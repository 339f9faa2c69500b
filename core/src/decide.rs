//! The decision: whether this person may log in to this account by this service now, and whether
//! this assertion proves the person. One function, [`decide`], used by the module before it lets
//! anyone in and by the agent before it records anything.

use crate::client_data::ClientData;
use crate::code::{Code, Denial};
use crate::directory::leaf_key;
use crate::id::{Hash, Nonce, TerminalId};
use crate::marks::Marks;
use crate::name::{LoginName, ScopeName, ServiceName};
use crate::person::{CredentialRecord, PersonRecord, Status};
use crate::policy::stage::is_member;
use crate::policy::stage::{self, Stage};
use crate::proof::assertion::{Assertion, AuthenticatorData};
use crate::snapshot::Snapshot;
use crate::time::UnixTime;

/// Longest time in seconds from the challenge to the decision.
pub const CHALLENGE_SECONDS: u64 = 60;

/// The service of the account phase that systemd goes through for an account's user manager.
const USER_MANAGER: &str = "systemd-user";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The Unix account.
    pub account: &'a LoginName,
    /// The PAM service.
    pub service: &'a ServiceName,
    /// Whether the session comes from elsewhere.
    pub remote: bool,
    /// The time to judge by: [`crate::time::ClockFloor::now`].
    pub now: UnixTime,
    /// What this machine has seen.
    pub marks: &'a Marks,
}

/// Directory and policy allow the login; the key has yet to prove the person.
#[derive(Clone, Debug)]
pub struct Permit {
    /// How fresh the directory is.
    pub stage: Stage,
    /// Seconds since the oldest signed document was issued.
    pub age: u64,
    /// Whether the account is a shared one.
    pub shared: bool,
    /// The scope whose record is named in the client data.
    pub scope: ScopeName,
    /// That scope's position.
    pub position: crate::document::Position,
}

/// A login that may go on: made by [`decide`] only.
#[derive(Clone, Debug)]
pub struct Granted {
    permit: Permit,
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

/// Whether directory and policy allow the login, before any key is asked.
///
/// # Errors
/// A [`Denial`] (10xx). [`Code::KeyAndNameDoNotMatch`] when the person is in no scope of the terminal.
pub fn permit(snapshot: &Snapshot, request: &Request<'_>) -> Result<Permit, Denial> {
    terminal_serves(snapshot, request)?;
    let mut records = snapshot.records();
    let first = records
        .next()
        .ok_or_else(|| Denial::new(Code::KeyAndNameDoNotMatch, "no such person in any scope of this terminal"))?;
    std::iter::once(first).chain(records).try_for_each(|record| person_is_valid(record, request.now))?;
    let shared = account_is_allowed(snapshot, first, request)?;
    let seen = request.marks.has_seen(&leaf_key(snapshot.login()));
    let stage = stage::stage(snapshot, request.now, request.service, seen)?;
    let holder = snapshot
        .scopes()
        .iter()
        .find(|scope| scope.record.is_some())
        .ok_or_else(|| Denial::new(Code::KeyAndNameDoNotMatch, "no such person in any scope of this terminal"))?;
    Ok(Permit {
        stage,
        age: age(snapshot, request.now),
        shared,
        scope: holder.head.scope.clone(),
        position: holder.head.position(),
    })
}

/// Whether directory and policy allow the account phase of a handle that nobody has logged in with. As
/// [`permit`]; besides, the user manager of a shared account, which systemd starts after somebody has logged
/// in to it: nobody is proven then, and nobody is let in.
///
/// # Errors
/// As [`permit`].
pub fn permit_account(snapshot: &Snapshot, request: &Request<'_>) -> Result<Permit, Denial> {
    let shares = snapshot.scopes().iter().find(|scope| scope.policy.shared_account(request.account).is_some());
    match shares {
        Some(scope) if request.service.as_str() == USER_MANAGER => {
            terminal_serves(snapshot, request)?;
            Ok(Permit {
                stage: stage::stage_by_time(snapshot, request.now)?,
                age: age(snapshot, request.now),
                shared: true,
                scope: scope.head.scope.clone(),
                position: scope.head.position(),
            })
        }
        _ => permit(snapshot, request),
    }
}

/// The decision. Takes the verified directory and the raw assertion; the only way to a [`Granted`].
///
/// # Errors
/// A [`Denial`] with the first check that failed. Every path but the last denies.
pub fn decide(
    snapshot: &Snapshot,
    request: &Request<'_>,
    terminal: &TerminalId,
    freshness: Freshness<'_>,
    assertion: &Assertion,
) -> Result<Granted, Denial> {
    let permit = permit(snapshot, request)?;
    let client_data = ClientData::from_bytes(assertion.client_data.as_slice())
        .map_err(|error| Denial::new(Code::ClientData, error))?;
    client_data_is_ours(&client_data, snapshot, request, terminal)?;
    challenge_is_fresh(&client_data, request, freshness)?;

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
    Ok(Granted { permit, facts, client_data, key: credential.fingerprint(), credential })
}

/// What refuses everybody.
fn terminal_serves(snapshot: &Snapshot, request: &Request<'_>) -> Result<(), Denial> {
    if request.remote {
        return Err(Denial::new(Code::RemoteSession, "remote session"));
    }
    if snapshot.terminal().status != Status::Active {
        return Err(Denial::new(Code::TerminalDisabled, "terminal is disabled"));
    }
    Ok(())
}

fn person_is_valid(record: &PersonRecord, now: UnixTime) -> Result<(), Denial> {
    if record.status != Status::Active {
        return Err(Denial::new(Code::PersonDisabled, "person is disabled"));
    }
    if record.not_before.is_some_and(|from| now < from) {
        return Err(Denial::new(Code::PersonNotYetValid, "validity has not begun"));
    }
    if record.not_after.is_some_and(|until| now >= until) {
        return Err(Denial::new(Code::PersonExpired, "validity is over"));
    }
    Ok(())
}

/// The person's own account, or one that every scope which shares it shares with a group of the person
/// (groups by every record of the person: deny wins).
fn account_is_allowed(snapshot: &Snapshot, record: &PersonRecord, request: &Request<'_>) -> Result<bool, Denial> {
    let rules: Vec<_> = snapshot.policies().filter_map(|policy| policy.shared_account(request.account)).collect();
    if rules.is_empty() {
        return if record.login == *request.account {
            Ok(false)
        } else {
            Err(Denial::new(Code::NotInSharedGroup, "account is another person's"))
        };
    }
    if rules.iter().all(|rule| is_member(snapshot, &rule.groups)) {
        Ok(true)
    } else {
        Err(Denial::new(Code::NotInSharedGroup, "shared account, person in none of its groups"))
    }
}

/// Seconds since the oldest of what is signed.
fn age(snapshot: &Snapshot, now: UnixTime) -> u64 {
    now.since(snapshot.heads().map(|head| head.issued).fold(snapshot.terminal().issued, Ord::min))
}

fn client_data_is_ours(
    data: &ClientData,
    snapshot: &Snapshot,
    request: &Request<'_>,
    terminal: &TerminalId,
) -> Result<(), Denial> {
    let wrong = |what: &str| Err(Denial::new(Code::ClientData, format!("client data is of another {what}")));
    if data.terminal != *terminal || data.terminal != snapshot.terminal().terminal {
        return wrong("terminal");
    }
    if data.account != *request.account {
        return wrong("account");
    }
    if data.service != *request.service {
        return wrong("service");
    }
    if data.person != *snapshot.login() {
        return wrong("person");
    }
    Ok(())
}

fn challenge_is_fresh(data: &ClientData, request: &Request<'_>, freshness: Freshness<'_>) -> Result<(), Denial> {
    let late = || Err(Denial::new(Code::TooLate, "more than 60 seconds since the challenge"));
    match freshness {
        Freshness::Own { nonce, .. } if data.nonce != *nonce => {
            Err(Denial::new(Code::ClientData, "client data has another nonce"))
        }
        Freshness::Own { elapsed, .. } if elapsed > CHALLENGE_SECONDS => late(),
        // A challenge from the future is as wrong as an old one.
        Freshness::Reported { least }
            if least.since(data.time) > CHALLENGE_SECONDS || data.time.since(request.now) > CHALLENGE_SECONDS =>
        {
            late()
        }
        Freshness::Own { .. } | Freshness::Reported { .. } => Ok(()),
    }
}
