//! What goes with the programs and is made when they are built: manual pages, the sheets for staff,
//! completions, software bills of materials and licence lists. A program of the build; it is in no
//! package.
//!
//! ```text
//!   docs/man ──────────> page ──> man/            what is written by hand, and in it:
//!     clap of each program  ──> commands            synopsis, options, subcommands
//!     config/*.toml         ──> settings            keys, defaults, meanings
//!     core's codes          ──> page                sentences
//!   docs/sheet ────────> sheet ─> sheet/          what is written by hand, and in it:
//!     core's codes          ──> trouble             what happened, what to do, whom to call
//!   clap ──────────────> completions ──> completions/
//!   cargo, Cargo.lock ──> crates ─┬─> sbom ──────> sbom/
//!   deny.toml                     └─> licences ──> licences/
//! ```
//! Two runs give the same bytes: dates come from [`repository`], never from the clock.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod commands;
pub mod completions;
pub mod crates;
pub mod error;
pub mod licences;
pub mod page;
pub mod repository;
pub mod roff;
pub mod sbom;
pub mod settings;
pub mod sheet;
pub mod trouble;

use std::path::Path;

use crates::{Libraries, PROGRAMS};
use error::{Error, Result};
use repository::Repository;

/// Writes everything below `target`; what an earlier run left in the same folders goes first.
///
/// # Errors
/// [`Error`]; what was written by then stays.
pub fn write_all(
    repository: &Repository,
    target: &Path,
    cargo_options: &[String],
) -> Result<usize> {
    let mut written = 0;
    let mut put = |folder: &str, name: &Path, content: &[u8]| -> Result<()> {
        let path = target.join(folder).join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(Error::file(parent))?;
        }
        std::fs::write(&path, content).map_err(Error::file(&path))?;
        written += 1;
        Ok(())
    };
    let libraries = Libraries::load(repository, cargo_options)?;
    for folder in ["man", "sheet", "completions", "sbom", "licences"] {
        let path = target.join(folder);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::file(&path)(error));
            }
            _ => {}
        }
    }
    for page in page::all(repository)? {
        put("man", &page.path, page.text.as_bytes())?;
    }
    for sheet in sheet::all(repository)? {
        put("sheet", Path::new(&sheet.name), sheet.text.as_bytes())?;
    }
    for (name, content) in completions::all() {
        put("completions", Path::new(&name), &content)?;
    }
    for (program, contents) in &libraries.contents {
        let document = sbom::document(repository, &libraries, program, contents)?;
        let mut text = format!("{document:#}");
        text.push('\n');
        put("sbom", Path::new(&format!("{}.cdx.json", program.file)), text.as_bytes())?;
    }
    let mut packages: Vec<&str> = PROGRAMS.iter().map(|program| program.package).collect();
    packages.dedup();
    for package in packages {
        let list = licences::list(repository, &libraries, package)?;
        put("licences", Path::new(&format!("{package}.txt")), list.as_bytes())?;
    }
    Ok(written)
}
