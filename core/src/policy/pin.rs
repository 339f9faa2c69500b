//! What scopes want of PINs. A key is told at its enrollment; no login is judged by it.

use super::document::PolicyDocument;

/// The fewest and the most characters that a scope can ask for: a PIN has at least four, and at
/// most 63 bytes (CTAP 2.1, 6.5.1).
pub const LENGTHS: std::ops::RangeInclusive<u8> = 4..=63;

/// What holds for the PIN of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PinRules {
    /// How many characters it has at least, where that is said.
    pub min_length: Option<u8>,
    /// The key asks for another one at its first use.
    pub change_at_first_use: bool,
}

impl PinRules {
    /// The strictest of these policies: those of all scopes of a person.
    pub fn strictest<'a>(policies: impl Iterator<Item = &'a PolicyDocument>) -> Self {
        policies.fold(Self::default(), |so_far, policy| Self {
            min_length: so_far.min_length.max(policy.min_pin_length),
            change_at_first_use: so_far.change_at_first_use
                || policy.pin_change_at_first_use == Some(true),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ScopeName;

    #[test]
    fn the_strictest_scope_of_a_person_counts() {
        let of = |min_pin_length, pin_change_at_first_use| PolicyDocument {
            min_pin_length,
            pin_change_at_first_use,
            ..PolicyDocument::default_for(ScopeName::new("icu").unwrap())
        };
        let rules = |min_length, change_at_first_use| PinRules { min_length, change_at_first_use };
        for (policies, expected) in [
            (vec![], rules(None, false)),
            (vec![of(None, None)], rules(None, false)),
            (vec![of(Some(6), None), of(None, Some(false))], rules(Some(6), false)),
            (vec![of(Some(6), Some(true)), of(Some(8), None)], rules(Some(8), true)),
            (vec![of(None, Some(true)), of(Some(4), Some(false))], rules(Some(4), true)),
        ] {
            assert_eq!(PinRules::strictest(policies.iter()), expected);
        }
    }
}
