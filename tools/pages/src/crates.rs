//! Which libraries are linked into what is shipped, asked of Cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::repository::Repository;

/// A shipped program or module.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The crate that it is built from.
    pub name: &'static str,
    /// Its file name without folder.
    pub file: &'static str,
    /// The Debian package that it is in.
    pub package: &'static str,
    /// Whether other programs load it.
    pub library: bool,
}

/// All that is shipped. A test compares them with the workspace.
pub const PROGRAMS: [Program; 7] = [
    Program { name: "pam_fido", file: "pam_fido.so", package: "libpam-fido", library: true },
    Program { name: "wardkey-key", file: "wardkey-key", package: "wardkey-agent", library: false },
    Program {
        name: "wardkey-lock",
        file: "wardkey-lock",
        package: "wardkey-agent",
        library: false,
    },
    Program {
        name: "wardkey-agent",
        file: "wardkey-agent",
        package: "wardkey-agent",
        library: false,
    },
    Program { name: "wardkey-cli", file: "wardkey", package: "wardkey-agent", library: false },
    Program {
        name: "wardkey-server",
        file: "wardkey-server",
        package: "wardkey-server",
        library: false,
    },
    Program {
        name: "wardkey-verify",
        file: "wardkey-verify",
        package: "wardkey-verify",
        library: false,
    },
];

/// Name and version.
pub type Id = (String, String);

/// A library.
#[derive(Clone, Debug)]
pub struct Crate {
    /// Its SPDX expression.
    pub license: String,
    /// Who wrote it, by its own word.
    pub authors: Vec<String>,
    /// One sentence.
    pub description: String,
    /// Where its source is kept.
    pub repository: Option<String>,
    /// Its folder on this machine.
    pub folder: PathBuf,
    /// Part of this workspace.
    pub local: bool,
    /// SHA-256 of its package, from `Cargo.lock`.
    pub checksum: Option<String>,
}

/// What a program is made of.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The program's crate.
    pub root: Id,
    /// Every crate that is linked in, with those that it uses itself.
    pub uses: BTreeMap<Id, BTreeSet<Id>>,
}

/// The libraries of all that is shipped.
#[derive(Clone, Debug)]
pub struct Libraries {
    /// Everything that Cargo knows of, also what is not linked.
    pub crates: BTreeMap<Id, Crate>,
    /// The contents of [`PROGRAMS`], in their order.
    pub contents: Vec<(Program, Contents)>,
    /// Programs and loadable modules of the workspace: crate names.
    pub built: BTreeSet<String>,
}

impl Libraries {
    /// Asks Cargo. `options` go to Cargo as they are: `--locked`, `--offline`, `--config ...`.
    ///
    /// # Errors
    /// [`Error::Cargo`], [`Error::Dependencies`].
    pub fn load(repository: &Repository, options: &[String]) -> Result<Self> {
        let target = target(repository)?;
        let metadata = cargo(
            repository,
            "metadata",
            &["--format-version", "1", "--filter-platform", &target],
            options,
        )?;
        let metadata: Value = serde_json::from_str(&metadata).map_err(Error::cargo("metadata"))?;
        let checksums = checksums(repository)?;
        let mut crates = BTreeMap::new();
        let mut built = BTreeSet::new();
        for package in metadata.get("packages").and_then(Value::as_array).into_iter().flatten() {
            let (id, library) = library(package, &checksums)?;
            let kinds = package.get("targets").and_then(Value::as_array).into_iter().flatten();
            let ships = kinds
                .filter_map(|target| target.get("kind")?.as_array())
                .flatten()
                .any(|kind| kind == "bin" || kind == "cdylib");
            if library.local && ships {
                built.insert(id.0.clone());
            }
            crates.insert(id, library);
        }
        let mut contents = Vec::new();
        for program in PROGRAMS {
            let tree = cargo(
                repository,
                "tree",
                &[
                    "--package",
                    program.name,
                    "--edges",
                    "normal,no-proc-macro",
                    "--target",
                    &target,
                    "--prefix",
                    "depth",
                    "--format",
                    " {p}",
                ],
                options,
            )?;
            let linked = parse_tree(&tree)?;
            if let Some(unknown) = linked.uses.keys().find(|id| !crates.contains_key(*id)) {
                return Err(Error::Dependencies(format!(
                    "cargo metadata does not know {} {}",
                    unknown.0, unknown.1
                )));
            }
            contents.push((program, linked));
        }
        Ok(Self { crates, contents, built })
    }

    /// The crates that a package holds, in the order of their names; those of this workspace left
    /// out.
    pub fn of_package(&self, package: &str) -> BTreeMap<&Id, &Crate> {
        let programs = self.contents.iter().filter(|(program, _)| program.package == package);
        programs
            .flat_map(|(_, contents)| contents.uses.keys())
            .filter_map(|id| self.crates.get_key_value(id))
            .filter(|(_, library)| !library.local)
            .collect()
    }
}

fn cargo(
    repository: &Repository,
    command: &'static str,
    arguments: &[&str],
    options: &[String],
) -> Result<String> {
    run(
        repository,
        &std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()),
        command,
        arguments,
        options,
    )
}

/// The platform that is built for.
fn target(repository: &Repository) -> Result<String> {
    if let Ok(target) = std::env::var("CARGO_BUILD_TARGET") {
        return Ok(target);
    }
    let version = run(repository, "rustc", "-vV", &[], &[])?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| Error::Dependencies("rustc -vV does not name its host".into()))
}

fn run(
    repository: &Repository,
    program: &str,
    command: &'static str,
    arguments: &[&str],
    options: &[String],
) -> Result<String> {
    let output = Command::new(program)
        .arg(command)
        .args(arguments)
        .args(options)
        .env("CARGO_TERM_COLOR", "never")
        .current_dir(&repository.root)
        .output()
        .map_err(Error::cargo(command))?;
    if !output.status.success() {
        return Err(Error::cargo(command)(String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(Error::cargo(command))
}

fn library(package: &Value, checksums: &BTreeMap<Id, String>) -> Result<(Id, Crate)> {
    let text = |key: &str| package.get(key).and_then(Value::as_str);
    let id = (
        text("name").unwrap_or_default().to_owned(),
        text("version").unwrap_or_default().to_owned(),
    );
    let lacks = |what: &str| Error::Dependencies(format!("{} {}: no {what}", id.0, id.1));
    let folder =
        text("manifest_path").map(PathBuf::from).and_then(|path| path.parent().map(PathBuf::from));
    let authors = package.get("authors").and_then(Value::as_array).into_iter().flatten();
    let library = Crate {
        license: text("license").ok_or_else(|| lacks("licence expression"))?.to_owned(),
        authors: authors.filter_map(Value::as_str).map(str::to_owned).collect(),
        description: text("description")
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
        repository: text("repository").filter(|url| url.starts_with("https://")).map(str::to_owned),
        folder: folder.ok_or_else(|| lacks("folder"))?,
        local: text("source").is_none(),
        checksum: checksums.get(&id).cloned(),
    };
    Ok((id, library))
}

fn checksums(repository: &Repository) -> Result<BTreeMap<Id, String>> {
    let path = repository.root.join("Cargo.lock");
    let lock: toml::Table =
        repository.read("Cargo.lock")?.parse().map_err(|error| Error::content(&path, error))?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    Ok(packages
        .filter_map(|package| {
            let text = |key| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
            Some(((text("name")?, text("version")?), text("checksum")?))
        })
        .collect())
}

/// Reads `cargo tree --prefix depth --format " {p}"`: depth, name, version, and ` (*)` where the
/// crates below were shown before.
fn parse_tree(text: &str) -> Result<Contents> {
    let strange = |line: &str| Error::cargo("tree")(format!("not understood: {line}"));
    let mut above: Vec<Id> = Vec::new();
    let mut uses: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split(' ');
        let depth: usize =
            words.next().and_then(|depth| depth.parse().ok()).ok_or_else(|| strange(line))?;
        let name = words.next().ok_or_else(|| strange(line))?;
        let version =
            words.next().and_then(|word| word.strip_prefix('v')).ok_or_else(|| strange(line))?;
        let id = (name.to_owned(), version.to_owned());
        above.truncate(depth);
        uses.entry(id.clone()).or_default();
        if let Some(parent) = above.last() {
            uses.entry(parent.clone()).or_default().insert(id.clone());
        }
        above.push(id);
    }
    let root = above.into_iter().next().ok_or_else(|| strange("nothing"))?;
    Ok(Contents { root, uses })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read() {
        let id = |name: &str| (name.to_owned(), "1.0.0".to_owned());
        let contents = parse_tree(
            "0 a v1.0.0 (/src/a)\n1 b v1.0.0\n2 c v1.0.0\n3 d v1.0.0\n1 c v1.0.0 (*)\n1 e v1.0.0\n",
        )
        .unwrap();
        assert_eq!(contents.root, id("a"));
        assert_eq!(contents.uses[&id("a")], [id("b"), id("c"), id("e")].into());
        assert_eq!(contents.uses[&id("c")], [id("d")].into());
        assert_eq!(contents.uses[&id("d")], BTreeSet::new());
        for wrong in ["", "a v1", "0 a 1.0.0", "0"] {
            assert!(parse_tree(wrong).is_err(), "{wrong:?}");
        }
    }
}
