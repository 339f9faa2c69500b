//! Turns `texts/*.ftl` into the enum `Text` and the Japanese `--help`. The build fails when a
//! language lacks a text, or when the languages use different variables.

use std::error::Error;
use std::path::PathBuf;

use wardkey_catalogue::{Catalogue, Lines, help_source, text_source};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("texts");
    for input in ["build.rs", "texts/ja.ftl", "texts/en.ftl", "texts/help.ja.ftl"] {
        println!("cargo:rerun-if-changed={input}");
    }
    let read = |name: &str| Catalogue::read(&folder.join(name), Lines::One);
    let mut out = text_source(&read("ja.ftl")?, &read("en.ftl")?, "pub(crate)", None)?;
    out += &help_source(&Catalogue::read(&folder.join("help.ja.ftl"), Lines::Several)?);
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("texts.rs"), out)?;
    Ok(())
}
