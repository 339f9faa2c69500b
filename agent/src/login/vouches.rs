//! Vouches, and logins by them, as they are recorded.

use wardkey_core::code::{Code, Denial};
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::message::agent::LoginOutcome;
use wardkey_core::name::printable;
use wardkey_core::proof::assertion::{Assertion, AuthenticatorData, AuthenticatorFlags};
use wardkey_core::vouch::Vouch;

use crate::agent::Agent;
use crate::error::AgentError;
use crate::login::authorise::Caller;
use crate::login::begun::{base, digest, is_pin_change};
use crate::login::lockout;
use crate::login::signed::verify_vouch;
use crate::random::fresh_id;
use crate::store::ledger::Entry;

/// What to record of a vouch that a module reports.
///
/// # Errors
/// It does not hold, or the key is locked out: it is recorded as a failure.
pub fn entry(
    agent: &Agent,
    caller: &Caller,
    outcome: &LoginOutcome,
    assertion: &Assertion,
) -> Result<Entry, AgentError> {
    // Only root's module keeps what was vouched for; of anybody else's nothing would come.
    if !caller.peer.is_root() {
        return Err(Denial::new(Code::CallerNotAllowed, "only root's module takes vouches").into());
    }
    if is_pin_change(&outcome.login) {
        return Err(Denial::new(Code::ProtocolError, "nobody vouches by it").into());
    }
    let vouch = verify_vouch(agent, caller, outcome, assertion)?;
    let key = lockout::key(&vouch.credential);
    if let Some(seconds) = lockout::locked(agent, std::slice::from_ref(&key))? {
        let detail = format!("key is locked out for {seconds} s");
        return Err(Denial::new(Code::LockedOut, detail).into());
    }

    let mut event = base(agent, &outcome.login, Some(caller), caller.peer.uid);
    event.id = vouch.event_id();
    (event.name, event.outcome) = (EventName::Vouched, Outcome::Success);
    event.person = Some(vouch.person.clone());
    describe(&vouch, assertion, &mut event);
    let facts = AuthenticatorData::parse(assertion.auth_data.as_slice())?;
    event.key = Some(vouch.credential.short());
    event.up = Some(facts.flags.has(AuthenticatorFlags::UP));
    event.uv = Some(facts.flags.has(AuthenticatorFlags::UV));
    event.counter = Some(facts.counter);
    Ok(Entry {
        digest: digest(&[&wardkey_core::codec::to_message(assertion)]),
        refuse: None,
        attempt: Some(outcome.attempt),
        counter: Some((vouch.credential, facts.counter)),
        subjects: vec![key],
        counts: false,
        seen: None,
        lockouts: lockout::rules(&agent.directory.view()),
        spare: [fresh_id(), fresh_id()],
        event,
    })
}

/// What a record says of a vouch.
pub fn describe(vouch: &Vouch, assertion: &Assertion, event: &mut Event) {
    let reason = vouch.reason.as_ref().map_or("no reason given", |reason| reason.as_str());
    let text = format!("vouched for by {} until {}: {reason}", vouch.voucher, vouch.until.0);
    event.detail = Some(printable(&text, 200));
    event.pass = Some(vouch.id());
    event.voucher = Some(vouch.voucher.clone());
    event.evidence = Some(assertion.clone());
}
