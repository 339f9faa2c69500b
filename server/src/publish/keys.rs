//! By which key is published, and under which root documents: what the newest one says.

use std::sync::Arc;

use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::sign::SigningKey;

use crate::error::Result;
use crate::keyring::Keyring;
use crate::pki::Authority;
use crate::pki::clients::{Clients, Standing};
use crate::store::authority::{self, Authorities};
use crate::store::{Db, setting};

/// The keys of one root document. They are exchanged whole.
#[derive(Debug)]
pub struct Keys {
    /// Signs heads, terminal documents and the time.
    pub(super) key: Arc<SigningKey>,
    roots: Arc<[SignedRoot]>,
    root: Arc<RootDocument>,
    authority: Arc<Authority>,
    before: Authorities,
    clients: Clients,
}

impl Keys {
    /// Reads the newest root document, and the key by which it lets this server publish.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Damaged`]; [`Error::Configuration`] when the publish key is not
    /// the one that the root document names.
    ///
    /// [`Error::Store`]: crate::error::Error::Store
    /// [`Error::Damaged`]: crate::error::Error::Damaged
    /// [`Error::Configuration`]: crate::error::Error::Configuration
    pub async fn read(db: &mut Db, keyring: &Keyring) -> Result<Arc<Self>> {
        let (roots, root) = setting::roots(db).await?;
        let key = Arc::new(keyring.publishing(&root)?);
        let authority = Arc::new(Authority::load(&keyring.authority(&root)?)?);
        let before = authority::before(db).await?;
        let clients = clients(&root, &before)?;
        let (roots, root) = (roots.into(), Arc::new(root));
        Ok(Arc::new(Self { key, roots, root, authority, before, clients }))
    }

    /// The same keys, where client certificates count that a root document and these authorities
    /// before the one that it names say. No file is read for it.
    ///
    /// # Errors
    /// [`Error::Crypto`](crate::error::Error::Crypto).
    pub fn with_clients(&self, root: &RootDocument, before: &Authorities) -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            key: Arc::clone(&self.key),
            roots: Arc::clone(&self.roots),
            root: Arc::clone(&self.root),
            authority: Arc::clone(&self.authority),
            before: before.clone(),
            clients: clients(root, before)?,
        }))
    }

    /// Whether these are the authorities before.
    pub fn follow(&self, before: &Authorities) -> bool {
        self.before == *before
    }

    /// Whether they are those of a root document of this version, with these authorities before.
    pub fn are_of(&self, version: u64, before: &Authorities) -> bool {
        self.root.version == version && self.before == *before
    }

    /// Issues the certificates of terminals and of the server.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Whose client certificates are looked at.
    pub const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// The chain of root documents.
    pub fn roots(&self) -> &[SignedRoot] {
        &self.roots
    }

    /// Those of them that follow on a version; none for who cannot follow.
    pub fn after(&self, version: u64) -> &[SignedRoot] {
        setting::after(&self.roots, self.root.version, version)
    }

    /// The newest one.
    pub fn root(&self) -> &RootDocument {
        &self.root
    }

    /// Tidies the folder of the keys. What fails is tried again at the next start: the keys are
    /// usable.
    pub(super) fn settle(&self, keyring: &Keyring) {
        if let Err(error) = keyring.settle(&self.root) {
            tracing::warn!(%error, "the publish key before the present one is still there");
        }
        if let Err(error) = keyring.settle_root(&self.roots, &self.root) {
            tracing::warn!(%error, "the files of the root key are not tidied");
        }
        if let Err(error) = keyring.settle_authority(&self.root) {
            tracing::warn!(%error, "the files of the CA are not tidied");
        }
    }
}

fn clients(root: &RootDocument, before: &Authorities) -> Result<Clients> {
    let standing = if before.stolen { Standing::Stolen } else { Standing::Former };
    let (former, retired) = (before.former()?, before.retired()?);
    // The newest first: most come by it.
    let former = former.iter().rev().map(|one| (one.as_slice(), standing));
    let retired = retired.iter().rev().map(|one| (one.as_slice(), Standing::Retired));
    let present = std::iter::once((root.tls_ca.as_slice(), Standing::Present));
    Clients::new(present.chain(former).chain(retired))
}
