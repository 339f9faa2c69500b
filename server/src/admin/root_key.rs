//! The root key, which signs what other keys count: exchanged while terminals follow.
//!
//! ```text
//!   root document   root key   signed by
//!   n               old        old (and the one before)
//!   n+1  rotate     new        new, and old
//!   n+1  lost       new        new alone: a new chain, to which no terminal follows
//! ```
//! A terminal that has n takes n+1 for both signatures, and remembers the new key: from then on the
//! old one makes no root document that it takes.

use std::path::{Path, PathBuf};

use age::x25519::Recipient;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::document::{MAX_ROOTS, RootDocument, SignedRoot};
use wardkey_core::id::to_hex;
use wardkey_core::sign::{SigningKey, key_id};

use super::Operation;
use super::publish_key::{By, LEFT_FOR_A_THEFT, before, begin_anew, follow, refused};
use crate::clock::Clock;
use crate::error::Result;
use crate::keyring::{Keyring, new_root_key};
use crate::root_key;
use crate::store::terminal::{self, WithRoot};
use crate::store::{Tx, setting, token};

/// A root key that was exported.
#[derive(Debug, Serialize)]
pub struct RootKeyExported {
    /// The encrypted file.
    pub path: PathBuf,
    /// How many can open it.
    pub recipients: u64,
    /// Whether it is no longer on the server.
    pub removed: bool,
}

/// The root key, and how far terminals are.
#[derive(Debug, Serialize)]
pub struct RootKeyView {
    /// Version of the newest root document.
    pub root_version: u64,
    /// When it was signed, Unix seconds.
    pub issued: u64,
    /// The public root key, hexadecimal digits.
    pub root_key: String,
    /// The id that stands in what it signs: the beginning of its SHA-256, hexadecimal digits.
    pub id: String,
    /// Since which root document.
    pub since_version: u64,
    /// Whether it lies on this server.
    pub here: bool,
    /// Terminals that have the newest root document.
    pub have: u64,
    /// Terminals that are neither revoked nor deleted.
    pub terminals: u64,
    /// Root documents that can still follow it.
    pub left: u64,
}

/// A root key that was exchanged.
#[derive(Debug, Serialize)]
pub struct RootKeyExchanged {
    /// Version of the root document that names the new one.
    pub root_version: u64,
    /// The new public root key, hexadecimal digits.
    pub root_key: String,
    /// Terminals that are to take it.
    pub terminals: u64,
    /// Join tokens that were bound to the old one, and are withdrawn.
    pub tokens: u64,
    /// The encrypted file that has the new one; none when it lies on this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The documents.
    #[serde(skip)]
    pub chain: (Vec<SignedRoot>, RootDocument),
}

/// Where a new root key goes.
#[derive(Clone, Copy, Debug)]
pub enum NewPlace<'a> {
    /// Into the folder of the keys.
    Here,
    /// Into a new file that these can open, and nowhere else.
    Sealed(&'a Path, &'a [Recipient]),
}

/// The root key, and how far terminals are.
pub async fn show(tx: &mut Tx, keyring: &Keyring) -> Result<RootKeyView> {
    let (roots, root) = setting::roots(tx).await?;
    let WithRoot { have, of } = terminal::with_root(tx, root.version).await?;
    Ok(RootKeyView {
        root_version: root.version,
        issued: root.issued.0,
        root_key: root.root_key.to_hex(),
        id: to_hex(&key_id(&root.root_key)),
        since_version: setting::since_version(&roots, &root),
        here: keyring.has_root_key(&root),
        have,
        terminals: of,
        left: MAX_ROOTS.saturating_sub(roots.len()) as u64,
    })
}

/// Adds the row of the trail for a root key that was exported.
pub async fn record_export(op: &mut Operation<'_>, done: &RootKeyExported) -> Result<()> {
    let place = if done.removed { "and removed from the server" } else { "and kept here" };
    let detail = format!("for {} recipients, {place}", done.recipients);
    op.record("root-key.export", &done.path.display().to_string(), Some(&detail)).await
}

/// Makes a new root key, which lies where it belongs before anything names it, and the root
/// document that names it, signed by both. Join tokens are bound to the root key, so those that are
/// open are withdrawn.
///
/// # Errors
/// Those of the root key; [`Error::Io`](crate::error::Error::Io), also when something lies in the
/// new one's place.
pub async fn rotate(
    op: &mut Operation<'_>,
    by: By<'_>,
    place: NewPlace<'_>,
) -> Result<RootKeyExchanged> {
    let before = before(op, by, LEFT_FOR_A_THEFT).await?;
    let (own, path) = made(by.keyring, place)?;
    let root = follow(op, by, &own, before).await?;
    exchanged(op, (root, path), "root-key.rotate").await
}

/// Makes a new root key in the place of one that is lost. Nobody can sign that it follows, so the
/// chain of root documents begins anew with it: terminals go on with what they have as long as the
/// publish key is the same, and each of them has to join again.
///
/// # Errors
/// [`Error::Io`](crate::error::Error::Io), also when something lies in the new one's place;
/// [`Code::RootKeyNotLost`] when the root key lies on this server;
/// [`Error::Configuration`](crate::error::Error::Configuration) when a file lies in its place that
/// cannot be read, as it may be that key.
pub async fn replace_lost(
    op: &mut Operation<'_>,
    (keyring, clock): (&Keyring, &Clock),
    place: NewPlace<'_>,
) -> Result<RootKeyExchanged> {
    let (roots, before) = setting::roots(op.tx).await?;
    keyring.settle(&before)?;
    keyring.settle_root(&roots, &before)?;
    if keyring.has_root_key(&before) {
        return Err(refused(Code::RootKeyNotLost, vec![]));
    }
    let (own, path) = made(keyring, place)?;
    let root = begin_anew(op, clock, &own, before).await?;
    exchanged(op, (root, path), "root-key.lost").await
}

fn made(keyring: &Keyring, place: NewPlace<'_>) -> Result<(SigningKey, Option<PathBuf>)> {
    match place {
        NewPlace::Here => Ok((keyring.make_next_root()?, None)),
        NewPlace::Sealed(path, recipients) => {
            let (text, key) = new_root_key()?;
            root_key::seal(text, path, recipients)?;
            Ok((key, Some(path.to_owned())))
        }
    }
}

async fn exchanged(
    op: &mut Operation<'_>,
    (root, path): (RootDocument, Option<PathBuf>),
    action: &str,
) -> Result<RootKeyExchanged> {
    let tokens = token::revoke_open(op.tx, op.now).await?;
    let WithRoot { of, .. } = terminal::with_root(op.tx, root.version).await?;
    let key = root.root_key.to_hex();
    let detail = format!("root document {}, {tokens} join tokens withdrawn", root.version);
    op.record(action, &key, Some(&detail)).await?;
    let chain = setting::roots(op.tx).await?;
    Ok(RootKeyExchanged {
        root_version: root.version,
        root_key: key,
        terminals: of,
        tokens,
        path,
        chain,
    })
}
