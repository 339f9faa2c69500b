//! What keeps a service from being evaluated.

use std::path::PathBuf;

/// Why a service cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The file.
    pub file: PathBuf,
    /// The line, when it is about one.
    pub line: Option<usize>,
    /// What is the matter with it.
    pub why: String,
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.why),
            None => write!(f, "{}: {}", self.file.display(), self.why),
        }
    }
}
