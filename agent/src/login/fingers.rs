//! Whether a key verified its person by a finger, as the module says: a key signs that it did, and
//! not how. So it describes a record, and decides nothing.

use wardkey_core::event::{Event, Outcome};
use wardkey_core::message::agent::LoginOutcome;
use wardkey_core::proof::ProofKind;

/// Adds to the record what the module says of fingers.
pub fn describe(outcome: &LoginOutcome, event: &mut Event) {
    let Some(finger) = outcome.finger else { return };
    let is_success = event.outcome == Outcome::Success;
    if finger.verified && is_success && event.proof == Some(ProofKind::KeyWithPin) {
        event.proof = Some(ProofKind::KeyWithFingerprint);
    }

    let wrong = (finger.wrong > 0).then(|| format!("wrong fingers {}", finger.wrong));
    let blocked = finger.blocked.then(|| "sensor blocked".to_owned());
    let all: Vec<String> = event.detail.take().into_iter().chain(wrong).chain(blocked).collect();
    event.detail = (!all.is_empty()).then(|| all.join(", "));
}
