//! Where the server of a deployment is reached, as it says itself. A terminal tries these beside
//! the address by which it joined: TLS and the signatures say whether it is the right server, so a
//! list that is wrong costs time and nothing else.

use minicbor::{Decode, Encode};

use crate::codec::{Document, List};
use crate::document::RootDocument;
use crate::id::DeploymentId;
use crate::name::ServerAddress;
use crate::sign::{self, SignatureError};

/// Addresses of one deployment.
pub const MAX_ADDRESSES: usize = 8;
/// The highest number of a list: what a file in TOML takes, as a terminal keeps it.
pub const MAX_NUMBER: u64 = i64::MAX.unsigned_abs();

/// What the publish key signs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ServerAddresses {
    /// The deployment.
    #[n(0)]
    pub deployment: DeploymentId,
    /// Counts up with every change, to [`MAX_NUMBER`]. A terminal takes no lower one under the same
    /// root document.
    #[n(1)]
    pub number: u64,
    /// In the order in which they are tried.
    #[n(2)]
    pub addresses: List<ServerAddress, MAX_ADDRESSES>,
}

impl Document for ServerAddresses {
    const DOMAIN: &'static str = "wardkey/addresses/1";
    const MAX_BYTES: usize = 2 * 1024;
    const GROWS: bool = true;
}

impl ServerAddresses {
    /// Verifies what a server says of its addresses.
    ///
    /// # Errors
    /// [`SignatureError`] when it is not signed by a key that may publish, of another deployment,
    /// or beyond all numbers.
    pub fn verify(signed: &[u8], root: &RootDocument) -> Result<Self, SignatureError> {
        let said = sign::verify::<Self>(signed, &root.publish_keys)?;
        if said.deployment == root.deployment && said.number <= MAX_NUMBER {
            Ok(said.into_inner())
        } else {
            Err(SignatureError::Invalid)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_with_a_host_and_nothing_else() {
        for (good, host, port) in [
            ("https://wardkey.example:8443", "wardkey.example", 8443),
            ("https://10.0.0.1:8443", "10.0.0.1", 8443),
            ("https://[2001:db8::1]:443", "2001:db8::1", 443),
            ("https://[::1]", "::1", 443),
            ("https://a", "a", 443),
        ] {
            let address = ServerAddress::new(good).unwrap();
            assert_eq!((address.host(), address.port()), (host, port));
        }
        for bad in [
            "http://a:1",
            "a:1",
            "https://",
            "https://a/",
            "https://a/b",
            "https://a?x",
            "https://a b",
            "https://a:0",
            "https://a:65536",
            "https://a:",
            "https://a:+1",
            "https://a@b",
            "https://-a",
            "https://a..b",
            "https://[::1",
            "https://[a]:1",
            "https://[::1]x",
            "https://ä",
            "https://a#",
            "https://10.20.0.256",
            "https://10.20.0",
            "https://a.1",
            "https://1:8443",
        ] {
            assert!(ServerAddress::new(bad).is_err(), "{bad}");
        }
        assert!(ServerAddress::new(format!("https://{}", "a.".repeat(64))).is_err());
    }

    #[test]
    fn one_place_is_written_in_one_way() {
        for (written, canonical) in [
            ("https://Ward.Example:443", "https://ward.example"),
            ("https://ward.example:0443", "https://ward.example"),
            ("https://ward.example:8443", "https://ward.example:8443"),
            ("https://192.0.2.7:443", "https://192.0.2.7"),
            ("https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443"),
            ("https://[::ffff:c000:207]", "https://[::ffff:192.0.2.7]"),
        ] {
            let address = ServerAddress::new(written).unwrap();
            assert_eq!(address.canonical().as_str(), canonical);
            assert_eq!(ServerAddress::new(canonical).unwrap().canonical().as_str(), canonical);
        }
    }
}
