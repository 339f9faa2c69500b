//! The firmware of a shipping key, our library, our decision.

mod altered;
mod exchanges;
mod hostile;
mod identify;
mod life;
mod pin;
mod pin_rules;
mod relying_party;
mod touch;
mod website;
