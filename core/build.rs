//! Turns `texts/*.ftl` into tables of text pieces and variable names, so that the library needs no
//! parser at run time. The build fails when a code lacks a text in a language, when a text has no
//! code, or when the languages use different variables.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

/// A piece of a sentence.
enum Piece {
    Text(String),
    Argument(String),
}

/// The sentences of a language by the number of their code.
type Sentences = BTreeMap<u16, Vec<Piece>>;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    for input in ["build.rs", "src/code.rs", "texts/ja.ftl", "texts/en.ftl"] {
        println!("cargo:rerun-if-changed={input}");
    }
    let codes = codes(&std::fs::read_to_string(folder.join("src/code.rs"))?)?;
    let ja = sentences(&folder.join("texts/ja.ftl"), &codes)?;
    let en = sentences(&folder.join("texts/en.ftl"), &codes)?;
    let empty = Vec::new();
    for number in codes.keys() {
        if arguments(ja.get(number).unwrap_or(&empty)) != arguments(en.get(number).unwrap_or(&empty)) {
            return Err(format!("wk-{number}: ja.ftl and en.ftl use different variables").into());
        }
    }
    let generated = format!("{}\n{}", table("ja", &codes, &ja)?, table("en", &codes, &en)?);
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("texts.rs"), generated)?;
    Ok(())
}

/// Number and name of each code in `code.rs`, whose list has lines such as `PinWrong = 1203,`.
/// (Should the list ever take another form, the generated `match` no longer compiles.)
fn codes(source: &str) -> Result<BTreeMap<u16, String>, Box<dyn Error>> {
    let mut codes = BTreeMap::new();
    for line in source.lines() {
        let Some((name, number)) = line.trim().strip_suffix(',').and_then(|line| line.split_once(" = ")) else {
            continue;
        };
        if let Ok(number) = number.parse()
            && name.chars().all(|c| c.is_ascii_alphanumeric())
            && codes.insert(number, name.to_owned()).is_some()
        {
            return Err(format!("code {number} is there twice").into());
        }
    }
    Ok(codes)
}

fn sentences(path: &Path, codes: &BTreeMap<u16, String>) -> Result<Sentences, Box<dyn Error>> {
    let file = path.display();
    let source = std::fs::read_to_string(path)?;
    let resource = fluent_syntax::parser::parse(source.as_str())
        .map_err(|(_, errors)| format!("{file}: {}", errors.iter().map(ToString::to_string).collect::<String>()))?;
    let mut sentences = Sentences::new();
    for entry in &resource.body {
        let message = match entry {
            Entry::Message(message) => message,
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => continue,
            Entry::Term(term) => return Err(format!("{file}: -{} is not used here", term.id.name).into()),
            Entry::Junk { content } => return Err(format!("{file}: not understood: {content}").into()),
        };
        let id = message.id.name;
        let number = id
            .strip_prefix("wk-")
            .and_then(|number| number.parse().ok())
            .filter(|number| codes.contains_key(number))
            .ok_or_else(|| format!("{file}: {id} is not a code"))?;
        let pattern = message.value.as_ref().ok_or_else(|| format!("{file}: {id} has no text"))?;
        let pieces = pieces(pattern).map_err(|error| format!("{file}: {id}: {error}"))?;
        if sentences.insert(number, pieces).is_some() {
            return Err(format!("{file}: {id} is there twice").into());
        }
    }
    match codes.keys().find(|number| !sentences.contains_key(number)) {
        Some(number) => Err(format!("{file}: wk-{number} is missing").into()),
        None => Ok(sentences),
    }
}

fn pieces(pattern: &Pattern<&str>) -> Result<Vec<Piece>, String> {
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
            PatternElement::Placeable { expression: Expression::Inline(InlineExpression::StringLiteral { value }) }
                if !value.contains('\\') =>
            {
                *value
            }
            PatternElement::Placeable { .. } => return Err("only { $variable } and { \"text\" } are used here".into()),
        };
        if text.chars().any(char::is_control) {
            return Err("one line only".into());
        }
        match pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => pieces.push(Piece::Text(text.to_owned())),
        }
    }
    Ok(pieces)
}

fn arguments(pieces: &[Piece]) -> BTreeSet<&str> {
    pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Argument(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
        .collect()
}

/// Whether a code is said by programs of administrators only. The PAM module, which is in every login
/// program, is built without these sentences.
fn is_administration(number: u16) -> bool {
    const TOO_MANY_REQUESTS: u16 = 1512;
    // Marks that were not raised and records in memory: nobody at a login screen is told.
    (number >= 1500 && number != TOO_MANY_REQUESTS) || number == 1330 || number == 1331
}

fn table(language: &str, codes: &BTreeMap<u16, String>, sentences: &Sentences) -> Result<String, Box<dyn Error>> {
    let mut out = String::new();
    writeln!(out, "const fn {language}(code: Code) -> &'static [Piece] {{\n    match code {{")?;
    for (number, pieces) in sentences {
        let name = codes.get(number).ok_or("a sentence without a code")?;
        let pieces: Vec<String> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => format!("Piece::Text({text:?})"),
                Piece::Argument(name) => format!("Piece::Argument({name:?})"),
            })
            .collect();
        if is_administration(*number) {
            writeln!(out, "        #[cfg(feature = \"administration\")]")?;
        }
        writeln!(out, "        Code::{name} => &[{}],", pieces.join(", "))?;
    }
    // The number of the code, which is always shown, says the rest.
    writeln!(out, "        #[cfg(not(feature = \"administration\"))]")?;
    writeln!(out, "        _ => {language}(Code::Internal),\n    }}\n}}")?;
    Ok(out)
}
