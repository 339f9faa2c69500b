//! A PIN, and the key that has it.

use wardkey_core::id::CredentialId;
use wardkey_core::message::key::Pin;

/// A PIN that its person has just given to this key.
pub struct ChosenPin {
    pub pin: Pin,
    pub credential: CredentialId,
}
