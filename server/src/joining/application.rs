//! A machine's request to join, whose parts have the right form.

use wardkey_core::id::Hash;
use wardkey_core::message::http::{JoinRequest, join_mac_input};
use wardkey_core::name::DisplayText;

use crate::error::{Error, Result};
use crate::pki::CertificateRequest;

/// The longest certificate request in bytes that is looked at.
pub const MAX_CSR: usize = 4096;

/// A machine's request to join.
pub struct Application {
    /// Id of the token.
    pub token: [u8; 8],
    /// SHA-256 of the machine id.
    pub machine: Hash,
    /// 32 bytes that the machine made.
    pub nonce: Vec<u8>,
    /// Name of the terminal.
    pub name: DisplayText,
    /// Certificate request (PKCS #10, DER), not read yet.
    pub csr: Vec<u8>,
    /// HMAC of `signed` by the token's secret.
    pub mac: Vec<u8>,
    /// What the HMAC is over.
    pub signed: Vec<u8>,
}

impl Application {
    /// Checks the form of each part.
    ///
    /// # Errors
    /// [`Error::Refused`] names the part.
    pub fn parse(request: &JoinRequest) -> Result<Self> {
        let wrong = |field: &str| Error::invalid(format!("{field}: wrong length"));
        if request.nonce.0.len() != 32 {
            return Err(wrong("nonce"));
        }
        Ok(Self {
            token: request.token.0.as_slice().try_into().map_err(|_| wrong("token"))?,
            machine: Hash::from_slice(&request.machine.0).map_err(|_| wrong("machine"))?,
            nonce: request.nonce.0.clone(),
            name: DisplayText::new(request.name.as_str())
                .map_err(|error| Error::invalid(format!("name: {error}")))?,
            csr: short(&request.csr.0)?.to_vec(),
            mac: request.mac.0.clone(),
            signed: join_mac_input(
                &request.nonce.0,
                &request.machine.0,
                &request.name,
                &request.csr.0,
            ),
        })
    }
}

/// Reads a certificate request (PKCS #10, DER), before any lock is held.
///
/// # Errors
/// [`Error::Refused`] when it is too long, malformed, or not signed by its key.
pub fn certificate_request(csr: &[u8]) -> Result<CertificateRequest> {
    CertificateRequest::read(short(csr)?)
}

/// A certificate request of a length that is looked at.
fn short(csr: &[u8]) -> Result<&[u8]> {
    match csr.len() {
        0 => Err(Error::invalid("csr: empty")),
        length if length > MAX_CSR => Err(Error::invalid("csr: too long")),
        _ => Ok(csr),
    }
}
