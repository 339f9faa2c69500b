//! TOML files, read so that every complaint names file, line, key and the fix.
//!
//! A value of another kind than the one that is asked for is [`TableError::Content`].

use std::path::Path;

use wardkey_core::phrase::Phrase;

use crate::files::{self, FileError, Owner};
use crate::texts::Text;
use crate::toml_lines;

/// Longest configuration file in bytes.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// Why a configuration file is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is in it.
    #[error("{file}:{line}: {what}")]
    Content {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// Key and fix.
        what: Phrase,
    },
}

/// The text of a configuration file, and where it came from.
pub struct Source {
    pub(crate) file: String,
    pub(crate) text: String,
}

/// One value, and how to complain about it.
pub struct Value<'a> {
    pub(crate) source: &'a Source,
    pub(crate) entry: &'a toml_lines::Entry,
}

impl Source {
    /// Reads a file that root owns.
    ///
    /// # Errors
    /// [`TableError`] when it is not to be believed or not text.
    pub fn read(path: &Path, owner: Owner) -> Result<Self, TableError> {
        Self::from_bytes(&path.display().to_string(), files::read(path, owner, MAX_BYTES)?)
    }

    /// Takes the content of a file.
    ///
    /// # Errors
    /// [`TableError::Content`] when it is not UTF-8.
    pub fn from_bytes(file: &str, bytes: Vec<u8>) -> Result<Self, TableError> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { file: file.into(), text }),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let line =
                    1 + error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count();
                Err(TableError::Content { file: file.into(), line, what: Text::NotUtf8.into() })
            }
        }
    }

    /// Gives every key with its value to `take`, which returns false for a key that it does not
    /// know.
    ///
    /// # Errors
    /// [`TableError::Content`] for bad TOML, an unknown key, or what `take` complains about.
    pub fn each(
        &self,
        known: &[&str],
        mut take: impl FnMut(&str, Value<'_>) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        let entries = toml_lines::read(&self.text)
            .map_err(|fault| self.complain(fault.line, fault.what.into()))?;
        for entry in &entries {
            if !known.contains(&entry.key.as_str()) {
                let name = wardkey_core::name::printable(&entry.key, 64);
                let args = [("key", name.into()), ("keys", known.join(", ").into())];
                return Err(self.complain(entry.line, Text::UnknownKeyKnown.with(args)));
            }
            take(&entry.key, Value { source: self, entry })?;
        }
        Ok(())
    }

    /// A complaint about the whole file.
    pub fn lacks(&self, key: &str, fix: Text) -> TableError {
        self.complain(1, Text::MissingKey.with([("key", key.into()), ("fix", fix.into())]))
    }

    pub(crate) fn complain(&self, line: usize, what: Phrase) -> TableError {
        TableError::Content { file: self.file.clone(), line, what }
    }
}

impl Value<'_> {
    /// A complaint that says what the key takes.
    pub fn wrong(&self, takes: impl Into<Phrase>) -> TableError {
        self.wrong_in(self.entry.value_line, takes.into())
    }

    fn wrong_in(&self, line: usize, takes: Phrase) -> TableError {
        let key = self.entry.key.as_str().into();
        self.source.complain(line, Text::Takes.with([("key", key), ("what", takes)]))
    }

    /// A text.
    pub fn text(&self, takes: impl Into<Phrase>) -> Result<&str, TableError> {
        match &self.entry.value {
            toml_lines::Value::Text(text) => Ok(text),
            _ => Err(self.wrong(takes)),
        }
    }

    /// A login name of this machine.
    pub fn user(&self) -> Result<String, TableError> {
        let takes = Text::LoginName;
        let name = self.text(takes)?;
        if is_user(name) { Ok(name.to_owned()) } else { Err(self.wrong(takes)) }
    }

    /// The whole path of a file.
    pub fn path(&self) -> Result<std::path::PathBuf, TableError> {
        let takes = Text::WholePath;
        let text = self.text(takes)?;
        if text.starts_with('/')
            && !text.ends_with('/')
            && text.len() < 4096
            && !text.contains('\0')
        {
            Ok(text.into())
        } else {
            Err(self.wrong(takes))
        }
    }

    /// A whole number within bounds.
    pub fn number(
        &self,
        bounds: std::ops::RangeInclusive<u64>,
        unit: impl Into<Phrase>,
    ) -> Result<u64, TableError> {
        match self.entry.value {
            toml_lines::Value::Number(number) if bounds.contains(&number) => Ok(number),
            _ => Err(self.wrong(Text::NumberBetween.with([
                ("least", (*bounds.start()).into()),
                ("most", (*bounds.end()).into()),
                ("unit", unit.into()),
            ]))),
        }
    }

    /// A list; `take` keeps an item that is a text or a number, or says that it is none.
    ///
    /// # Errors
    /// [`TableError::Content`] for anything else, and more than `max` items.
    pub fn list(
        &self,
        takes: &Phrase,
        max: usize,
        take: &mut dyn FnMut(Option<&str>, Option<u64>) -> bool,
    ) -> Result<(), TableError> {
        let toml_lines::Value::List(items) = &self.entry.value else {
            return Err(self.wrong(takes.clone()));
        };
        if items.len() > max {
            return Err(self.wrong(takes.clone()));
        }
        for (line, item) in items {
            let is_taken = match item {
                toml_lines::Value::Text(text) => take(Some(text), None),
                toml_lines::Value::Number(number) => take(None, Some(*number)),
                toml_lines::Value::List(_) | toml_lines::Value::Other => false,
            };
            if !is_taken {
                return Err(self.wrong_in(*line, takes.clone()));
            }
        }
        Ok(())
    }
}

/// Local names may be others than those of people: whatever NSS may hold, but no control
/// characters.
pub(crate) fn is_user(name: &str) -> bool {
    (1..=256).contains(&name.len())
        && !name.contains([':', '/'])
        && name.chars().all(wardkey_core::name::is_printable)
}
