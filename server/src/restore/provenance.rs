//! Whose backup it is. A backup names its own keys, so nothing in it says that: the machine or the
//! person who restores it has to know the root key.

use wardkey_core::code::Code;
use wardkey_core::document::SignedRoot;
use wardkey_core::id::SigningPublicKey;
use wardkey_core::texts;
use wardkey_help::usage::Wrong;

use super::present::Present;
use crate::backup::Backup;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::texts::Text;

/// Who knows the root key of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// The database that is there has the same one.
    Here,
    /// Somebody gave it.
    Given,
    /// Nobody yet: nothing may be put in its place.
    Unknown,
}

/// Compares the root keys.
///
/// # Errors
/// [`Code::RestoreOtherDeployment`], [`Code::RestoreRootOther`].
pub fn provenance(
    config: &Config,
    backup: &Backup,
    present: Option<&Present>,
    given: Option<&SigningPublicKey>,
) -> Result<Provenance> {
    if let Some(given) = given {
        check_root(backup, given)?;
    }
    match present {
        Some(present)
            if !same_chain(&present.roots, &backup.roots) || is_of_former(backup, present) =>
        {
            let path = config.store.display().to_string().into();
            let message = texts::phrase(Code::RestoreOtherDeployment, vec![("path", path)]);
            Err(Error::refused(Code::RestoreOtherDeployment, message))
        }
        Some(_) => Ok(Provenance::Here),
        None if given.is_some() => Ok(Provenance::Given),
        None => Ok(Provenance::Unknown),
    }
}

/// The key in somebody's papers is that of the newest root document of the backup. One of before
/// does not do: it may have been exchanged because somebody else has it, who could have made a
/// backup that begins with it.
///
/// # Errors
/// [`Code::RestoreRootOther`].
pub fn check_root(backup: &Backup, given: &SigningPublicKey) -> Result<()> {
    if *given == backup.root.root_key {
        return Ok(());
    }
    let message = texts::phrase(Code::RestoreRootOther, vec![]);
    Err(Error::refused(Code::RestoreRootOther, message))
}

/// Whether one chain goes on where the other ends: the key of each document signed the next one.
fn same_chain(one: &[SignedRoot], other: &[SignedRoot]) -> bool {
    !one.is_empty() && !other.is_empty() && one.iter().zip(other).all(|(one, other)| one == other)
}

/// Whether the root key was exchanged here since the backup: terminals that have followed would
/// take nothing that the former one signs, and the new one signs nothing that follows on the
/// backup.
fn is_of_former(backup: &Backup, present: &Present) -> bool {
    let (backup, present) = (&backup.root, &present.root);
    backup.version < present.version && backup.root_key != present.root_key
}

/// A root key as somebody types it from papers.
///
/// # Errors
/// A sentence for the user.
pub fn root_key(text: &str) -> std::result::Result<SigningPublicKey, Wrong> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    SigningPublicKey::from_hex(&digits).map_err(|_| Wrong::new(Text::WriteRootKey))
}
