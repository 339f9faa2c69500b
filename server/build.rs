//! Turns `texts/*.ftl` into the enum `Text` and the Japanese `--help`. The build fails when a
//! language lacks a text, or when the languages use different variables.

use std::error::Error;
use std::path::PathBuf;

use wardkey_catalogue::{Catalogue, Lines, help_source, text_source};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("texts");
    for input in [
        "build.rs",
        "texts/ja.ftl",
        "texts/en.ftl",
        "texts/help.ja.ftl",
        "texts/pages.ja.ftl",
        "texts/pages.en.ftl",
    ] {
        println!("cargo:rerun-if-changed={input}");
    }
    let read = |name: &str| Catalogue::read(&folder.join(name), Lines::One);
    let mut out = text_source(&read("ja.ftl")?, &read("en.ftl")?, "pub", None)?;
    out += &help_source(&Catalogue::read(&folder.join("help.ja.ftl"), Lines::Several)?);
    let folder_out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(folder_out.join("texts.rs"), out)?;
    let pages = text_source(&read("pages.ja.ftl")?, &read("pages.en.ftl")?, "pub", None)?;
    std::fs::write(folder_out.join("pages.rs"), pages)?;
    Ok(())
}
