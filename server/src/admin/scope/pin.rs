//! What keys are told of PINs when they are enrolled.

use wardkey_core::name::ScopeName;
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::policy::pin::LENGTHS;

use super::change::change;
use super::view::ScopesChanged;
use crate::admin::Operation;
use crate::error::{Error, Result};
use crate::texts::Text;

/// What is changed of it; what is not given stays.
#[derive(Debug, Default)]
pub struct PinSet {
    /// How many characters a PIN has at least; 0: as the key says.
    pub min_length: Option<u8>,
    /// Whether a key asks for another PIN at its first use.
    pub change_at_first_use: Option<bool>,
}

impl PinSet {
    /// Whether anything is.
    pub(super) const fn is_given(&self) -> bool {
        self.min_length.is_some() || self.change_at_first_use.is_some()
    }
}

/// Sets what keys are told, in scopes whose policy was `before`. Keys that are enrolled already
/// are not told.
pub(super) async fn set(
    op: &mut Operation<'_>,
    scopes: &[ScopeName],
    rules: PinSet,
    before: &PolicyDocument,
) -> Result<ScopesChanged> {
    let least = match rules.min_length {
        None => before.min_pin_length,
        Some(0) => None,
        Some(least) if LENGTHS.contains(&least) => Some(least),
        Some(_) => return Err(Error::invalid(Text::WritePinLength)),
    };
    let is_changed = rules.change_at_first_use.or(before.pin_change_at_first_use) == Some(true);

    let least_said = match least {
        Some(least) => Text::PinLength.with([("count", u64::from(least).into())]),
        None => Text::PinLengthOfKey.into(),
    };
    let change_said = if is_changed { Text::PinChanged } else { Text::PinNotChanged };
    let detail = Text::SetPin.with([("least", least_said), ("change", change_said.into())]);
    change(op, scopes, ("scope.pin", detail), |policy| {
        policy.min_pin_length = least;
        policy.pin_change_at_first_use = is_changed.then_some(true);
        Ok(())
    })
    .await
}
