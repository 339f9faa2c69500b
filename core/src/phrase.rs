//! A text that is said later, in the language of whoever reads it.
//!
//! ```text
//!   texts/*.ftl ─ build.rs ─> enum Text ─ with(arguments) ─> Phrase ─ say(language) ─> String
//! ```

use crate::name::{Language, printable};

/// The longest argument in characters; what is longer is cut.
pub const ARGUMENT_CHARS: usize = 256;

/// What stands where an argument was not given.
pub(crate) const MISSING: &str = "…";

/// What stands before and after the name of an argument. No text has it.
const MARK: char = '\u{1}';

/// A sentence of a catalogue, with the places of its arguments. Other programs have tables of their
/// own texts, made as this one is.
///
/// One text: a list of pieces would take 48 bytes more for each piece, and the PAM module is in
/// every login program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sentence(&'static str);

impl Sentence {
    /// Text in which the name of each argument stands between two bytes 1.
    pub const fn new(text: &'static str) -> Self {
        Self(text)
    }

    /// The names of the arguments, in their order.
    pub fn arguments(self) -> impl Iterator<Item = &'static str> {
        self.0.split(MARK).skip(1).step_by(2)
    }
}

/// A text with its arguments, or words that are the same in every language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase(Inner);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inner {
    /// Names, paths, words of other programs.
    Plain(String),
    /// A text of a catalogue.
    Text { ja: Sentence, en: Sentence, args: Vec<(&'static str, Phrase)> },
    /// With what stands between two of them.
    Joined(Vec<Phrase>, &'static str),
}

impl Phrase {
    /// A text of a catalogue, with its arguments as for [`render`].
    pub const fn new(ja: Sentence, en: Sentence, args: Vec<(&'static str, Self)>) -> Self {
        Self(Inner::Text { ja, en, args })
    }

    /// Phrases with something between each two.
    pub const fn joined(phrases: Vec<Self>, between: &'static str) -> Self {
        Self(Inner::Joined(phrases, between))
    }

    /// The phrase in a language.
    pub fn say(&self, language: Language) -> String {
        match &self.0 {
            Inner::Plain(text) => text.clone(),
            Inner::Text { ja, en, args } => {
                let args: Vec<_> =
                    args.iter().map(|(name, phrase)| (*name, phrase.say(language))).collect();
                let args: Vec<_> = args.iter().map(|(name, text)| (*name, text.as_str())).collect();
                render(if language == Language::Ja { *ja } else { *en }, &args)
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

#[cfg(feature = "http")]
impl serde::Serialize for Phrase {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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

/// Puts a text together. `args` are names and values; unprintable characters of a value become `?`,
/// a value ends after [`ARGUMENT_CHARS`], and one that the text does not use is ignored. Where one
/// is not known the text ends before the sentence that needs it (`Wrong PIN.` and no more); in a
/// first sentence `…` stands for it.
pub fn render(sentence: Sentence, args: &[(&str, &str)]) -> String {
    let mut out = String::new();
    // Where the last whole sentence ends: by what the text says, not by a dot in a value.
    let mut whole = 0;
    let mut is_name = false;
    for piece in sentence.0.split(MARK) {
        if is_name {
            match args.iter().find(|(given, _)| *given == piece) {
                Some((_, value)) => out.push_str(&printable(value, ARGUMENT_CHARS)),
                None if whole == 0 => out.push_str(MISSING),
                None => {
                    out.truncate(whole);
                    break;
                }
            }
        } else {
            if let Some(end) = end_of_sentences(piece) {
                whole = out.len() + end;
            }
            out.push_str(piece);
        }
        is_name = !is_name;
    }
    out
}

/// Where the last sentence ends that has another one after it. (Written out: searching for a text
/// of two letters would bring 3 KB into every login program.)
fn end_of_sentences(text: &str) -> Option<usize> {
    let mut end = None;
    let mut last = [0; 3];
    for (at, byte) in text.bytes().enumerate() {
        last = [last[1], last[2], byte];
        match last {
            [_, b'.', b' '] => end = Some(at),
            // 。
            [0xe3, 0x80, 0x82] => end = Some(at + 1),
            _ => {}
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: (Sentence, Sentence) =
        (Sentence::new("\u{1}place\u{1}に"), Sentence::new("at \u{1}place\u{1}"));

    #[test]
    fn a_phrase_is_said_in_both_languages_with_all_that_is_in_it() {
        let inner = Phrase::new(AT.0, AT.1, vec![("place", 7.into())]);
        let phrase = Phrase::new(AT.0, AT.1, vec![("place", inner.clone())]);
        assert_eq!(phrase.to_string(), "at at 7");
        assert_eq!(phrase.say(Language::Ja), "7にに");
        let joined = Phrase::joined(vec!["a".into(), inner], "; ");
        assert_eq!(joined.say(Language::Ja), "a; 7に");
    }

    #[test]
    fn a_sentence_whose_argument_is_not_known_is_left_out_with_what_follows() {
        let sentence =
            Sentence::new("\u{1}who\u{1} failed. At most \u{1}count\u{1} more. Please wait.");
        assert_eq!(sentence.arguments().collect::<Vec<_>>(), ["who", "count"]);
        for (args, text) in [
            (&[("who", "a"), ("count", "3")][..], "a failed. At most 3 more. Please wait."),
            (&[("who", "a. b")], "a. b failed."),
            (&[("count", "3")], "… failed. At most 3 more. Please wait."),
            (&[], "… failed."),
        ] {
            assert_eq!(render(sentence, args), text);
        }
        let japanese = Sentence::new("違います。あと \u{1}count\u{1}");
        assert_eq!(render(japanese, &[]), "違います。");
        assert_eq!(render(Sentence::new("v1.2 of \u{1}x\u{1}"), &[]), "v1.2 of …");
        let two = Sentence::new("\u{1}x\u{1}\u{1}y\u{1}");
        assert_eq!(render(two, &[("y", "2"), ("x", "1")]), "12");
    }
}
