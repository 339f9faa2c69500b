//! Logins by a key on loan, as they are recorded. The login itself says by which loan it was; what
//! stands here is the record beside it, when a loan comes into use or ends.

use std::time::Duration;

use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::name::printable;
use wardkey_core::person::Loan;

use crate::agent::Agent;
use crate::login::passes::is_by_own_key;

/// What is recorded of a loan is recorded again after this time, if it is still so then.
const AGAIN: Duration = Duration::from_secs(24 * 3600);

/// What the record of a login says of the loan.
pub fn detail(loan: &Loan) -> String {
    let text = format!(
        "key on loan by {} until {}: {}",
        loan.lender.as_str(),
        loan.until.0,
        loan.reason.as_str()
    );
    printable(&text, 200)
}

/// Records that a login was the first one by a loan here, or that one with the person's own key
/// ended a loan.
pub fn note(agent: &Agent, login: &Event) {
    let Some(person) = &login.person else { return };
    let Ok(Some(record)) = agent.directory.person(person) else { return };
    let Some(loan) = record.loan else { return };

    let (name, why) = if login.loan == Some(loan.id) {
        (EventName::LoanBegun, detail(&loan))
    } else if is_by_own_key(login) {
        (EventName::LoanEnded, "ended by a login with the person's own key".into())
    } else {
        return;
    };
    if !agent.is_due(&format!("{} {}", name.as_str(), loan.id), AGAIN) {
        return;
    }

    let mut event = agent.event(name, Outcome::Success);
    event.person = Some(person.clone());
    event.account.clone_from(&login.account);
    event.key.clone_from(&login.key);
    event.loan = Some(loan.id);
    event.detail = Some(why);
    agent.record(vec![event]);
}
