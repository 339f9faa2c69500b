//! How answers are printed.
//!
//! Functions that write return [`Error::Io`] when standard output is closed.

use std::io::Write;

use serde::Serialize;
use wardkey_core::name::Language;

use crate::admin::Listing;
use crate::error::{Error, Result};
use crate::texts::{Phrase, Text};
use crate::width::columns_of;

/// The language of whoever runs this, by the locale.
pub fn language() -> Language {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"));
    if locale.is_some_and(|locale| locale.starts_with("ja")) { Language::Ja } else { Language::En }
}

/// Where answers go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// For programs.
    pub json: bool,
    /// For people.
    pub language: Language,
}

impl Output {
    /// Prints an answer: its JSON, or the lines for people.
    pub fn say(self, answer: &impl Serialize, lines: impl FnOnce() -> Vec<String>) -> Result<()> {
        let mut text = if self.json {
            serde_json::to_string(answer).map_err(Error::crypto("JSON"))?
        } else {
            lines().join("\n")
        };
        if !text.is_empty() {
            text.push('\n');
        }
        self.print(&text)
    }

    /// Prints a text as it is.
    pub fn print(self, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever reads has read enough, as in "list | head".
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            done => done.map_err(Error::io(Text::WritingAnswer)),
        }
    }
}

impl Output {
    /// Prints a page of a list: its JSON, or a table; where more follows, how to go on.
    pub fn list<T: Serialize>(
        self,
        listing: &Listing<T>,
        head: &[Text],
        row: impl Fn(&T) -> Vec<Phrase>,
    ) -> Result<()> {
        let rows = || listing.items.iter().map(row).collect::<Vec<_>>();
        self.say(listing, || self.table(head, &rows()))?;
        if let Some(next) = &listing.next {
            self.note(&[Text::MoreFollows.with([("next", quoted(next).into())])]);
        }
        Ok(())
    }

    /// Prints an answer of one sentence.
    pub fn done(self, answer: &impl Serialize, sentence: impl Into<Phrase>) -> Result<()> {
        self.say(answer, || vec![sentence.into().say(self.language)])
    }

    /// Lines of columns.
    pub fn table(self, head: &[Text], rows: &[Vec<Phrase>]) -> Vec<String> {
        let said = |row: &Vec<Phrase>| row.iter().map(|cell| cell.say(self.language)).collect();
        let head: Vec<String> = head.iter().map(|name| name.say(self.language)).collect();
        columns(std::iter::once(head).chain(rows.iter().map(said)).collect())
    }

    /// Lines of a name and a value.
    pub fn fields(self, fields: Vec<(Text, Phrase)>) -> Vec<String> {
        let said =
            |(name, value): (Text, Phrase)| vec![name.say(self.language), value.say(self.language)];
        columns(fields.into_iter().map(said).collect())
    }

    /// Prints the one value that is copied, and on standard error what people need to know about
    /// it. In JSON the answer has both.
    pub fn hand_out(self, answer: &impl Serialize, value: &str, notes: &[Phrase]) -> Result<()> {
        self.say(answer, || vec![value.to_owned()])?;
        self.note(notes);
        Ok(())
    }

    /// Says on standard error what an administrator should look at; in JSON the answer has it.
    pub fn warn(self, warnings: &[Phrase]) {
        let said = |warning: &Phrase| Text::Warning.with([("what", warning.clone())]);
        self.note(&warnings.iter().map(said).collect::<Vec<_>>());
    }

    /// Says on standard error what comes next.
    pub fn remark(self, line: impl Into<Phrase>) {
        self.note(&[line.into()]);
    }

    fn note(self, lines: &[Phrase]) {
        if !self.json {
            lines.iter().for_each(|line| eprintln!("{}", line.say(self.language)));
        }
    }
}

/// A word for the shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    if text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Says on standard error what went wrong, for people or for programs.
pub fn complain(error: &Error, output: Output) {
    if output.json {
        eprintln!("{}", error.to_json());
        return;
    }
    if let Error::Problems { problems, .. } = error {
        problems.iter().for_each(|problem| eprintln!("{}", problem.in_words(output.language)));
    }
    eprintln!("wardkey-server: {} ({})", error.phrase().say(output.language), error.code());
}

/// Lines of columns, each as wide as its widest value.
fn columns(rows: Vec<Vec<String>>) -> Vec<String> {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| columns_of(cell)).max()
    };
    let line = |row: &Vec<String>| {
        let cell = |(column, cell): (usize, &String)| {
            let pad = width(column).unwrap_or(0).saturating_sub(columns_of(cell));
            format!("{cell}{}", " ".repeat(pad))
        };
        row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_with_japanese_names() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let lines = columns(vec![row(["NAME", "X"]), row(["山田", "1"]), row(["Ito", "2"])]);
        assert_eq!(lines, ["NAME  X", "山田  1", "Ito   2"]);
    }
}
