//! What a login is shown: evidence for who is asked for, and who may use a shared account.

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::id::Hash;
use wardkey_core::message::agent::{Begin, CandidatePage, Candidates, Grant, Refusal};
use wardkey_core::name::LoginName;

use crate::agent::Agent;
use crate::error::AgentError;
use crate::login::authorise::{Caller, refusal};
use crate::login::{decoys, lockout};

/// Evidence for a name, whether anybody has it or not.
pub fn grant(agent: &Agent, account: Option<&LoginName>) -> Result<Grant, Refusal> {
    let failed = |error: AgentError| refusal(Code::StateUnavailable, error.to_string());
    // A name that cannot be one is asked for like one that nobody has.
    let nobody = LoginName::new("_").map_err(|error| refusal(Code::Internal, error.to_string()))?;
    let login = account.unwrap_or(&nobody);
    let evidence = agent.directory.evidence(login).map_err(failed)?;
    let evidence =
        Some(evidence.ok_or_else(|| refusal(Code::NotSynced, "the directory is being fetched"))?);
    let Candidates { candidates, more } = match account {
        Some(account) if agent.directory.view().is_shared(account) => agent
            .directory
            .candidates(account, None, &agent.state.seen_people().map_err(failed)?)
            .map_err(failed)?,
        _ => Candidates { candidates: List::default(), more: None },
    };
    let person = account
        .map(|account| agent.directory.person(account))
        .transpose()
        .map_err(failed)?
        .flatten();
    let locked = person
        .as_ref()
        .map(|person| lockout::of_person(agent, person))
        .transpose()
        .map_err(failed)?;
    // Made for every name, so that one that nobody has takes no longer.
    let decoys = decoys::of(agent, login).map_err(failed)?;
    let is_asked_for =
        person.is_some_and(|person| person.keys().next().is_some()) || !candidates.is_empty();
    let decoys = (!is_asked_for).then_some(decoys);
    let locked = locked.filter(|locked| !locked.is_empty());
    Ok(Grant {
        evidence,
        candidates,
        locked,
        decoys,
        more,
        answers_time: Some(true),
        takes_codes: Some(true),
        finds_people: Some(true),
        changes_pins: Some(true),
        takes_vouches: Some(true),
        breaks_glass: Some(true),
    })
}

/// A further page of who may use the shared account of a login.
pub fn candidates(
    agent: &Agent,
    begin: &Begin,
    page: CandidatePage,
) -> Result<Candidates, Refusal> {
    let failed = |error: AgentError| refusal(Code::StateUnavailable, error.to_string());
    let account =
        begin.account.as_ref().filter(|account| agent.directory.view().is_shared(account));
    let account = account.ok_or_else(|| refusal(Code::ProtocolError, "not a shared account"))?;
    let seen = agent.state.seen_people().map_err(failed)?;
    agent.directory.candidates(account, Some(page), &seen).map_err(failed)
}

/// The keys of people of whom root knows that they were here, in a login that names no account.
pub fn keys_of(
    agent: &Agent,
    caller: &Caller,
    begin: &Begin,
    people: &[Hash],
) -> Result<Candidates, Refusal> {
    if !caller.peer.is_root() {
        return Err(refusal(Code::CallerNotAllowed, "only root may ask whose key it is"));
    }
    if begin.account.is_some() {
        return Err(refusal(Code::ProtocolError, "the login names an account"));
    }
    let failed = |error: AgentError| refusal(Code::StateUnavailable, error.to_string());
    agent.directory.keys_of(people).map_err(failed)
}

/// Evidence for the person whose key was found at a shared account, or where nobody was named.
pub fn prove(
    agent: &Agent,
    caller: &Caller,
    begin: &Begin,
    person: &LoginName,
) -> Result<Grant, Refusal> {
    let not_allowed = || refusal(Code::CallerNotAllowed, "not a candidate of this account");
    // Nobody but root learns about a person who is not meant by the account.
    if begin.account.as_ref() != Some(person) && !caller.peer.is_root() {
        let account = begin.account.as_ref().ok_or_else(not_allowed)?;
        let failed = |error: AgentError| refusal(Code::StateUnavailable, error.to_string());
        if !agent.directory.is_candidate(account, person).map_err(failed)? {
            return Err(not_allowed());
        }
    }
    Ok(Grant { candidates: List::default(), more: None, ..grant(agent, Some(person))? })
}
