//! TLS: the server's certificate, and by which time those of terminals are judged.

use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;
use wardkey_core::time::UnixTime;

use crate::error::{Error, Result};
use crate::keyring::{Holder, Keyring};
use crate::lock::{lock, read, write};
use crate::pki::{Authority, SERVER_DAYS, certified, names_of, read_certificate};
use crate::publish::Publisher;
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

/// What a handshake is done with.
pub(super) fn tls(
    certificates: &Arc<Certificates>,
    ca: &[u8],
    publisher: &Arc<Publisher>,
) -> Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca.to_vec().into())?;
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .map_err(Error::crypto("TLS"))?;
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
    /// The addresses that it was made for.
    made_for: Mutex<Arc<Addresses>>,
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
        let (current, made_for) = (RwLock::default(), Mutex::new(publisher.addresses()));
        Self { keyring, names, publisher, current, made_for }
    }

    /// Takes another certificate when terminals were told other addresses: whoever comes by one of
    /// them sees its name. One that cannot be made is tried again within an hour.
    fn follow(&self) {
        let addresses = self.publisher.addresses();
        let mut made_for = lock(&self.made_for);
        if Arc::ptr_eq(&made_for, &addresses) {
            return;
        }
        *made_for = addresses;
        let renewed = self
            .keyring
            .certificate(Holder::Authority)
            .and_then(|files| Authority::load(&files))
            .and_then(|authority| self.renew(&authority, self.publisher.time()));
        if let Err(error) = renewed {
            tracing::error!(%error, "the server's certificate has not the names that it should");
        }
    }

    /// Takes the certificate of the folder; a new one when there is none, it lacks a name or has
    /// one that was taken out, or two thirds of its life are over. By the time of signatures: a
    /// clock of 2031 would make one that nobody takes today.
    pub(super) fn renew(&self, authority: &Authority, now: UnixTime) -> Result<()> {
        let addresses = self.publisher.addresses();
        let names = addresses.names(&self.names);
        let fits = |certificate: &str| -> Result<bool> {
            let has = names_of(certificate)?;
            Ok(names.iter().all(|name| has.contains(name))
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
                self.keyring.put_certificate(Holder::Server, &files)?;
                tracing::info!("the server has a new certificate");
                files
            }
        };
        let certified = certified(&files)?;
        *write(&self.current) = Some(Arc::new(certified));
        Ok(())
    }
}
