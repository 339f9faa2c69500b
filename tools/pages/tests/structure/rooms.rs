//! The rooms: folders whose modules can import each other. Every crate has one for its sources,
//! and one for each of its programs and test programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where everything stands.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of modules.
pub struct Room {
    /// From the repository's root.
    pub name: String,
    /// The modules' texts by their paths (`crate::store::spool`).
    pub modules: BTreeMap<String, String>,
}

/// All rooms of all crates.
pub fn all() -> Vec<Room> {
    let mut rooms = Vec::new();
    for crate_folder in crates() {
        for folder in ["src", "tests"] {
            let folder = crate_folder.join(folder);
            // Not a workspace that has this name.
            if folder.is_dir() && !folder.join("Cargo.toml").exists() {
                read(&folder, &mut rooms);
            }
        }
    }
    rooms.retain(|room| !room.modules.is_empty());
    rooms
}

/// All Rust files and their texts, by their paths from the repository's root.
pub fn files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in folders() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(repository()).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}

/// Folders with a `Cargo.toml`, also of crates that nobody has told Cargo about.
fn crates() -> Vec<PathBuf> {
    let mut crates = folders();
    crates.retain(|folder| folder.join("Cargo.toml").exists());
    crates
}

/// All folders but hidden ones and those that Cargo builds in.
fn folders() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![repository()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let name = entry.file_name();
            let hidden = name.to_str().unwrap().starts_with('.');
            if entry.file_type().unwrap().is_dir() && !hidden && name != "target" {
                open.push(entry.path());
            }
        }
        found.push(folder);
    }
    found
}

/// The room in `folder`, and those of programs below it.
fn read(folder: &Path, rooms: &mut Vec<Room>) {
    let name = folder.strip_prefix(repository()).unwrap().to_str().unwrap().to_owned();
    let mut modules = BTreeMap::new();
    modules_below(folder, "crate", &mut modules, rooms);
    rooms.push(Room { name, modules });
}

fn modules_below(
    folder: &Path,
    module: &str,
    modules: &mut BTreeMap<String, String>,
    rooms: &mut Vec<Room>,
) {
    let beside_a_library = folder.join("lib.rs").exists();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() {
            if path.join("main.rs").exists() {
                read(&path, rooms);
            } else {
                modules_below(&path, &format!("{module}::{stem}"), modules, rooms);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = match stem {
                "lib" | "mod" => module.to_owned(),
                "main" if !beside_a_library => module.to_owned(),
                _ => format!("{module}::{stem}"),
            };
            modules.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_crate_has_its_rooms() {
    let names: Vec<String> = all().into_iter().map(|room| room.name).collect();
    for crate_folder in crates().iter().filter(|folder| folder.join("src").is_dir()) {
        let folder = crate_folder.join("src");
        let name = folder.strip_prefix(repository()).unwrap().to_str().unwrap();
        assert!(names.iter().any(|known| known == name), "{name} was not read");
    }
    for known in
        ["core/src", "pam_fido/src", "server/tests/server", "tests/e2e/src/bin/wardkey-demo"]
    {
        assert!(names.iter().any(|name| name == known), "{known} was not read");
    }
}
