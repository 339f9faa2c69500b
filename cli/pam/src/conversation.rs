//! Who talks with the modules, and what is said.

use zeroize::Zeroizing;

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A question whose answer is not shown.
    Secret,
    /// A question whose answer is shown.
    Visible,
    /// An error.
    Error,
    /// Information.
    Info,
}

/// Nobody answers any more; the module is told that the conversation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HungUp;

/// Who talks with the modules.
pub trait Conversation {
    /// Answers a question; for errors and information the answer is not looked at.
    ///
    /// # Errors
    /// [`HungUp`] when there is no answer.
    fn message(&mut self, style: Style, text: &str) -> Result<Zeroizing<String>, HungUp>;
}
