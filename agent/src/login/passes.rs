//! Logins by the code of a pass or by a sealed code, as they are recorded. Tries are counted by the
//! module, where root keeps them; here they are believed of root only, and let nobody in.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::message::agent::PassTry;
use wardkey_core::name::printable;
use wardkey_core::pass::{MAX_TRIES, Pass};

use crate::agent::Agent;
use crate::login::authorise::Caller;

/// A pass that was ended by its person's key is recorded again after this time, if the directory
/// still has it then.
const ENDED_AGAIN: Duration = Duration::from_secs(24 * 3600);

/// What the record of a login says of the pass.
pub fn detail(pass: &Pass) -> String {
    let text = format!(
        "pass by {} until {}: {}",
        pass.issuer.as_str(),
        pass.until.0,
        pass.reason.as_str()
    );
    printable(&text, 200)
}

/// The same of a sealed code.
pub fn sealed_detail(sealed: &Pass) -> String {
    printable(&format!("break-glass, void now: {}", detail(sealed)), 200)
}

/// Makes the record of a failed login one about the pass, when a code was tried for one.
pub fn note_failure(tried: Option<PassTry>, caller: &Caller, event: &mut Event) {
    if !caller.peer.is_root() {
        return;
    }
    event.pass = tried.map(|tried| tried.pass);
    let is_sealed = tried.is_some_and(|tried| tried.sealed == Some(true));
    if event.reason == Some(Code::PassWrong) {
        let tries = tried.map(|tried| tried.tries);
        event.count = tries.map(u64::from);
        // Said once: from then on no code is right.
        let is_void = tries == Some(MAX_TRIES);
        event.name = match (is_sealed, is_void) {
            (false, false) => EventName::PassWrong,
            (false, true) => EventName::PassVoid,
            (true, false) => EventName::BreakGlassWrong,
            (true, true) => EventName::BreakGlassVoid,
        };
    } else if is_sealed && tried.is_some_and(|tried| tried.tries == 0) {
        // It was the right one: somebody has opened the envelope.
        let was_used = event.reason == Some(Code::BreakGlassVoid);
        event.name = if was_used { EventName::BreakGlassVoid } else { EventName::BreakGlassLogin };
    }
}

/// Whether somebody was let in by a key of their own.
pub fn is_by_own_key(login: &Event) -> bool {
    login.name == EventName::Login && login.loan.is_none()
}

/// Records that a login with the key ended the person's pass.
pub fn note_end(agent: &Agent, login: &Event) {
    let Some(person) = login.person.as_ref().filter(|_| is_by_own_key(login)) else {
        return;
    };
    let Ok(Some(record)) = agent.directory.person(person) else { return };
    let Some(pass) = record.pass else { return };
    if !agent.is_due(&format!("pass ended {}", pass.id), ENDED_AGAIN) {
        return;
    }
    let mut event = agent.event(EventName::PassEnded, Outcome::Success);
    event.person = Some(person.clone());
    event.account.clone_from(&login.account);
    event.pass = Some(pass.id);
    event.key.clone_from(&login.key);
    event.detail = Some("ended by a login with the key".into());
    agent.record(vec![event]);
}
