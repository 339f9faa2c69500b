//! The publish key, by which heads, terminal documents and the time are signed: exchanged while
//! terminals follow.
//!
//! ```text
//!   root document   names            the server signs by   what terminals have stays valid
//!   n               old              old
//!   n+1  rotate     old, new         new                   yes
//!   n+2  retire     new              new                   what the new key signed
//!   n+1  stolen     new              new                   nothing; epochs and numbers rise too
//! ```
//! Each step is one commit. Terminals take root documents one after the other, so one that was
//! away for all of them follows when it is back.

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::codec::{Bytes, List};
use wardkey_core::document::{MAX_ROOTS, RootDocument, SignedRoot};
use wardkey_core::id::{SigningPublicKey, to_hex};
use wardkey_core::sign::{SigningKey, key_id};
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::{Operation, epoch};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::log;
use crate::publish::time::SigningTime;
use crate::store::terminal::{self, WithRoot};
use crate::store::{Tx, clock, restored, setting};
use crate::texts::Phrase;

/// Root documents that an exchange leaves for a theft after it: the new key at once, and its
/// exchange.
pub(super) const LEFT_FOR_A_THEFT: usize = 1;

/// A publish key, as it is shown.
#[derive(Debug, Serialize)]
pub struct KeyView {
    /// The id that stands in what it signs: the beginning of its SHA-256, hexadecimal digits.
    pub id: String,
    /// Whether the server signs by it; the others count for what they have signed.
    pub signs: bool,
}

/// The keys of the deployment, and how far terminals are.
#[derive(Debug, Serialize)]
pub struct PublishKeyView {
    /// Version of the newest root document.
    pub root_version: u64,
    /// When it was signed, Unix seconds.
    pub issued: u64,
    /// The publish keys that it names.
    pub keys: Vec<KeyView>,
    /// Terminals that have it.
    pub have: u64,
    /// Terminals that are neither revoked nor deleted.
    pub terminals: u64,
    /// Root documents that can still follow it.
    pub left: u64,
    /// Whether the root key lies on this server.
    pub root_key_here: bool,
}

/// The root document that was made.
#[derive(Debug, Serialize)]
pub struct KeyExchanged {
    /// Its version.
    pub root_version: u64,
    /// The id of the key by which the server signs from now on.
    pub key: String,
    /// Terminals that are to take it.
    pub terminals: u64,
    /// The epoch of every scope, where it was raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The document itself.
    #[serde(skip)]
    pub root: RootDocument,
}

/// By what root documents are made.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// The root key, wherever it was kept.
    pub root_key: &'a SigningKey,
    /// The deployment's other keys.
    pub keyring: &'a Keyring,
    /// The clock.
    pub clock: &'a Clock,
}

/// The keys of the deployment, and how far terminals are.
pub async fn show(tx: &mut Tx, keyring: &Keyring) -> Result<PublishKeyView> {
    let (roots, root) = setting::roots(tx).await?;
    let WithRoot { have, of } = terminal::with_root(tx, root.version).await?;
    let key = |key: &SigningPublicKey| KeyView {
        id: to_hex(&key_id(key)),
        signs: root.publish_keys.last() == Some(key),
    };
    Ok(PublishKeyView {
        root_version: root.version,
        issued: root.issued.0,
        keys: root.publish_keys.iter().map(key).collect(),
        have,
        terminals: of,
        left: MAX_ROOTS.saturating_sub(roots.len()) as u64,
        root_key_here: keyring.has_root_key(&root),
    })
}

/// Makes a new publish key. The root document names the old one too, so that what terminals have
/// stays valid until they have what the new one signed.
///
/// # Errors
/// [`Code::KeyExchangeOpen`] before the last exchange is ended; [`Code::TerminalsBehindKeys`] while
/// terminals cannot follow, as they have not joined again after the root key was lost, unless
/// `anyway`; those of the root key.
pub async fn rotate(op: &mut Operation<'_>, by: By<'_>, anyway: bool) -> Result<KeyExchanged> {
    let before = before(op, by, LEFT_FOR_A_THEFT + 1).await?;
    if before.publish_keys.len() > 1 {
        return Err(refused(Code::KeyExchangeOpen, vec![]));
    }
    let (roots, _) = setting::roots(op.tx).await?;
    let first = setting::first_version(&roots, before.version);
    // Nobody has to follow to the first document of a deployment: it comes with the join.
    if first > 1 && !anyway {
        all_have(op, first).await?;
    }
    by.keyring.keep_log_secret(&before)?;
    let mut keys = before.publish_keys.to_vec();
    keys.push(by.keyring.make_next()?);
    sign(op, by, before, keys, "publish-key.rotate").await
}

/// Makes a new publish key in the place of one that somebody else may have. The root document names
/// it alone, and every number is raised above what the thief can be expected to have signed.
///
/// # Errors
/// Those of the root key.
pub async fn rotate_stolen(op: &mut Operation<'_>, by: By<'_>) -> Result<KeyExchanged> {
    let before = before(op, by, 0).await?;
    let keys = vec![by.keyring.make_next()?];
    let mut done = sign(op, by, before.clone(), keys, "publish-key.stolen").await?;
    log::note_replaced_key(op.tx, by.keyring, &before, done.root.issued).await?;
    log::sign_acts_anew(op.tx, by.keyring, (&before, &done.root)).await?;

    // What terminals took from the thief has numbers too, and they never go back behind those.
    let at_least = done.root.issued.0;
    let raised = epoch::raise(op, at_least).await?;
    restored::raise_terminals(op.tx, at_least).await?;
    done.epoch = Some(raised.epoch);
    Ok(done)
}

/// Ends an exchange: the root document names the new key alone.
///
/// # Errors
/// [`Code::KeyExchangeNone`]; [`Code::TerminalsBehindKeys`] while terminals have not taken the new
/// key, unless `anyway`; those of the root key.
pub async fn retire(op: &mut Operation<'_>, by: By<'_>, anyway: bool) -> Result<KeyExchanged> {
    let before = before(op, by, 0).await?;
    let newest = match &*before.publish_keys {
        [_, .., newest] => *newest,
        _ => return Err(refused(Code::KeyExchangeNone, vec![])),
    };
    if !anyway {
        all_have(op, before.version).await?;
    }
    sign(op, by, before, vec![newest], "publish-key.retire").await
}

/// Refuses while a terminal that counts has no root document of this version or a newer one.
async fn all_have(op: &mut Operation<'_>, version: u64) -> Result<()> {
    let WithRoot { have, of } = terminal::with_root(op.tx, version).await?;
    if have < of {
        let values = vec![("count", (of - have).into())];
        return Err(refused(Code::TerminalsBehindKeys, values));
    }
    Ok(())
}

/// The newest root document, once it is sure that another may follow it, signed by this key, with
/// room for more after that.
pub(super) async fn before(
    op: &mut Operation<'_>,
    by: By<'_>,
    room: usize,
) -> Result<RootDocument> {
    let (roots, root) = setting::roots(op.tx).await?;
    if root.root_key != by.root_key.public() {
        return Err(refused(Code::RootKeyOther, vec![]));
    }
    if roots.len() + 1 + room > MAX_ROOTS {
        return Err(refused(Code::RootsUsedUp, vec![("count", (MAX_ROOTS as u64).into())]));
    }
    // What a command that was interrupted left: the folder is as the root document says.
    by.keyring.settle(&root)?;
    by.keyring.settle_root(&roots, &root)?;
    by.keyring.settle_authority(&root)?;
    Ok(root)
}

/// Signs the next root document, with these publish keys, and adds it.
async fn sign(
    op: &mut Operation<'_>,
    by: By<'_>,
    before: RootDocument,
    keys: Vec<SigningPublicKey>,
    action: &str,
) -> Result<KeyExchanged> {
    let changed = RootDocument { publish_keys: List::new(keys).map_err(Error::damaged)?, ..before };
    let root = follow(op, by, by.root_key, changed).await?;
    let key = root.publish_keys.last().map(|key| to_hex(&key_id(key))).unwrap_or_default();
    let detail = format!("root document {}", root.version);
    op.record(action, &key, Some(&detail)).await?;
    let WithRoot { of, .. } = terminal::with_root(op.tx, root.version).await?;
    Ok(KeyExchanged { root_version: root.version, key, terminals: of, epoch: None, root })
}

/// Signs a root document by the root key before it and by its own, and adds it. `before` is the one
/// that it follows, with what it changes.
pub(super) async fn follow(
    op: &mut Operation<'_>,
    by: By<'_>,
    own: &SigningKey,
    before: RootDocument,
) -> Result<RootDocument> {
    add(op, by.clock, (own, Some(by.root_key)), before).await
}

/// Signs a root document by its own root key alone, and adds it: a chain begins with it.
pub(super) async fn begin_anew(
    op: &mut Operation<'_>,
    clock: &Clock,
    own: &SigningKey,
    before: RootDocument,
) -> Result<RootDocument> {
    add(op, clock, (own, None), before).await
}

async fn add(
    op: &mut Operation<'_>,
    clock: &Clock,
    (own, previous): (&SigningKey, Option<&SigningKey>),
    before: RootDocument,
) -> Result<RootDocument> {
    let root = RootDocument {
        version: before.version + 1,
        root_key: own.public(),
        issued: signing_time(op, clock).await?.max(before.issued),
        ..before
    };
    let signed =
        |key: &SigningKey| Bytes::new(key.sign(&root)).map_err(Error::crypto("root document"));
    let both =
        SignedRoot { by_itself: signed(own)?, by_previous: previous.map(signed).transpose()? };
    setting::put_root(op.tx, root.version, &both).await?;
    Ok(root)
}

/// The time of signatures: terminals never go back behind that of a root document either.
pub(super) async fn signing_time(op: &mut Operation<'_>, clock: &Clock) -> Result<UnixTime> {
    let time = SigningTime::new(clock.clone(), clock::read(op.tx).await?);
    match time.trouble() {
        None => Ok(time.now()),
        Some(trouble) => Err(Error::refused(Code::ServerClock, trouble.phrase())),
    }
}

pub(super) fn refused(code: Code, values: Vec<(&'static str, Phrase)>) -> Error {
    Error::refused(code, texts::phrase(code, values))
}
