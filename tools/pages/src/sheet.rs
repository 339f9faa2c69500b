//! The sheet for staff, to be printed and hung up beside a terminal: written by hand in
//! `docs/sheet`, with comments of the form `<!-- @word -->` on lines of their own replaced.
//!
//! | line | becomes |
//! |---|---|
//! | `<!-- @style -->` | `style.css`, in the page |
//! | `<!-- @picture pin -->` | `pin.svg`, in the page |
//! | `<!-- @codes 1203 1209 -->` | a row of the table for each of these codes, with its sentence |
//!
//! One file each, with nothing that a browser would have to fetch: it is read where there is no
//! network.

use std::path::PathBuf;

use wardkey_core::code::AnyCode;
use wardkey_core::name::Language;
use wardkey_core::texts;

use crate::error::{Error, Result};
use crate::repository::Repository;

const FOLDER: &str = "docs/sheet";

/// A sheet.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Its file: `terminal-sheet.ja.html`.
    pub name: String,
    /// The whole file.
    pub text: String,
}

/// The sheets of both languages.
///
/// # Errors
/// [`Error`] when a file cannot be read or has a line that means nothing.
pub fn all(repository: &Repository) -> Result<Vec<Sheet>> {
    [(Language::Ja, "ja"), (Language::En, "en")]
        .into_iter()
        .map(|(language, word)| {
            let template = format!("{FOLDER}/{word}.html");
            let text = repository.read(&template)?;
            let path = repository.root.join(&template);
            let text = filled(repository, &text, language).map_err(|(number, what)| {
                Error::content(&path, format!("line {number}: {what}"))
            })?;
            Ok(Sheet { name: format!("terminal-sheet.{word}.html"), text })
        })
        .collect()
}

/// The text with every line replaced that asks for it; else the line's number, and why not.
fn filled(
    repository: &Repository,
    text: &str,
    language: Language,
) -> Result<String, (usize, String)> {
    let mut out = String::new();
    for (index, line) in text.lines().enumerate() {
        let asked = line.trim().strip_prefix("<!-- @").and_then(|rest| rest.strip_suffix(" -->"));
        match asked {
            Some(asked) => out
                .push_str(&replace(repository, asked, language).map_err(|what| (index + 1, what))?),
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    Ok(out)
}

fn replace(repository: &Repository, asked: &str, language: Language) -> Result<String, String> {
    let read = |name: PathBuf| {
        let name = format!("{FOLDER}/{}", name.display());
        repository.read(&name).map_err(|error| error.to_string())
    };
    match asked.split_once(' ').unwrap_or((asked, "")) {
        ("style", "") => Ok(format!("<style>\n{}</style>\n", read("style.css".into())?)),
        ("picture", name) => read(PathBuf::from(name).with_extension("svg")),
        ("codes", numbers) => numbers.split(' ').map(|number| row(number, language)).collect(),
        _ => Err(format!("@{asked} means nothing; known are style, picture, codes")),
    }
}

fn row(number: &str, language: Language) -> Result<String, String> {
    let code = AnyCode::all()
        .into_iter()
        .find(|code| code.number().to_string() == number)
        .ok_or_else(|| format!("there is no code {number}"))?;
    // What the screen fills in: a number, here a circle, as forms have it.
    let args = [("tries", "○"), ("seconds", "○")];
    let sentence = texts::message(code, language, &args);
    Ok(format!("<tr><td>{code}</td><td>{}</td></tr>\n", escaped(sentence.trim())))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
