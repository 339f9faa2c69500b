//! The files of an import: comma-separated values, or a JSON object a line.

use std::fs::File;
use std::io::{BufRead, BufReader};

use serde::Deserialize;

/// The longest line in bytes.
const MAX_LINE: usize = 64 * 1024;

/// A person in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub(super) login: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) language: Option<String>,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
    #[serde(default)]
    pub(super) groups: Vec<String>,
    #[serde(default)]
    pub(super) valid_from: Option<String>,
    #[serde(default)]
    pub(super) valid_until: Option<String>,
    #[serde(default)]
    pub(super) credentials: Vec<Key>,
}

/// A line of a file of comma-separated values; scopes and groups are separated by spaces or semicolons.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CsvLine {
    login: String,
    name: String,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    scopes: String,
    #[serde(default)]
    groups: String,
    #[serde(default)]
    valid_from: Option<String>,
    #[serde(default)]
    valid_until: Option<String>,
}

/// A key from another system.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Credential id, base64url.
    pub(super) id: String,
    /// COSE_Key, base64url.
    pub(super) public_key: String,
    #[serde(default)]
    pub(super) label: Option<String>,
    /// Relying party id under which it was made; the deployment's when absent.
    #[serde(default)]
    pub(super) rp_id: Option<String>,
    /// Hexadecimal digits; never counts as attested.
    #[serde(default)]
    pub(super) aaguid: Option<String>,
    #[serde(default)]
    pub(super) counter: u32,
    #[serde(default)]
    pub(super) cred_protect: u8,
    #[serde(default)]
    pub(super) backup_eligible: bool,
    #[serde(default)]
    pub(super) discoverable: bool,
}

/// Where the lines come from, each with its number.
pub struct Source(pub(super) Box<dyn Iterator<Item = (u64, Result<Line, String>)> + Send>);

impl Source {
    /// Comma-separated values with a header line.
    pub fn csv(file: File) -> Self {
        let reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(BufReader::new(file));
        let lines = reader.into_deserialize::<CsvLine>().enumerate().map(|(at, line)| {
            // The first line is the header.
            (at as u64 + 2, line.map(Line::from).map_err(|error| error.to_string()))
        });
        Self(Box::new(lines))
    }

    /// A JSON object a line; empty lines are passed over.
    pub fn jsonl(file: File) -> Self {
        let lines = BufReader::new(file).split(b'\n').enumerate().filter_map(|(at, bytes)| {
            let line = match bytes {
                Err(error) => Err(error.to_string()),
                Ok(bytes) if bytes.len() > MAX_LINE => Err(format!("longer than {MAX_LINE} bytes")),
                Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => return None,
                Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
            };
            Some((at as u64 + 1, line))
        });
        Self(Box::new(lines))
    }
}

impl From<CsvLine> for Line {
    fn from(line: CsvLine) -> Self {
        let names =
            |text: &str| text.split([' ', ';']).filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        Self {
            scopes: names(&line.scopes),
            groups: names(&line.groups),
            login: line.login,
            name: line.name,
            language: line.language,
            valid_from: line.valid_from,
            valid_until: line.valid_until,
            credentials: Vec::new(),
        }
    }
}
