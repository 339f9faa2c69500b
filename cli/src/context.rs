//! What every command works with: the arguments, the language, and the machine around it.

use std::io::Write;
use std::path::PathBuf;

use wardkey_core::code::AnyCode;
use wardkey_core::name::Language;
use wardkey_settings::files::Owner;

use crate::args::Cli;
use crate::console::{Operator, Wait};
use crate::error::CliError;
use crate::output::Output;
use crate::places::Places;
use crate::texts::Text;

/// The surroundings that a test replaces; no option and no variable does.
pub struct Environment<'a> {
    /// The uid that must own the agent's socket (root may always); `None`: anybody.
    pub agent_owner: Option<u32>,
    /// The uid that must own the key process's socket (root may always); `None`: anybody.
    pub key_owner: Option<u32>,
    /// Whether the caller is root.
    pub root: bool,
    /// `/etc/machine-id`.
    pub machine_id: PathBuf,
    /// Files and folders of the machine.
    pub places: Places,
    /// Who owns the configuration: root.
    pub files_owner: Owner,
    /// The trust anchor, `/etc/wardkey/anchor.toml`, by which an enrollment is checked.
    pub anchor: PathBuf,
    /// The marks of the PAM module, by which the same is checked.
    pub marks: PathBuf,
    /// Whom to ask and tell.
    pub person: &'a mut dyn Operator,
    /// Where results go.
    pub out: &'a mut dyn Write,
    /// Where error messages go.
    pub errors: &'a mut dyn Write,
}

/// A command under way.
pub(crate) struct Context<'w, 'a> {
    pub(crate) cli: &'w Cli,
    pub(crate) language: Language,
    /// How long a question for a secret waits.
    pub(crate) patience: Wait,
    pub(crate) env: &'w mut Environment<'a>,
}

impl Context<'_, '_> {
    /// A text in the caller's language.
    pub(crate) fn text(&self, text: Text) -> String {
        text.say(self.language)
    }

    /// A text with arguments.
    pub(crate) fn text_with(&self, text: Text, args: &[(&str, &str)]) -> String {
        text.say_with(self.language, args)
    }

    /// Tells the person something that is not the result.
    pub(crate) fn say(&mut self, text: &str) {
        self.env.person.say(text);
    }

    /// Tells the person a text.
    pub(crate) fn tell(&mut self, text: Text) {
        let text = self.text(text);
        self.say(&text);
    }

    pub(crate) fn say_code(&mut self, code: impl Into<AnyCode>, args: &[(&str, &str)]) {
        let text = wardkey_core::texts::message(code, self.language, args);
        self.say(&text);
    }

    pub(crate) fn print(&mut self, output: &Output) {
        // A closed pipe (`wardkey status | head -1`) is no failure of what was done.
        let _ = if self.cli.common.json {
            writeln!(self.env.out, "{}", output.json)
        } else {
            writeln!(self.env.out, "{}", output.text.trim_end())
        };
        let _ = self.env.out.flush();
    }

    pub(crate) fn fail(&mut self, error: &CliError) {
        let _ = if self.cli.common.json {
            writeln!(self.env.errors, "{}", error.to_json())
        } else {
            writeln!(self.env.errors, "{}", error.to_text(self.language))
        };
    }
}

/// `--lang`, else the locale of the messages, else Japanese.
pub(crate) fn language(option: Option<&str>) -> Language {
    let locale = || {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
    };
    option.map(str::to_owned).or_else(locale).and_then(|text| text.parse().ok()).unwrap_or_default()
}
