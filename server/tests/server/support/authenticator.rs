//! A security key for tests: makes packed attestations with a certificate, and assertions.

use base64ct::{Base64UrlUnpadded, Encoding};
use minicbor::Encoder;
use p256::ecdsa::signature::Signer;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SigningKey as _,
};
use wardkey_core::client_data::ClientData;
use wardkey_core::codec::{Bytes, sha256};
use wardkey_core::id::CredentialId;
use wardkey_core::proof::assertion::Assertion;
use wardkey_server::secret;

use super::{ORIGIN, RP_ID};

pub const AAGUID: [u8; 16] = *b"wardkey-testkey!";

/// The maker of test keys: a root and a certificate for one batch.
pub struct Maker {
    pub root: String,
    issuer: Issuer<'static, KeyPair>,
    key: KeyPair,
    certificate: Vec<u8>,
}

impl Maker {
    pub fn new() -> Self {
        Self::with_certificate_for(AAGUID)
    }

    pub fn with_certificate_for(aaguid: [u8; 16]) -> Self {
        let root_key = KeyPair::generate().unwrap();
        let mut root = CertificateParams::default();
        root.distinguished_name.push(DnType::CommonName, "Test Key Root");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = root.self_signed(&root_key).unwrap().pem();
        Self::batch(pem, Issuer::new(root, root_key), aaguid)
    }

    /// Another batch under the same root.
    pub fn batch_for(&self, aaguid: [u8; 16]) -> Self {
        let key = KeyPair::from_pem(&self.issuer.key().serialize_pem()).unwrap();
        Self::batch(self.root.clone(), Issuer::from_ca_cert_pem(&self.root, key).unwrap(), aaguid)
    }

    fn batch(root: String, issuer: Issuer<'static, KeyPair>, aaguid: [u8; 16]) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut batch = CertificateParams::default();
        batch.distinguished_name = rcgen::DistinguishedName::new();
        // WebAuthn level 3, 8.2.1
        batch.distinguished_name.push(DnType::CountryName, "JP");
        batch.distinguished_name.push(DnType::OrganizationName, "Test");
        batch.distinguished_name.push(DnType::OrganizationalUnitName, "Authenticator Attestation");
        batch.distinguished_name.push(DnType::CommonName, "Test Key");
        batch.is_ca = IsCa::ExplicitNoCa;
        batch.use_authority_key_identifier_extension = true;
        let value = [&[0x04, 0x10][..], &aaguid].concat();
        batch
            .custom_extensions
            .push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4], value));
        let certificate = batch.signed_by(&key, &issuer).unwrap().der().to_vec();
        Self { root, issuer, key, certificate }
    }
}

/// How an attestation is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    Packed,
    SelfSigned,
    None,
    BadSignature,
    /// Signs neither flags nor model (WebAuthn level 3, 8.6); needs ES256.
    U2f,
}

/// What a registration is like; the default is what a good key does.
#[derive(Clone, Copy, Debug)]
pub struct Making<'a> {
    pub statement: Statement,
    pub flags: u8,
    pub rp_id: &'a str,
    pub origin: &'a str,
    pub kind: &'a str,
    pub cred_protect: Option<u8>,
    pub min_pin_length: Option<u8>,
    pub eddsa: bool,
    pub aaguid: [u8; 16],
}

impl Default for Making<'_> {
    fn default() -> Self {
        Self {
            statement: Statement::Packed,
            flags: 0x45,
            rp_id: RP_ID,
            origin: ORIGIN,
            kind: "webauthn.create",
            cred_protect: Some(2),
            min_pin_length: None,
            eddsa: false,
            aaguid: AAGUID,
        }
    }
}

enum Private {
    Es256(p256::ecdsa::SigningKey),
    EdDsa(ed25519_dalek::SigningKey),
}

/// One credential on a key.
pub struct Credential {
    private: Private,
    pub id: Vec<u8>,
    pub client_data: Vec<u8>,
    pub attestation_object: Vec<u8>,
    pub public_key: Vec<u8>,
}

impl Credential {
    /// Makes a credential for a challenge.
    pub fn make(maker: &Maker, challenge: &[u8], making: Making<'_>) -> Self {
        let seed = secret::random::<32>().unwrap();
        let private = if making.eddsa {
            Private::EdDsa(ed25519_dalek::SigningKey::from_bytes(&seed))
        } else {
            Private::Es256(p256::ecdsa::SigningKey::from_slice(&seed).unwrap())
        };
        let id = secret::random::<64>().unwrap().to_vec();
        let public_key = private.cose();
        let client_data = format!(
            r#"{{"type":"{}","challenge":"{}","origin":"{}","crossOrigin":false}}"#,
            making.kind,
            Base64UrlUnpadded::encode_string(challenge),
            making.origin
        )
        .into_bytes();
        let mut auth_data = sha256(making.rp_id.as_bytes()).as_bytes().to_vec();
        let told = [("credProtect", making.cred_protect), ("minPinLength", making.min_pin_length)];
        let told: Vec<_> =
            told.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let extensions = (!told.is_empty()).then(|| {
            let mut out = Vec::new();
            let mut e = Encoder::new(&mut out);
            e.map(told.len() as u64).unwrap();
            for (name, value) in &told {
                e.str(name).unwrap().u8(*value).unwrap();
            }
            out
        });
        auth_data.push(making.flags | if extensions.is_some() { 0x80 } else { 0 });
        auth_data.extend_from_slice(&1u32.to_be_bytes());
        auth_data.extend_from_slice(&making.aaguid);
        auth_data.extend_from_slice(&(id.len() as u16).to_be_bytes());
        auth_data.extend_from_slice(&id);
        auth_data.extend_from_slice(&public_key);
        auth_data.extend(extensions.into_iter().flatten());
        let message = [&auth_data[..], sha256(&client_data).as_bytes()].concat();
        let message = if making.statement == Statement::U2f {
            let client_data = sha256(&client_data);
            [&[0][..], &auth_data[..32], client_data.as_bytes(), &id, &private.point()].concat()
        } else {
            message
        };
        let attestation_object = object(maker, making, &private, &auth_data, &message);
        Self { private, id, client_data, attestation_object, public_key }
    }

    /// Logs in: an assertion over the client data of a login.
    pub fn assert(&self, data: &ClientData, counter: u32, flags: u8) -> Assertion {
        self.assert_bytes(data.to_bytes(), counter, flags)
    }

    /// The same over any client data.
    pub fn assert_bytes(&self, client_data: Vec<u8>, counter: u32, flags: u8) -> Assertion {
        let mut auth_data = sha256(RP_ID.as_bytes()).as_bytes().to_vec();
        auth_data.push(flags);
        auth_data.extend_from_slice(&counter.to_be_bytes());
        let message = [&auth_data[..], sha256(&client_data).as_bytes()].concat();
        Assertion {
            credential_id: CredentialId::new(self.id.clone()).unwrap(),
            client_data: Bytes::new(client_data).unwrap(),
            auth_data: Bytes::new(auth_data).unwrap(),
            signature: Bytes::new(self.private.sign(&message)).unwrap(),
            user_handle: None,
        }
    }

    /// The private key, for a key of another kind; ES256.
    pub fn to_pkcs8(&self) -> Vec<u8> {
        use p256::pkcs8::EncodePrivateKey;
        match &self.private {
            Private::Es256(key) => key.to_pkcs8_der().unwrap().as_bytes().to_vec(),
            Private::EdDsa(_) => unreachable!("ES256 only"),
        }
    }

    /// Fingerprint, as the command line takes it.
    pub fn fingerprint(&self) -> String {
        sha256(&self.id).to_hex()
    }
}

impl Private {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Es256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Self::EdDsa(key) => ed25519_dalek::Signer::sign(key, message).to_bytes().to_vec(),
        }
    }

    fn cose(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut e = Encoder::new(&mut out);
        match self {
            Self::Es256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                e.map(5).unwrap().u8(1).unwrap().u8(2).unwrap().u8(3).unwrap().i8(-7).unwrap();
                e.i8(-1).unwrap().u8(1).unwrap().i8(-2).unwrap().bytes(point.x().unwrap()).unwrap();
                e.i8(-3).unwrap().bytes(point.y().unwrap()).unwrap();
            }
            Self::EdDsa(key) => {
                e.map(4).unwrap().u8(1).unwrap().u8(1).unwrap().u8(3).unwrap().i8(-8).unwrap();
                e.i8(-1)
                    .unwrap()
                    .u8(6)
                    .unwrap()
                    .i8(-2)
                    .unwrap()
                    .bytes(key.verifying_key().as_bytes())
                    .unwrap();
            }
        }
        out
    }

    /// The public key as U2F writes it.
    fn point(&self) -> Vec<u8> {
        match self {
            Self::Es256(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::EdDsa(_) => unreachable!("U2F is ES256"),
        }
    }

    const fn algorithm(&self) -> i8 {
        match self {
            Self::Es256(_) => -7,
            Self::EdDsa(_) => -8,
        }
    }
}

fn object(
    maker: &Maker,
    making: Making<'_>,
    private: &Private,
    auth_data: &[u8],
    message: &[u8],
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut e = Encoder::new(&mut out);
    e.map(3).unwrap().str("fmt").unwrap();
    match making.statement {
        Statement::None => {
            e.str("none").unwrap().str("attStmt").unwrap().map(0).unwrap();
        }
        Statement::SelfSigned => {
            e.str("packed").unwrap().str("attStmt").unwrap().map(2).unwrap();
            e.str("alg").unwrap().i8(private.algorithm()).unwrap();
            e.str("sig").unwrap().bytes(&private.sign(message)).unwrap();
        }
        Statement::U2f => {
            e.str("fido-u2f").unwrap().str("attStmt").unwrap().map(2).unwrap();
            e.str("sig").unwrap().bytes(&maker.key.sign(message).unwrap()).unwrap();
            e.str("x5c").unwrap().array(1).unwrap().bytes(&maker.certificate).unwrap();
        }
        Statement::Packed | Statement::BadSignature => {
            let signed =
                if making.statement == Statement::Packed { message } else { b"something else" };
            e.str("packed").unwrap().str("attStmt").unwrap().map(3).unwrap();
            e.str("alg").unwrap().i8(-7).unwrap();
            e.str("sig").unwrap().bytes(&maker.key.sign(signed).unwrap()).unwrap();
            e.str("x5c").unwrap().array(1).unwrap().bytes(&maker.certificate).unwrap();
        }
    }
    e.str("authData").unwrap().bytes(auth_data).unwrap();
    out
}
