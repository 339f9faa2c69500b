//! The publish key while it is exchanged. The next one lies beside it until the root document that
//! names it is committed; which of them signs is the root document's to say. So the commit is the
//! one moment of the exchange: a command that ends before or after it leaves keys by which the
//! server goes on, and whoever looks next tidies the folder.

use wardkey_core::document::RootDocument;
use wardkey_core::id::{SigningPublicKey, to_hex};
use wardkey_core::sign::SigningKey;
use zeroize::Zeroizing;

use super::key_files::{LOG, NEXT, signs};
use super::{Keyring, Secret};
use crate::error::{Error, Result};
use crate::secret;
use crate::texts::Text;

/// A secret of 32 bytes.
type Secret32 = Zeroizing<[u8; 32]>;

impl Keyring {
    /// The key by which a root document lets this server publish.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it is not here, or a file cannot be read.
    pub fn publishing(&self, root: &RootDocument) -> Result<SigningKey> {
        Ok(SigningKey::from_secret(&*self.publish_secret(root)?))
    }

    fn publish_secret(&self, root: &RootDocument) -> Result<Secret32> {
        // The next one first: it takes the place of the other by a rename, so whoever looks at that
        // moment finds it in one of both places.
        if let Some(next) = self.next_of(root)? {
            return Ok(next);
        }
        let own = self.secret(Secret::Publish)?;
        if signs(root, &SigningKey::from_secret(&own).public()) {
            return Ok(own);
        }
        Err(self.wrong(Secret::Publish.file(), Text::OtherPublishKey))
    }

    /// The next publish key, once a root document says that the server signs by it.
    fn next_of(&self, root: &RootDocument) -> Result<Option<Secret32>> {
        if !self.holds(NEXT) {
            return Ok(None);
        }
        match self.raw(NEXT) {
            Ok(next) if signs(root, &SigningKey::from_secret(&next).public()) => Ok(Some(next)),
            Ok(_) => Ok(None),
            // Somebody else has tidied meanwhile.
            Err(_) if !self.holds(NEXT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the next publish key. Nothing is signed by it before a root document names it. Only
    /// for who has the store for writing: two at once would overwrite each other's.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn make_next(&self) -> Result<SigningPublicKey> {
        let secret = Zeroizing::new(secret::random::<32>()?);
        let text = Zeroizing::new(format!("{}\n", to_hex(secret.as_slice())));
        self.replace(NEXT, text.as_bytes())?;
        self.sync()?;
        Ok(SigningKey::from_secret(&secret).public())
    }

    /// Puts the next publish key in the place of the one before, which is gone then, once a root
    /// document says so. Does nothing otherwise.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Configuration`]; the keys are usable nevertheless.
    pub fn settle(&self, root: &RootDocument) -> Result<()> {
        if self.next_of(root)?.is_none() {
            return Ok(());
        }
        // Gone for good before the next key has its place: a loss of power that takes back the
        // first and not the second would bring the stolen secret back.
        if is_after_theft(root) {
            self.remove(LOG)?;
            self.sync()?;
        }
        let path = self.0.join(Secret::Publish.file());
        match std::fs::rename(self.0.join(NEXT), &path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::at_file(Text::Replacing, &path)(error))
            }
            _ => self.sync(),
        }
    }

    /// The secret of the key that signs the log of records under a root document: another one than
    /// the publish key, and there wherever that is. Which one it is does not rest on how far the
    /// folder was tidied: from the commit of a root document on, the log is signed by nothing that
    /// was stolen before it.
    ///
    /// # Errors
    /// As [`Self::publishing`].
    pub fn log_secret(&self, root: &RootDocument) -> Result<Secret32> {
        if is_after_theft(root)
            && let Some(next) = self.next_of(root)?
        {
            return Ok(log_secret_of(&next));
        }
        if self.holds(LOG) {
            return self.raw(LOG);
        }
        Ok(log_secret_of(&*self.publish_secret(root)?))
    }

    /// Keeps the secret of the log in a file of its own: the key that it is made from goes, and the
    /// log stays the same one.
    ///
    /// # Errors
    /// As [`Self::secret`]; [`Error::Io`].
    pub fn keep_log_secret(&self, root: &RootDocument) -> Result<()> {
        if self.holds(LOG) {
            return Ok(());
        }
        let text = Zeroizing::new(format!("{}\n", to_hex(self.log_secret(root)?.as_slice())));
        self.replace(LOG, text.as_bytes())?;
        self.sync()
    }
}

/// A root document that names the next key alone is that of a stolen one: the log's secret was made
/// from it, or lay beside it. (One that ends an exchange names a key that is no next one any more.)
fn is_after_theft(root: &RootDocument) -> bool {
    root.publish_keys.len() == 1
}

/// The log's secret that is made from a publish key.
fn log_secret_of(publish: &[u8; 32]) -> Secret32 {
    Zeroizing::new(*secret::mac(publish, b"wardkey/log/1").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wardkey_core::code::Code;
    use wardkey_core::codec::{Bytes, List};
    use wardkey_core::id::DeploymentId;
    use wardkey_core::name::{DisplayText, RpId};
    use wardkey_core::time::UnixTime;

    use super::*;

    fn root(keys: &[SigningPublicKey]) -> RootDocument {
        RootDocument {
            version: 1,
            deployment: DeploymentId::new([1; 16]),
            name: DisplayText::new("Test").unwrap(),
            rp_id: RpId::new("wardkey.test").unwrap(),
            root_key: SigningKey::from_secret(&[1; 32]).public(),
            publish_keys: List::new(keys.to_vec()).unwrap(),
            tls_ca: Bytes::new(vec![1]).unwrap(),
            issued: UnixTime(5),
        }
    }

    fn keyring(folder: &Path) -> (Keyring, SigningPublicKey) {
        let keyring = Keyring::at(folder.join("keys"));
        keyring.create_folder().unwrap();
        keyring.create().unwrap();
        let first = keyring.signing(Secret::Publish).unwrap().public();
        (keyring, first)
    }

    #[test]
    fn the_last_key_that_the_root_document_names_signs_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let (keyring, first) = keyring(folder.path());
        let next = keyring.make_next().unwrap();
        let by = |keys: &[SigningPublicKey]| keyring.publishing(&root(keys)).unwrap().public();
        // Before the commit, and after it.
        assert_eq!((by(&[first]), by(&[first, next]), by(&[next])), (first, next, next));
        keyring.settle(&root(&[first])).unwrap();
        assert!(keyring.holds(NEXT), "nobody has named it yet");
        keyring.settle(&root(&[first, next])).unwrap();
        assert!(!keyring.holds(NEXT));
        assert_eq!((by(&[first, next]), by(&[next])), (next, next));
        let refused = keyring.publishing(&root(&[next, first])).unwrap_err();
        assert_eq!(refused.code(), Code::Configuration, "the first one is gone");
        keyring.settle(&root(&[next])).unwrap();
    }

    #[test]
    fn the_log_keeps_its_key_unless_the_publish_key_was_stolen() {
        let folder = tempfile::tempdir().unwrap();
        let (keyring, first) = keyring(folder.path());
        let log = keyring.log_secret(&root(&[first])).unwrap();
        keyring.keep_log_secret(&root(&[first])).unwrap();
        let second = keyring.make_next().unwrap();
        assert_eq!(keyring.log_secret(&root(&[first, second])).unwrap(), log);
        keyring.settle(&root(&[first, second])).unwrap();
        assert_eq!(keyring.log_secret(&root(&[first, second])).unwrap(), log);
        assert_eq!(keyring.log_secret(&root(&[second])).unwrap(), log);
        let third = keyring.make_next().unwrap();
        keyring.settle(&root(&[third])).unwrap();
        let after = keyring.log_secret(&root(&[third])).unwrap();
        assert_ne!(after, log);
        // And that one stays in its turn.
        keyring.keep_log_secret(&root(&[third])).unwrap();
        let fourth = keyring.make_next().unwrap();
        keyring.settle(&root(&[third, fourth])).unwrap();
        assert_eq!(keyring.log_secret(&root(&[third, fourth])).unwrap(), after);
    }

    /// The folder at each moment at which a command may end, of a theft with the log's secret in a
    /// file of its own and without.
    #[test]
    fn from_the_commit_on_nothing_that_was_stolen_signs_the_log() {
        for has_own_file in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let (keyring, first) = keyring(folder.path());
            let (before, stolen) = (root(&[first]), keyring.log_secret(&root(&[first])).unwrap());
            if has_own_file {
                keyring.keep_log_secret(&before).unwrap();
            }
            let next = keyring.make_next().unwrap();
            let after = root(&[next]);
            let made = log_secret_of(&keyring.raw(NEXT).unwrap());
            assert_ne!(made, stolen);

            assert_eq!(keyring.log_secret(&before).unwrap(), stolen, "nobody has committed");
            assert_eq!(keyring.log_secret(&after).unwrap(), made, "committed");
            keyring.remove(LOG).unwrap();
            assert_eq!(keyring.log_secret(&after).unwrap(), made, "the log's file is gone");
            let publish = keyring.folder().join(Secret::Publish.file());
            std::fs::rename(keyring.folder().join(NEXT), publish).unwrap();
            assert_eq!(keyring.log_secret(&after).unwrap(), made, "tidied");
            // What looks at the folder with the root document of before signs nothing.
            keyring.log_secret(&before).unwrap_err();
        }
    }
}
