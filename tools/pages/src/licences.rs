//! Licences of the linked libraries: whether they are ours to ship (`deny.toml`), and the list with
//! the texts that goes with each package.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use spdx::{Expression, ParseMode};

use crate::crates::{Crate, Id, Libraries};
use crate::error::{Error, Result};
use crate::repository::Repository;

/// The longest licence text in bytes.
const MAX_TEXT: u64 = 512 * 1024;
const RULE: &str = "==============================================================================";

/// What `deny.toml` allows: one list for cargo-deny and for the test that needs no network.
#[derive(Clone, Debug)]
pub struct Allowed {
    everywhere: BTreeSet<String>,
    exceptions: BTreeMap<String, BTreeSet<String>>,
}

impl Allowed {
    /// Reads `deny.toml`.
    ///
    /// # Errors
    /// [`Error::Content`] when the file has no such list.
    pub fn read(repository: &Repository) -> Result<Self> {
        let path = repository.root.join("deny.toml");
        let table: toml::Table =
            repository.read("deny.toml")?.parse().map_err(|error| Error::content(&path, error))?;
        let licences =
            table.get("licenses").ok_or_else(|| Error::content(&path, "[licenses] is missing"))?;
        let list = |value: &toml::Value| -> BTreeSet<String> {
            let allow = value.get("allow").and_then(toml::Value::as_array);
            allow.into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect()
        };
        let exceptions =
            licences.get("exceptions").and_then(toml::Value::as_array).into_iter().flatten();
        Ok(Self {
            everywhere: list(licences),
            exceptions: exceptions
                .filter_map(|value| Some((value.get("crate")?.as_str()?.to_owned(), list(value))))
                .collect(),
        })
    }

    /// Whether a crate with this expression may be shipped.
    ///
    /// # Errors
    /// The sentence that says why not.
    pub fn check(&self, name: &str, expression: &str) -> Result<(), String> {
        let parsed = Expression::parse_mode(expression, ParseMode::LAX).map_err(|error| {
            format!("{name}: {expression:?} is no licence expression: {}", error.reason)
        })?;
        let exception = self.exceptions.get(name);
        let holds = parsed.evaluate(|required| {
            let required = required.to_string();
            self.everywhere.contains(&required)
                || exception.is_some_and(|list| list.contains(&required))
        });
        if holds {
            Ok(())
        } else {
            Err(format!("{name}: {expression} is not allowed by deny.toml"))
        }
    }
}

/// The expression as SPDX writes it today: `MIT/Apache-2.0` is `MIT OR Apache-2.0`.
pub fn expression(text: &str) -> String {
    text.replace(" / ", "/").replace('/', " OR ")
}

/// The list of a Debian package: every library with version and expression, and each text once.
///
/// # Errors
/// [`Error`] when a text cannot be read, or a library has none and none can be given.
pub fn list(repository: &Repository, libraries: &Libraries, package: &str) -> Result<String> {
    let crates = libraries.of_package(package);
    let mut texts: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for (id, library) in &crates {
        let mut numbers = BTreeSet::new();
        for text in texts_of(repository, id, library)? {
            let at = texts.iter().position(|known| *known == text).unwrap_or_else(|| {
                texts.push(text);
                texts.len() - 1
            });
            numbers.insert(at + 1);
        }
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let mut line = format!(
            "{} {}\n    {}\n    texts: {}",
            id.0,
            id.1,
            expression(&library.license),
            numbers.join(", ")
        );
        if library.license.contains("MPL") {
            let _ = write!(line, "\n    unchanged; its source: {}", source(id, library));
        }
        lines.push(line);
    }
    let mut out = format!(
        "Libraries in {package} {}\n\n\
         The programs of this package are linked statically with the libraries below, each with \
         the\nlicences that its authors give (SPDX expressions) and the numbers of the texts that \
         follow.\n\
         Wardkey itself: MIT OR Apache-2.0.\n\n",
        repository.version
    );
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
    for (number, text) in texts.iter().enumerate() {
        let _ = write!(out, "\n{RULE}\ntext {}\n{RULE}\n\n{text}\n", number + 1);
    }
    Ok(out)
}

/// The licence texts that a library comes with.
///
/// # Errors
/// [`Error`] as [`list`].
pub fn texts_of(repository: &Repository, id: &Id, library: &Crate) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for folder in [library.folder.clone(), library.folder.join("LICENSES")] {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.map_err(Error::file(&folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_uppercase();
            let inside = folder != library.folder;
            let beginnings = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];
            if path.is_file()
                && (inside || beginnings.iter().any(|beginning| name.starts_with(beginning)))
            {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut texts = files.iter().map(|path| read(path)).collect::<Result<Vec<_>>>()?;
    if texts.is_empty() {
        texts.push(stand_in(repository, id, library)?);
    }
    Ok(texts)
}

/// For a package without a text: that of its licence, with the names that the package gives.
fn stand_in(repository: &Repository, id: &Id, library: &Crate) -> Result<String> {
    let who = if library.authors.is_empty() {
        format!(
            "the authors of {} ({})",
            id.0,
            library.repository.as_deref().unwrap_or("no repository named")
        )
    } else {
        library.authors.join(", ")
    };
    let parsed = Expression::parse_mode(&library.license, ParseMode::LAX)
        .map_err(|error| Error::Dependencies(format!("{} {}: {}", id.0, id.1, error.reason)))?;
    let suffices = |licence: &str| parsed.evaluate(|required| required.to_string() == licence);
    if suffices("MIT") {
        let text = normal(&repository.read("LICENSE-MIT")?);
        let lines = text.lines().map(|line| {
            if line.starts_with("Copyright (c)") {
                format!("Copyright (c) {who}")
            } else {
                line.to_owned()
            }
        });
        return Ok(lines.collect::<Vec<_>>().join("\n"));
    }
    if suffices("Apache-2.0") {
        return Ok(normal(&repository.read("LICENSE-APACHE")?));
    }
    // The notice of the licence's own Exhibit A, and where the source is (3.2).
    if suffices("MPL-2.0") {
        return Ok(format!(
            "{}, by {who}\n\n\
             This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0.\n\
             If a copy of the MPL was not distributed with this file, You can obtain one at\n\
             https://mozilla.org/MPL/2.0/. \
             On Debian systems it is in /usr/share/common-licenses/MPL-2.0.\n\n\
             Source: {}",
            id.0,
            source(id, library)
        ));
    }
    // The licence asks for its text or this link.
    if suffices("BlueOak-1.0.0") {
        return Ok(format!(
            "{}, by {who}\n\n\
                Blue Oak Model License 1.0.0, https://blueoakcouncil.org/license/1.0.0",
            id.0
        ));
    }
    Err(Error::Dependencies(format!(
        "{} {}: its package has no text of {}",
        id.0, id.1, library.license
    )))
}

/// Where the source of a library is to be had.
fn source(id: &Id, library: &Crate) -> String {
    let url = library.repository.as_deref().unwrap_or("the registry of Rust crates");
    format!("{url} (crate {} {})", id.0, id.1)
}

fn read(path: &Path) -> Result<String> {
    let length = std::fs::metadata(path).map_err(Error::file(path))?.len();
    if length > MAX_TEXT {
        return Err(Error::content(path, "too long for a licence"));
    }
    let bytes = std::fs::read(path).map_err(Error::file(path))?;
    Ok(normal(&String::from_utf8_lossy(&bytes)))
}

/// Without the differences that are none: line ends, spaces at them, empty lines around.
fn normal(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_judged() {
        let allowed = Allowed {
            everywhere: ["MIT", "BSD-3-Clause", "Apache-2.0 WITH LLVM-exception"]
                .map(str::to_owned)
                .into(),
            exceptions: [("cbor".to_owned(), ["BlueOak-1.0.0".to_owned()].into())].into(),
        };
        for (name, expression, holds) in [
            ("a", "MIT", true),
            ("a", "MIT/Apache-2.0", true),
            ("a", "GPL-3.0-only OR MIT", true),
            ("a", "MIT AND BSD-3-Clause", true),
            ("a", "MIT AND GPL-3.0-only", false),
            ("a", "Apache-2.0", false),
            ("a", "Apache-2.0 WITH LLVM-exception", true),
            ("a", "BlueOak-1.0.0", false),
            ("cbor", "BlueOak-1.0.0", true),
            ("cbor", "BlueOak-1.0.0 AND GPL-3.0-only", false),
            ("a", "LicenseRef-Proprietary", false),
            ("a", "no licence at all", false),
            ("a", "", false),
        ] {
            assert_eq!(allowed.check(name, expression).is_ok(), holds, "{name}: {expression}");
        }
        assert_eq!(expression("MIT/Apache-2.0"), "MIT OR Apache-2.0");
    }

    #[test]
    fn equal_texts_are_one() {
        assert_eq!(normal("\u{feff}\r\n A \r\nB\t\n\n"), normal(" A\nB"));
    }
}
