//! The key by which this terminal cosigns: `witness.key` beside `terminal.key`.

use std::path::Path;

use wardkey_core::code::{Code, Denial};
use wardkey_core::id::{from_hex, to_hex};
use wardkey_tlog::{Cosigner, KeyName};
use zeroize::Zeroizing;

use crate::error::AgentError;
use crate::files;
use crate::random::random;

/// The file: 64 hexadecimal digits, 0600.
pub const FILE: &str = "witness.key";

/// The key; it is made when it is asked for first.
///
/// # Errors
/// [`AgentError`] when the file cannot be read or written, or is something else.
pub fn read(folder: &Path, name: KeyName) -> Result<Cosigner, AgentError> {
    if let Some(key) = known(folder, name.clone())? {
        return Ok(key);
    }
    let secret = Zeroizing::new(random::<32>()?);
    let text = Zeroizing::new(format!("{}\n", to_hex(&*secret)));
    files::replace(&folder.join(FILE), text.as_bytes(), 0o600)?;
    Ok(Cosigner::new(name, &secret))
}

/// The key; none before it was made.
///
/// # Errors
/// [`AgentError`] when the file cannot be read, or is something else.
pub fn known(folder: &Path, name: KeyName) -> Result<Option<Cosigner>, AgentError> {
    let Some(text) = files::read(&folder.join(FILE), 128)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    let wrong = || Denial::new(Code::TerminalCertificate, format!("{FILE} is not a key"));
    let text = std::str::from_utf8(&text).map_err(|_| wrong())?;
    let secret = Zeroizing::new(from_hex(text.trim()).map_err(|_| wrong())?);
    let secret: &[u8; 32] = secret.as_slice().try_into().map_err(|_| wrong())?;
    Ok(Some(Cosigner::new(name, secret)))
}

/// Removes it: the terminal joins, and the server learns another one.
///
/// # Errors
/// [`AgentError`] when it is there and cannot be removed.
pub fn forget(folder: &Path) -> Result<(), AgentError> {
    let path = folder.join(FILE);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(AgentError::file(&path, error))
        }
        _ => Ok(()),
    }
}
