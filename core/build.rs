//! Turns `texts/*.ftl` into tables by code. The build fails when a code lacks a text in a language,
//! when a text has no code, or when the languages use different variables.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use wardkey_catalogue::{Catalogue, Lines, Piece, to_source};

/// The sentences of a language by the number of their code.
type Sentences = BTreeMap<u16, Vec<Piece>>;

/// The kinds of codes: the file that lists them, and how `texts.rs` writes the kind.
const KINDS: [(&str, &str); 5] = [
    ("src/code/refusal.rs", "AnyCode::Refusal(Code::"),
    ("src/code/refusal/administration.rs", "AnyCode::Refusal(Code::"),
    ("src/code/refusal/operation.rs", "AnyCode::Refusal(Code::"),
    ("src/code/prompt.rs", "AnyCode::Prompt(Prompt::"),
    ("src/code/notice.rs", "AnyCode::Notice(Notice::"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let kinds = KINDS.map(|(file, _)| file);
    for input in ["build.rs", "texts/ja.ftl", "texts/en.ftl"].into_iter().chain(kinds) {
        println!("cargo:rerun-if-changed={input}");
    }
    let mut codes = BTreeMap::new();
    for (file, kind) in KINDS {
        add_codes(&mut codes, kind, &std::fs::read_to_string(folder.join(file))?)?;
    }
    let read = |name: &str| Catalogue::read(&folder.join("texts").join(name), Lines::One);
    let (ja, en) = (read("ja.ftl")?, read("en.ftl")?);
    ja.same_variables(&en)?;
    let (ja, en) = (sentences(ja, &codes)?, sentences(en, &codes)?);
    let generated = format!("{}\n{}", table("ja", &codes, &ja)?, table("en", &codes, &en)?);
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("texts.rs"), generated)?;
    Ok(())
}

/// Adds number and pattern of each code of a file, whose list has lines such as `PinWrong = 1203,`.
/// (Should the list ever take another form, the generated `match` no longer compiles.)
fn add_codes(
    codes: &mut BTreeMap<u16, String>,
    kind: &str,
    source: &str,
) -> Result<(), Box<dyn Error>> {
    for line in source.lines() {
        let Some((name, number)) =
            line.trim().strip_suffix(',').and_then(|line| line.split_once(" = "))
        else {
            continue;
        };
        if let Ok(number) = number.parse()
            && name.chars().all(|c| c.is_ascii_alphanumeric())
            && codes.insert(number, format!("{kind}{name})")).is_some()
        {
            return Err(format!("code {number} is there twice").into());
        }
    }
    Ok(())
}

fn sentences(
    catalogue: Catalogue,
    codes: &BTreeMap<u16, String>,
) -> Result<Sentences, Box<dyn Error>> {
    let file = catalogue.path.display().to_string();
    let mut sentences = Sentences::new();
    for (id, pieces) in catalogue.messages {
        let number = id
            .strip_prefix("wk-")
            .and_then(|number| number.parse().ok())
            .filter(|number| codes.contains_key(number))
            .ok_or_else(|| format!("{file}: {id} is not a code"))?;
        sentences.insert(number, pieces);
    }
    match codes.keys().find(|number| !sentences.contains_key(number)) {
        Some(number) => Err(format!("{file}: wk-{number} is missing").into()),
        None => Ok(sentences),
    }
}

/// Whether a code is said by programs of administrators only. The PAM module, which is in every
/// login program, is built without these sentences. What is asked is asked at a terminal, by it.
fn is_administration(number: u16, pattern: &str) -> bool {
    if pattern.starts_with("AnyCode::Prompt(") {
        return false;
    }
    // Too many requests; a colleague's vouch; a key on loan; the login screen's answer; logins
    // without the key.
    let is_of_logins = matches!(number, 1512 | 1572..=1594 | 1680 | 1800..=1829);
    // Marks that were not raised and records in memory, what server and enrollment say, reasons of
    // records: nobody at a login screen is told.
    let is_never_said = matches!(
        number,
        1111 | 1121 | 1218 | 1221 | 1276..=1279 | 1310 | 1330 | 1331 | 1405..=1428
    );
    (number >= 1500 && !is_of_logins) || is_never_said
}

fn table(
    language: &str,
    codes: &BTreeMap<u16, String>,
    sentences: &Sentences,
) -> Result<String, Box<dyn Error>> {
    let mut out = String::new();
    writeln!(out, "const fn {language}(code: AnyCode) -> Sentence {{\n    match code {{")?;
    for (number, pieces) in sentences {
        let pattern = codes.get(number).ok_or("a sentence without a code")?;
        if is_administration(*number, pattern) {
            writeln!(out, "        #[cfg(feature = \"administration\")]")?;
        }
        writeln!(out, "        {pattern} => {},", to_source(pieces))?;
    }
    // The number of the code, which is always shown, says the rest.
    writeln!(out, "        #[cfg(not(feature = \"administration\"))]")?;
    writeln!(out, "        _ => {language}(AnyCode::Refusal(Code::Internal)),\n    }}\n}}")?;
    Ok(out)
}
