//! The key of the server's log of records, as the publish key names it.
//!
//! The log's key is another one than the publish key, so that people outside can be given it. A
//! terminal knows the publish keys, by the root document, and learns the log's key by this.

use minicbor::{Decode, Encode};

use crate::codec::{Bytes, Document};
use crate::document::RootDocument;
use crate::id::{DeploymentId, SigningPublicKey};
use crate::sign::{self, SignatureError};

/// What the publish key signs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LogKey {
    /// The deployment.
    #[n(0)]
    pub deployment: DeploymentId,
    /// The public key by which every log of its server is signed.
    #[n(1)]
    pub key: SigningPublicKey,
}

impl Document for LogKey {
    const DOMAIN: &'static str = "wardkey/log-key/1";
    const MAX_BYTES: usize = 128;
    const GROWS: bool = true;
}

/// [`LogKey`], signed.
pub type SignedLogKey = Bytes<{ LogKey::MAX_BYTES + 128 }>;

impl LogKey {
    /// Verifies what a server says of its log's key.
    ///
    /// # Errors
    /// [`SignatureError`] when it is not signed by a key that may publish, or of another
    /// deployment.
    pub fn verify(signed: &[u8], root: &RootDocument) -> Result<SigningPublicKey, SignatureError> {
        let named = sign::verify::<Self>(signed, &root.publish_keys)?;
        if named.deployment == root.deployment {
            Ok(named.key)
        } else {
            Err(SignatureError::Invalid)
        }
    }
}
