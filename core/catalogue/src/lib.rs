//! Texts for people: Fluent files become tables of text pieces when a program is built, so that
//! none of them needs a parser at run time.
//!
//! ```text
//!   texts/{ja,en}.ftl ─> Catalogue::read ─> same_variables ─> build.rs ─> a table in the program
//! ```
//! Of Fluent's syntax a message may use text, `{ $variable }` and `{ "text" }`.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{}: {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Which message, and why.
        what: String,
    },
}

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// The value of this variable.
    Argument(String),
}

/// How many lines a message may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// One: it is put into other texts, and into records.
    One,
    /// Several, also with empty ones between paragraphs.
    Several,
}

/// The messages of a language, by their ids.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// The file.
    pub path: PathBuf,
    /// The messages.
    pub messages: BTreeMap<String, Vec<Piece>>,
}

impl Catalogue {
    /// Reads a file.
    ///
    /// # Errors
    /// [`CatalogueError`] when it cannot be read, has an id twice, or uses more than is understood
    /// here.
    pub fn read(path: &Path, lines: Lines) -> Result<Self, CatalogueError> {
        let source = std::fs::read_to_string(path)
            .map_err(|source| CatalogueError::Io { path: path.into(), source })?;
        let messages = parse(&source, lines)
            .map_err(|what| CatalogueError::Content { path: path.into(), what })?;
        Ok(Self { path: path.into(), messages })
    }

    /// Makes sure that another language says the same: the same ids, each with the same variables.
    ///
    /// # Errors
    /// [`CatalogueError::Content`], which names the first id that differs.
    pub fn same_variables(&self, other: &Self) -> Result<(), CatalogueError> {
        let differs =
            |path: &Path, what: String| Err(CatalogueError::Content { path: path.into(), what });
        for (id, pieces) in &self.messages {
            match other.messages.get(id) {
                None => return differs(&other.path, format!("{id} is missing")),
                Some(others) if arguments(others) != arguments(pieces) => {
                    return differs(
                        &other.path,
                        format!("{id} has other variables than {}", self.path.display()),
                    );
                }
                Some(_) => {}
            }
        }
        match other.messages.keys().find(|id| !self.messages.contains_key(*id)) {
            Some(id) => differs(&self.path, format!("{id} is missing")),
            None => Ok(()),
        }
    }
}

/// The variables of a message.
pub fn arguments(pieces: &[Piece]) -> BTreeSet<&str> {
    let name = |piece: &Piece| match piece {
        Piece::Argument(_) => true,
        Piece::Text(_) => false,
    };
    pieces.iter().filter(|piece| name(piece)).map(Piece::as_str).collect()
}

impl Piece {
    fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Argument(text) => text,
        }
    }
}

/// The pieces as the source of a `wardkey_core::phrase::Sentence`: the name of each argument stands
/// between two bytes 1, which no text has.
pub fn to_source(pieces: &[Piece]) -> String {
    let marked = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Argument(name) => format!("\u{1}{name}\u{1}"),
    };
    let text: String = pieces.iter().map(marked).collect();
    format!("Sentence::new({text:?})")
}

/// The source of `enum Text`, with a variant for each message (`ask-pin` is `AskPin`), and of what
/// it says in each language. The program that includes it has `wardkey_core` among its crates.
/// `visibility` is that of the enum; `japanese_if` a condition (`feature = "..."`) without which
/// the program says everything in English.
///
/// # Errors
/// [`CatalogueError::Content`] when the languages do not say the same.
pub fn text_source(
    ja: &Catalogue,
    en: &Catalogue,
    visibility: &str,
    japanese_if: Option<&str>,
) -> Result<String, CatalogueError> {
    ja.same_variables(en)?;

    let variants: String =
        en.messages.keys().map(|id| format!("    /// `{id}`\n    {},\n", variant(id))).collect();
    let only_ja = japanese_if.map(|when| format!("#[cfg({when})]\n")).unwrap_or_default();
    let mut out = format!(
        "/// A text, by its id.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq)]\n\
         {visibility} enum Text {{\n{variants}}}\n{}{only_ja}{}",
        table("en", en),
        table("ja", ja)
    );
    if let Some(when) = japanese_if {
        out += &format!(
            "#[cfg(not({when}))]\n\
             const fn ja(text: Text) -> wardkey_core::phrase::Sentence {{\n    \
             en(text)\n}}\n"
        );
    }
    out += &METHODS.replace("VISIBILITY", visibility);
    Ok(out)
}

/// The source of `HELP_JA`: ids and texts of `--help` in Japanese.
pub fn help_source(catalogue: &Catalogue) -> String {
    let entries: String = catalogue
        .messages
        .iter()
        .map(|(id, pieces)| format!("        ({id:?}, {}),\n", to_source(pieces)))
        .collect();
    format!(
        "/// Ids and texts of `--help` in Japanese.\n\
         pub(crate) const HELP_JA: &[(&str, wardkey_core::phrase::Sentence)] = {{\n    \
         use wardkey_core::phrase::Sentence;\n    &[\n{entries}    ]\n}};\n"
    )
}

/// What each `Text` can do.
const METHODS: &str = "\
#[allow(dead_code)]
impl Text {
    /// The text without arguments.
    VISIBILITY fn say(self, language: wardkey_core::name::Language) -> String {
        self.say_with(language, &[])
    }

    /// The text with its arguments.
    VISIBILITY fn say_with(
        self,
        language: wardkey_core::name::Language,
        args: &[(&str, &str)],
    ) -> String {
        let is_japanese = language == wardkey_core::name::Language::Ja;
        wardkey_core::phrase::render(if is_japanese { ja(self) } else { en(self) }, args)
    }

    /// A phrase of this text and its arguments, to be said later.
    VISIBILITY fn with<const N: usize>(
        self,
        args: [(&'static str, wardkey_core::phrase::Phrase); N],
    ) -> wardkey_core::phrase::Phrase {
        wardkey_core::phrase::Phrase::new(ja(self), en(self), args.into())
    }
}

impl From<Text> for wardkey_core::phrase::Phrase {
    fn from(text: Text) -> Self {
        text.with([])
    }
}
";

/// `ask-pin` as `AskPin`.
pub fn variant(id: &str) -> String {
    let capital = |part: &str| {
        part.chars().take(1).flat_map(char::to_uppercase).chain(part.chars().skip(1)).collect()
    };
    id.split('-').map(|part| -> String { capital(part) }).collect()
}

fn table(language: &str, catalogue: &Catalogue) -> String {
    let arms: String = catalogue
        .messages
        .iter()
        .map(|(id, pieces)| format!("        Text::{} => {},\n", variant(id), to_source(pieces)))
        .collect();
    format!(
        "const fn {language}(text: Text) -> wardkey_core::phrase::Sentence {{\n    \
         use wardkey_core::phrase::Sentence;\n    match text {{\n{arms}    }}\n}}\n"
    )
}

fn parse(source: &str, lines: Lines) -> Result<BTreeMap<String, Vec<Piece>>, String> {
    let resource = fluent_syntax::parser::parse(source)
        .map_err(|(_, errors)| errors.iter().map(ToString::to_string).collect::<String>())?;
    let mut messages = BTreeMap::new();
    for entry in &resource.body {
        let message = match entry {
            Entry::Message(message) => message,
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => continue,
            Entry::Term(term) => return Err(format!("-{} is not used here", term.id.name)),
            Entry::Junk { content } => return Err(format!("not understood: {content}")),
        };
        let id = message.id.name;
        let pattern = message.value.as_ref().ok_or_else(|| format!("{id} has no text"))?;
        let pieces = pieces(pattern, lines).map_err(|error| format!("{id}: {error}"))?;
        if messages.insert(id.to_owned(), pieces).is_some() {
            return Err(format!("{id} is there twice"));
        }
    }
    Ok(messages)
}

fn pieces(pattern: &Pattern<&str>, lines: Lines) -> Result<Vec<Piece>, String> {
    let mut pieces: Vec<Piece> = Vec::new();
    for element in &pattern.elements {
        let text = match element {
            PatternElement::TextElement { value } => *value,
            PatternElement::Placeable {
                expression: Expression::Inline(InlineExpression::VariableReference { id }),
            } => {
                pieces.push(Piece::Argument(id.name.to_owned()));
                continue;
            }
            PatternElement::Placeable {
                expression: Expression::Inline(InlineExpression::StringLiteral { value }),
            } if !value.contains('\\') => *value,
            PatternElement::Placeable { .. } => {
                return Err("only { $variable } and { \"text\" } are used here".into());
            }
        };
        let is_wrong = |c: char| c.is_control() && !(lines == Lines::Several && c == '\n');
        if text.chars().any(is_wrong) {
            return Err("one line only".into());
        }
        match pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => pieces.push(Piece::Text(text.to_owned())),
        }
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(text: &str, lines: Lines) -> Result<Catalogue, CatalogueError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Catalogue::read(file.path(), lines)
    }

    #[test]
    fn a_message_is_text_and_variables() {
        let read = catalogue("# said\na = Wrong. Left: { $tries }{ \" \" }\n", Lines::One).unwrap();
        assert_eq!(
            to_source(read.messages.get("a").unwrap()),
            r#"Sentence::new("Wrong. Left: \u{1}tries\u{1} ")"#
        );
        assert_eq!(
            arguments(read.messages.get("a").unwrap()).into_iter().collect::<Vec<_>>(),
            ["tries"]
        );
    }

    #[test]
    fn what_is_not_understood_stops_the_build() {
        for wrong in ["a", "a = \n", "a = x\na = y\n", "-a = x\n", "a = { b }\n", "a = x\n    y\n"]
        {
            assert!(catalogue(wrong, Lines::One).is_err(), "{wrong}");
        }
        let read = catalogue("a =\n    x\n\n    y\n", Lines::Several).unwrap();
        assert_eq!(to_source(read.messages.get("a").unwrap()), r#"Sentence::new("x\n\ny")"#);
    }

    #[test]
    fn two_languages_say_the_same() {
        let read = |text| catalogue(text, Lines::One).unwrap();
        let one = read("a = { $x }\nb = y\n");
        assert!(one.same_variables(&read("b = z\na = { $x } x\n")).is_ok());
        for other in ["a = { $x }\n", "a = { $y }\nb = y\n", "a = { $x }\nb = y\nc = z\n"] {
            assert!(one.same_variables(&read(other)).is_err(), "{other}");
        }
    }
}
