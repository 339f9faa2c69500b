//! Configuration files of others, read with a bound.

use std::path::{Path, PathBuf};

use crate::files;

/// Longest file that is read, in bytes: `/etc/passwd` of 100,000 accounts.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Files of a folder that are looked at.
const MAX_FILES: usize = 1000;

/// The text of a file; empty when there is none. A link is followed, as the program whose file it
/// is does.
pub(crate) fn read(path: &Path) -> String {
    let bytes = if path.is_file() { files::read_followed(path, MAX_BYTES) } else { Ok(None) };
    let bytes = bytes.ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is in a folder, in order.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .take(MAX_FILES)
        .collect();
    entries.sort();
    entries
}

/// The file, or the files of a folder with this ending.
pub(crate) fn with_ending(path: &Path, ending: &str) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.into()];
    }
    entries(path)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect()
}

/// The path as it is on the machine.
pub(crate) fn shown(root: &Path, path: &Path) -> String {
    format!("/{}", path.strip_prefix(root).unwrap_or(path).display()).replacen("//", "/", 1)
}

/// `key=value` in a section; section and key in small letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) section: String,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) number: usize,
}

/// The lines of an INI file.
pub(crate) fn sections(text: &str) -> Vec<Section> {
    let mut section = String::new();
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.trim().to_ascii_lowercase();
        } else if !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once('=')
        {
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim().to_owned());
            lines.push(Section { section: section.clone(), key, value, number: index + 1 });
        }
    }
    lines
}
