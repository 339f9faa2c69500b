//! By which proof somebody was let in.

/// A kind of proof. Each stands for two factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofKind {
    /// A security key that verified its PIN and was touched.
    KeyWithPin,
}
