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
    if finger.wrong > 0 {
        let wrong = format!("wrong fingers {}", finger.wrong);
        let before = event.detail.take();
        event.detail = Some(before.map_or(wrong.clone(), |before| format!("{before}, {wrong}")));
    }
}
