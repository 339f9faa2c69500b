//! Who is asked and told, and what an answer is.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use zeroize::Zeroizing;

/// The longest answer in bytes; reserved at once, so that no copy stays behind when it grows.
pub(crate) const MAX_ANSWER: usize = 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Ctrl-C, Ctrl-D, a signal, or the end of the input.
    #[error("cancelled")]
    Cancelled,
    /// Nothing was typed in time.
    #[error("no answer in time")]
    TimedOut,
    /// Longer than any answer, or not UTF-8.
    #[error("not an answer")]
    Unreadable,
    /// Another error of the system.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<Errno> for NoAnswer {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// How long a question for a secret waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// For ever.
    ForEver,
    /// So long.
    For(Duration),
    /// For ever while nobody types. What is begun and not finished after so long is forgotten, and
    /// the question asked again: it belongs to somebody who went away, not to the next one.
    OnceBegun(Duration),
}

/// Somebody, or a script, who is told things and asked questions.
pub trait Operator {
    /// Whether it is a person at a terminal, who can be asked again.
    fn interactive(&self) -> bool;
    /// Whether it is a console of Linux, which has no Japanese letters.
    fn has_only_latin(&self) -> bool;
    /// Whether nothing that is typed has this program end or stop, what is typed stays out of the
    /// swap space, and no other program can be started.
    fn is_confined(&self) -> bool;
    /// Whether this program was told to end, or nobody can answer any more.
    fn is_over(&self) -> bool;
    /// Has whoever sits there wait, however much is typed.
    fn pause(&mut self, time: Duration);
    /// Waits until there is something to read there, or Ctrl-C is typed. Where the keys of the
    /// terminal end this program by themselves there is nothing to wait for.
    ///
    /// # Errors
    /// [`NoAnswer::Cancelled`]: not to be waited for any more; [`NoAnswer::TimedOut`].
    fn wait_for(&mut self, there: BorrowedFd<'_>, until: Instant) -> Result<(), NoAnswer>;
    /// Tells something.
    fn say(&mut self, text: &str);
    /// Asks for something that may be seen, for as long as `wait` says; without it, for ever.
    ///
    /// # Errors
    /// [`NoAnswer`].
    fn ask(&mut self, question: &str, wait: Option<Duration>) -> Result<String, NoAnswer>;
    /// Asks for a secret, for as long as `wait` says: nothing of it is shown.
    ///
    /// # Errors
    /// [`NoAnswer`].
    fn ask_secret(&mut self, question: &str, wait: Wait) -> Result<Zeroizing<String>, NoAnswer>;
}
