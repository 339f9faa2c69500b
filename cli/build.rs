//! Turns `texts/*.ftl` into the enum `Text` and a table of each language. The build fails when a
//! language lacks a text, or when the languages use different variables.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use wardkey_catalogue::{Catalogue, Lines, help_source, text_source, variant};

/// What begins the ids of texts about PAM modules, which are looked up by the module's name.
const PROOF: &str = "proof-";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("texts");
    for input in ["build.rs", "texts/ja.ftl", "texts/en.ftl", "texts/help.ja.ftl"] {
        println!("cargo:rerun-if-changed={input}");
    }
    let read = |name: &str| Catalogue::read(&folder.join(name), Lines::One);
    let (ja, en) = (read("ja.ftl")?, read("en.ftl")?);
    let mut out = text_source(&ja, &en, "pub(crate)", None)?;
    out += &by_module(&en)?;
    out += &help_source(&Catalogue::read(&folder.join("help.ja.ftl"), Lines::Several)?);
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("texts.rs"), out)?;
    Ok(())
}

fn by_module(catalogue: &Catalogue) -> Result<String, std::fmt::Error> {
    let mut out = String::from(
        "/// On what the success of a PAM module rests.\n\
            pub(crate) fn proof_of(module: &str) -> Option<Text> {\n    match module {\n",
    );
    for id in catalogue.messages.keys() {
        if let Some(module) = id.strip_prefix(PROOF) {
            writeln!(
                out,
                "        {:?} => Some(Text::{}),",
                module.replace('-', "_"),
                variant(id)
            )?;
        }
    }
    out += "        _ => None,\n    }\n}\n";
    Ok(out)
}
