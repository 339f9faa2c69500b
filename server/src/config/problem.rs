//! What is wrong in the file.

use crate::texts::{Phrase, Text};

/// Something that is wrong in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Key, where one is known.
    pub key: Option<String>,
    /// What would be right.
    pub message: Phrase,
}

impl Problem {
    /// The line, and what would be right.
    pub fn phrase(&self) -> Phrase {
        // Not an argument: a list of all that is known is longer than one may be.
        let line = Text::ConfigLine.with([("line", (self.line as u64).into())]);
        Phrase::joined(vec![line, self.message.clone()], ": ")
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.phrase().fmt(f)
    }
}
