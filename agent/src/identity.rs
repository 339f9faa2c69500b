//! Who this terminal is: `terminal.toml`, `terminal.pem` and `terminal.key` in the state folder.

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use wardkey_core::id::{SigningPublicKey, TerminalId};
use wardkey_core::snapshot::Anchor;
use wardkey_core::time::UnixTime;
use x509_parser::extensions::ParsedExtension;
use zeroize::Zeroizing;

use crate::error::AgentError;
use crate::files;

/// The longest of the files in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Where the server said that it is, beside the address by which this terminal joined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The root document under which that was verified.
    pub root_version: u64,
    /// The number of the list.
    pub number: u64,
    /// The list, in the order in which it is tried.
    pub list: Vec<String>,
    /// The address by which a list came that does not name it: whatever the list says, there the
    /// server was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came_from: Option<String>,
    /// Where the server answered last, if that is not the first place: there a terminal that starts
    /// again begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
}

/// A joined terminal.
#[derive(Clone)]
pub struct Identity {
    /// Address of the server by which this terminal joined, `https://host:port`.
    pub server: String,
    /// Where it is besides.
    pub addresses: Addresses,
    /// The terminal.
    pub terminal: TerminalId,
    /// Key of the first root document.
    pub root_key: SigningPublicKey,
    /// The terminal's TLS certificate.
    pub certificate: CertificateDer<'static>,
    /// Its private key, PEM.
    pub key: Zeroizing<String>,
    /// When the certificate begins.
    pub not_before: UnixTime,
    /// When it ends.
    pub not_after: UnixTime,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({}, {}, key redacted)", self.terminal, self.server)
    }
}

#[derive(Serialize, Deserialize)]
struct TerminalFile {
    server: String,
    terminal: String,
    root_key: String,
    #[serde(default)]
    addresses: Addresses,
}

impl Identity {
    /// Takes the parts of an identity and reads the certificate's validity.
    ///
    /// # Errors
    /// [`AgentError::Denied`] when the certificate cannot be read.
    pub fn new(
        server: String,
        terminal: TerminalId,
        root_key: SigningPublicKey,
        certificate: Vec<u8>,
        key: Zeroizing<String>,
    ) -> Result<Self, AgentError> {
        let (not_before, not_after) = validity(&certificate)?;
        Ok(Self {
            server,
            addresses: Addresses::default(),
            terminal,
            root_key,
            certificate: certificate.into(),
            key,
            not_before,
            not_after,
        })
    }

    /// Reads the identity; `None` for a terminal that has not joined.
    ///
    /// # Errors
    /// [`AgentError`] when a file is missing beside the others or wrong.
    pub fn read(folder: &Path) -> Result<Option<Self>, AgentError> {
        let Some(text) = read_text(&folder.join("terminal.toml"))? else { return Ok(None) };
        let file: TerminalFile =
            toml::from_str(&text).map_err(|error| bad(&format!("terminal.toml: {error}")))?;
        let certificate = read_text(&folder.join("terminal.pem"))?
            .ok_or_else(|| bad("terminal.pem is missing"))?;
        let key = read_text(&folder.join("terminal.key"))?
            .ok_or_else(|| bad("terminal.key is missing"))?;
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|_| bad("terminal.pem is not a certificate"))?;
        let identity = Self::new(
            file.server,
            TerminalId::from_hex(&file.terminal)?,
            SigningPublicKey::from_hex(&file.root_key)?,
            certificate.to_vec(),
            key,
        )?;
        identity.private_key()?;
        Ok(Some(Self { addresses: file.addresses, ..identity }))
    }

    /// Writes the identity, each file atomically, `terminal.toml` last: it makes a terminal a
    /// joined one.
    ///
    /// # Errors
    /// [`AgentError`] when a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), AgentError> {
        files::replace(&folder.join("terminal.key"), self.key.as_bytes(), 0o600)?;
        self.write_certificate(folder)?;
        self.write_places(folder)
    }

    /// Writes who the terminal is and where its server, after a change of addresses.
    ///
    /// # Errors
    /// [`AgentError`] when it cannot be written.
    pub fn write_places(&self, folder: &Path) -> Result<(), AgentError> {
        let file = TerminalFile {
            server: self.server.clone(),
            terminal: self.terminal.to_hex(),
            root_key: self.root_key.to_hex(),
            addresses: self.addresses.clone(),
        };
        let text = toml::to_string(&file).map_err(|error| bad(&error.to_string()))?;
        files::replace(&folder.join("terminal.toml"), text.as_bytes(), 0o600)
    }

    /// Where the server is, in the order in which that is tried: as it said last, where it was when
    /// it said that, where it was when this terminal joined. A list that is wrong leads to nobody,
    /// and strands nobody.
    pub fn places(&self) -> Vec<String> {
        let said = self.addresses.list.iter().chain(&self.addresses.came_from);
        let mut places: Vec<String> = Vec::new();
        for place in said.chain(std::iter::once(&self.server)) {
            if !places.contains(place) {
                places.push(place.clone());
            }
        }
        places
    }

    /// Writes the certificate only, after a renewal.
    ///
    /// # Errors
    /// [`AgentError`] when it cannot be written.
    pub fn write_certificate(&self, folder: &Path) -> Result<(), AgentError> {
        files::replace(
            &folder.join("terminal.pem"),
            pem("CERTIFICATE", &self.certificate).as_bytes(),
            0o600,
        )
    }

    /// What the agent believes.
    pub fn anchor(&self) -> Anchor {
        Anchor { root_key: self.root_key, terminal: self.terminal }
    }

    /// The private key for TLS.
    ///
    /// # Errors
    /// [`AgentError::Denied`] when it is no private key.
    pub fn private_key(&self) -> Result<PrivateKeyDer<'static>, AgentError> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|_| bad("terminal.key is not a private key"))
    }

    /// Whether the certificate says that another authority than this one (DER) issued it. Where one
    /// of them does not say who it is, it may be the same.
    pub fn is_of_another(&self, authority: &[u8]) -> bool {
        let (Some((issuer, _)), Some((_, own))) = (names(&self.certificate), names(authority))
        else {
            return false;
        };
        issuer.0 != own.0 || issuer.1.zip(own.1).is_some_and(|(issuer, own)| issuer != own)
    }

    /// Whether two thirds of the certificate's life are over.
    pub fn is_due_for_renewal(&self, now: UnixTime) -> bool {
        let life = self.not_after.since(self.not_before);
        now.since(self.not_before) >= life / 3 * 2
    }
}

/// The name and key id of who issued a certificate, and those of its own.
type Names = ((Vec<u8>, Option<Vec<u8>>), (Vec<u8>, Option<Vec<u8>>));

fn names(certificate: &[u8]) -> Option<Names> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let (mut issuer, mut own) = (None, None);
    for extension in parsed.iter_extensions() {
        match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                issuer = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::SubjectKeyIdentifier(id) => own = Some(id.0.to_vec()),
            _ => {}
        }
    }
    Some(((parsed.issuer().as_raw().to_vec(), issuer), (parsed.subject().as_raw().to_vec(), own)))
}

fn validity(certificate: &[u8]) -> Result<(UnixTime, UnixTime), AgentError> {
    let (rest, parsed) =
        x509_parser::parse_x509_certificate(certificate).map_err(|_| bad("not a certificate"))?;
    if !rest.is_empty() {
        return Err(bad("bytes after the certificate"));
    }
    let time = |time: x509_parser::time::ASN1Time| {
        UnixTime(u64::try_from(time.timestamp()).unwrap_or_default())
    };
    Ok((time(parsed.validity().not_before), time(parsed.validity().not_after)))
}

fn read_text(path: &Path) -> Result<Option<Zeroizing<String>>, AgentError> {
    let Some(bytes) = files::read(path, MAX_BYTES)? else { return Ok(None) };
    let text =
        String::from_utf8(bytes).map_err(|_| bad(&format!("{} is not UTF-8", path.display())))?;
    Ok(Some(Zeroizing::new(text)))
}

fn pem(label: &str, der: &[u8]) -> String {
    // RFC 7468: 64 characters to a line.
    let text = wardkey_core::message::http::Base64(der.to_vec());
    let url = serde_json::to_value(&text)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default();
    let mut base64 = url.replace('-', "+").replace('_', "/");
    while !base64.len().is_multiple_of(4) {
        base64.push('=');
    }
    let mut out = format!("-----BEGIN {label}-----\n");
    for (at, c) in base64.chars().enumerate() {
        out.push(c);
        if at % 64 == 63 {
            out.push('\n');
        }
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

fn bad(detail: &str) -> AgentError {
    use wardkey_core::code::{Code, Denial};
    Denial::new(Code::TerminalCertificate, detail).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_survives_its_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Identity::read(folder.path()).unwrap().is_none());
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["t".into()]).unwrap().self_signed(&key).unwrap();
        let identity = Identity::new(
            "https://a:1".into(),
            TerminalId::new([1; 16]),
            SigningPublicKey::new([2; 32]),
            certificate.der().to_vec(),
            Zeroizing::new(key.serialize_pem()),
        )
        .unwrap();
        identity.write(folder.path()).unwrap();
        let read = Identity::read(folder.path()).unwrap().unwrap();
        assert_eq!(
            (read.anchor(), read.certificate.clone()),
            (identity.anchor(), identity.certificate.clone())
        );
        let third = read.not_after.since(read.not_before) / 3;
        assert!(!read.is_due_for_renewal(read.not_before.plus(third)));
        assert!(read.is_due_for_renewal(read.not_before.plus(2 * third + 3)));
        assert!(!format!("{read:?}").contains("PRIVATE"));
        // A file of before names one place; one of now all of them.
        assert_eq!(read.places(), ["https://a:1"]);
        let addresses = Addresses {
            root_version: 1,
            number: 7,
            list: vec!["https://b:1".into(), "https://a:1".into()],
            came_from: Some("https://c:1".into()),
            answered: Some("https://a:1".into()),
        };
        let moved = Identity { addresses, ..read };
        moved.write_places(folder.path()).unwrap();
        let read = Identity::read(folder.path()).unwrap().unwrap();
        assert_eq!(read.addresses, moved.addresses);
        assert_eq!(read.places(), ["https://b:1", "https://a:1", "https://c:1"]);
        std::fs::remove_file(folder.path().join("terminal.key")).unwrap();
        assert!(Identity::read(folder.path()).is_err());
    }
}
