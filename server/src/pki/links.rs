//! The certificates that lead from an authority to the one in its place, as a file has them.

/// Authorities from which a terminal can follow to the present one: each handshake carries them,
/// and who verifies looks at no more than six.
pub(super) const MAX_LINKS: u8 = 5;
/// Ends a certificate in PEM.
const END: &str = "-----END CERTIFICATE-----\n";

/// The certificates of a file (PEM), one after the other.
pub(super) fn certificates_in(pem: &str) -> impl Iterator<Item = &str> {
    pem.split_inclusive(END).filter(|one| one.ends_with(END))
}
