//! By which proof somebody was let in.

use minicbor::{Decode, Encode};

/// A kind of proof. Each stands for two factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ProofKind {
    /// A security key that verified its PIN and was touched.
    #[n(0)]
    KeyWithPin,
    /// A security key that verified a fingerprint.
    #[n(1)]
    KeyWithFingerprint,
    /// The code of a pass, typed at a terminal that has joined the deployment.
    #[n(2)]
    TemporaryCode,
    /// A code of the person's own, for which a colleague vouched with a security key, typed at the
    /// terminal where that was.
    #[n(3)]
    Vouch,
    /// A sealed code (break-glass), typed at a terminal that has joined the deployment.
    #[n(4)]
    BreakGlass,
}

impl ProofKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::KeyWithPin,
        Self::KeyWithFingerprint,
        Self::TemporaryCode,
        Self::Vouch,
        Self::BreakGlass,
    ];

    /// Whether a security key of the person made it.
    pub const fn is_by_key(self) -> bool {
        matches!(self, Self::KeyWithPin | Self::KeyWithFingerprint)
    }

    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyWithPin => "key-pin",
            Self::KeyWithFingerprint => "key-fingerprint",
            Self::TemporaryCode => "temporary-code",
            Self::Vouch => "vouch",
            Self::BreakGlass => "break-glass",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_up_and_words_differ() {
        for (number, kind) in ProofKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert_eq!(ProofKind::ALL.iter().filter(|k| k.as_str() == kind.as_str()).count(), 1);
        }
    }
}
