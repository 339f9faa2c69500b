//! The administrator's guide in two languages: whoever reads the Japanese one types the same.
//!
//! ```text
//!   section   a guide as its sections: headings, blocks of code, spans, codes, tables, links
//!   line      one line of a block, or one span, beside its translation
//!   compare   two sections: what one of them lacks
//!   same      the tests: ADMIN.md beside ADMIN.ja.md
//!   links     every link leads somewhere
//! ```
//! Every complaint names the section in both files, with the lines where it begins: a change of one
//! guide is translated section by section, until nothing is left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod compare;
mod line;
mod links;
mod same;
mod section;

use std::path::{Path, PathBuf};

/// The guide in English.
const ENGLISH: &str = "docs/ADMIN.md";

/// Its translation.
const JAPANESE: &str = "docs/ADMIN.ja.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
