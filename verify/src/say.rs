//! How the answer is given.

use std::io::Write;

use wardkey_core::name::Language;

use crate::error::{Error, Result};
use crate::report::Report;
use crate::texts::{Phrase, Text};

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
    /// Prints a report.
    ///
    /// # Errors
    /// [`Error::File`] when standard output is closed.
    pub fn say(self, report: &Report) -> Result<()> {
        let mut text = if self.json {
            report.to_json().to_string()
        } else {
            lines(report, self.language).join("\n")
        };
        text.push('\n');
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever reads has read enough, as in "... | head".
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            done => done.map_err(Error::io("-".as_ref())),
        }
    }

    /// Says on standard error what went wrong, for people or for programs.
    pub fn complain(self, error: &Error) {
        if self.json {
            eprintln!("{}", error.to_json());
        } else {
            let said = error.phrase().say(self.language);
            eprintln!("wardkey-verify: {said} ({})", error.code());
        }
    }
}

fn lines(report: &Report, language: Language) -> Vec<String> {
    let say = |phrase: Phrase| phrase.say(language);
    let mut lines: Vec<String> = report.checked().into_iter().map(say).collect();
    lines.push(String::new());
    lines.push(report.conclusion().say(language));
    for finding in report.findings.listed() {
        let (place, sentence) = (finding.place().say(language), finding.sentence().say(language));
        let between = if place.is_empty() { "" } else { ": " };
        lines.push(format!("- {place}{between}{sentence} ({})", finding.code));
    }
    if report.unlisted() > 0 {
        lines.push(Text::Unlisted.with([("count", report.unlisted().into())]).say(language));
    }
    lines.push(String::new());
    lines.extend(report.unchecked().into_iter().map(say));
    lines
}
