//! The keys of the configuration files, read from the commented files that are installed
//! (`config/*.toml`), so that file and manual page are one text.
//!
//! In those files a key stands as a comment with its default, below the comment that explains it;
//! keys without a line between them share one explanation; an empty line ends it.

use std::fmt::Write;

use crate::roff;

/// A part of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A table begins: `[limits]`.
    Table {
        /// Its name.
        name: String,
        /// What it is about.
        paragraphs: Vec<String>,
    },
    /// Keys with one explanation.
    Keys {
        /// The keys.
        keys: Vec<Key>,
        /// What they mean.
        paragraphs: Vec<String>,
    },
}

/// A key with the value that the file shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// What it takes: text, path, number, ...
    pub takes: &'static str,
    /// The value as the file has it.
    pub value: String,
}

/// Reads a commented configuration file.
pub fn entries(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut comment = Vec::new();
    let mut after_key = false;
    for line in text.lines() {
        let bare =
            line.strip_prefix('#').map_or(line, |rest| rest.strip_prefix(' ').unwrap_or(rest));
        if let Some(key) = key(bare) {
            match entries.last_mut() {
                Some(Entry::Keys { keys, .. }) if after_key => keys.push(key),
                _ => {
                    entries.push(Entry::Keys { keys: vec![key], paragraphs: paragraphs(&comment) })
                }
            }
            comment.clear();
            after_key = true;
            continue;
        }
        after_key = false;
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            entries.push(Entry::Table { name: name.to_owned(), paragraphs: paragraphs(&comment) });
            comment.clear();
        } else if line.trim().is_empty() {
            comment.clear();
        } else if !bare.starts_with("---") {
            comment.push(bare.trim());
        }
    }
    entries
}

/// The keys of a table, or those before any table.
pub fn keys<'a>(entries: &'a [Entry], table: Option<&str>) -> Vec<&'a str> {
    let mut current = None;
    let mut names = Vec::new();
    for entry in entries {
        match entry {
            Entry::Table { name, .. } => current = Some(name.as_str()),
            Entry::Keys { keys, .. } if current == table => {
                names.extend(keys.iter().map(|key| key.name.as_str()))
            }
            Entry::Keys { .. } => {}
        }
    }
    names
}

/// The list of a manual page.
pub fn list(entries: &[Entry]) -> String {
    let mut out = String::new();
    for entry in entries {
        match entry {
            Entry::Table { name, paragraphs } => {
                let _ = writeln!(out, ".PP\nIn the table\n.BR [{}] :", roff::text(name));
                for paragraph in paragraphs {
                    let _ = writeln!(out, "{}", roff::text(paragraph));
                }
            }
            Entry::Keys { keys, paragraphs } => {
                // Where the explanation gives the default in words, the file shows an example.
                let shown = if paragraphs.iter().any(|text| text.contains("Default:")) {
                    "example"
                } else {
                    "default"
                };
                for (number, key) in keys.iter().enumerate() {
                    let _ = writeln!(
                        out,
                        "{}\n.BR {} {}",
                        if number == 0 { ".TP" } else { ".TQ" },
                        roff::text(&key.name),
                        roff::argument(&format!(" ({}; {shown}: {})", key.takes, key.value)),
                    );
                }
                roff::tagged(&mut out, paragraphs);
            }
        }
    }
    out
}

/// `name = value` where the value is TOML.
fn key(line: &str) -> Option<Key> {
    let (name, value) = line.split_once(" = ")?;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
        return None;
    }
    let table: toml::Table = line.parse().ok()?;
    let takes = match table.get(name)? {
        toml::Value::String(text) if text.starts_with('/') => "path",
        toml::Value::String(_) => "text",
        toml::Value::Integer(_) => "number",
        toml::Value::Boolean(_) => "true or false",
        toml::Value::Array(_) => "list",
        _ => "value",
    };
    Some(Key { name: name.to_owned(), takes, value: value.trim().to_owned() })
}

fn paragraphs(lines: &[&str]) -> Vec<String> {
    lines
        .split(|line| line.is_empty())
        .map(|paragraph| paragraph.join(" "))
        .filter(|paragraph| !paragraph.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commented_file_is_read() {
        let text = "# File.\n\n# --- Part ---\n# One,\n# two.\n#\n# Three.\n#first = \"/a\"\n\
            #second = 999\n\n\
                    # Level: 1 = low. Default: none.\n# origin = \"x\"\n\n# About it.\n[limits]\n\
                    # Each.\n# each = []\n";
        let entries = entries(text);
        assert_eq!(keys(&entries, None), ["first", "second", "origin"]);
        assert_eq!(keys(&entries, Some("limits")), ["each"]);
        let list = list(&entries);
        assert_eq!(
            list,
            ".TP\n.BR first \" (path; default: \\(dq/a\\(dq)\"\n.TQ\n\
                .BR second \" (number; default: 999)\"\n\
             One, two.\n.IP\nThree.\n.TP\n.BR origin \" (text; example: \\(dqx\\(dq)\"\n\
             Level: 1 = low. Default: none.\n.PP\nIn the table\n.BR [limits] :\nAbout it.\n\
             .TP\n.BR each \" (list; default: [])\"\nEach.\n"
        );
    }
}
