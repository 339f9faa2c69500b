//! What the deployment wants of the PIN of a key, and what the key keeps of it.
//!
//! ```text
//!   said, before the PIN is asked for ─ a PIN that is too short: asked again, no try is spent
//!     └ key: MakeCredential (with the length) ─ the server has the key
//!         └ key: ForcePinChange, last: until the change the PIN is good for nothing else
//! ```

use std::time::Duration;

use serde_json::{Value, json};
use wardkey_core::code::{Code, Notice};
use wardkey_core::id::CredentialId;
use wardkey_core::message::agent::Enrollment;
use wardkey_core::message::key::{ForcePinChange, KeyDetails, Pin, Reply, Request};
use wardkey_core::name::{Language, RpId};
use wardkey_core::texts;

use crate::context::Context;
use crate::error::CliError;
use crate::peers::{self, Key};
use crate::texts::Text;

/// How long the key may take to be told.
const TELL: Duration = Duration::from_secs(40);

/// Says how long the PIN has to be, before it is asked for; returns the key as one that takes no
/// shorter one.
pub(super) fn announce(
    context: &mut Context<'_, '_>,
    enrollment: &Enrollment,
    details: KeyDetails,
) -> KeyDetails {
    let Some(wanted) = enrollment.min_pin_length else { return details };
    let least = details.min_pin_length.max(wanted);
    if details.pin_set {
        let text = context.text_with(Text::PinLeast, &[("count", &least.to_string())]);
        context.say(&text);
    }
    if can(&details) && details.min_pin_length < wanted {
        context.tell(Text::PinLeastStays);
    }
    KeyDetails { min_pin_length: least, ..details }
}

/// Refuses a PIN that is too short for the deployment, before it goes anywhere.
pub(super) fn check(pin: &Pin, enrollment: &Enrollment) -> Result<(), CliError> {
    match enrollment.min_pin_length {
        Some(least) if pin.expose().chars().count() < usize::from(least) => {
            Err(CliError::about(Code::PinShort, "count", &least.to_string()))
        }
        _ => Ok(()),
    }
}

/// Whether the key can ask for another PIN, where that is wanted.
pub(super) fn can_force(enrollment: &Enrollment, details: Option<&KeyDetails>) -> Option<bool> {
    let is_wanted = enrollment.pin_change_at_first_use == Some(true);
    is_wanted.then(|| details.is_some_and(can))
}

fn can(details: &KeyDetails) -> bool {
    details.takes_pin_rules == Some(true)
}

/// What came of the forced change.
enum Change {
    Forced,
    Unsupported,
    Failed(CliError),
}

/// What the key keeps.
pub(super) struct Kept {
    wanted: Option<u8>,
    on_key: Option<u8>,
    change: Option<Change>,
}

impl Kept {
    /// Has the enrolled key ask for another PIN, where that is wanted. Whatever comes of it, the
    /// key stays enrolled.
    pub(super) fn after(
        context: &Context<'_, '_>,
        enrollment: &Enrollment,
        (credential, on_key): (CredentialId, Option<u8>),
        can_force: Option<bool>,
        pin: Pin,
    ) -> Self {
        let change = can_force.map(|can| {
            if !can {
                return Change::Unsupported;
            }
            match force(context, enrollment.rp_id.clone(), credential, pin) {
                Ok(()) => Change::Forced,
                Err(error) => Change::Failed(error),
            }
        });
        Self { wanted: enrollment.min_pin_length, on_key, change }
    }

    /// Lines for the person, beside that the key is enrolled.
    pub(super) fn lines(&self, language: Language) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(wanted) = self.wanted.filter(|wanted| self.on_key.unwrap_or(0) < *wanted) {
            let count = wanted.to_string();
            lines.push(texts::with_code(Notice::PinLengthNotOnKey, language, &[("count", &count)]));
        }
        match &self.change {
            None => {}
            Some(Change::Forced) => {
                lines.push(texts::message(Notice::PinChangeForced, language, &[]));
            }
            Some(not_forced) => {
                if let Change::Failed(error) = not_forced {
                    lines.push(error.to_text(language));
                }
                lines.push(texts::with_code(Notice::PinChangeNotForced, language, &[]));
            }
        }
        lines
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        let change = self.change.as_ref().map(|change| match change {
            Change::Forced => "forced",
            Change::Unsupported => "unsupported",
            Change::Failed(_) => "failed",
        });
        json!({ "min_length": self.wanted, "min_length_on_key": self.on_key, "change": change })
    }
}

fn force(
    context: &Context<'_, '_>,
    rp_id: RpId,
    credential: CredentialId,
    pin: Pin,
) -> Result<(), CliError> {
    let request = Request::ForcePinChange(ForcePinChange { pin, rp_id, credential });
    match Key::connect(context)?.ask(&request, TELL)? {
        Reply::Done => Ok(()),
        _ => Err(peers::unexpected()),
    }
}
