//! Who asks from afar, once that is known.

use zeroize::Zeroizing;

use super::role::Grant;
use crate::store::api_key::ID_LEN;
use crate::store::audit::Actor;

/// Length of the secret of a key or a session in bytes.
pub const SECRET_LEN: usize = 32;

/// Who asks: an API key, or somebody who is signed in.
pub struct Known {
    /// Of the key or the session: what requests are counted by.
    pub id: [u8; ID_LEN],
    /// What it may, and where.
    pub grant: Grant,
    /// As whom the trail names it.
    pub actor: Actor,
    /// Seals what is kept for it, and is not stored.
    pub secret: Zeroizing<[u8; SECRET_LEN]>,
    /// Whether this use of an API key is to be noted.
    pub is_due: bool,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").field("actor", &self.actor).finish_non_exhaustive()
    }
}
