//! Backups in tests: who can open the keys, and what lies in folders.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use wardkey_core::codec::sha256;

use super::Deployment;

/// A recipient, and the file that opens what is encrypted to it.
pub struct Recipient {
    pub text: String,
    pub file: PathBuf,
}

impl Recipient {
    pub fn new(folder: &Path) -> Self {
        let identity = Identity::generate();
        let file = folder.join("identity");
        std::fs::write(&file, identity.to_string().expose_secret()).unwrap();
        Self { text: identity.to_public().to_string(), file }
    }
}

impl Deployment {
    /// Makes a backup with the keys.
    pub fn backup(&self, name: &str) -> (PathBuf, Recipient) {
        let recipient = Recipient::new(self.folder.path());
        let to = self.folder.path().join(name);
        self.ok(&["backup", to.to_str().unwrap(), "--recipient", &recipient.text]);
        (to, recipient)
    }

    /// The machine is lost: neither database nor keys are there.
    pub fn lose(&self) {
        let data = self.folder.path().join("data");
        std::fs::rename(&data, self.folder.path().join("lost")).unwrap();
    }
}

/// Every file below a folder: mode and hash.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, (u32, String)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.metadata().unwrap().mode() & 0o7777;
        if path.is_dir() {
            found.insert(path.clone(), (mode, String::new()));
            found.extend(tree(&path));
        } else {
            let hash = sha256(&std::fs::read(&path).unwrap()).to_hex();
            found.insert(path, (mode, hash));
        }
    }
    found
}
