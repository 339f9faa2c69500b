//! Files of people, as hospitals have them: from a spreadsheet, or from another system.
//!
//! ```text
//!   bytes ──encoding──> text ──csv | jsonl──> lines, each with its number ──> store::import
//! ```
//! Nothing here ends at the first thing that is wrong: whoever mends a file mends it once.

mod csv;
mod encoding;
mod header;
mod jsonl;
mod line;
mod problem;

pub use line::{Key, People, UncheckedPerson};
pub use problem::{Problem, Wrong};

/// The longest file in bytes: over a hundred thousand people with two keys each.
pub const MAX_FILE: u64 = 256 * 1024 * 1024;

impl People {
    /// Values of a spreadsheet: a header line, then a person a line; separated by commas,
    /// semicolons or tabs.
    pub fn from_csv(bytes: &[u8]) -> Self {
        Self::decode(bytes, csv::people)
    }

    /// A JSON object a line; empty lines are passed over.
    pub fn from_jsonl(bytes: &[u8]) -> Self {
        Self::decode(bytes, jsonl::people)
    }

    fn decode(bytes: &[u8], read: impl FnOnce(&str) -> Self) -> Self {
        let mut people = match encoding::decode(bytes) {
            Ok(text) => read(&text),
            Err(line) => {
                Self { lines: Vec::new(), problems: vec![Problem::at(line, Wrong::Encoding)] }
            }
        };
        if people.lines.is_empty() && people.problems.is_empty() {
            people.problems.push(Problem::at(1, Wrong::Nobody));
        }
        people
    }
}
