//! The token that a machine proves to have.

use wardkey_core::code::Code;
use wardkey_core::time::UnixTime;

use super::application::Application;
use crate::error::{Error, Result};
use crate::secret;
use crate::store::Tx;
use crate::store::token::{self, Token};

/// Refuses a machine without a valid token. First without the write lock: who has no token must not
/// keep those waiting who have one.
///
/// # Errors
/// [`Code::JoinTokenInvalid`].
pub async fn check(tx: &mut Tx, application: &Application, now: UnixTime) -> Result<()> {
    proved(tx, application, now).await.map(|_| ())
}

/// The token that a request proves to have; the same refusal whatever is wrong, after the same
/// work.
pub(super) async fn proved(tx: &mut Tx, application: &Application, now: UnixTime) -> Result<Token> {
    let found = token::find(tx, &application.token).await?;
    let secret = found.as_ref().map_or(&[0u8; 16][..], |token| token.secret.as_slice());
    let holds = secret::mac_holds(secret, &application.signed, &application.mac);
    found
        .filter(|token| holds && token.revoked.is_none() && now < token.expires)
        .ok_or_else(invalid)
}

/// The one refusal of tokens, whatever is wrong.
pub(super) fn invalid() -> Error {
    Error::refused(Code::JoinTokenInvalid, "the join token is wrong, used or expired")
}
