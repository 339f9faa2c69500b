//! What the command line says beside the sentences that have a code, in both languages, compiled in
//! from `texts/*.ftl`, and the Japanese `--help`. Peers over HTTP get the English ones.

pub use wardkey_core::phrase::Phrase;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// What is done to a path, for [`Error::io`](crate::error::Error::io).
pub fn doing(text: Text, path: &std::path::Path) -> Phrase {
    text.with([("path", path.display().to_string().into())])
}

/// A phrase as the cause of an error: it is said in the language of whoever reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhraseError(pub Phrase);

impl PhraseError {
    /// What an error that came through other hands says.
    pub fn in_error(error: &(dyn std::error::Error + 'static)) -> Option<Phrase> {
        error.downcast_ref::<Self>().map(|said| said.0.clone())
    }
}

impl std::fmt::Display for PhraseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for PhraseError {}
