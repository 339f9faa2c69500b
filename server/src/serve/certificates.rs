//! TLS: the server's certificate, and by which time those of terminals are judged.

use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime as TlsTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
};
use tokio_rustls::TlsAcceptor;

use crate::error::{Error, Result};
use crate::keyring::{Holder, Keyring};
use crate::lock::{lock, read, write};
use crate::pki::{KeyAndCertificate, SERVER_DAYS, certified, names_of, read_certificate};
use crate::publish::{Keys, Publisher};
use crate::store::address::Addresses;

/// The time by which terminals' certificates are judged: that of signatures. By a wall clock
/// of 2031, or of 2000 after a power cut, every one of them would be refused, and no revocation
/// arrive.
#[derive(Debug)]
struct Guarded(Arc<Publisher>);

impl TimeProvider for Guarded {
    fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
        let now = Duration::from_secs(self.0.time().0);
        Some(rustls::pki_types::UnixTime::since_unix_epoch(now))
    }
}

/// Verifies the client certificates of terminals, by the authorities that are known now; nobody has
/// to have one.
#[derive(Debug)]
struct OfTerminals {
    publisher: Arc<Publisher>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for OfTerminals {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    // Terminals have one certificate and show it whatever is asked for.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: TlsTime,
    ) -> std::result::Result<ClientCertVerified, rustls::Error> {
        self.publisher.keys().clients().verify(end, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What a handshake is done with.
pub(super) fn tls(
    certificates: &Arc<Certificates>,
    publisher: &Arc<Publisher>,
) -> Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Arc::new(OfTerminals {
        publisher: Arc::clone(publisher),
        algorithms: provider.signature_verification_algorithms,
    });
    let mut config =
        ServerConfig::builder_with_details(provider, Arc::new(Guarded(Arc::clone(publisher))))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::clone(certificates) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What a handshake of the interface for administration is done with. With `issuers` nobody gets in
/// who has no certificate of theirs.
pub(super) fn tls_of_administration(
    certificate: Arc<dyn ResolvesServerCert>,
    issuers: Option<RootCertStore>,
    publisher: &Arc<Publisher>,
) -> Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_details(
        Arc::clone(&provider),
        Arc::new(Guarded(Arc::clone(publisher))),
    )
    .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let builder = match issuers {
        None => builder.with_no_client_auth(),
        Some(issuers) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(issuers), provider)
                .build()
                .map_err(Error::crypto("TLS"))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The server's certificate, replaced while it runs.
#[derive(Debug)]
pub(super) struct Certificates {
    keyring: Keyring,
    /// The names and addresses that `init` gave the server.
    names: Vec<String>,
    /// Knows the ones that terminals were told since.
    publisher: Arc<Publisher>,
    current: RwLock<Option<Arc<CertifiedKey>>>,
    /// The addresses and keys that it was made for.
    made_for: Mutex<(Arc<Addresses>, Arc<Keys>)>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.follow();
        read(&self.current).clone()
    }
}

impl Certificates {
    /// Of a server of these names; [`Self::renew`] takes or makes one.
    pub(super) fn new(keyring: Keyring, names: Vec<String>, publisher: Arc<Publisher>) -> Self {
        let made_for = Mutex::new((publisher.addresses(), publisher.keys()));
        let current = RwLock::default();
        Self { keyring, names, publisher, current, made_for }
    }

    /// Takes another certificate when terminals were told other addresses, as whoever comes by one
    /// of them sees its name, or of another authority. One that cannot be made is tried again
    /// within an hour.
    fn follow(&self) {
        let (addresses, keys) = (self.publisher.addresses(), self.publisher.keys());
        let mut made_for = lock(&self.made_for);
        if Arc::ptr_eq(&made_for.0, &addresses) && Arc::ptr_eq(&made_for.1, &keys) {
            return;
        }
        *made_for = (addresses, keys);
        if let Err(error) = self.renew() {
            tracing::error!(%error, "the server's certificate is not what it should be");
        }
    }

    /// Takes the certificate of the folder; a new one when there is none, it is of another
    /// authority, lacks a name or has one that was taken out, or two thirds of its life are over.
    /// By the time of signatures: a clock of 2031 would make one that nobody takes today.
    ///
    /// With it go those that lead to its authority from the ones before: who knows only these
    /// believes it too.
    pub(super) fn renew(&self) -> Result<()> {
        let (keys, now) = (self.publisher.keys(), self.publisher.time());
        let authority = keys.authority();
        let addresses = self.publisher.addresses();
        let names = addresses.names(&self.names);
        let fits = |certificate: &str| -> Result<bool> {
            let has = names_of(certificate)?;
            Ok(authority.names_itself_in(certificate)?
                && names.iter().all(|name| has.contains(name))
                && !addresses.retired.iter().any(|retired| has.contains(retired)))
        };
        let files = match self.keyring.certificate(Holder::Server) {
            Ok(files)
                if read_certificate(&files.certificate)?.1.since(now)
                    > SERVER_DAYS * 86_400 / 3
                    && fits(&files.certificate)? =>
            {
                files
            }
            unfit => {
                if let Err(error) = unfit {
                    tracing::warn!(%error, "the server's certificate cannot be used; a new one is \
                        made");
                }
                let files = authority.server(&names, now)?;
                // Where it cannot be kept, it serves as long as the server runs.
                match self.keyring.put_certificate(Holder::Server, &files) {
                    Ok(()) => tracing::info!("the server has a new certificate"),
                    Err(error) => {
                        tracing::error!(%error, "the server's new certificate is not written");
                    }
                }
                files
            }
        };
        let certificate = format!("{}{}", files.certificate, authority.links());
        let certified = certified(&KeyAndCertificate { key: files.key, certificate })?;
        *write(&self.current) = Some(Arc::new(certified));
        Ok(())
    }
}
