//! The root key while it is exchanged. As with the publish key, the commit of the root document is
//! the one moment of the exchange: until then the next key lies beside the one before, from then on
//! it is the root key, and whoever looks next tidies the folder.

use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::id::SigningPublicKey;
use wardkey_core::sign::{self, SigningKey};

use super::key_files::{ROOT_NEXT, new_root_key};
use super::{Keyring, Secret};
use crate::error::{Error, Result};
use crate::texts::Text;

impl Keyring {
    /// Makes the next root key here. Nothing is signed by it before a root document names it. Only
    /// for who has the store for writing, and has tidied: one that a root document names would be
    /// overwritten.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn make_next_root(&self) -> Result<SigningKey> {
        let (text, key) = new_root_key()?;
        self.replace(ROOT_NEXT, text.as_bytes())?;
        self.sync()?;
        Ok(key)
    }

    /// Puts the next root key in the place of the one before, once a root document says so; and
    /// removes one whose place was taken by a key that is kept elsewhere. What is neither the root
    /// key nor one of before is left alone.
    ///
    /// # Errors
    /// [`Error::Io`]; the keys are usable nevertheless. [`Error::Configuration`] when a file cannot
    /// be read: it may be the root key.
    pub fn settle_root(&self, roots: &[SignedRoot], root: &RootDocument) -> Result<()> {
        let path = self.0.join(Secret::Root.file());
        if self.public_in(ROOT_NEXT)? == Some(root.root_key) {
            return match std::fs::rename(self.0.join(ROOT_NEXT), &path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::at_file(Text::Replacing, &path)(error))
                }
                _ => self.sync(),
            };
        }
        let here = self.public_in(Secret::Root.file())?;
        let is_former = |key: &SigningPublicKey| {
            *key != root.root_key && roots.iter().any(|one| key_of(one) == Some(*key))
        };
        if here.as_ref().is_some_and(is_former) { self.take_away(Secret::Root) } else { Ok(()) }
    }

    /// Whether the root key of a root document lies here, in either place. A file that cannot be
    /// read counts: it may be that key, and nobody shall take it for gone.
    pub fn has_root_key(&self, root: &RootDocument) -> bool {
        let mut files = [ROOT_NEXT, Secret::Root.file()].into_iter();
        files.any(|name| match self.public_in(name) {
            Ok(found) => found == Some(root.root_key),
            Err(_) => true,
        })
    }

    /// The public key of a file; none where there is none.
    fn public_in(&self, name: &str) -> Result<Option<SigningPublicKey>> {
        if !self.holds(name) {
            return Ok(None);
        }
        Ok(Some(SigningKey::from_secret(&*self.raw(name)?).public()))
    }
}

/// The root key of a document of the chain that the store has verified.
fn key_of(signed: &SignedRoot) -> Option<SigningPublicKey> {
    sign::peek::<RootDocument>(signed.by_itself.as_slice()).ok().map(|root| root.root_key)
}

#[cfg(test)]
mod tests {
    use wardkey_core::code::Code;
    use wardkey_core::codec::{Bytes, List};
    use wardkey_core::id::DeploymentId;
    use wardkey_core::name::{DisplayText, RpId};
    use wardkey_core::time::UnixTime;

    use super::*;

    fn root(version: u64, key: &SigningKey) -> (SignedRoot, RootDocument) {
        let root = RootDocument {
            version,
            deployment: DeploymentId::new([1; 16]),
            name: DisplayText::new("Test").unwrap(),
            rp_id: RpId::new("wardkey.test").unwrap(),
            root_key: key.public(),
            publish_keys: List::new(vec![key.public()]).unwrap(),
            tls_ca: Bytes::new(vec![1]).unwrap(),
            issued: UnixTime(5),
        };
        let by_itself = Bytes::new(key.sign(&root)).unwrap();
        (SignedRoot { by_itself, by_previous: None }, root)
    }

    fn keyring(folder: &std::path::Path) -> (Keyring, SigningKey) {
        let keyring = Keyring::at(folder.join("keys"));
        keyring.create_folder().unwrap();
        keyring.create().unwrap();
        let first = keyring.signing(Secret::Root).unwrap();
        (keyring, first)
    }

    /// The folder at each moment at which a command may end.
    #[test]
    fn the_root_key_is_the_one_that_the_newest_root_document_names_wherever_a_command_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (keyring, first) = keyring(folder.path());
        let here = || keyring.signing(Secret::Root).unwrap().public();
        let (one, before) = root(1, &first);
        let next = keyring.make_next_root().unwrap();
        let (two, after) = root(2, &next);
        let chain = [one.clone(), two];

        // Not committed: the next one is nobody's, and another takes its place.
        keyring.settle_root(std::slice::from_ref(&one), &before).unwrap();
        assert!(keyring.holds(ROOT_NEXT) && keyring.has_root_key(&before));
        assert!(!Keyring::at(folder.path()).has_root_key(&before));
        assert_eq!(here(), first.public());
        // Committed, by whoever looks first, and again.
        assert!(keyring.has_root_key(&after));
        for _ in 0..2 {
            keyring.settle_root(&chain, &after).unwrap();
            assert!(!keyring.holds(ROOT_NEXT));
            assert_eq!(here(), next.public());
        }
        // Whoever knows the document of before alone takes nothing away.
        keyring.settle_root(&[one], &before).unwrap();
        assert_eq!(here(), next.public());
    }

    #[test]
    fn a_root_key_of_before_goes_and_one_that_nobody_knows_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (keyring, first) = keyring(folder.path());
        let (_, elsewhere) = new_root_key().unwrap();
        let (one, before) = root(1, &first);
        let (two, after) = root(2, &elsewhere);
        keyring.settle_root(std::slice::from_ref(&one), &before).unwrap();
        assert!(keyring.has(Secret::Root));
        // Of a database from before this one's.
        keyring.settle_root(std::slice::from_ref(&two), &after).unwrap();
        assert!(keyring.has(Secret::Root) && !keyring.has_root_key(&after));
        keyring.settle_root(&[one, two], &after).unwrap();
        assert!(!keyring.has(Secret::Root), "a key of before");
    }

    #[test]
    fn a_file_that_cannot_be_read_counts_as_the_root_key_and_is_left_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let (keyring, first) = keyring(folder.path());
        let (one, before) = root(1, &first);
        let next = keyring.make_next_root().unwrap();
        let (two, after) = root(2, &next);
        let (_, elsewhere) = new_root_key().unwrap();
        let (three, newest) = root(3, &elsewhere);
        let mode = |name, bits| {
            let path = keyring.folder().join(name);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).unwrap();
        };
        let settled = |roots: &[SignedRoot], root| {
            keyring.settle_root(roots, root).map_err(|error| error.code())
        };

        mode(ROOT_NEXT, 0o644);
        let chain = [one.clone(), two.clone()];
        assert!(keyring.has_root_key(&after));
        assert_eq!(settled(&chain, &after), Err(Code::Configuration));
        mode(ROOT_NEXT, 0o600);
        mode("root.key", 0o644);
        assert!(keyring.has_root_key(&before));
        assert_eq!(settled(std::slice::from_ref(&one), &before), Err(Code::Configuration));
        assert_eq!(settled(&[one, two, three], &newest), Err(Code::Configuration));
        assert!(keyring.holds("root.key") && keyring.holds(ROOT_NEXT));
    }
}
