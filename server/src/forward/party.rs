//! The server as the one who sends records.

use std::sync::{Arc, Mutex};

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use wardkey_core::id::Hash;
use wardkey_core::time::UnixTime;
use wardkey_records::Source;
use wardkey_sinks::way::Party;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::pki::Authority;
use crate::publish::Publisher;
use crate::store::Store;
use crate::texts::Text;

/// Days for which the certificate is valid that collectors are shown, and seconds after which
/// another one is made.
const DAYS: u64 = 2;
const ANOTHER_AFTER: u64 = 86_400;

/// What of the running server is needed.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// The time that was signed last.
    pub publisher: Arc<Publisher>,
}

impl Parts {
    /// The time: never before what was signed.
    pub(super) fn now(&self) -> UnixTime {
        self.clock.now().max(self.publisher.time())
    }
}

/// The server as the one who sends records.
pub(super) struct Sender {
    parts: Arc<Parts>,
    host: String,
    /// Made by the deployment's authority, for as long as the server runs.
    shown: Mutex<Option<Shown>>,
}

/// What collectors are shown.
struct Shown {
    since: UnixTime,
    by: Hash,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Sender {
    /// The server at this machine.
    pub(super) fn new(parts: &Arc<Parts>) -> Self {
        Self { parts: Arc::clone(parts), host: host(), shown: Mutex::default() }
    }

    /// Who tells of records of the server's own, and forwards those of others.
    pub(super) fn source(&self, enterprise: u32) -> Source {
        let own = Source::new(&self.host, "wardkey-server", env!("CARGO_PKG_VERSION"), enterprise);
        Source { pid: Some(std::process::id()), ..own }
    }

    fn identity(&self) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>)> {
        let now = self.parts.clock.now();
        let keys = self.parts.publisher.keys();
        let mut shown = lock(&self.shown);
        let known = shown.take().filter(|shown| {
            shown.by == *keys.authority().id()
                && now >= shown.since
                && now.since(shown.since) < ANOTHER_AFTER
        });
        let shown = shown.insert(match known {
            Some(known) => known,
            None => self.another(keys.authority(), now)?,
        });
        Ok((shown.certificate.clone(), shown.key.clone_key()))
    }

    fn another(&self, authority: &Authority, now: UnixTime) -> Result<Shown> {
        let made = authority.client(&self.host, now, DAYS)?;
        let certificate = CertificateDer::from_pem_slice(made.certificate.as_bytes())
            .map_err(Error::crypto(Text::DoingCertificate))?;
        let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes())
            .map_err(Error::crypto(Text::DoingCertificate))?;
        Ok(Shown { since: now, by: *authority.id(), certificate, key })
    }
}

impl Party for Sender {
    fn tls(
        &self,
        authorities: Vec<CertificateDer<'static>>,
    ) -> Result<Arc<ClientConfig>, Box<dyn std::error::Error + Send + Sync>> {
        let mut roots = RootCertStore::empty();
        authorities.into_iter().try_for_each(|one| roots.add(one))?;
        let (certificate, key) = self.identity()?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;
        tls.resumption = Resumption::in_memory_sessions(4);
        Ok(Arc::new(tls))
    }

    fn warn(&self, message: &str) {
        tracing::warn!("{message}");
    }
}

/// The machine's name.
fn host() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    name.unwrap_or_default()
}
