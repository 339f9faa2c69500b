//! Labels, questions and details of the command line, in both languages, compiled in from `texts/*.ftl`.
//! Sentences that have a code are in [`wardkey_core::texts`].

use wardkey_core::name::Language;
use wardkey_core::texts::{Piece, render};

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

impl Text {
    /// The text without arguments.
    pub(crate) fn say(self, language: Language) -> String {
        self.say_with(language, &[])
    }

    /// The text with its arguments.
    pub(crate) fn say_with(self, language: Language, args: &[(&str, &str)]) -> String {
        render(if language == Language::Ja { ja(self) } else { en(self) }, args)
    }

    /// A phrase of this text and its arguments, to be said later.
    pub(crate) fn with<const N: usize>(self, args: [(&'static str, Phrase); N]) -> Phrase {
        Phrase(Inner::Text(self, args.into()))
    }
}

/// Something that is said later, in the language of whoever reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase(Inner);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inner {
    /// The same in every language: names, paths, words of other programs.
    Plain(String),
    Text(Text, Vec<(&'static str, Phrase)>),
    /// With what stands between two of them.
    Joined(Vec<Phrase>, &'static str),
}

impl Phrase {
    /// Phrases with something between each two.
    pub(crate) fn joined(phrases: Vec<Self>, between: &'static str) -> Self {
        Self(Inner::Joined(phrases, between))
    }

    /// The phrase in a language.
    pub(crate) fn say(&self, language: Language) -> String {
        match &self.0 {
            Inner::Plain(text) => text.clone(),
            Inner::Text(text, args) => {
                let args: Vec<_> = args.iter().map(|(name, phrase)| (*name, phrase.say(language))).collect();
                let args: Vec<_> = args.iter().map(|(name, text)| (*name, text.as_str())).collect();
                text.say_with(language, &args)
            }
            Inner::Joined(phrases, between) => {
                phrases.iter().map(|phrase| phrase.say(language)).collect::<Vec<_>>().join(between)
            }
        }
    }
}

impl std::fmt::Display for Phrase {
    /// English: for records and for programs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.say(Language::En))
    }
}

impl From<Text> for Phrase {
    fn from(text: Text) -> Self {
        Self(Inner::Text(text, Vec::new()))
    }
}

impl From<String> for Phrase {
    fn from(text: String) -> Self {
        Self(Inner::Plain(text))
    }
}

impl From<&str> for Phrase {
    fn from(text: &str) -> Self {
        Self(Inner::Plain(text.into()))
    }
}

impl From<u64> for Phrase {
    fn from(number: u64) -> Self {
        Self(Inner::Plain(number.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_said_in_both_languages() {
        let why = Text::ClosedNoShell.with([("shell", "/bin/false".into())]);
        let phrase = Text::At.with([("place", "taro".into()), ("why", why)]);
        assert_eq!(phrase.to_string(), "taro: has no login shell (/bin/false)");
        assert_eq!(phrase.say(Language::Ja), "taro: ログインシェルがありません（/bin/false）");
        assert_eq!(Phrase::joined(vec!["a".into(), Text::None.into()], "; ").say(Language::Ja), "a; なし");
    }

    #[test]
    fn every_module_that_is_known_has_a_text() {
        use wardkey_stacks::{Proof, known_modules, proof};
        for module in known_modules().filter(|name| proof(format!("{name}.so").as_bytes()) != Proof::Unknown) {
            assert!(proof_of(module).is_some(), "{module}");
        }
    }
}
