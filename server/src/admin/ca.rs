//! The authority (CA) that issues TLS certificates, to the server and to terminals: exchanged while
//! terminals follow.
//!
//! ```text
//!   root document   names   the server shows itself by   certificates of terminals that count
//!   n               old     old                          of old
//!   n+1  rotate     new     new, certified by old        of new and of old
//!        retire                                          of new
//!   n+1  stolen     new     new, certified by old        of new; of old those of a key on record
//! ```
//! The old authority certifies the new one, so a terminal believes the server whichever of them it
//! knows: no terminal has to have heard of the new one before the server uses it. The old one's key
//! is needed for nothing else, and gone once the root document is there.

use std::path::PathBuf;

use serde::Serialize;
use wardkey_core::capability;
use wardkey_core::code::Code;
use wardkey_core::codec::{Bytes, sha256};
use wardkey_core::document::{MAX_ROOTS, RootDocument};
use wardkey_core::time::UnixTime;

use super::Operation;
use super::publish_key::{By, LEFT_FOR_A_THEFT, before, follow, refused, signing_time};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::pki::{Authority, EXCHANGE_DAYS, KeyAndCertificate, read_certificate};
use crate::store::authority::{self, Authorities};
use crate::store::terminal::WithRoot;
use crate::store::{Tx, setting};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The authority, and how far terminals are.
#[derive(Debug, Serialize)]
pub struct CaView {
    /// Version of the newest root document.
    pub root_version: u64,
    /// When it was signed, Unix seconds.
    pub issued: u64,
    /// SHA-256 of the certificate of the authority, hexadecimal digits.
    pub ca: String,
    /// When that ends, Unix seconds.
    pub ends: u64,
    /// Those before it whose certificates of terminals still count.
    pub former: Vec<String>,
    /// Whether one of these was stolen: of its certificates those of a terminal's key on record
    /// count.
    pub stolen: bool,
    /// The one that was prepared, if any.
    pub prepared: Option<String>,
    /// When that ends, Unix seconds.
    pub prepared_ends: Option<u64>,
    /// Terminals that use a certificate of the present one.
    pub have: u64,
    /// Terminals that are neither revoked nor deleted.
    pub terminals: u64,
    /// Of those that use an old one: that do not ask for another before it is about to end.
    pub older: u64,
    /// Root documents that can still follow.
    pub left: u64,
    /// Whether the root key lies on this server.
    pub root_key_here: bool,
}

/// An authority that was prepared.
#[derive(Debug, Serialize)]
pub struct CaPrepared {
    /// SHA-256 of its certificate, hexadecimal digits.
    pub ca: String,
    /// The certificate, PEM: for whoever verifies the server or terminals beside Wardkey.
    pub certificate: String,
    /// A file with it.
    pub path: PathBuf,
}

/// An authority that was exchanged.
#[derive(Debug, Serialize)]
pub struct CaExchanged {
    /// Version of the root document that names it.
    pub root_version: u64,
    /// SHA-256 of its certificate, hexadecimal digits.
    pub ca: String,
    /// The certificate, PEM.
    pub certificate: String,
    /// Terminals that are to have another certificate.
    pub terminals: u64,
    /// Terminals whose certificate counts no longer, as their key is not on record.
    pub lost: u64,
    /// The root document.
    #[serde(skip)]
    pub root: RootDocument,
}

/// An exchange that was ended.
#[derive(Debug, Serialize)]
pub struct CaRetired {
    /// SHA-256 of the certificates of the authorities that count no longer, hexadecimal digits.
    pub retired: Vec<String>,
    /// Terminals that have to join again.
    pub terminals: u64,
}

/// The authority, and how far terminals are.
pub async fn show(tx: &mut Tx, keyring: &Keyring) -> Result<CaView> {
    let (roots, root) = setting::roots(tx).await?;
    let own = root.tls_ca.as_slice();
    let before = authority::before(tx).await?;
    let WithRoot { have, of } = authority::certified_by(tx, &sha256(own)).await?;
    let ca = sha256(own).to_hex();
    let prepared = keyring.prepared_authority()?;
    let prepared = prepared.map(|next| Ok::<_, Error>((id_of(&next)?, end_of(&next)?)));
    let prepared = prepared.transpose()?.filter(|(prepared, _)| *prepared != ca);
    Ok(CaView {
        root_version: root.version,
        issued: root.issued.0,
        ends: keyring.authority(&root).and_then(|files| end_of(&files)).unwrap_or_default(),
        former: ids(&before.former()?),
        stolen: before.stolen,
        prepared_ends: prepared.as_ref().map(|(_, ends)| *ends),
        prepared: prepared.map(|(prepared, _)| prepared),
        ca,
        have,
        terminals: of,
        older: authority::unaware(tx, &sha256(own), capability::CA_EXCHANGE).await?,
        left: MAX_ROOTS.saturating_sub(roots.len()) as u64,
        root_key_here: keyring.has_root_key(&root),
    })
}

/// Makes the authority that the next exchange takes, so that its certificate can be where it is
/// needed before. Again, it is another one.
///
/// # Errors
/// [`Error::Io`], [`Error::Crypto`]; [`Code::ServerClock`].
pub async fn prepare(
    op: &mut Operation<'_>,
    keyring: &Keyring,
    clock: &Clock,
) -> Result<CaPrepared> {
    let (_, root) = setting::roots(op.tx).await?;
    keyring.settle_authority(&root)?;
    let now = signing_time(op, clock).await?;
    let next = Authority::create_next(root.name.as_str(), now)?;
    let path = keyring.prepare_authority(&next)?;
    let ca = id_of(&next)?;
    op.record("ca.prepare", &ca, None).await?;
    Ok(CaPrepared { ca, certificate: next.certificate, path })
}

/// Puts another authority in the place of the present one: the one that was prepared, or a new one.
/// Certificates that terminals have of the old one count until the exchange is ended.
///
/// # Errors
/// [`Code::CaExchangeOpen`] before the last exchange is ended; [`Code::CaPreparedEnds`],
/// [`Code::CaPreparedUnfit`] for one that was prepared; those of the root key.
pub async fn rotate(op: &mut Operation<'_>, by: By<'_>) -> Result<CaExchanged> {
    let before = before(op, by, LEFT_FOR_A_THEFT).await?;
    let others = authority::before(op.tx).await?;
    if !others.is_settled() {
        return Err(refused(Code::CaExchangeOpen, vec![]));
    }
    let prepared = by.keyring.prepared_authority()?;
    if let Some(prepared) = &prepared {
        // It was prepared long ago: whoever takes it has to exchange it soon.
        let left = UnixTime(end_of(prepared)?).since(by.clock.now()) / DAY;
        if left < EXCHANGE_DAYS {
            return Err(refused(Code::CaPreparedEnds, vec![("days", left.into())]));
        }
    }
    exchange(op, by, (before, others), prepared, false).await
}

/// Puts a new authority in the place of one whose key somebody else may have: of the certificates
/// of the old one only those count that are of the key that the server has on record for a
/// terminal, as the thief can make all others.
///
/// # Errors
/// Those of the root key.
pub async fn rotate_stolen(op: &mut Operation<'_>, by: By<'_>) -> Result<CaExchanged> {
    let before = before(op, by, 0).await?;
    let others = authority::before(op.tx).await?;
    // The one that was prepared lay beside the one that was stolen.
    exchange(op, by, (before, others), None, true).await
}

async fn exchange(
    op: &mut Operation<'_>,
    by: By<'_>,
    (before, others): (RootDocument, Authorities),
    prepared: Option<KeyAndCertificate>,
    stolen: bool,
) -> Result<CaExchanged> {
    let now = signing_time(op, by.clock).await?.max(before.issued);
    let old = Authority::load(&by.keyring.authority(&before)?)?;
    let next = match prepared {
        Some(prepared) => prepared,
        None => Authority::create_next(before.name.as_str(), now)?,
    };
    // Whole before a root document names it.
    let next = old.followed_by(&next, now)?;
    by.keyring.put_next_authority(&next)?;

    let (certificate, _) = read_certificate(&next.certificate)?;
    let tls_ca = Bytes::new(certificate.to_vec()).map_err(Error::crypto("root document"))?;
    let others = others.after(before.tls_ca.as_slice(), stolen);
    authority::put(op.tx, &others).await?;
    let root = follow(op, by, by.root_key, RootDocument { tls_ca, ..before }).await?;

    let ca = sha256(&certificate).to_hex();
    let action = if stolen { "ca.stolen" } else { "ca.rotate" };
    let detail = format!("root document {}, instead of {}", root.version, old.id());
    op.record(action, &ca, Some(&detail)).await?;
    let WithRoot { have, of } = authority::certified_by(op.tx, &sha256(&certificate)).await?;
    let lost = if stolen { authority::without_key(op.tx).await? } else { 0 };
    let (own, _) = next.without_links();
    Ok(CaExchanged {
        root_version: root.version,
        ca,
        certificate: own.certificate,
        terminals: of - have,
        lost,
        root,
    })
}

/// Ends an exchange: certificates of the authorities before count no longer.
///
/// # Errors
/// [`Code::CaExchangeNone`]; [`Code::TerminalsBehindCa`] while terminals use such a certificate,
/// unless `anyway`.
pub async fn retire(op: &mut Operation<'_>, anyway: bool) -> Result<CaRetired> {
    let others = authority::before(op.tx).await?;
    if others.is_settled() {
        return Err(refused(Code::CaExchangeNone, vec![]));
    }
    let (_, root) = setting::roots(op.tx).await?;
    let own = sha256(root.tls_ca.as_slice());
    let WithRoot { have, of } = authority::certified_by(op.tx, &own).await?;
    if have < of && !anyway {
        return Err(refused(Code::TerminalsBehindCa, vec![("count", (of - have).into())]));
    }
    let retired = ids(&others.former()?);
    authority::put(op.tx, &others.ended()).await?;
    let detail = format!("instead of it {own}; {} terminals have to join again", of - have);
    for one in &retired {
        op.record("ca.retire", one, Some(&detail)).await?;
    }
    Ok(CaRetired { retired, terminals: of - have })
}

fn ids(certificates: &[Vec<u8>]) -> Vec<String> {
    certificates.iter().map(|one| sha256(one).to_hex()).collect()
}

fn id_of(files: &KeyAndCertificate) -> Result<String> {
    Ok(sha256(&read_certificate(&files.certificate)?.0).to_hex())
}

fn end_of(files: &KeyAndCertificate) -> Result<u64> {
    Ok(read_certificate(&files.certificate)?.1.0)
}
