//! Turns `texts/*.ftl` into the enum `Text` and a table of each language. The build fails when a language
//! lacks a text, or when the languages use different variables.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use wardkey_catalogue::{Catalogue, Lines, to_source};

/// What begins the ids of texts about PAM modules, which are looked up by the module's name.
const PROOF: &str = "proof-";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("texts");
    for input in ["build.rs", "texts/ja.ftl", "texts/en.ftl", "texts/help.ja.ftl"] {
        println!("cargo:rerun-if-changed={input}");
    }
    let read = |name: &str| Catalogue::read(&folder.join(name), Lines::One);
    let (ja, en) = (read("ja.ftl")?, read("en.ftl")?);
    ja.same_variables(&en)?;

    let mut out = names(&en)?;
    out += &table("ja", &ja)?;
    out += &table("en", &en)?;
    out += &by_module(&en)?;
    out += &help(&Catalogue::read(&folder.join("help.ja.ftl"), Lines::Several)?)?;
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("texts.rs"), out)?;
    Ok(())
}

/// `ask-pin` as `AskPin`.
fn name(id: &str) -> String {
    let capital = |part: &str| part.chars().take(1).flat_map(char::to_uppercase).chain(part.chars().skip(1)).collect();
    id.split('-').map(|part| -> String { capital(part) }).collect()
}

fn names(catalogue: &Catalogue) -> Result<String, std::fmt::Error> {
    let mut out =
        String::from("/// A text, by its id.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub(crate) enum Text {\n");
    for id in catalogue.messages.keys() {
        writeln!(out, "    /// `{id}`\n    {},", name(id))?;
    }
    out += "}\n";
    Ok(out)
}

fn table(language: &str, catalogue: &Catalogue) -> Result<String, std::fmt::Error> {
    let mut out = format!("const fn {language}(text: Text) -> &'static [Piece] {{\n    match text {{\n");
    for (id, pieces) in &catalogue.messages {
        writeln!(out, "        Text::{} => {},", name(id), to_source(pieces))?;
    }
    out += "    }\n}\n";
    Ok(out)
}

fn by_module(catalogue: &Catalogue) -> Result<String, std::fmt::Error> {
    let mut out = String::from(
        "/// On what the success of a PAM module rests.\npub(crate) fn proof_of(module: &str) -> Option<Text> {\n    match module {\n",
    );
    for id in catalogue.messages.keys() {
        if let Some(module) = id.strip_prefix(PROOF) {
            writeln!(out, "        {:?} => Some(Text::{}),", module.replace('-', "_"), name(id))?;
        }
    }
    out += "        _ => None,\n    }\n}\n";
    Ok(out)
}

/// The Japanese texts of `--help`; the English ones are in `src/args.rs`.
fn help(catalogue: &Catalogue) -> Result<String, std::fmt::Error> {
    let mut out = String::from(
        "/// Ids and texts of `--help` in Japanese.\npub(crate) const HELP_JA: &[(&str, &[Piece])] = &[\n",
    );
    for (id, pieces) in &catalogue.messages {
        writeln!(out, "    ({id:?}, {}),", to_source(pieces))?;
    }
    out += "];\n";
    Ok(out)
}
