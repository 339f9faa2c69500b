//! What a person is asked, and what came of it.

use wardkey_core::name::Language;
use zeroize::Zeroizing;

/// What came of the question.
pub enum Answer {
    /// Something was typed, possibly nothing.
    Typed(Zeroizing<String>),
    /// Something was typed that is no text.
    NotText,
    /// The greeter's own page gave an answer that cannot be read.
    NotUnderstood,
    /// No answer: cancelled, or the application does not ask.
    None,
}

/// The question for the PIN.
pub struct PinQuestion {
    /// All of it in one line.
    pub text: String,
    /// Tries that the key has left, when it says so.
    pub tries: Option<u8>,
    /// What to do after it, for a greeter that says so on a page.
    pub touch: String,
    /// Language of these.
    pub language: Language,
}
