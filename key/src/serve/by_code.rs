//! Signing by the code of a pass. No security key has part in it: it is here because this process
//! has room for Argon2id and wipes what it was told, as it does with a PIN.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::message::key::{Reply, SignByCode};
use wardkey_core::pass_key::{PassKey, PassKeyError};

use super::{Session, failure};

/// How long the hash may take on the slowest terminal.
const HASHING: Duration = Duration::from_secs(30);

impl Session<'_> {
    /// What was asked is dropped with the code in it before the answer leaves.
    pub(super) fn sign_by_code(&self, request: SignByCode) -> Reply {
        self.allow(HASHING);
        let SignByCode { code, salt, hash, client_data } = request;
        let key = match PassKey::derive(&code, &salt, hash) {
            Ok(key) => key,
            Err(error @ PassKeyError::Memory) => {
                return Reply::Failed(failure(Code::PassNoMemory, &error));
            }
            Err(error @ PassKeyError::Unknown) => {
                return Reply::Failed(failure(Code::ProtocolError, &error));
            }
        };
        match Bytes::new(key.sign(client_data.as_slice())) {
            Ok(signature) => Reply::SignedByCode(signature),
            Err(error) => Reply::Failed(failure(Code::Internal, &error)),
        }
    }
}
