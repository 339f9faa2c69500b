//! The attestation object (WebAuthn level 3, 6.5.4) and its authenticator data (6.1), read
//! strictly: nothing twice, nothing unannounced, nothing after the end.

use minicbor::Decoder;
use wardkey_core::code::Code;
use wardkey_core::codec::sha256;
use wardkey_core::id::{Aaguid, CredentialId, Hash};
use wardkey_core::name::RpId;
use wardkey_core::proof::assertion::AuthenticatorFlags;

use crate::error::{Error, Result};

/// The longest attestation object in bytes that is looked at.
pub const MAX_OBJECT: usize = 16_384;
/// The longest name of a format in bytes.
const MAX_FORMAT: usize = 32;
/// Extensions that one answer may name.
const MAX_EXTENSIONS: u64 = 32;

/// What a registration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// `packed`, `none`, ...
    pub format: String,
    /// SHA-256 of the relying party id.
    pub rp_id_hash: Hash,
    /// Flags.
    pub flags: AuthenticatorFlags,
    /// Signature counter.
    pub counter: u32,
    /// Model.
    pub aaguid: Aaguid,
    /// Credential id.
    pub credential_id: CredentialId,
    /// COSE_Key, exactly as the key wrote it.
    pub public_key: Vec<u8>,
    /// credProtect level; 0 when the key did not say.
    pub cred_protect: u8,
    /// How many characters a PIN of the key has at least; none when the key did not say.
    pub min_pin_length: Option<u8>,
    /// The authenticator data, whole.
    pub auth_data: Vec<u8>,
    /// The statement.
    pub statement: Statement,
}

/// An attestation statement, as far as it is read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// None.
    None,
    /// Packed, signed by the credential itself.
    Itself {
        /// COSE algorithm.
        algorithm: i64,
        /// Signature.
        signature: Vec<u8>,
    },
    /// Packed, signed by a certificate.
    Certificate {
        /// Signature.
        signature: Vec<u8>,
        /// The certificates, DER: that of the key first, each signed by the next.
        certificates: Vec<Vec<u8>>,
    },
    /// Something else: left to the library.
    Other,
}

impl Attestation {
    /// Reads an attestation object.
    ///
    /// # Errors
    /// [`Code::RegistrationRefused`] for anything but a well-formed one.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_OBJECT {
            return Err(bad("too long"));
        }
        let (format, statement, auth_data) = object(bytes).map_err(because)?;
        let statement = Statement::read(&format, statement);
        Ok(Self { statement, ..authenticator_data(format, auth_data)? })
    }

    /// Checks the signed facts.
    ///
    /// # Errors
    /// [`Code::RegistrationRefused`] for another relying party, no touch, no PIN, or impossible
    /// backup flags.
    pub fn check(&self, rp_id: &RpId) -> Result<()> {
        if self.rp_id_hash != sha256(rp_id.as_str().as_bytes()) {
            return Err(bad("made for another relying party"));
        }
        if !self.flags.has(AuthenticatorFlags::UP) {
            return Err(bad("the key was not touched"));
        }
        if !self.flags.has(AuthenticatorFlags::UV) {
            return Err(bad("the key did not check the PIN"));
        }
        if self.flags.has(AuthenticatorFlags::BS) && !self.flags.has(AuthenticatorFlags::BE) {
            return Err(bad("backed up, but not eligible for backup"));
        }
        Ok(())
    }

    /// Whether the credential may be copied to other devices.
    pub const fn backup_eligible(&self) -> bool {
        self.flags.has(AuthenticatorFlags::BE)
    }
}

/// Format, statement (as CBOR) and authenticator data.
fn object(bytes: &[u8]) -> Result<(String, &[u8], &[u8]), minicbor::decode::Error> {
    let wrong = minicbor::decode::Error::message;
    let mut d = Decoder::new(bytes);
    if d.map()? != Some(3) {
        return Err(wrong("not a map of three"));
    }
    let (mut format, mut statement, mut auth_data) = (None, None, None);
    for _ in 0..3 {
        let twice = match d.str()? {
            "fmt" => format.replace(d.str()?.to_owned()).is_some(),
            "attStmt" => {
                let begin = d.position();
                d.skip()?;
                let whole = bytes
                    .get(begin..d.position())
                    .ok_or_else(|| wrong("the statement ends early"))?;
                statement.replace(whole).is_some()
            }
            "authData" => auth_data.replace(d.bytes()?).is_some(),
            _ => return Err(wrong("an unknown member")),
        };
        if twice {
            return Err(wrong("a member twice"));
        }
    }
    if d.position() != bytes.len() {
        return Err(wrong("trailing bytes"));
    }
    // Only letters, digits and the like stand in one (WebAuthn level 3, 8.1).
    let is_name = |name: &String| {
        name.len() <= MAX_FORMAT && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let format = format.filter(is_name);
    match (format, statement, auth_data) {
        (Some(format), Some(statement), Some(auth_data)) => Ok((format, statement, auth_data)),
        _ => Err(wrong("a member is missing")),
    }
}

impl Statement {
    fn read(format: &str, bytes: &[u8]) -> Self {
        match format {
            "none" if bytes == [0xa0] => Self::None,
            "packed" => Self::packed(bytes).unwrap_or(Self::Other),
            _ => Self::Other,
        }
    }

    /// `{alg, sig}` or `{alg, sig, x5c}`, in any order.
    fn packed(bytes: &[u8]) -> Option<Self> {
        let mut d = Decoder::new(bytes);
        let count = d.map().ok()?.filter(|count| (2..=3).contains(count))?;
        let (mut algorithm, mut signature, mut certificates) = (None, None, None);
        for _ in 0..count {
            match d.str().ok()? {
                "alg" => algorithm = Some(d.i64().ok()?),
                "sig" => signature = Some(d.bytes().ok()?.to_vec()),
                "x5c" => {
                    let length = d.array().ok()?.filter(|length| (1..=8).contains(length))?;
                    let all = (0..length)
                        .map(|_| d.bytes().ok().map(<[u8]>::to_vec))
                        .collect::<Option<Vec<_>>>()?;
                    if certificates.replace(all).is_some() {
                        return None;
                    }
                }
                _ => return None,
            }
        }
        let (algorithm, signature) = algorithm.zip(signature)?;
        match certificates {
            None if count == 2 => Some(Self::Itself { algorithm, signature }),
            Some(certificates) if count == 3 => Some(Self::Certificate { signature, certificates }),
            _ => None,
        }
    }
}

fn authenticator_data(format: String, bytes: &[u8]) -> Result<Attestation> {
    let short = || bad("authenticator data ends early");
    let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or_else(short)?;
    let (flags, rest) = rest.split_first().ok_or_else(short)?;
    let (counter, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let flags = AuthenticatorFlags(*flags);
    if !flags.has(AuthenticatorFlags::AT) {
        return Err(bad("no attested credential data"));
    }
    let (aaguid, rest) = rest.split_first_chunk::<16>().ok_or_else(short)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
    let (id, rest) =
        rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(short)?;
    let mut d = Decoder::new(rest);
    d.skip().map_err(because)?;
    let (public_key, extensions) = rest.split_at_checked(d.position()).ok_or_else(short)?;
    if flags.has(AuthenticatorFlags::ED) == extensions.is_empty() {
        return Err(bad("extension flag and extension data do not agree"));
    }
    let told =
        if extensions.is_empty() { Extensions::default() } else { read_extensions(extensions)? };
    Ok(Attestation {
        format,
        rp_id_hash: Hash::new(*rp_id_hash),
        flags,
        counter: u32::from_be_bytes(*counter),
        aaguid: Aaguid::new(*aaguid),
        credential_id: CredentialId::new(id).map_err(because)?,
        public_key: public_key.to_vec(),
        cred_protect: told.cred_protect,
        min_pin_length: told.min_pin_length,
        auth_data: bytes.to_vec(),
        statement: Statement::Other,
    })
}

/// What a key says by extensions.
#[derive(Default)]
struct Extensions {
    cred_protect: u8,
    min_pin_length: Option<u8>,
}

fn read_extensions(bytes: &[u8]) -> Result<Extensions> {
    let read = || -> Result<(Option<u8>, Option<u8>), minicbor::decode::Error> {
        let wrong = minicbor::decode::Error::message;
        let mut d = Decoder::new(bytes);
        let count = d
            .map()?
            .filter(|count| *count <= MAX_EXTENSIONS)
            .ok_or_else(|| wrong("extensions of a wrong size"))?;
        let (mut level, mut least) = (None, None);
        for _ in 0..count {
            let told = match d.str()? {
                "credProtect" => &mut level,
                "minPinLength" => &mut least,
                _ => {
                    d.skip()?;
                    continue;
                }
            };
            if told.replace(d.u8()?).is_some() {
                return Err(wrong("an extension twice"));
            }
        }
        if d.position() == bytes.len() { Ok((level, least)) } else { Err(wrong("trailing bytes")) }
    };
    let (level, min_pin_length) = read().map_err(because)?;
    let cred_protect = match level {
        None => 0,
        Some(level @ 1..=3) => level,
        Some(_) => return Err(bad("a credProtect level that there is not")),
    };
    Ok(Extensions { cred_protect, min_pin_length })
}

fn bad(what: &str) -> Error {
    Error::refused(Code::RegistrationRefused, format!("attestation object: {what}"))
}

fn because(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    bad(&cause.to_string()).caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minicbor::Encoder;

    fn data(flags: u8, id: &[u8], tail: &[u8]) -> Vec<u8> {
        let mut out = vec![7; 32];
        out.push(flags);
        out.extend_from_slice(&[0, 0, 0, 9]);
        out.extend_from_slice(&[1; 16]);
        out.extend_from_slice(&(id.len() as u16).to_be_bytes());
        out.extend_from_slice(id);
        out.extend_from_slice(tail);
        out
    }

    fn wrap(auth_data: &[u8]) -> Vec<u8> {
        wrap_as("none", auth_data)
    }

    fn wrap_as(format: &str, auth_data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut e = Encoder::new(&mut out);
        e.map(3)
            .unwrap()
            .str("fmt")
            .unwrap()
            .str(format)
            .unwrap()
            .str("attStmt")
            .unwrap()
            .map(0)
            .unwrap();
        e.str("authData").unwrap().bytes(auth_data).unwrap();
        out
    }

    const KEY: &[u8] = &[0xa1, 0x01, 0x02];
    const LEVEL_2: &[u8] = b"\xa1\x6bcredProtect\x02";

    #[test]
    fn what_is_not_exactly_an_attestation_object_is_refused() {
        let good = wrap(&data(0xc5, &[3; 16], &[KEY, LEVEL_2].concat()));
        let read = Attestation::parse(&good).unwrap();
        assert_eq!((read.counter, read.cred_protect, read.public_key.as_slice()), (9, 2, KEY));
        assert_eq!(Attestation::parse(&wrap(&data(0x45, &[3; 16], KEY))).unwrap().cred_protect, 0);
        assert_eq!(read.min_pin_length, None);
        let both = b"\xa2\x6bcredProtect\x02\x6cminPinLength\x18\x3f";
        let read = wrap(&data(0xc5, &[3; 16], &[KEY, both].concat()));
        let read = Attestation::parse(&read).unwrap();
        assert_eq!((read.cred_protect, read.min_pin_length), (2, Some(63)));
        for (what, bytes) in [
            ("trailing", [&good[..], &[0]].concat()),
            ("cut", good[..good.len() - 1].to_vec()),
            ("not a map", vec![0x80]),
            ("no credential data", wrap(&data(0x05, &[3; 16], KEY))),
            ("unannounced extensions", wrap(&data(0x45, &[3; 16], &[KEY, LEVEL_2].concat()))),
            ("announced, but missing", wrap(&data(0xc5, &[3; 16], KEY))),
            (
                "a length that is no number",
                wrap(&data(0xc5, &[3; 16], &[KEY, b"\xa1\x6cminPinLength\xf5"].concat())),
            ),
            (
                "two lengths",
                wrap(&data(
                    0xc5,
                    &[3; 16],
                    &[KEY, b"\xa2\x6cminPinLength\x08\x6cminPinLength\x04"].concat(),
                )),
            ),
            ("level 4", wrap(&data(0xc5, &[3; 16], &[KEY, b"\xa1\x6bcredProtect\x04"].concat()))),
            (
                "extension twice",
                wrap(&data(
                    0xc5,
                    &[3; 16],
                    &[KEY, b"\xa2\x6bcredProtect\x01\x6bcredProtect\x02"].concat(),
                )),
            ),
            ("short id", wrap(&data(0x45, &[3; 15], KEY))),
            ("id longer than the data", wrap(&data(0x45, &[3; 16], &[])[..50])),
            ("no key", wrap(&data(0x45, &[3; 16], &[]))),
            ("a format with a NUL", wrap_as("no\0ne", &data(0x45, &[3; 16], KEY))),
            ("too long a format", wrap_as(&"n".repeat(33), &data(0x45, &[3; 16], KEY))),
            ("too long", vec![0; MAX_OBJECT + 1]),
        ] {
            Attestation::parse(&bytes).expect_err(what);
        }
    }

    #[test]
    fn no_cut_of_an_attestation_object_is_one() {
        let good = wrap(&data(0xc5, &[3; 16], &[KEY, LEVEL_2].concat()));
        for end in 0..good.len() {
            Attestation::parse(&good[..end]).unwrap_err();
        }
    }
}
