//! Lock-out after failures. Failures count for the key that proved itself, durably, by the clock
//! that cannot be set back. Unproven claims count against nobody, and one key does not lock
//! another.

use wardkey_core::codec::List;
use wardkey_core::id::Hash;
use wardkey_core::message::agent::Locked;
use wardkey_core::person::PersonRecord;
use wardkey_core::policy::document::Lockout;
use wardkey_core::time::UnixTime;

use crate::agent::Agent;
use crate::error::AgentError;
use crate::store::ledger::{Failures, Subject, strictest};
use crate::store::view::View;

/// A key, by its fingerprint.
pub fn key(fingerprint: &Hash) -> Subject {
    Subject([&b"k"[..], fingerprint.as_bytes()].concat())
}

/// The credentials of a person that are locked out.
///
/// # Errors
/// [`AgentError`] when the counters cannot be read.
pub fn of_person(agent: &Agent, person: &PersonRecord) -> Result<List<Locked, 64>, AgentError> {
    let mut all = Vec::new();
    for credential in person.keys() {
        if let Some(seconds) = locked(agent, &[key(&credential.fingerprint())])? {
            all.push(Locked { credential: credential.id.clone(), seconds });
        }
    }
    all.truncate(64);
    Ok(List::new(all)?)
}

/// The rules of the terminal's scopes.
pub fn rules(view: &View) -> Vec<Lockout> {
    view.terminal_scopes().map(|scope| scope.policy.lockout).collect()
}

/// Seconds until none of the subjects is locked any longer.
///
/// # Errors
/// [`AgentError`] when the counters cannot be read.
pub fn locked(agent: &Agent, subjects: &[Subject]) -> Result<Option<u64>, AgentError> {
    let rules = rules(&agent.directory.view());
    let now = agent.clock.now();
    let mut longest = None;
    for subject in subjects {
        let failures = match agent.state.failures(subject) {
            Ok(failures) => failures,
            // A full disk refuses nobody; the key still counts its own tries.
            Err(AgentError::Full) => continue,
            Err(error) => return Err(error),
        };
        let (left, ahead) = remaining(&rules, failures, now);
        if ahead {
            // The clock was ahead when the failure was counted; it must not lock out for years.
            agent.state.set_failures(subject, Failures { last: now, ..failures });
        }
        longest = longest.max(left);
    }
    Ok(longest)
}

/// Seconds left, and whether the last failure is in the future.
fn remaining(rules: &[Lockout], failures: Failures, now: UnixTime) -> (Option<u64>, bool) {
    let delay = strictest(rules, failures.count);
    let left = delay.saturating_sub(now.since(failures.last));
    ((left > 0).then_some(left), failures.last > now && delay > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_rises_and_the_strictest_rule_counts() {
        let mild = Lockout { threshold: 5, base_delay: 30, max_delay: 3600 };
        let strict = Lockout { threshold: 3, base_delay: 10, max_delay: 100 };
        // (failures, seconds since the last, seconds left)
        for (count, since, left) in [
            (0, 0, None),
            (2, 0, None),
            (3, 0, Some(10)),
            (3, 9, Some(1)),
            (3, 10, None),
            (4, 0, Some(20)),
            (5, 0, Some(40)),
            (6, 0, Some(80)),
            (7, 0, Some(120)),
            (u32::MAX, 0, Some(3600)),
        ] {
            let failures = Failures { count, last: UnixTime(1000) };
            let (remaining, ahead) = remaining(&[mild, strict], failures, UnixTime(1000 + since));
            assert_eq!((remaining, ahead), (left, false), "{count} failures, {since} s ago");
        }
    }

    #[test]
    fn a_clock_that_was_ahead_does_not_lock_out_for_years() {
        let failures = Failures { count: 5, last: UnixTime(9_000_000) };
        assert_eq!(remaining(&[Lockout::default()], failures, UnixTime(1000)), (Some(30), true));
    }
}
