//! The running server: TLS, connections, and the tasks beside them.

mod certificates;
mod running;

use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::fcntl::Flock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::backup::scratch::Scratch;
use crate::clock::Clock;
use crate::config::Config;
use crate::enroll::Enrollments;
use crate::error::{Error, Result};
use crate::gate::{Gate, Handshake};
use crate::http::limit::Limiter;
use crate::http::peer::Peer;
use crate::http::seen::Seen;
use crate::http::{App, router};
use crate::keyring::{Holder, Keyring, Secret};
use crate::log;
use crate::pki::{Authority, TerminalCertificate};
use crate::publish::{self, Publisher};
use crate::store::{Store, setting, terminal};
use crate::texts::Text;
use crate::watch::{self as watched, Latest, Watched};
use certificates::{Certificates, tls};
use running::mark_running;

pub use running::{hold, is_running};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long a terminal may take for the head of a request, also while the connection is idle.
const HEAD: Duration = Duration::from_secs(75);
/// How long anybody else may take for that.
const ANONYMOUS_HEAD: Duration = Duration::from_secs(10);
/// How long a connection without a terminal's certificate lives: also one that never reads its
/// answer.
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
    measures: Option<SocketAddr>,
    /// Held while this runs: see [`is_running`].
    _running: Option<Flock<File>>,
}

impl Server {
    /// Reads store and keys, listens, and serves from now on.
    ///
    /// # Errors
    /// [`Error`] of every kind: whatever keeps it from serving.
    pub async fn start(config: Config, clock: Clock) -> Result<Self> {
        // Before anything of the store is looked at: it may be about to be replaced.
        let running = mark_running(&config.store)?;
        if let Err(error) = Scratch::sweep(&config.store) {
            tracing::warn!(%error, "what an interrupted restore left is still there");
        }
        let keyring = Keyring::at(&config.keys);
        let store = Store::open(&config.store).await?;
        let lifetime = config.head_seconds;
        let publisher = Arc::new(
            Publisher::start(store.clone(), keyring.clone(), lifetime, clock.clone()).await?,
        );
        let authority = Authority::load(&keyring.certificate(Holder::Authority)?)?;
        let keys = publisher.keys();
        let root = keys.root();
        let enrollments = Enrollments::new(&config, &root.rp_id, root.name.as_str())?;
        let names = setting::server_names(&mut *store.read().await?).await?;
        let code_key = keyring.secret(Secret::Code)?;
        let certificates = Arc::new(Certificates::new(keyring.clone(), names));
        certificates.renew(&authority, publisher.time())?;
        let tls = tls(&certificates, root.tls_ca.as_slice(), &publisher)?;
        let shown = log::Shown::new(keyring.clone());
        let (stop, stopped) = watch::channel(false);
        let listen = config.listen.clone();
        let gate = Arc::new(Gate::new(config.limits));
        let app = Arc::new(App {
            code_key,
            limiter: Limiter::new(config.limits),
            seen: Seen::default(),
            counters: Arc::default(),
            stop: stopped.clone(),
            config,
            clock,
            store,
            publisher,
            authority,
            enrollments,
            log: shown,
        });
        let mut addresses = Vec::new();
        let mut tasks = JoinSet::new();
        for address in listen {
            let listener = bind(address).await?;
            addresses.push(listener.local_addr().map_err(Error::io(Text::DoingStart))?);
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
        let log =
            log::follow(app.store.clone(), keyring.clone(), app.clock.clone(), stopped.clone());
        tasks.spawn(log);
        tasks.spawn(housekeeping(Arc::clone(&app), Arc::clone(&certificates), stopped.clone()));
        let measures = look_after(&app, (keyring, gate), &mut tasks, stopped).await;
        Ok(Self { addresses, stop, tasks, app, certificates, measures, _running: running })
    }

    /// Where measures are given, if anywhere.
    pub const fn measures(&self) -> Option<SocketAddr> {
        self.measures
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

/// Begins to look after the server itself, and to give measures where the configuration says so. An
/// address that cannot be had keeps no terminal from its directory.
async fn look_after(
    app: &Arc<App>,
    (keyring, gate): (Keyring, Arc<Gate>),
    tasks: &mut JoinSet<()>,
    stop: watch::Receiver<bool>,
) -> Option<SocketAddr> {
    let watched = Arc::new(Watched {
        config: app.config.clone(),
        keyring,
        clock: app.clock.clone(),
        store: app.store.clone(),
        publisher: Arc::clone(&app.publisher),
        gate,
        counters: Arc::clone(&app.counters),
        latest: Latest::default(),
    });
    tasks.spawn(watched::follow(Arc::clone(&watched), stop.clone()));
    let listener = match bind(app.config.watch.listen?).await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "measures are not given");
            return None;
        }
    };
    let measures = listener.local_addr().ok()?;
    if measures.ip().is_loopback() {
        tracing::info!(%measures, "measures are given");
    } else {
        tracing::warn!(%measures, "measures are given to whoever reaches this address");
    }
    tasks.spawn(watched::serve(watched, listener, stop));
    Some(measures)
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let what = |address: SocketAddr| {
        Error::io(Text::DoingListen.with([("address", address.to_string().into())]))
    };
    match TcpListener::bind(address).await {
        // A machine without IPv6 has no [::]; it means every address.
        Err(_) if address.is_ipv6() && address.ip().is_unspecified() => {
            let address = SocketAddr::from(([0, 0, 0, 0], address.port()));
            TcpListener::bind(address).await.map_err(what(address))
        }
        bound => bound.map_err(what(address)),
    }
}

/// What is done now and then: when terminals were seen, the server's certificate.
async fn housekeeping(
    app: Arc<App>,
    certificates: Arc<Certificates>,
    mut stop: watch::Receiver<bool>,
) {
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

/// Terminals whose last sign of life is written at once: what changes meanwhile must not wait for
/// all.
const SEEN_AT_ONCE: usize = 500;

async fn write_seen(app: &App) -> Result<()> {
    for part in app.seen.take().chunks(SEEN_AT_ONCE) {
        let part = part.to_vec();
        let written = app
            .store
            .together(move |tx| Box::pin(async move { terminal::seen(tx, &part).await }))
            .await;
        if written.is_err() {
            app.seen.forget_positions();
        }
        written?;
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
        let ended =
            tokio::time::timeout(GRACE, async { while open.join_next().await.is_some() {} }).await;
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
        let certificate = session
            .peer_certificates()
            .and_then(|chain| chain.first())
            .and_then(TerminalCertificate::read);
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
