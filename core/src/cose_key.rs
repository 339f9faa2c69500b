//! Public keys of credentials: COSE_Key (RFC 9053, 7) for ES256 and EdDSA, and their signatures.

use ed25519_dalek::VerifyingKey as Ed25519Key;
use minicbor::Decoder;
use minicbor::data::Type;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature as P256Signature, VerifyingKey as P256Key};

use crate::codec::CodecError;

/// The longest COSE_Key that is looked at, in bytes.
pub const MAX_COSE_KEY: usize = 256;

/// Signature algorithms that a login accepts (COSE numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256, COSE -7.
    Es256,
    /// Ed25519, COSE -8.
    EdDsa,
}

impl Algorithm {
    /// The COSE algorithm number.
    pub const fn cose(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
        }
    }
}

/// A parsed public key: what exists can verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// A point on P-256.
    Es256(P256Key),
    /// A point on edwards25519.
    EdDsa(Ed25519Key),
}

impl PublicKey {
    /// Reads a COSE_Key.
    ///
    /// # Errors
    /// [`CodecError::Malformed`] when it is no ES256 or EdDSA key, a label comes twice, or the
    /// point is not on the curve.
    pub fn from_cose(bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() > MAX_COSE_KEY {
            return Err(CodecError::TooLong { max: MAX_COSE_KEY, actual: bytes.len() });
        }
        let fields = CoseFields::read(bytes).map_err(|e| CodecError::Malformed(e.to_string()))?;
        let bad = |what: &str| CodecError::Malformed(format!("COSE key: {what}"));
        match (fields.kty, fields.alg, fields.crv) {
            (Some(2), Some(-7), Some(1)) => {
                let (x, y) =
                    (fields.x.ok_or_else(|| bad("no x"))?, fields.y.ok_or_else(|| bad("no y"))?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(bad("coordinates are not 32 bytes"));
                }
                let point = [&[4][..], x, y].concat();
                P256Key::from_sec1_bytes(&point)
                    .map(Self::Es256)
                    .map_err(|_| bad("point is not on P-256"))
            }
            (Some(1), Some(-8), Some(6)) => {
                let x = fields
                    .x
                    .and_then(|x| <&[u8; 32]>::try_from(x).ok())
                    .ok_or_else(|| bad("x is not 32 bytes"))?;
                Ed25519Key::from_bytes(x)
                    .map(Self::EdDsa)
                    .map_err(|_| bad("point is not on edwards25519"))
            }
            _ => Err(bad("neither ES256 nor EdDSA")),
        }
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    /// True when `signature` (ES256: DER; EdDSA: 64 bytes) is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(key) => P256Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::EdDsa(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        }
    }
}

#[derive(Default)]
struct CoseFields<'a> {
    kty: Option<i64>,
    alg: Option<i64>,
    crv: Option<i64>,
    x: Option<&'a [u8]>,
    y: Option<&'a [u8]>,
}

impl<'a> CoseFields<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, minicbor::decode::Error> {
        let wrong = |what| minicbor::decode::Error::message(what);
        let mut d = Decoder::new(bytes);
        let count = d
            .map()?
            .filter(|count| *count <= 8)
            .ok_or_else(|| wrong("COSE key: map of a wrong size"))?;
        let mut fields = Self::default();
        for _ in 0..count {
            let label = d.i64()?;
            let twice = match label {
                1 => fields.kty.replace(d.i64()?).is_some(),
                3 => fields.alg.replace(d.i64()?).is_some(),
                -1 => fields.crv.replace(d.i64()?).is_some(),
                -2 => fields.x.replace(d.bytes()?).is_some(),
                -3 if d.datatype()? == Type::Bytes => fields.y.replace(d.bytes()?).is_some(),
                _ => return Err(wrong("COSE key: unknown label")),
            };
            if twice {
                return Err(wrong("COSE key: a label comes twice"));
            }
        }
        if d.position() != bytes.len() {
            return Err(wrong("COSE key: trailing bytes"));
        }
        Ok(fields)
    }
}
