//! Why a step is not as expected.

use std::path::Path;

/// Why a step is not as expected; the text is what the person who reads the test's output gets.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something of the host: a file, a program.
    #[error("{what}: {source}")]
    Host {
        /// File or program.
        what: String,
        /// The error.
        source: std::io::Error,
    },
    /// The emulator refused an order, or is gone.
    #[error("emulator: {0}")]
    Emulator(String),
    /// An order in the machine ended otherwise than with 0.
    #[error("`{order}` ended with {status}:\n{printed}")]
    Order {
        /// The shell command.
        order: String,
        /// Its exit status.
        status: i32,
        /// What it printed.
        printed: String,
    },
    /// It did not happen in time.
    #[error("{what}: not within {seconds} s; last seen:\n{seen}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// What there was instead.
        seen: String,
    },
    /// It is, but otherwise.
    #[error("{0}")]
    Otherwise(String),
}

impl Failure {
    /// Names the file or program that an I/O error is about.
    pub fn host(what: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.as_ref().display().to_string();
        move |source| Self::Host { what, source }
    }

    /// `Ok` if `is`, else [`Failure::Otherwise`] with the text.
    pub fn unless(is: bool, otherwise: impl FnOnce() -> String) -> Result<(), Self> {
        if is { Ok(()) } else { Err(Self::Otherwise(otherwise())) }
    }
}
