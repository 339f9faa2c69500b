//! Manual pages: what is written by hand in `docs/man`, with lines of the form `.\" @word` replaced
//! by what the programs say themselves.
//!
//! | line | becomes |
//! |---|---|
//! | `.\" @synopsis` | how the program of the page is called |
//! | `.\" @options` | its options |
//! | `.\" @commands` | its subcommands with theirs |
//! | `.\" @statuses` | the exit statuses, each with what it means |
//! | `.\" @codes 12 1501` | the codes that begin so, each with its sentence |
//! | `.\" @settings agent.toml` | the keys of `config/agent.toml` |

use std::fmt::Write;
use std::path::{Path, PathBuf};

use wardkey_core::code::AnyCode;
use wardkey_core::exit::Exit;
use wardkey_core::name::Language;
use wardkey_core::texts;

use crate::error::{Error, Result};
use crate::repository::Repository;
use crate::{commands, roff, settings};

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it goes below the folder of pages: `wardkey.1`, `ja/wardkey.1`.
    pub path: PathBuf,
    /// The whole page.
    pub text: String,
}

/// All pages, in the order of their names.
///
/// # Errors
/// [`Error`] when a template cannot be read or has a line that means nothing.
pub fn all(repository: &Repository) -> Result<Vec<Page>> {
    let mut pages = Vec::new();
    for (folder, language) in [("", Language::En), ("ja", Language::Ja)] {
        let from = repository.root.join("docs/man").join(folder);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&from).map_err(Error::file(&from))? {
            let path = entry.map_err(Error::file(&from))?.path();
            if path
                .extension()
                .is_some_and(|end| end.len() == 1 && end.to_string_lossy().parse::<u8>().is_ok())
            {
                names.push(path);
            }
        }
        names.sort();
        for template in names {
            let name = template.file_name().map(PathBuf::from).unwrap_or_default();
            pages.push(Page {
                path: Path::new(folder).join(&name),
                text: page(repository, &template, language)?,
            });
        }
    }
    Ok(pages)
}

fn page(repository: &Repository, template: &Path, language: Language) -> Result<String> {
    let name = template.file_stem().unwrap_or_default().to_string_lossy();
    let section = template.extension().unwrap_or_default().to_string_lossy();
    let text = std::fs::read_to_string(template).map_err(Error::file(template))?;
    let mut out = String::from(
        ".\\\" Made by \"make pages\" from docs/man and from what the programs say.\n",
    );
    out.push_str(".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n");
    let _ = writeln!(
        out,
        ".TH {} {section} {} {} Wardkey",
        roff::argument(&name.to_uppercase()),
        repository.day(),
        roff::argument(&format!("Wardkey {}", repository.version)),
    );
    if language == Language::Ja {
        // Without spaces between words nothing can be spread over a line.
        out.push_str(".ad l\n");
    }
    for (number, line) in text.lines().enumerate() {
        match line.strip_prefix(".\\\" @") {
            Some(directive) => {
                let made = replace(repository, &name, directive, language).map_err(|what| {
                    Error::content(template, format!("line {}: {what}", number + 1))
                })?;
                out.push_str(&made);
            }
            // Comments are for whoever edits the template.
            None if line.starts_with(".\\\"") => {}
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    Ok(roff::folded(&out))
}

fn replace(
    repository: &Repository,
    page: &str,
    directive: &str,
    language: Language,
) -> Result<String, String> {
    let (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
    let command =
        || commands::by_name(page).ok_or_else(|| format!("{page} is no program with options"));
    match word {
        "synopsis" => Ok(commands::synopsis(&command()?)),
        "options" => Ok(commands::options(&command()?)),
        "commands" => Ok(commands::subcommands(&command()?)),
        "statuses" => Ok(statuses()),
        "codes" => {
            let sentences =
                repository.read("core/texts/en.ftl").map_err(|error| error.to_string())?;
            codes(&rest.split(' ').collect::<Vec<_>>(), &variables(&sentences), language)
        }
        "settings" => {
            let file =
                repository.read(&format!("config/{rest}")).map_err(|error| error.to_string())?;
            Ok(settings::list(&settings::entries(&file)))
        }
        _ => Err(format!(
            "@{word} means nothing; known are synopsis, options, commands, statuses, codes, \
                settings"
        )),
    }
}

/// The one table of exit statuses.
fn statuses() -> String {
    Exit::ALL.into_iter().fold(String::new(), |mut out, exit| {
        let meaning = exit.meaning();
        let (first, rest) = meaning.split_at(meaning.chars().next().map_or(0, char::len_utf8));
        let sentence = format!("{}{rest}.", first.to_uppercase());
        let _ = writeln!(out, ".TP\n.B {}\n{}", exit.status(), roff::text(&sentence));
        out
    })
}

/// The variables of the sentences, each filled with its own name: `$tries` with `TRIES`.
fn variables(sentences: &str) -> Vec<(String, String)> {
    let names = sentences.split("{ $").skip(1).filter_map(|rest| rest.split_once(" }"));
    let mut names: Vec<&str> = names.map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    names.iter().map(|name| ((*name).to_owned(), name.to_uppercase())).collect()
}

fn codes(
    beginnings: &[&str],
    variables: &[(String, String)],
    language: Language,
) -> Result<String, String> {
    let filling: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut out = String::new();
    for beginning in beginnings {
        let mut found = false;
        let all = AnyCode::all().into_iter();
        for code in all.filter(|code| code.number().to_string().starts_with(beginning)) {
            found = true;
            let sentence = texts::message(code, language, &filling);
            let _ = writeln!(
                out,
                ".TP\n.B {}\n{}",
                roff::text(&code.to_string()),
                roff::text(sentence.trim_end())
            );
        }
        if !found {
            return Err(format!("no code begins with {beginning:?}"));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_is_filled() {
        let variables = variables(include_str!("../../../core/texts/en.ftl"));
        assert!(variables.contains(&("tries".into(), "TRIES".into())), "{variables:?}");
        for language in [Language::En, Language::Ja] {
            let all = codes(&["1"], &variables, language).unwrap();
            assert!(!all.contains('…'), "a sentence lacks a variable:\n{all}");
            assert_eq!(all.matches(".TP").count(), AnyCode::all().len());
        }
        assert!(codes(&["99"], &[], Language::En).unwrap_err().contains("no code"));
    }
}
