//! What is wrong with a join token.

use crate::code::Code;
use crate::stretch::StretchError;

/// Why a text is no join token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It has not the form of one: copy it from its beginning to its end.
    #[error("not a join token")]
    Form,
    /// It has the form, and its parts do not fit together: it was mistyped.
    #[error("the parts of the join token do not fit together")]
    Mistyped,
    /// There is no memory to hash it.
    #[error("no memory to hash a join token")]
    Memory,
}

impl TokenError {
    /// The code under which people are told.
    pub const fn code(self) -> Code {
        match self {
            Self::Form => Code::JoinTokenInvalid,
            Self::Mistyped => Code::JoinTokenMistyped,
            Self::Memory => Code::Internal,
        }
    }
}

impl From<StretchError> for TokenError {
    fn from(_: StretchError) -> Self {
        Self::Memory
    }
}
