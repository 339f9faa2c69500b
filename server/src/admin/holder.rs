//! Somebody who is signed in to the pages: what of it is theirs, with a role and without one.

use wardkey_core::code::Code;
use wardkey_core::id::{Hash, from_hex};
use wardkey_core::name::{DisplayText, Language, LoginName};
use wardkey_core::texts;
use wardkey_core::time::UnixTime;
use zeroize::Zeroizing;

use super::known::{Known, SECRET_LEN};
use super::role::Grant;
use crate::error::{Error, Result};
use crate::secret;
use crate::store::api_key::ID_LEN;
use crate::store::audit::Actor;

/// Seconds after a signature within which somebody may be let in, or report a key lost.
pub const FRESH: u64 = 300;

/// Whom the pages are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// People with a role.
    Administrators,
    /// All staff: who has no role gets a page of their own, and no other.
    Staff,
}

/// Somebody who is signed in, with a role or without.
pub struct Holder {
    /// Of the session: what requests are counted by.
    pub id: [u8; ID_LEN],
    /// As whom the trail names them.
    pub actor: Actor,
    /// What they may beside looking after their own keys, and where.
    pub grant: Option<Grant>,
    /// Row of the key that signed.
    pub key: i64,
    /// Login name.
    pub login: LoginName,
    /// Their name.
    pub name: DisplayText,
    /// Their language.
    pub language: Language,
    /// When the key signed.
    pub began: UnixTime,
    /// Whether this use is to be noted.
    pub is_due: bool,
    pub(super) secret: Zeroizing<[u8; SECRET_LEN]>,
    pub(super) hash: Hash,
}

/// Somebody who is signed in and has a role: a holder for whom pages of administration are.
#[derive(Debug)]
pub struct SignedIn {
    /// What they may, and where.
    pub known: Known,
    holder: Holder,
}

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Holder").field("actor", &self.actor).finish_non_exhaustive()
    }
}

impl std::ops::Deref for SignedIn {
    type Target = Holder;

    fn deref(&self) -> &Holder {
        &self.holder
    }
}

impl Holder {
    /// With what the role is for.
    ///
    /// # Errors
    /// [`Code::SignInWithoutRole`].
    pub fn with_role(self) -> Result<SignedIn> {
        let grant = self.grant.clone().ok_or_else(|| refused(Code::SignInWithoutRole))?;
        let (actor, secret) = (self.actor.clone(), self.secret.clone());
        let known = Known { id: self.id, grant, actor, secret, is_due: false };
        Ok(SignedIn { known, holder: self })
    }

    /// Refuses what needs a signature of the last minutes.
    ///
    /// # Errors
    /// [`Code::SignInAgain`].
    pub fn must_be_fresh(&self, now: UnixTime) -> Result<()> {
        if now.since(self.began) < FRESH { Ok(()) } else { Err(refused(Code::SignInAgain)) }
    }

    /// What stands in each form of this session, and in none of another page.
    pub fn form(&self) -> String {
        secret::mac(self.secret.as_slice(), b"wardkey/form/1").to_hex()
    }

    /// Whether a form is one of this session.
    pub fn sent(&self, form: &str) -> bool {
        let key = self.secret.as_slice();
        from_hex(form).is_ok_and(|tag| secret::mac_holds(key, b"wardkey/form/1", &tag))
    }
}

/// A refusal whose sentence needs no values.
pub fn refused(code: Code) -> Error {
    Error::refused(code, texts::phrase(code, vec![]))
}
