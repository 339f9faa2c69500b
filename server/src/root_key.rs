//! The root key where it is kept: on the server, in a file elsewhere, or in one that only
//! recipients of age can open.

use std::io::Read;
use std::path::Path;

use age::x25519::Recipient;
use wardkey_core::code::Code;
use wardkey_core::sign::SigningKey;
use wardkey_core::texts;
use zeroize::Zeroizing;

use crate::backup::keys::{self, KeyFiles};
use crate::backup::scratch::{sync, write_new};
use crate::error::{Error, Result};
use crate::files;
use crate::keyring::{Keyring, Secret, signing_in};

/// How an encrypted file begins (<https://age-encryption.org/v1>).
const SEALED: &[u8] = b"age-encryption.org/v1\n";
/// The name of the one file in an encrypted one.
const NAME: &str = "root.key";

/// Where somebody says that it is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept<'a> {
    /// A file; none when it is on the server.
    pub file: Option<&'a Path>,
    /// The identity of age that opens the file.
    pub identity: Option<&'a Path>,
}

/// Reads it.
///
/// # Errors
/// [`Code::RootKeyAway`] when it is not on the server and no file was given;
/// [`Code::RootKeySealed`] when the file is encrypted and no identity was given;
/// [`Code::RootKeyNotOpened`] when that does not open it; [`Error::Configuration`] when a file
/// cannot be read.
pub fn read(keyring: &Keyring, kept: Kept<'_>) -> Result<SigningKey> {
    let Some(path) = kept.file else {
        return match keyring.file_of(Secret::Root)? {
            Some(_) => keyring.signing(Secret::Root),
            None => Err(refused(Code::RootKeyAway, None)),
        };
    };
    if !is_sealed(path) {
        return Keyring::signing_at(path);
    }

    let identity = kept.identity.ok_or_else(|| refused(Code::RootKeySealed, None))?;
    let opened = keys::open(path, identity).map_err(|error| match error.code() {
        Code::RestoreIdentity => refused(Code::RootKeyNotOpened, Some(identity)),
        _ => error,
    })?;
    let key = opened.get(NAME).and_then(|text| signing_in(text));
    key.ok_or_else(|| refused(Code::RootKeyOther, None))
}

/// Whether a file is encrypted. One that cannot be read is read as a plain one, which says why.
fn is_sealed(path: &Path) -> bool {
    let mut begin = Zeroizing::new([0; SEALED.len()]);
    let read = files::open(path).and_then(|mut file| file.read_exact(begin.as_mut_slice()));
    read.is_ok() && begin.as_slice() == SEALED
}

/// Writes it, encrypted to these recipients, into a new file, and makes that durable.
///
/// # Errors
/// [`Code::RootKeyAway`] when it is not on the server; [`Error::Io`], also when the file is there.
pub fn export(keyring: &Keyring, to: &Path, recipients: &[Recipient]) -> Result<()> {
    let text = keyring.file_of(Secret::Root)?;
    let text = text.ok_or_else(|| refused(Code::RootKeyAway, None))?;
    seal(text, to, recipients)
}

/// Writes a root key, encrypted to these recipients, into a new file, and makes that durable.
///
/// # Errors
/// [`Error::Io`], also when the file is there.
pub fn seal(text: Zeroizing<String>, to: &Path, recipients: &[Recipient]) -> Result<()> {
    let files = KeyFiles::from([(NAME.to_owned(), text)]);
    write_new(to, &keys::seal(&files, recipients)?)?;
    sync(&files::folder_of(to))
}

fn refused(code: Code, path: Option<&Path>) -> Error {
    let path = path.map(|path| ("path", path.display().to_string().into()));
    Error::refused(code, texts::phrase(code, path.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use age::secrecy::ExposeSecret as _;
    use age::x25519::Identity;

    use super::*;

    fn keyring(folder: &Path) -> Keyring {
        let keyring = Keyring::at(folder.join("keys"));
        keyring.create_folder().unwrap();
        keyring.create().unwrap();
        keyring
    }

    fn identity(folder: &Path, name: &str) -> (Recipient, PathBuf) {
        let identity = Identity::generate();
        let path = folder.join(name);
        std::fs::write(&path, identity.to_string().expose_secret()).unwrap();
        (identity.to_public(), path)
    }

    #[test]
    fn a_root_key_elsewhere_is_read_as_carefully() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = keyring(folder.path());
        let here = read(&keyring, Kept::default()).unwrap().public();
        let away = folder.path().join("root.key");
        std::fs::rename(keyring.folder().join("root.key"), &away).unwrap();
        let code = |kept| read(&keyring, kept).unwrap_err().code();
        assert_eq!(code(Kept::default()), Code::RootKeyAway);
        let kept = Kept { file: Some(&away), identity: None };
        assert_eq!(read(&keyring, kept).unwrap().public(), here);
        std::fs::set_permissions(&away, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(code(kept), Code::Configuration);
        let nowhere = folder.path().join("nowhere");
        assert_eq!(code(Kept { file: Some(&nowhere), identity: None }), Code::Configuration);
    }

    #[test]
    fn an_exported_root_key_is_opened_by_its_recipients_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = keyring(folder.path());
        let here = read(&keyring, Kept::default()).unwrap().public();
        let (one, own) = identity(folder.path(), "own");
        let (_, other) = identity(folder.path(), "other");
        let file = folder.path().join("root.age");
        let all = [one];
        export(&keyring, &file, &all).unwrap();
        export(&keyring, &file, &all).unwrap_err();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let secret = std::fs::read_to_string(keyring.folder().join("root.key")).unwrap();
        let sealed = std::fs::read(&file).unwrap();
        assert!(!sealed.windows(64).any(|part| part == secret.trim().as_bytes()));

        keyring.take_away(Secret::Root).unwrap();
        let by = |identity| read(&keyring, Kept { file: Some(&file), identity });
        assert_eq!(by(Some(&own)).unwrap().public(), here);
        assert_eq!(by(None).unwrap_err().code(), Code::RootKeySealed);
        assert_eq!(by(Some(&other)).unwrap_err().code(), Code::RootKeyNotOpened);
        let again = export(&keyring, &folder.path().join("again"), &all).unwrap_err();
        assert_eq!(again.code(), Code::RootKeyAway);
        // A backup's keys are encrypted in the same way, and may hold no root key.
        let without = KeyFiles::from([("code.key".to_owned(), Zeroizing::new("00".to_owned()))]);
        let (recipient, identity) = identity(folder.path(), "third");
        let wrong = folder.path().join("keys.age");
        std::fs::write(&wrong, keys::seal(&without, &[recipient]).unwrap()).unwrap();
        let kept = Kept { file: Some(&wrong), identity: Some(&identity) };
        assert_eq!(read(&keyring, kept).unwrap_err().code(), Code::RootKeyOther);
    }
}
