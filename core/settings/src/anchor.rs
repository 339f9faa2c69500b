//! The trust anchor: the root key of the deployment and the id of this terminal.

use std::path::Path;

use wardkey_core::id::{SigningPublicKey, TerminalId};
use wardkey_core::phrase::Phrase;
use wardkey_core::snapshot::Anchor;

use crate::files::Owner;
use crate::table::{Source, TableError};
use crate::texts::Text;

const FIX: Text = Text::JoinAgain;

fn hexadecimal(digits: u64) -> Phrase {
    Text::HexDigits.with([("count", digits.into()), ("fix", FIX.into())])
}

/// Reads `anchor.toml`, which `wardkey join` writes.
///
/// # Errors
/// [`TableError`] when it is missing, unsafe or wrong.
pub fn read(path: &Path, owner: Owner) -> Result<Anchor, TableError> {
    let source = Source::read(path, owner)?;
    let (mut root_key, mut terminal) = (None, None);
    source.each(&["root_key", "terminal"], |key, value| {
        match key {
            "root_key" => {
                let takes = hexadecimal(64);
                let key = SigningPublicKey::from_hex(value.text(takes.clone())?)
                    .map_err(|_| value.wrong(takes))?;
                root_key = Some(key);
            }
            _ => {
                let takes = hexadecimal(32);
                terminal = Some(
                    TerminalId::from_hex(value.text(takes.clone())?)
                        .map_err(|_| value.wrong(takes))?,
                );
            }
        }
        Ok(())
    })?;
    Ok(Anchor {
        root_key: root_key.ok_or_else(|| source.lacks("root_key", FIX))?,
        terminal: terminal.ok_or_else(|| source.lacks("terminal", FIX))?,
    })
}
