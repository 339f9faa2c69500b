//! What the agent says to the lock helper of root's, and its answers.
//!
//! Nothing else can be said: a taken-over agent can lock and end sessions that people opened at
//! this terminal, and no more.

use minicbor::{Decode, Encode};

use crate::code::Code;
use crate::text_codec::text_codec;

/// The longest frame in bytes from or to the lock helper.
pub const MAX_LOCK_FRAME: usize = 1024;

/// logind's name of a session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// The greatest length in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Takes a name that logind could have given: letters and digits (`session_id_valid`).
    pub fn new(text: &str) -> Option<Self> {
        let valid = !text.is_empty()
            && text.len() <= Self::MAX_BYTES
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        valid.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

text_codec!(SessionId, |text| {
    Self::new(text).ok_or_else(|| minicbor::decode::Error::message("not a session"))
});

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Request {
    /// Lock the screen of this session.
    #[n(0)]
    Lock(#[n(0)] SessionId),
    /// End this session.
    #[n(1)]
    End(#[n(0)] SessionId),
    /// Show the greeter at the seat of this session.
    #[n(2)]
    Greeter(#[n(0)] SessionId),
}

impl Request {
    /// The session that it is about.
    pub const fn session(&self) -> &SessionId {
        match self {
            Self::Lock(session) | Self::End(session) | Self::Greeter(session) => session,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Reply {
    /// logind has been told. Whether a locker answers, the session shows.
    #[n(0)]
    Done,
    /// It was not done; the code, and a detail for the record.
    #[n(1)]
    Failed(#[n(0)] Code, #[n(1)] String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_as_logind_names_them() {
        for good in ["2", "c1", "31", "C9x"] {
            assert_eq!(SessionId::new(good).unwrap().as_str(), good);
        }
        let long = "1".repeat(65);
        for bad in ["", "a b", "../2", "_32", "2\n", "é", &long] {
            assert_eq!(SessionId::new(bad), None, "{bad:?}");
        }
    }
}
