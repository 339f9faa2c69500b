//! The deployment's keys in a backup: one file that only its recipients can open (age,
//! <https://age-encryption.org/v1>).

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use age::x25519::{Identity, Recipient};
use age::{Decryptor, Encryptor};
use wardkey_core::code::Code;
use wardkey_core::texts;
use wardkey_help::usage::Wrong;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::files;
use crate::texts::Text;

/// The longest file with keys, recipients or identities in bytes that is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// Files of the folder of keys, by their names.
pub type KeyFiles = BTreeMap<String, Zeroizing<String>>;

/// A recipient, as it is typed.
///
/// # Errors
/// A sentence for the user.
pub fn recipient(text: &str) -> std::result::Result<Recipient, Wrong> {
    text.trim().parse().map_err(|_| Wrong::new(Text::WriteRecipient))
}

/// The recipients in a file: one a line, `#` begins a remark.
///
/// # Errors
/// [`Error::Configuration`] when it cannot be read, or a line is none.
pub fn recipients(path: &Path) -> Result<Vec<Recipient>> {
    let wrong = |message| Error::Configuration { path: path.to_owned(), message };
    let text = read(path)?;
    lines(&text).map(|line| recipient(line).map_err(|_| wrong(Text::NoRecipient.into()))).collect()
}

/// Encrypts the files.
///
/// # Errors
/// [`Error::Crypto`].
pub fn seal(files: &KeyFiles, to: &[Recipient]) -> Result<Vec<u8>> {
    let plain: BTreeMap<&str, &str> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let plain = Zeroizing::new(serde_json::to_vec(&plain).map_err(Error::crypto("the keys"))?);

    let all = to.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(all).map_err(Error::crypto("the keys"))?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(Error::io(Text::EncryptingKeys))?;
    writer
        .write_all(&plain)
        .and_then(|()| writer.finish().map(drop))
        .map_err(Error::io(Text::EncryptingKeys))?;
    Ok(sealed)
}

/// Decrypts the files by the identities in a file of age.
///
/// # Errors
/// [`Error::Configuration`] when the file cannot be read; [`Code::RestoreIdentity`] when none of
/// its identities opens them.
pub fn open(sealed: &Path, identity: &Path) -> Result<KeyFiles> {
    let refused = || {
        let path = identity.display().to_string().into();
        let message = texts::phrase(Code::RestoreIdentity, vec![("path", path)]);
        Error::refused(Code::RestoreIdentity, message)
    };
    let text = read(identity)?;
    let identities: Vec<Identity> =
        lines(&text).map(|line| line.parse().map_err(|_| refused())).collect::<Result<_>>()?;

    let file = files::read(sealed, MAX_BYTES).map_err(Error::at_file(Text::Reading, sealed))?;
    let decryptor = Decryptor::new(file.as_slice()).map_err(|_| refused())?;
    let all = identities.iter().map(|identity| identity as &dyn age::Identity);
    let mut plain = Zeroizing::new(Vec::new());
    let mut reader = decryptor.decrypt(all).map_err(|_| refused())?;
    reader.read_to_end(&mut plain).map_err(Error::io(Text::DecryptingKeys))?;

    let files: BTreeMap<String, String> =
        serde_json::from_slice(&plain).map_err(Error::crypto("the keys"))?;
    Ok(files.into_iter().map(|(name, text)| (name, Zeroizing::new(text))).collect())
}

fn read(path: &Path) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let done =
        std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    match done {
        Ok(_) => Ok(text),
        Err(error) => {
            Err(Error::Configuration { path: path.to_owned(), message: error.to_string().into() })
        }
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn every_recipient_opens_the_keys_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let made = |name: &str| {
            let identity = Identity::generate();
            let path = folder.path().join(name);
            let text = format!("# {name}\n{}\n", identity.to_string().expose_secret());
            std::fs::write(&path, text).unwrap();
            (identity.to_public(), path)
        };
        let (one, one_file) = made("one");
        let (two, two_file) = made("two");
        let (_, other) = made("other");
        let files = KeyFiles::from([("publish.key".into(), Zeroizing::new("5ec2e7".into()))]);

        let sealed = folder.path().join("keys.age");
        let bytes = seal(&files, &[one, two]).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"5ec2e7"));
        std::fs::write(&sealed, bytes).unwrap();
        assert_eq!(open(&sealed, &one_file).unwrap(), files);
        assert_eq!(open(&sealed, &two_file).unwrap(), files);
        assert_eq!(open(&sealed, &other).unwrap_err().code(), Code::RestoreIdentity);
        let not_one = open(&sealed, Path::new("/dev/null")).unwrap_err();
        assert_eq!(not_one.code(), Code::RestoreIdentity);
    }
}
