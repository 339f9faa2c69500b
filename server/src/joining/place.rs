//! Whose place a machine takes.

use wardkey_core::code::Code;
use wardkey_core::id::{Hash, TerminalId, to_hex};

use crate::error::{Error, Result};
use crate::secret;
use crate::store::Tx;
use crate::store::terminal::{self, Terminal};
use crate::store::token::Token;

/// In whose place a machine comes.
pub enum Place {
    /// Nobody's: a new terminal.
    New(TerminalId),
    /// Its own: the same machine with the same key.
    Own(Terminal),
    /// A terminal's whose key so far ends.
    Of(Terminal),
}

impl Place {
    /// The id of the terminal that the machine becomes.
    pub const fn id(&self) -> TerminalId {
        match self {
            Self::New(id) => *id,
            Self::Own(terminal) | Self::Of(terminal) => terminal.id,
        }
    }

    /// The action of the trail, and what its detail says beside the name.
    pub fn in_the_trail(&self, machine: &Hash) -> (&'static str, String) {
        match self {
            Self::New(_) => ("terminal.join", String::new()),
            Self::Own(_) => ("terminal.join", ", joined before with the same key".into()),
            Self::Of(before) => ("terminal.replace", in_place_of(before, machine)),
        }
    }
}

/// Finds it; `before` is the terminal that has this machine's id. The id alone gives no place: with
/// another key the machine needs a token that was made for that, and one that was revoked a token
/// that was made afterwards.
///
/// # Errors
/// [`Code::ReplacementRefused`], [`Code::TerminalDisabled`].
pub async fn find(
    tx: &mut Tx,
    before: Option<Terminal>,
    token: &Token,
    key: &Hash,
) -> Result<Place> {
    let refuse = |message: &str| Err(Error::refused(Code::ReplacementRefused, message));
    let terminal = match (token.replaces, before) {
        (None, None) => return Ok(Place::New(TerminalId::new(secret::random()?))),
        (Some(replaced), Some(before)) if before.id != replaced => {
            return refuse("this machine is another terminal than the one that the token replaces");
        }
        (_, Some(before)) => before,
        (Some(replaced), None) => terminal::by_id(tx, &replaced).await?,
    };

    if terminal.revoked.is_some_and(|revoked| token.created <= revoked) {
        let message = "this machine was revoked; it needs a new token";
        return Err(Error::refused(Code::TerminalDisabled, message));
    }

    match (token.replaces, terminal.key == Some(*key)) {
        (_, true) => Ok(Place::Own(terminal)),
        (Some(_), false) => Ok(Place::Of(terminal)),
        (None, false) => refuse(
            "this machine has joined before with another key; make a token with \"wardkey-server \
                token add \
             --replace TERMINAL\"",
        ),
    }
}

fn in_place_of(before: &Terminal, machine: &Hash) -> String {
    let moved = if before.machine == *machine {
        String::new()
    } else {
        format!(", machine {} instead of {}", machine.short(), before.machine.short())
    };
    let name = &before.name;
    format!(
        ", in the place of \"{name}\", whose certificate {} counts no longer{moved}",
        to_hex(&before.serial)
    )
}
