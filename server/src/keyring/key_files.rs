//! The files of a folder of keys, by their names, wherever they are: also in a backup. Keys that
//! are only looked at are written nowhere.

use std::collections::BTreeMap;

use wardkey_core::document::RootDocument;
use wardkey_core::id::{SigningPublicKey, from_hex, to_hex};
use wardkey_core::sign::SigningKey;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::pki::{KeyAndCertificate, certified, read_certificate};
use crate::secret;

/// The publish key that is to come.
pub(super) const NEXT: &str = "publish.next.key";
/// The root key that is to come.
pub(super) const ROOT_NEXT: &str = "root.next.key";
/// The secret of the log, once the publish key that it was made from is gone.
pub(super) const LOG: &str = "log.key";
/// The authority that is to come: its key, its certificate, and those that lead to it.
pub(super) const CA_NEXT: &str = "ca.next.pem";
/// The one that the next exchange takes, if one was prepared.
pub(super) const CA_PREPARED: &str = "ca.prepared.pem";
/// The certificate of the same, for others.
pub(super) const CA_NEXT_SHOWN: &str = "ca.next.crt";
/// The certificates that lead to the authority from those before.
pub(super) const CA_LINKS: &str = "ca.links.crt";
/// The files without which nothing runs.
pub(super) const NEEDED: [&str; 6] =
    ["publish.key", "code.key", "ca.key", "ca.crt", "server.key", "server.crt"];
/// The files that are only in some folders: the root key may be kept elsewhere, and the others come
/// with an exchange of a key.
pub(super) const OPTIONAL: [&str; 7] =
    ["root.key", ROOT_NEXT, NEXT, LOG, CA_NEXT, CA_PREPARED, CA_LINKS];

/// Files by their names.
type Files = BTreeMap<String, Zeroizing<String>>;

/// A secret of 64 hexadecimal digits.
pub(super) fn secret_in(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = from_hex(text.trim()).map(Zeroizing::new).ok()?;
    <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new).ok()
}

/// The signing key in the text of a file.
pub fn signing_in(text: &str) -> Option<SigningKey> {
    Some(SigningKey::from_secret(&*secret_in(text)?))
}

/// A new root key as a file has it, and the key.
///
/// # Errors
/// [`Error::Io`](crate::error::Error::Io) without randomness.
pub fn new_root_key() -> Result<(Zeroizing<String>, SigningKey)> {
    let secret = Zeroizing::new(secret::random::<32>()?);
    let text = Zeroizing::new(format!("{}\n", to_hex(secret.as_slice())));
    Ok((text, SigningKey::from_secret(&secret)))
}

/// Whether the server signs by a key: the last one that the root document names. Those before it
/// are there for what they have signed already.
pub(super) fn signs(root: &RootDocument, key: &SigningPublicKey) -> bool {
    root.publish_keys.last() == Some(key)
}

/// The public key by which files publish under a root document.
pub fn publish_key(files: &Files, root: &RootDocument) -> Option<SigningPublicKey> {
    let texts = [NEXT, "publish.key"].into_iter().filter_map(|name| files.get(name));
    texts
        .filter_map(|text| secret_in(text))
        .map(|secret| SigningKey::from_secret(&secret).public())
        .find(|key| signs(root, key))
}

/// The authority in the text of a file: its key comes first.
pub(super) fn authority_in(text: &str) -> Option<KeyAndCertificate> {
    let (key, certificate) = text.split_at_checked(text.find("-----BEGIN CERTIFICATE-----")?)?;
    let pair = KeyAndCertificate {
        key: Zeroizing::new(key.to_owned()),
        certificate: certificate.to_owned(),
    };
    certified(&pair).is_ok().then_some(pair)
}

/// Whether an authority is the one that a root document names.
pub(super) fn is_authority(root: &RootDocument, authority: &KeyAndCertificate) -> bool {
    read_certificate(&authority.certificate)
        .is_ok_and(|(certificate, _)| *certificate == *root.tls_ca.as_slice())
}

/// Whether files are those that a root document names.
pub fn fit(files: &Files, root: &RootDocument) -> bool {
    let own = || {
        let (key, certificate) = (files.get("ca.key")?.clone(), files.get("ca.crt")?.to_string());
        Some(KeyAndCertificate { key, certificate })
    };
    let next = || authority_in(files.get(CA_NEXT)?);
    let is_whole = |pair: KeyAndCertificate| is_authority(root, &pair) && certified(&pair).is_ok();
    publish_key(files, root).is_some()
        && files.get("code.key").is_some_and(|text| secret_in(text).is_some())
        && (next().is_some_and(is_whole) || own().is_some_and(is_whole))
        && NEEDED.iter().all(|name| files.contains_key(*name))
}
