//! Who the key says it is: one attestation certificate for all software keys,
//! as a manufacturer has one for a batch. `data/make-attestation.sh` made it.

/// AAGUID of the software key, ASCII `WARDKEYTESTKEY`, 0, 1; as text
/// `57415244-4b45-5954-4553-544b45590001`. The firmware takes it from the
/// certificate's extension 1.3.6.1.4.1.45724.1.1.4.
pub const AAGUID: [u8; 16] = *b"WARDKEYTESTKEY\x00\x01";

/// The key's own certificate, DER.
pub const CERTIFICATE_DER: &[u8] = include_bytes!("../data/attestation.der");

/// Private P-256 scalar of [`CERTIFICATE_DER`], big endian. Public knowledge.
const PRIVATE_KEY: &[u8; 32] = include_bytes!("../data/attestation.key");

/// The private key as trussed stores keys: flags (sensitive), kind (P-256),
/// material.
pub(crate) fn stored_key() -> [u8; 36] {
    let mut stored = [0; 36];
    stored[..4].copy_from_slice(&[0, 2, 0, 5]);
    stored[4..].copy_from_slice(PRIVATE_KEY);
    stored
}
