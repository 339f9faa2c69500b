//! The running server: TLS, connections, and the tasks beside them.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::fcntl::{Flock, FlockArg};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use wardkey_core::time::UnixTime;

use crate::clock::Clock;
use crate::config::Config;
use crate::enrol::Enrolments;
use crate::error::{Error, Result};
use crate::gate::{Gate, Handshake};
use crate::http::limit::Limiter;
use crate::http::peer::Peer;
use crate::http::seen::Seen;
use crate::http::{App, router};
use crate::keyring::{Holder, Keyring, Secret};
use crate::pki::{Authority, SERVER_DAYS, TerminalCertificate, certified, read_certificate};
use crate::publish::{self, Publisher};
use crate::store::{Store, setting, terminal};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long a terminal may take for the head of a request, also while the connection is idle.
const HEAD: Duration = Duration::from_secs(75);
/// How long anybody else may take for that.
const ANONYMOUS_HEAD: Duration = Duration::from_secs(10);
/// How long a connection without a terminal's certificate lives: also one that never reads its answer.
const ANONYMOUS_LIFE: Duration = Duration::from_secs(60);
/// How long open requests have when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// A server that runs.
pub struct Server {
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    app: Arc<App>,
    certificates: Arc<Certificates>,
    /// Held while this runs: see [`is_running`].
    _running: Option<Flock<File>>,
}

impl Server {
    /// Reads store and keys, listens, and serves from now on.
    ///
    /// # Errors
    /// [`Error`] of every kind: whatever keeps it from serving.
    pub async fn start(config: Config, clock: Clock) -> Result<Self> {
        let keyring = Keyring::at(&config.keys);
        let store = Store::open(&config.store).await?;
        let key = keyring.signing(Secret::Publish)?;
        let publisher = Arc::new(Publisher::start(store.clone(), key, config.head_seconds, clock.clone()).await?);
        let running = mark_running(&config.store);
        let authority = Authority::load(&keyring.certificate(Holder::Authority)?)?;
        let root = publisher.root();
        let enrolments = Enrolments::new(&config, &root.rp_id, root.name.as_str())?;
        let names = setting::server_names(&mut *store.read().await?).await?;
        let certificates = Arc::new(Certificates { keyring, names, current: RwLock::default() });
        certificates.renew(&authority, publisher.time())?;
        let tls = tls(&certificates, root.tls_ca.as_slice(), &publisher)?;
        let (stop, stopped) = watch::channel(false);
        let listen = config.listen.clone();
        let gate = Arc::new(Gate::new(config.limits));
        let app = Arc::new(App {
            code_key: certificates.keyring.secret(Secret::Code)?,
            limiter: Limiter::new(config.limits),
            seen: Seen::default(),
            stop: stopped.clone(),
            config,
            clock,
            store,
            publisher,
            authority,
            enrolments,
        });
        let mut addresses = Vec::new();
        let mut tasks = JoinSet::new();
        for address in listen {
            let listener = bind(address).await?;
            addresses.push(listener.local_addr().map_err(Error::io("listening"))?);
            let serving = Serving {
                tls: tls.clone(),
                router: router(Arc::clone(&app)),
                gate: Arc::clone(&gate),
                publisher: Arc::clone(&app.publisher),
                stop: stopped.clone(),
            };
            tasks.spawn(serving.accept(listener));
        }
        let watcher = app.store.watcher().await?;
        tasks.spawn(publish::follow(Arc::clone(&app.publisher), watcher, stopped.clone()));
        tasks.spawn(publish::keep_time(Arc::clone(&app.publisher), stopped.clone()));
        tasks.spawn(beside(Arc::clone(&app), Arc::clone(&certificates), stopped));
        Ok(Self { addresses, stop, tasks, app, certificates, _running: running })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What the handlers share.
    pub const fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Reads again what can change while it runs: its certificate and key. Connections stay open.
    ///
    /// # Errors
    /// [`Error`] when no usable ones are there and none can be made; then those before stay.
    pub fn reload(&self) -> Result<()> {
        self.certificates.renew(&self.app.authority, self.app.publisher.time())
    }

    /// Whether the publisher has looked at the store within the last ten seconds; for the watchdog.
    pub fn is_alive(&self) -> bool {
        self.app.publisher.last_beat().elapsed() < Duration::from_secs(10)
    }

    /// Answers who waits, lets open requests end, and closes the store.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        if let Err(error) = write_seen(&self.app).await {
            tracing::warn!(%error, "when terminals were last seen could not be written");
        }
        self.app.store.clone().close().await;
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let what = |address: SocketAddr| Error::io(format!("listening on {address}"));
    match TcpListener::bind(address).await {
        // A machine without IPv6 has no [::]; it means every address.
        Err(_) if address.is_ipv6() && address.ip().is_unspecified() => {
            let address = SocketAddr::from(([0, 0, 0, 0], address.port()));
            TcpListener::bind(address).await.map_err(what(address))
        }
        bound => bound.map_err(what(address)),
    }
}

/// The time by which terminals' certificates are judged: that which is signed by. By a wall clock of
/// 2031, or of 2000 after a power cut, every one of them would be refused, and no revocation arrive.
#[derive(Debug)]
struct Guarded(Arc<Publisher>);

impl TimeProvider for Guarded {
    fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
        let now = Duration::from_secs(self.0.time().0);
        Some(rustls::pki_types::UnixTime::since_unix_epoch(now))
    }
}

fn tls(certificates: &Arc<Certificates>, ca: &[u8], publisher: &Arc<Publisher>) -> Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca.to_vec().into())?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .map_err(|error| Error::Crypto(format!("TLS: {error}")))?;
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(Guarded(Arc::clone(publisher))))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::clone(certificates) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The server's certificate, replaced while it runs.
#[derive(Debug)]
struct Certificates {
    keyring: Keyring,
    /// The names and addresses of the server.
    names: Vec<String>,
    current: RwLock<Option<Arc<CertifiedKey>>>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Certificates {
    /// Takes the certificate of the folder; a new one when there is none or two thirds of its life are
    /// over. By the time that is signed by: a clock of 2031 would make one that nobody takes today.
    fn renew(&self, authority: &Authority, now: UnixTime) -> Result<()> {
        let files = match self.keyring.certificate(Holder::Server) {
            Ok(files) if read_certificate(&files.certificate)?.1.since(now) > SERVER_DAYS * 86_400 / 3 => files,
            unfit => {
                if let Err(error) = unfit {
                    tracing::warn!(%error, "the server's certificate cannot be used; a new one is made");
                }
                let files = authority.server(&self.names, now)?;
                self.keyring.put_certificate(Holder::Server, &files)?;
                tracing::info!("the server has a new certificate");
                files
            }
        };
        let certified = certified(&files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(certified));
        Ok(())
    }
}

/// The file that says that a server runs over a store: beside it, and locked.
fn running_file(store: &Path) -> PathBuf {
    store.with_extension("running")
}

/// Says that a server runs over this store. Nothing depends on it but what commands say, so a file
/// that cannot be locked keeps nobody from serving.
fn mark_running(store: &Path) -> Option<Flock<File>> {
    let path = running_file(store);
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let locked = file
        .map_err(|error| error.to_string())
        .and_then(|file| Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno.to_string()));
    locked
        .inspect_err(|error| {
            let file = path.display();
            tracing::warn!(%file, error, "could not be locked; commands will say that the server does not run");
        })
        .ok()
}

/// Whether a server runs over this store.
pub fn is_running(store: &Path) -> bool {
    let Ok(file) = File::open(running_file(store)) else { return false };
    Flock::lock(file, FlockArg::LockSharedNonblock).is_err()
}

/// What is done now and then: when terminals were seen, the server's certificate.
async fn beside(app: Arc<App>, certificates: Arc<Certificates>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(Duration::from_secs(60));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut minutes = 0u64;
    while !*stop.borrow() {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => break,
        }
        if let Err(error) = write_seen(&app).await {
            tracing::warn!(%error, "when terminals were last seen could not be written");
        }
        minutes += 1;
        if minutes.is_multiple_of(60)
            && let Err(error) = certificates.renew(&app.authority, app.publisher.time())
        {
            tracing::error!(%error, "the server's certificate could not be renewed");
        }
    }
}

/// Terminals whose last sign of life is written at once: what changes meanwhile must not wait for all.
const SEEN_AT_ONCE: usize = 500;

async fn write_seen(app: &App) -> Result<()> {
    for part in app.seen.take().chunks(SEEN_AT_ONCE) {
        let part = part.to_vec();
        app.store.together(move |tx| Box::pin(async move { terminal::seen(tx, &part).await })).await?;
    }
    Ok(())
}

#[derive(Clone)]
struct Serving {
    tls: TlsAcceptor,
    router: Router,
    gate: Arc<Gate>,
    publisher: Arc<Publisher>,
    stop: watch::Receiver<bool>,
}

impl Serving {
    async fn accept(mut self, listener: TcpListener) {
        let mut open = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = self.stop.changed() => break,
                Some(_) = open.join_next(), if !open.is_empty() => continue,
            };
            match accepted {
                Ok((stream, address)) => {
                    let handshake = self.gate.enter(address.ip());
                    let (serving, stop) = (self.clone(), self.stop.clone());
                    open.spawn(serving.serve(stream, address, handshake, stop));
                }
                Err(error) => {
                    // Out of descriptors, usually: it passes when connections end.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        let ended = tokio::time::timeout(GRACE, async { while open.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            open.shutdown().await;
        }
    }

    async fn serve(
        self,
        stream: TcpStream,
        address: SocketAddr,
        mut handshake: Handshake,
        mut stop: watch::Receiver<bool>,
    ) {
        let Self { tls, router, publisher, .. } = self;
        // Answers are whole and waited for; nothing is gained by holding them back.
        let _ = stream.set_nodelay(true);
        let accepted = tokio::select! {
            accepted = tokio::time::timeout(HANDSHAKE, tls.accept(stream)) => accepted,
            () = handshake.pushed_out() => return,
        };
        let stream = match accepted {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "TLS handshake");
                return;
            }
            Err(_) => return,
        };
        let (_, session) = stream.get_ref();
        let certificate =
            session.peer_certificates().and_then(|chain| chain.first()).and_then(TerminalCertificate::read);
        let peer = Peer { address, certificate };
        let terminal = certificate.filter(|own| publisher.counts(own)).map(|own| own.terminal);
        // Over the limit the connection is closed at once: a clear sign, and no memory.
        let Some(_inside) = handshake.pass(terminal) else { return };
        let is_terminal = terminal.is_some();
        let mut news = terminal.map(|terminal| publisher.subscribe(&terminal));
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            router.clone().oneshot(Request::from(request.map(axum::body::Body::new)))
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(if is_terminal { HEAD } else { ANONYMOUS_HEAD })
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), service);
        let life = tokio::time::sleep(ANONYMOUS_LIFE);
        tokio::pin!(connection, life);
        let mut ends = false;
        let ended = loop {
            tokio::select! {
                ended = connection.as_mut() => break ended,
                _ = stop.changed() => {
                    connection.as_mut().graceful_shutdown();
                    break connection.await;
                }
                () = &mut life, if !is_terminal => return,
                // It ends with its certificate, after the answer to what is under way.
                () = changed(&mut news), if !ends => {
                    if certificate.is_some_and(|own| publisher.is_replaced(&own)) {
                        connection.as_mut().graceful_shutdown();
                        ends = true;
                    }
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%address, %error, "connection");
        }
    }
}

/// Waits for news of a terminal; for ever when there is none to hear of.
async fn changed(news: &mut Option<watch::Receiver<u64>>) {
    match news {
        // The publisher lives as long as its connections.
        Some(news) => _ = news.changed().await,
        None => std::future::pending().await,
    }
}
