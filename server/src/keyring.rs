//! The private keys of a deployment, as files of mode 0600 in one folder.
//!
//! ```text
//!   root.key     signs root documents; needed by init and exchanges of keys, best kept elsewhere
//!   publish.key  signs heads and terminal documents
//!   publish.next.key  the same, from the next root document on (exchange.rs)
//!   root.next.key     the next root key (root_exchange.rs)
//!   log.key      signs the log, once the publish key that it was made from is gone
//!   ca.key/.crt  issues TLS certificates      server.key/.crt  the server's own
//!   ca.next.pem  the same, from the next root document on (authority.rs)
//!   ca.prepared.pem   the one that the next exchange takes
//!   ca.links.crt certifies it in the name of those before it
//!   code.key     keyed hash of enrollment codes
//! ```

mod authority;
mod exchange;
mod key_files;
mod root_exchange;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use wardkey_core::document::RootDocument;
use wardkey_core::id::to_hex;
use wardkey_core::sign::SigningKey;
use wardkey_core::time::UnixTime;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::files;
use crate::pki::{KeyAndCertificate, certified, read_certificate};
use crate::secret;
use crate::texts::{Phrase, Text};
use key_files::{NEEDED, OPTIONAL, secret_in};

pub use key_files::{fit, new_root_key, publish_key, signing_in};

/// The longest key file in bytes that is read.
const MAX_FILE: u64 = 64 * 1024;

/// The folder of the keys.
#[derive(Clone, Debug)]
pub struct Keyring(PathBuf);

/// What a raw key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// Signs root documents.
    Root,
    /// Signs heads and terminal documents.
    Publish,
    /// Keys the hash of enrollment codes.
    Code,
}

impl Secret {
    const fn file(self) -> &'static str {
        match self {
            Self::Root => "root.key",
            Self::Publish => "publish.key",
            Self::Code => "code.key",
        }
    }
}

/// Which certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The certificate authority.
    Authority,
    /// The server.
    Server,
}

impl Holder {
    const fn stem(self) -> &'static str {
        match self {
            Self::Authority => "ca",
            Self::Server => "server",
        }
    }
}

impl Keyring {
    /// The keys in a folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Makes the folder (0700). It must not be there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create_folder(&self) -> Result<()> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        let above = self.0.parent().map_or(Ok(()), |above| builder.create(above));
        above
            .and_then(|()| builder.recursive(false).create(&self.0))
            .map_err(Error::at_file(Text::Making, &self.0))
    }

    /// Puts new raw keys into the folder.
    ///
    /// # Errors
    /// [`Error::Io`] when a file is there already or cannot be written.
    pub fn create(&self) -> Result<()> {
        for secret in [Secret::Root, Secret::Publish, Secret::Code] {
            let bytes = Zeroizing::new(secret::random::<32>()?);
            let text = Zeroizing::new(format!("{}\n", to_hex(bytes.as_slice())));
            self.write_new(secret.file(), text.as_bytes())?;
        }
        Ok(())
    }

    /// A raw key.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the file is missing, readable by others, or not 64 hexadecimal
    /// digits.
    pub fn secret(&self, secret: Secret) -> Result<Zeroizing<[u8; 32]>> {
        self.raw(secret.file())
    }

    /// The signing key in a file that is kept in another folder, under the same rules.
    ///
    /// # Errors
    /// As [`Self::secret`].
    pub fn signing_at(path: &Path) -> Result<SigningKey> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        Ok(SigningKey::from_secret(&*Self::at(files::folder_of(path)).raw(name)?))
    }

    fn raw(&self, name: &str) -> Result<Zeroizing<[u8; 32]>> {
        let text = self.read(name)?;
        secret_in(&text).ok_or_else(|| self.wrong(name, Text::NotASecret))
    }

    /// Whether a raw key lies here.
    pub fn has(&self, secret: Secret) -> bool {
        self.holds(secret.file())
    }

    /// The file of a raw key, when it is here.
    ///
    /// # Errors
    /// As [`Self::secret`].
    pub fn file_of(&self, secret: Secret) -> Result<Option<Zeroizing<String>>> {
        if !self.has(secret) {
            return Ok(None);
        }
        self.secret(secret)?;
        self.read(secret.file()).map(Some)
    }

    /// Removes the file of a raw key.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn take_away(&self, secret: Secret) -> Result<()> {
        self.remove(secret.file())?;
        self.sync()
    }

    /// A signing key.
    ///
    /// # Errors
    /// As [`Self::secret`].
    pub fn signing(&self, secret: Secret) -> Result<SigningKey> {
        Ok(SigningKey::from_secret(&*self.secret(secret)?))
    }

    /// A certificate and its key.
    ///
    /// # Errors
    /// [`Error::Configuration`] when a file is missing, readable by others, or not of the other
    /// one.
    pub fn certificate(&self, holder: Holder) -> Result<KeyAndCertificate> {
        let key = self.read(&format!("{}.key", holder.stem()))?;
        let file = format!("{}.crt", holder.stem());
        let certificate = self.read(&file)?;
        let files = KeyAndCertificate { key, certificate: certificate.as_str().to_owned() };
        // Of another key than the one beside it, the server would run, and no terminal could
        // connect.
        certified(&files).map_err(|error| self.wrong(&file, error.phrase()))?;
        Ok(files)
    }

    /// When a certificate ends. Its key is not read.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the file is missing or readable by others, [`Error::Crypto`]
    /// when it is no certificate.
    pub fn end_of(&self, holder: Holder) -> Result<UnixTime> {
        let certificate = self.read(&format!("{}.crt", holder.stem()))?;
        Ok(read_certificate(&certificate)?.1)
    }

    /// Whether there is a certificate or a key.
    pub fn holds_part_of(&self, holder: Holder) -> bool {
        ["key", "crt"].iter().any(|end| self.0.join(format!("{}.{end}", holder.stem())).exists())
    }

    /// Writes a certificate and its key, replacing those before.
    ///
    /// # Errors
    /// [`Error::Io`] when they cannot be written.
    pub fn put_certificate(&self, holder: Holder, files: &KeyAndCertificate) -> Result<()> {
        let stem = holder.stem();
        self.replace(&format!("{stem}.key"), files.key.as_bytes())?;
        self.replace(&format!("{stem}.crt"), files.certificate.as_bytes())?;
        self.sync()
    }

    /// Every file that belongs here; of the [`OPTIONAL`] ones those that are.
    ///
    /// # Errors
    /// [`Error::Configuration`] when one is missing, or readable by others.
    pub fn files(&self) -> Result<BTreeMap<String, Zeroizing<String>>> {
        let mut files = BTreeMap::new();
        for name in NEEDED {
            files.insert(name.to_owned(), self.read(name)?);
        }
        for name in OPTIONAL {
            if self.holds(name) {
                files.insert(name.to_owned(), self.read(name)?);
            }
        }
        Ok(files)
    }

    /// Makes the folder (0700) with files that were in another one. It must not be there.
    ///
    /// # Errors
    /// [`Error::Configuration`] when one is missing, or is of another name; [`Error::Io`].
    pub fn create_from(&self, files: &BTreeMap<String, Zeroizing<String>>) -> Result<()> {
        if let Some(missing) = NEEDED.iter().find(|name| !files.contains_key(**name)) {
            let path = self.0.join(missing).display().to_string().into();
            return Err(self.wrong(missing, Text::NotThere.with([("path", path)])));
        }
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&self.0)
            .map_err(Error::at_file(Text::Making, &self.0))?;
        // Only names of ours: what is in a backup decides no path.
        for (name, text) in files {
            if NEEDED.contains(&name.as_str()) || OPTIONAL.contains(&name.as_str()) {
                self.write_new(name, text.as_bytes())?;
            }
        }
        self.sync()
    }

    /// Whether these are the keys that a root document names.
    ///
    /// # Errors
    /// [`Error::Configuration`] when a file is missing or wrong.
    pub fn fits(&self, root: &RootDocument) -> Result<bool> {
        Ok(fit(&self.files()?, root))
    }

    /// Gives the files to the owner of the folder above, so that what root made belongs to the
    /// service.
    ///
    /// # Errors
    /// [`Error::Io`] when an owner cannot be changed.
    pub fn give_to(&self, uid: u32, gid: u32) -> Result<()> {
        let chown = |path: &Path| {
            std::os::unix::fs::lchown(path, Some(uid), Some(gid))
                .map_err(Error::at_file(Text::ChangingOwner, path))
        };
        chown(&self.0)?;
        let failed = || Error::at_file(Text::Reading, &self.0);
        for entry in std::fs::read_dir(&self.0).map_err(failed())? {
            chown(&entry.map_err(failed())?.path())?;
        }
        Ok(())
    }

    fn write_new(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.0.join(name);
        let failed = || Error::at_file(Text::Writing, &path);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed())?;
        file.write_all(content).and_then(|()| file.sync_all()).map_err(failed())
    }

    /// Writes a file in the place of one that may be there.
    fn replace(&self, name: &str, content: &[u8]) -> Result<()> {
        let new = format!("{name}.new");
        self.remove(&new)?;
        self.write_new(&new, content)?;
        self.give_like_folder(&new)?;
        std::fs::rename(self.0.join(&new), self.0.join(name))
            .map_err(Error::at_file(Text::Replacing, &self.0.join(name)))
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.0.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::at_file(Text::Removing, &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// What root writes into the folder of the service, the service has to read.
    fn give_like_folder(&self, name: &str) -> Result<()> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(());
        }
        let owner = std::fs::metadata(&self.0).map_err(Error::at_file(Text::Reading, &self.0))?;
        let path = self.0.join(name);
        std::os::unix::fs::lchown(&path, Some(owner.uid()), Some(owner.gid()))
            .map_err(Error::at_file(Text::ChangingOwner, &path))
    }

    fn holds(&self, name: &str) -> bool {
        self.0.join(name).symlink_metadata().is_ok()
    }

    fn sync(&self) -> Result<()> {
        File::open(&self.0)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::at_file(Text::Writing, &self.0))
    }

    fn read(&self, name: &str) -> Result<Zeroizing<String>> {
        let path = self.0.join(name);
        let unreadable = |error: std::io::Error| {
            let why = error.to_string().into();
            self.wrong(name, Text::RestoreKey.with([("why", why)])).caused_by(error)
        };
        // No link: the folder is the service's, and root reads here what goes into a backup.
        let file = files::open(&path).map_err(unreadable)?;
        let meta = file.metadata().map_err(unreadable)?;
        if meta.mode() & 0o077 != 0 {
            let path = path.display().to_string().into();
            return Err(self.wrong(name, Text::OthersRead.with([("path", path)])));
        }
        // Whole at once: what is moved while it grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(MAX_FILE as usize + 1));
        let read = file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(unreadable)?;
        if read as u64 > MAX_FILE {
            let why = Text::LongerThan.with([("count", MAX_FILE.into())]);
            return Err(self.wrong(name, Text::RestoreKey.with([("why", why)])));
        }
        Ok(text)
    }

    fn wrong(&self, name: &str, message: impl Into<Phrase>) -> Error {
        Error::Configuration { path: self.0.join(name), message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_file_of_the_folder_itself_and_not_endless() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::at(folder.path().join("keys"));
        keyring.create_folder().unwrap();
        keyring.create().unwrap();
        keyring.secret(Secret::Publish).unwrap();
        let (key, elsewhere) = (keyring.folder().join("publish.key"), folder.path().join("key"));
        std::fs::rename(&key, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &key).unwrap();
        let refused = keyring.secret(Secret::Publish).unwrap_err();
        assert!(std::error::Error::source(&refused).is_some(), "{refused}");

        let end = " ".repeat(MAX_FILE as usize);
        let text = std::fs::read_to_string(&elsewhere).unwrap();
        std::fs::remove_file(&key).unwrap();
        keyring.write_new("publish.key", format!("{}{end}", text.trim()).as_bytes()).unwrap();
        let refused = keyring.secret(Secret::Publish).unwrap_err().to_string();
        assert!(refused.contains("longer than"), "{refused}");
    }
}
