//! The listener of the interface for administration: its own address, certificate and connections.
//! What is wrong with it keeps no terminal from its directory.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use axum::Router;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::certificates::{Certificates, tls_of_administration};
use super::connection::{Serving, bind};
use crate::api;
use crate::config::Admin;
use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::http::App;
use crate::lock::{read, write};
use crate::pki::given::{issuers, pair};
use crate::texts::Text;
use crate::web;

/// The interface for administration, while it runs.
pub(super) struct Administration {
    /// Where it listens.
    pub(super) address: SocketAddr,
    given: Option<Arc<Given>>,
}

impl Administration {
    /// Begins to serve it where the configuration says so.
    pub(super) async fn begin(
        app: &Arc<App>,
        certificates: &Arc<Certificates>,
        tasks: &mut JoinSet<()>,
        stop: &watch::Receiver<bool>,
    ) -> Option<Self> {
        let address = app.config.admin.listen?;
        match Self::listen(address, app, certificates, (tasks, stop)).await {
            Ok(administration) => {
                tracing::info!(address = %administration.address, "administration is served");
                Some(administration)
            }
            Err(error) => {
                tracing::error!(%error, "administration is not served");
                None
            }
        }
    }

    async fn listen(
        address: SocketAddr,
        app: &Arc<App>,
        certificates: &Arc<Certificates>,
        (tasks, stop): (&mut JoinSet<()>, &watch::Receiver<bool>),
    ) -> Result<Self> {
        let settings = &app.config.admin;
        let given = Given::of(settings)?.map(Arc::new);
        let certificate: Arc<dyn ResolvesServerCert> = match &given {
            Some(given) => Arc::clone(given) as Arc<dyn ResolvesServerCert>,
            None => Arc::clone(certificates) as Arc<dyn ResolvesServerCert>,
        };
        let issuers = settings.client_ca.as_deref().map(issuers).transpose()?;
        let tls = tls_of_administration(certificate, issuers, &app.publisher)?;

        let listener = bind(address).await?;
        let address = listener.local_addr().map_err(Error::io(Text::DoingStart))?;
        let serving = Serving {
            tls,
            router: routes(app)?,
            // Beside those of terminals, and of who joins.
            gate: Arc::new(Gate::new(app.config.limits)),
            publisher: Arc::clone(&app.publisher),
            stop: stop.clone(),
            for_terminals: false,
        };
        tasks.spawn(serving.accept(listener));
        Ok(Self { address, given })
    }

    /// Reads certificate and key again, where they are files of their own.
    pub(super) fn reload(&self) -> Result<()> {
        self.given.as_ref().map_or(Ok(()), |given| given.renew())
    }
}

/// The interface, and the pages where they have an address.
fn routes(app: &Arc<App>) -> Result<Router> {
    let api = api::shared(Arc::clone(app))?;
    match &app.config.admin.pages {
        None => Ok(api::router(api)),
        Some(origin) => {
            let pages = web::router(Arc::clone(&api), origin)?;
            Ok(api::routes(api).merge(pages))
        }
    }
}

/// A certificate that somebody else looks after.
#[derive(Debug)]
struct Given {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Given {
    fn of(settings: &Admin) -> Result<Option<Self>> {
        let Some((certificate, key)) = settings.certificate.clone().zip(settings.key.clone())
        else {
            return Ok(None);
        };
        let current = RwLock::new(Arc::new(pair(&certificate, &key)?));
        Ok(Some(Self { certificate, key, current }))
    }

    fn renew(&self) -> Result<()> {
        let current = Arc::new(pair(&self.certificate, &self.key)?);
        *write(&self.current) = current;
        Ok(())
    }
}

impl ResolvesServerCert for Given {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&read(&self.current)))
    }
}
