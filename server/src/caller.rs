//! A terminal that calls: whether its verified certificate still counts, and whether it may come.

use wardkey_core::code::Code;

use crate::error::{Error, Result};
use crate::pki::TerminalCertificate;
use crate::pki::clients::Standing;
use crate::store::terminal::{self, Terminal, TerminalStatus};
use crate::store::{Tx, authority};

/// Whether certificates of an authority of this standing count for a terminal. That one is of the
/// key on record, and which one it is, is asked beside it ([`Terminal::takes`]).
pub fn is_of_authority(
    standing: Option<Standing>,
    terminal: &Terminal,
    certificate: &TerminalCertificate,
) -> bool {
    let is_of_its_key = terminal.key == Some(certificate.key);
    match standing {
        Some(Standing::Present) => true,
        Some(Standing::Former) => is_of_its_key || terminal.key.is_none(),
        Some(Standing::Stolen) => is_of_its_key,
        // It hears that it was revoked, and nothing else.
        Some(Standing::Retired) => is_of_its_key && terminal.status == TerminalStatus::Revoked,
        None => false,
    }
}

/// Asks once more, in the transaction that acts on it: between the head of a request and its last
/// byte there may be twenty seconds, in which another machine took the terminal's place, or an
/// administrator revoked it.
///
/// # Errors
/// [`Code::TerminalCertificate`] or [`Code::TerminalDisabled`].
pub async fn still_active(tx: &mut Tx, certificate: &TerminalCertificate) -> Result<()> {
    let now = terminal::by_id(tx, &certificate.terminal).await?;
    let standing = authority::before(tx).await?.standing(&certificate.by)?;
    if !is_of_authority(Some(standing), &now, certificate) {
        return Err(of_former_authority());
    }
    if !now.takes(certificate) {
        return Err(replaced());
    }
    must_be_active(now.status)
}

/// Refuses a terminal that is not approved or is revoked.
///
/// # Errors
/// [`Code::TerminalDisabled`].
pub fn must_be_active(status: TerminalStatus) -> Result<()> {
    match status {
        TerminalStatus::Active => Ok(()),
        TerminalStatus::Pending => {
            let message = "this terminal awaits the approval of an administrator";
            Err(Error::refused(Code::TerminalDisabled, message))
        }
        TerminalStatus::Revoked => Err(Error::TerminalRevoked),
    }
}

/// The refusal of a certificate that counts no longer.
pub fn replaced() -> Error {
    Error::refused(
        Code::TerminalCertificate,
        "this certificate was replaced by a newer one: another machine may have the same identity",
    )
}

/// The refusal of a request for a certificate of another key than the one that asks.
pub fn of_another_key() -> Error {
    Error::refused(
        Code::TerminalCertificate,
        "a certificate is renewed for the key that it is of: with another one a terminal joins",
    )
}

/// The refusal of a certificate whose authority counts no longer.
pub fn of_former_authority() -> Error {
    Error::refused(
        Code::TerminalCertificate,
        "the CA that issued this certificate was exchanged: this terminal has to join again",
    )
}
