//! Writes what goes with the programs: `wardkey-pages --target target -- --locked`.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use wardkey_pages::repository::Repository;

/// Writes manual pages, completions, SBOMs and licence lists below the target folder.
#[derive(Debug, Parser)]
#[command(name = "wardkey-pages", version)]
struct Arguments {
    /// The checkout.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repository: PathBuf,
    /// Where to write: the folders man, sheet, completions, sbom and licences in it [default:
    /// $CARGO_TARGET_DIR, else target].
    #[arg(long, value_name = "DIR")]
    target: Option<PathBuf>,
    /// Options for Cargo, after --: --locked, --offline, --config ...
    #[arg(last = true, value_name = "CARGO OPTION")]
    cargo: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let target = arguments
        .target
        .or_else(|| std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from))
        .unwrap_or_else(|| "target".into());
    let written = Repository::open(&arguments.repository)
        .and_then(|repository| wardkey_pages::write_all(&repository, &target, &arguments.cargo));
    match written {
        Ok(count) => {
            println!("pages: {count} files in {}", target.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("wardkey-pages: {error}");
            ExitCode::FAILURE
        }
    }
}
