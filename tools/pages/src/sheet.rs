//! The sheets for staff, to be printed: one that hangs beside a terminal, and one with every code
//! that a terminal shows, for who answers the telephone. Written by hand in `docs/sheet`, with
//! comments of the form `<!-- @word -->` on lines of their own replaced.
//!
//! | line | becomes |
//! |---|---|
//! | `<!-- @style -->` | `style.css`, in the page |
//! | `<!-- @picture pin -->` | `pin.svg`, in the page |
//! | `<!-- @codes 1203-1209 1240 -->` | a row of the table for each of these codes ([`trouble`]) |
//!
//! One file each, with nothing that a browser would have to fetch: it is read where there is no
//! network.

use std::path::PathBuf;

use wardkey_core::name::Language;

use crate::error::{Error, Result};
use crate::repository::Repository;
use crate::trouble::{self, Advice};

const FOLDER: &str = "docs/sheet";
/// What each is made of in each language, and what it is called then.
const SHEETS: [(&str, &str); 2] = [("", "terminal-sheet"), ("codes.", "terminal-codes")];

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
    let languages = [(Language::Ja, "ja"), (Language::En, "en")];
    SHEETS
        .into_iter()
        .flat_map(|sheet| languages.map(|language| (sheet, language)))
        .map(|((begin, name), (language, word))| {
            let template = format!("{FOLDER}/{begin}{word}.html");
            let text = repository.read(&template)?;
            let path = repository.root.join(&template);
            let text = filled(repository, &text, language).map_err(|(number, what)| {
                Error::content(&path, format!("line {number}: {what}"))
            })?;
            Ok(Sheet { name: format!("{name}.{word}.html"), text })
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
        ("codes", ranges) => {
            let codes = trouble::codes(ranges)?.into_iter();
            Ok(codes.map(|code| row(&trouble::advice(code, language), language)).collect())
        }
        _ => Err(format!("@{asked} means nothing; known are style, picture, codes")),
    }
}

fn row(Advice { code, says, does, calls }: &Advice, language: Language) -> String {
    let calls = calls.say(language);
    format!(
        "<tr><th scope=\"row\">{code}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escaped(says),
        escaped(does),
        escaped(calls)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
