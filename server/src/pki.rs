//! The certificate authority of a deployment: its own certificate, the server's and the terminals'.
//!
//! The CA's certificate stands in the root document; nothing else is trusted for TLS by either
//! side.

pub mod clients;
mod exchange;
pub mod given;
mod links;

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
    SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use wardkey_core::code::Code;
use wardkey_core::codec::sha256;
use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::time::UnixTime;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::secret;
use crate::texts::Text;

/// Length in bytes of the serial numbers that we give.
pub const SERIAL_LEN: usize = 16;
/// Days for which the CA is valid: longer than a deployment's root document lives.
const CA_DAYS: u64 = 20 * 365;
/// Days before its end from which on the CA is to be exchanged, and one that was prepared is not
/// taken: who is away for long has to have heard of the next one before.
pub const EXCHANGE_DAYS: u64 = 180;
/// Days for which the server's own certificate is valid.
pub const SERVER_DAYS: u64 = 397;
/// Seconds before now from which a certificate is valid, for clocks that are behind.
const BEFORE: u64 = 3600;
/// Begins the URI that names a terminal in its certificate.
const TERMINAL_URI: &str = "urn:wardkey:terminal:";

/// A certificate and its key, as files hold them.
pub struct KeyAndCertificate {
    /// PKCS #8, PEM.
    pub key: Zeroizing<String>,
    /// PEM.
    pub certificate: String,
}

/// A certificate issued to a terminal.
#[derive(Clone, Debug)]
pub struct Issued {
    /// DER.
    pub certificate: Vec<u8>,
    /// Serial number.
    pub serial: [u8; SERIAL_LEN],
    /// Valid from.
    pub begins: UnixTime,
    /// Valid until.
    pub expires: UnixTime,
    /// SHA-256 of the public key that it is for (SubjectPublicKeyInfo, DER).
    pub key: Hash,
    /// SHA-256 of the certificate of the authority that issued it.
    pub by: Hash,
}

/// A certificate request that was signed by its own key.
pub struct CertificateRequest {
    params: CertificateSigningRequestParams,
    key: Hash,
}

impl CertificateRequest {
    /// Reads a request (PKCS #10, DER).
    ///
    /// # Errors
    /// [`Code::RequestInvalid`] when it is malformed, not signed by its key, or of a key that we do
    /// not take (P-256, P-384 and Ed25519 are).
    pub fn read(csr: &[u8]) -> Result<Self> {
        let wrong = |what: String| {
            Error::refused(Code::RequestInvalid, format!("certificate request: {what}"))
        };
        let csr = CertificateSigningRequestDer::from(csr.to_vec());
        let params = CertificateSigningRequestParams::from_der(&csr)
            .map_err(|error| wrong(error.to_string()))?;
        let taken =
            [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519];
        if !taken.contains(&params.public_key.algorithm()) {
            return Err(wrong("the key is neither P-256, P-384 nor Ed25519".into()));
        }
        let key = sha256(&params.public_key.subject_public_key_info());
        Ok(Self { params, key })
    }

    /// SHA-256 of its public key (SubjectPublicKeyInfo, DER).
    pub const fn key(&self) -> &Hash {
        &self.key
    }
}

/// The certificate authority, with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    id: Hash,
    /// Certificates (PEM) that lead from the authorities before to this one.
    links: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({}, key redacted)", self.id)
    }
}

impl Authority {
    /// Makes the key and certificate of a new authority.
    ///
    /// # Errors
    /// [`Error::Crypto`] when they cannot be made.
    pub fn create(deployment: &str, now: UnixTime) -> Result<KeyAndCertificate> {
        Self::create_as(&format!("Wardkey CA {deployment}"), now)
    }

    fn create_as(name: &str, now: UnixTime) -> Result<KeyAndCertificate> {
        let key = new_key()?;
        let params = params_of_authority(name, now, CA_DAYS)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(KeyAndCertificate {
            key: Zeroizing::new(key.serialize_pem()),
            certificate: certificate.pem(),
        })
    }

    /// Takes the authority's files: its certificate is the first one, and the others lead to it.
    ///
    /// # Errors
    /// [`Error::Crypto`] when they are not a certificate and its key.
    pub fn load(files: &KeyAndCertificate) -> Result<Self> {
        let key = KeyPair::from_pem(&files.key).map_err(failed)?;
        let (certificate, _) = read_certificate(&files.certificate)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(failed)?;
        let links = links::certificates_in(&files.certificate).skip(1).collect();
        let id = sha256(&certificate);
        Ok(Self { issuer, certificate, id, links })
    }

    /// SHA-256 of its certificate.
    pub const fn id(&self) -> &Hash {
        &self.id
    }

    /// Makes a key and certificate for the server under its names and addresses.
    ///
    /// # Errors
    /// [`Error::Crypto`] when a name cannot stand in a certificate.
    pub fn server(&self, names: &[String], now: UnixTime) -> Result<KeyAndCertificate> {
        self.named((names, ExtendedKeyUsagePurpose::ServerAuth), now, SERVER_DAYS)
    }

    /// Makes a key and certificate by which the server shows collectors of records who it is.
    ///
    /// # Errors
    /// [`Error::Crypto`] when it cannot be made.
    pub fn client(&self, host: &str, now: UnixTime, days: u64) -> Result<KeyAndCertificate> {
        // A name that can stand in no certificate keeps nobody from being certified.
        let names = [host.to_owned()];
        let names = names.get(..usize::from(is_dns_name(host))).unwrap_or_default();
        self.named((names, ExtendedKeyUsagePurpose::ClientAuth), now, days)
    }

    fn named(
        &self,
        (names, usage): (&[String], ExtendedKeyUsagePurpose),
        now: UnixTime,
        days: u64,
    ) -> Result<KeyAndCertificate> {
        let key = new_key()?;
        let mut params = params(now, days)?;
        for name in names {
            params.subject_alt_names.push(match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(name.as_str().try_into().map_err(failed)?),
            });
        }
        params.distinguished_name = named(names.first().map_or("wardkey-server", String::as_str));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(KeyAndCertificate {
            key: Zeroizing::new(key.serialize_pem()),
            certificate: certificate.pem(),
        })
    }

    /// Issues a terminal's certificate for the key in a signing request; everything else that the
    /// request asks for is passed over.
    ///
    /// # Errors
    /// [`Error::Crypto`], [`Error::Io`] when it cannot be made.
    pub fn terminal(
        &self,
        request: CertificateRequest,
        terminal: &TerminalId,
        now: UnixTime,
        days: u64,
    ) -> Result<Issued> {
        let CertificateRequest { params: mut request, key } = request;
        let mut serial = secret::random::<SERIAL_LEN>()?;
        // A positive number of exactly this length, so that it is read back as it was given.
        if let Some(first) = serial.first_mut() {
            *first = (*first & 0x7f) | 0x40;
        }
        let mut params = params(now, days)?;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.distinguished_name = named(&terminal.to_hex());
        let uri = format!("{TERMINAL_URI}{terminal}");
        params.subject_alt_names = vec![SanType::URI(uri.as_str().try_into().map_err(failed)?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        request.params = params;
        let certificate = request.signed_by(&self.issuer).map_err(failed)?;
        let expires = now.plus(days.saturating_mul(86_400));
        Ok(Issued {
            certificate: certificate.der().to_vec(),
            serial,
            begins: UnixTime(now.0.saturating_sub(BEFORE)),
            expires,
            key,
            by: self.id,
        })
    }
}

/// Who a verified client certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalCertificate {
    /// The terminal.
    pub terminal: TerminalId,
    /// Its serial number.
    pub serial: [u8; SERIAL_LEN],
    /// Valid from.
    pub begins: UnixTime,
    /// Valid until.
    pub expires: UnixTime,
    /// SHA-256 of its public key (SubjectPublicKeyInfo, DER).
    pub key: Hash,
    /// SHA-256 of the certificate of the authority that issued it.
    pub by: Hash,
}

impl TerminalCertificate {
    /// Reads what we wrote into a certificate that is verified to be of this authority. `None` when
    /// it is not a terminal's: it says so in one URI, and has a serial number of ours.
    pub fn read(certificate: &CertificateDer<'_>, by: Hash) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(certificate).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let names = certificate.subject_alternative_name().ok()??;
        let [GeneralName::URI(uri)] = names.value.general_names.as_slice() else { return None };
        let terminal = TerminalId::from_hex(uri.strip_prefix(TERMINAL_URI)?).ok()?;
        let serial = certificate.raw_serial().try_into().ok()?;
        let begins = UnixTime(certificate.validity().not_before.timestamp().try_into().ok()?);
        let expires = UnixTime(certificate.validity().not_after.timestamp().try_into().ok()?);
        let key = sha256(certificate.public_key().raw);
        Some(Self { terminal, serial, begins, expires, key, by })
    }
}

/// Whether a name can stand in a certificate.
fn is_dns_name(name: &str) -> bool {
    let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_');
    !name.is_empty() && name.bytes().all(fits)
}

/// When a certificate (PEM) ends, and its DER.
///
/// # Errors
/// [`Error::Crypto`] when it is not a certificate.
pub fn read_certificate(pem: &str) -> Result<(CertificateDer<'static>, UnixTime)> {
    use rustls::pki_types::pem::PemObject;
    let der = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(Error::crypto(Text::DoingCertificate))?;
    let end = end_of(&der)?;
    Ok((der, end))
}

/// When a certificate (DER) ends.
///
/// # Errors
/// [`Error::Crypto`] when it is not a certificate.
pub fn end_of(certificate: &[u8]) -> Result<UnixTime> {
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(Error::crypto(Text::DoingCertificate))?;
    let end = certificate.validity().not_after.timestamp();
    Ok(UnixTime(u64::try_from(end).unwrap_or(0)))
}

/// The names and addresses of a certificate (PEM), as they are compared.
///
/// # Errors
/// [`Error::Crypto`] when it is not a certificate.
pub fn names_of(pem: &str) -> Result<Vec<String>> {
    let (der, _) = read_certificate(pem)?;
    let (_, certificate) =
        X509Certificate::from_der(&der).map_err(Error::crypto(Text::DoingCertificate))?;
    let names =
        certificate.subject_alternative_name().map_err(Error::crypto(Text::DoingCertificate))?;
    let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
    let address = |octets: &[u8]| {
        let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
        four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
    };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(canonical(name)),
        GeneralName::IPAddress(octets) => address(octets).map(|address| address.to_string()),
        _ => None,
    };
    Ok(names.iter().filter_map(name).collect())
}

/// A name or address as it is compared: names in small letters, addresses as they are written.
pub fn canonical(host: &str) -> String {
    host.parse::<IpAddr>().map_or_else(|_| host.to_ascii_lowercase(), |address| address.to_string())
}

/// A certificate with its key, as TLS takes it, and those that lead to one that others know.
///
/// # Errors
/// [`Error::Crypto`] when one of them cannot be read, or they do not belong together.
pub fn certified(files: &KeyAndCertificate) -> Result<CertifiedKey> {
    use rustls::pki_types::pem::PemObject;
    const PAIR: Text = Text::DoingPair;
    let key = PrivateKeyDer::from_pem_slice(files.key.as_bytes()).map_err(Error::crypto(PAIR))?;
    let chain = CertificateDer::pem_slice_iter(files.certificate.as_bytes())
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(Error::crypto(Text::DoingCertificate))?;
    let key =
        rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).map_err(Error::crypto(PAIR))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            Err(Error::crypto(PAIR)("they do not belong together; restore both of one pair"))
        }
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(certified)
        }
        Err(error) => Err(Error::crypto(PAIR)(error)),
    }
}

fn new_key() -> Result<KeyPair> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(failed)
}

fn params(now: UnixTime, days: u64) -> Result<CertificateParams> {
    let date = |time: u64| {
        OffsetDateTime::from_unix_timestamp(i64::try_from(time).unwrap_or(i64::MAX))
            .map_err(Error::crypto(Text::DoingDate))
    };
    let mut params = CertificateParams::default();
    params.not_before = date(now.0.saturating_sub(BEFORE))?;
    params.not_after = date(now.plus(days.saturating_mul(86_400)).0)?;
    params.use_authority_key_identifier_extension = true;
    params.distinguished_name = DistinguishedName::new();
    Ok(params)
}

fn params_of_authority(name: &str, now: UnixTime, days: u64) -> Result<CertificateParams> {
    let mut params = params(now, days)?;
    params.distinguished_name = named(name);
    // Those that follow it are certified by it, each by the one before.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(links::MAX_LINKS));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    Ok(params)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    // X.520 allows 64 characters in a common name.
    name.push(DnType::CommonName, common_name.chars().take(64).collect::<String>());
    name
}

fn failed(error: rcgen::Error) -> Error {
    Error::crypto(Text::DoingCertificate)(error)
}
