//! Configuration files of others, read with a bound.

use std::io::Read;
use std::path::{Path, PathBuf};

/// Longest file that is read, in bytes; the rest is not looked at.
const MAX_BYTES: u64 = 1024 * 1024;
/// Files of a folder that are looked at.
const MAX_FILES: usize = 1000;

/// The text of a file; empty when there is none.
pub(crate) fn read(path: &Path) -> String {
    let mut bytes = Vec::new();
    if path.is_file()
        && let Ok(file) = std::fs::File::open(path)
    {
        let _ = file.take(MAX_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is in a folder, in order.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).take(MAX_FILES).collect();
    entries.sort();
    entries
}

/// The file, or the files of a folder with this ending.
pub(crate) fn files(path: &Path, ending: &str) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.into()];
    }
    entries(path).into_iter().filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
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
