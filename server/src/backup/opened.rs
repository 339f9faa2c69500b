//! A backup that was found whole and unchanged.

use std::path::{Path, PathBuf};

use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::id::SigningPublicKey;
use wardkey_core::sign;

use super::contents::{Contents, examine};
use super::manifest::{DATABASE, KEYS, Manifest, SIGNATURE, TRAIL, damaged, newer};
use super::seal::Seal;
use crate::error::{Error, Result};
use crate::files;
use crate::store::{Opening, Store, setting};
use crate::texts::Text;

/// The longest signed seal in bytes.
const MAX_SIGNATURE: u64 = 4096;

/// A backup that was found whole and unchanged.
#[derive(Debug)]
pub struct Backup {
    folder: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
    /// The root document that holds in it.
    pub root: RootDocument,
    /// The chain of root documents in it, from the first on.
    pub roots: Vec<SignedRoot>,
    /// The signed seal.
    seal: Vec<u8>,
}

impl Backup {
    /// Reads all of it: length and hash of every file, the signature over them, and, when this
    /// version wrote the schema, everything that [`examine`] looks at. An older schema is examined
    /// when its copy was brought up to date.
    ///
    /// # Errors
    /// [`Code::BackupDamaged`], [`Code::BackupNewer`].
    pub async fn open(folder: &Path) -> Result<Self> {
        let (manifest, bytes) = Manifest::read(folder)?;
        if manifest.contents.schema > Store::newest_schema() {
            return Err(newer(folder));
        }
        let (roots, root) = Self::look_into(folder, &manifest)
            .await
            .map_err(|error| damaged(folder, error.phrase()))?;

        let signed = files::read(&folder.join(SIGNATURE), MAX_SIGNATURE)
            .map_err(|_| damaged(folder, Text::SealWrong))?;
        let seal = sign::verify::<Seal>(&signed, &root.publish_keys)
            .map_err(|_| damaged(folder, Text::SealWrong))?;
        if seal.manifest != codec::sha256(&bytes) {
            return Err(damaged(folder, Text::SealWrong));
        }
        Ok(Self { folder: folder.to_owned(), manifest, root, roots, seal: signed })
    }

    async fn look_into(
        folder: &Path,
        manifest: &Manifest,
    ) -> Result<(Vec<SignedRoot>, RootDocument)> {
        let store = Store::open_as_it_is(&folder.join(DATABASE), Opening::Copy).await?;
        let root = async {
            if manifest.contents.schema >= Store::newest_schema() {
                same(&examine(&store).await?.0, &manifest.contents)?;
            }
            setting::roots(&mut *store.read().await?).await
        };
        let root = root.await;
        store.close().await;
        root
    }

    /// Whether this key sealed it. The keys that its own root document names prove nothing to
    /// somebody who does not know that root: whoever can write into a backup can name others.
    pub fn is_sealed_by(&self, key: &SigningPublicKey) -> bool {
        sign::verify::<Seal>(&self.seal, std::slice::from_ref(key)).is_ok()
    }

    /// The folder that it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.folder.join(DATABASE)
    }

    /// Its trail.
    pub fn trail(&self) -> PathBuf {
        self.folder.join(TRAIL)
    }

    /// Its keys, encrypted; none when they were left out.
    pub fn keys(&self) -> Option<PathBuf> {
        self.manifest.has_keys().then(|| self.folder.join(KEYS))
    }
}

/// Whether a store holds what a manifest says, whatever schema it had then.
///
/// # Errors
/// [`Code::BackupDamaged`], with the reason alone.
pub fn same(found: &Contents, said: &Contents) -> Result<()> {
    let found = Contents { schema: said.schema, ..found.clone() };
    if found == *said {
        return Ok(());
    }
    Err(Error::refused(Code::BackupDamaged, Text::NotAsManifest))
}
