//! What a key signs to sign somebody in: a challenge of ours, of the last minutes, at our origin
//! (WebAuthn level 3, 7.2). What the signature proves is [`crate::admin::session`]'s.
//!
//! No challenge is kept: it carries its time, sealed, and one that was signed is taken once only.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use wardkey_core::codec::sha256;
use wardkey_core::id::Hash;
use wardkey_core::time::UnixTime;

use crate::api::seal::Seal;
use crate::error::Result;
use crate::secret;

/// Seconds within which a key signs: time to look for it, to type its PIN and to touch it.
pub const SECONDS: u64 = 180;

/// What the seal of a challenge is bound to.
const PLACE: &str = "challenge";

/// Challenges of one origin.
pub struct Ceremony {
    seal: Seal,
    origin: String,
}

/// A challenge of ours that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// SHA-256 of it.
    pub challenge: Hash,
    /// When it is over.
    pub until: UnixTime,
}

/// What a browser says of what it had signed; what else it says is passed over, as the standard
/// wants.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    is_cross_origin: bool,
    #[serde(rename = "topOrigin")]
    top_origin: Option<String>,
}

impl Ceremony {
    /// For an origin; `secret` is one of the server's.
    pub fn new(secret: &[u8], origin: &str) -> Result<Self> {
        Ok(Self { seal: Seal::new(secret, "wardkey/web-challenge/1")?, origin: origin.into() })
    }

    /// A new challenge.
    pub fn challenge(&self, now: UnixTime) -> Result<Vec<u8>> {
        let random = secret::random::<16>()?;
        self.seal.close(PLACE, &[now.0.to_be_bytes().as_slice(), &random].concat())
    }

    /// Whether what a browser says (`clientDataJSON`) is of one of our challenges, made at our
    /// origin and not within a page of somebody else.
    pub fn answered(&self, client_data: &[u8], now: UnixTime) -> Option<Answered> {
        let said: ClientData = serde_json::from_slice(client_data).ok()?;
        let is_ours = said.kind == "webauthn.get"
            && said.origin == self.origin
            && !said.is_cross_origin
            && said.top_origin.is_none();
        let challenge = Base64UrlUnpadded::decode_vec(&said.challenge).ok().filter(|_| is_ours)?;
        let opened = self.seal.open(PLACE, &challenge)?;
        let made = opened.first_chunk::<8>()?;
        let made = UnixTime(u64::from_be_bytes(*made));
        let until = made.plus(SECONDS);
        let is_of_now = made <= now && now < until;
        is_of_now.then(|| Answered { challenge: sha256(&challenge), until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const ORIGIN: &str = "https://wardkey.example.org:8444";

    fn said(challenge: &[u8]) -> serde_json::Value {
        serde_json::json!({
            "type": "webauthn.get",
            "challenge": Base64UrlUnpadded::encode_string(challenge),
            "origin": ORIGIN,
            "crossOrigin": false,
        })
    }

    #[test]
    fn a_challenge_is_answered_at_its_origin_in_its_time_and_as_it_was_made() {
        let ceremony = Ceremony::new(&[1; 32], ORIGIN).unwrap();
        let challenge = ceremony.challenge(NOW).unwrap();
        let at = |said: &serde_json::Value, seconds| {
            ceremony.answered(said.to_string().as_bytes(), NOW.plus(seconds))
        };
        let good = said(&challenge);
        let expected = Answered { challenge: sha256(&challenge), until: NOW.plus(SECONDS) };
        assert_eq!(at(&good, 0), Some(expected));
        assert_eq!(at(&good, SECONDS - 1), Some(expected));
        assert_eq!(at(&good, SECONDS), None);
        let before = UnixTime(NOW.0 - 1);
        assert_eq!(ceremony.answered(good.to_string().as_bytes(), before), None);

        for (field, value) in [
            ("type", serde_json::json!("webauthn.create")),
            ("origin", serde_json::json!("https://wardkey.example.org")),
            ("origin", serde_json::json!("https://evil.example")),
            ("crossOrigin", serde_json::json!(true)),
            ("topOrigin", serde_json::json!(ORIGIN)),
            ("challenge", serde_json::json!("")),
            ("challenge", serde_json::json!(Base64UrlUnpadded::encode_string(&[7; 52]))),
        ] {
            let mut other = good.clone();
            other[field] = value.clone();
            assert_eq!(at(&other, 0), None, "{field}: {value}");
        }
        let mut changed = challenge.clone();
        changed[20] ^= 1;
        assert_eq!(at(&said(&changed), 0), None);
        let other = Ceremony::new(&[2; 32], ORIGIN).unwrap().challenge(NOW).unwrap();
        assert_eq!(at(&said(&other), 0), None);
        let mut more = good;
        more["other_keys_can_be_added_here"] = serde_json::json!("as the standard says");
        assert_eq!(at(&more, 0), Some(expected));
    }
}
