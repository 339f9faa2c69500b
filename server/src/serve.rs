//! The running server: TLS, connections, and the tasks beside them.

mod administration;
mod certificates;
mod connection;
mod running;

use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::Flock;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::admin::session;
use crate::backup::scratch::Scratch;
use crate::clock::Clock;
use crate::config::{Config, Records};
use crate::enroll::Enrollments;
use crate::error::{Error, Result};
use crate::forward::{self, Forwarder};
use crate::gate::Gate;
use crate::http::limit::Limiter;
use crate::http::seen::Seen;
use crate::http::{App, router};
use crate::keyring::{Keyring, Secret};
use crate::log;
use crate::publish::{self, Publisher};
use crate::store::{Store, api_answer, setting, terminal};
use crate::texts::Text;
use crate::watch::{self as watched, Latest, Watched};
use administration::Administration;
use certificates::{Certificates, tls};
use connection::{Serving, bind};
use running::{mark_running, say_without_administration};

pub use running::{hold, is_running, state};

/// Reports that are made at once.
const REPORTS: usize = 1;

/// A server that runs.
pub struct Server {
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    app: Arc<App>,
    certificates: Arc<Certificates>,
    measures: Option<SocketAddr>,
    administration: Option<Administration>,
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
        let mut running = mark_running(&config.store)?;
        if let Err(error) = Scratch::sweep(&config.store) {
            tracing::warn!(%error, "what an interrupted restore left is still there");
        }
        let keyring = Keyring::at(&config.keys);
        let store = Store::open(config.place()?).await?;
        // Before anything is published: a second server over one database does nothing.
        let watcher = store.watcher().await?;
        let lifetime = config.head_seconds;
        let publisher = Arc::new(
            Publisher::start(store.clone(), keyring.clone(), lifetime, clock.clone()).await?,
        );
        let keys = publisher.keys();
        let root = keys.root();
        let enrollments = Enrollments::new(&config, &root.rp_id, root.name.as_str())?;
        let names = setting::server_names(&mut *store.read().await?).await?;
        let code_key = keyring.secret(Secret::Code)?;
        let certificates =
            Arc::new(Certificates::new(keyring.clone(), names, Arc::clone(&publisher)));
        certificates.renew()?;
        let tls = tls(&certificates, &publisher)?;
        let shown = log::Shown::new(keyring.clone());
        let (stop, stopped) = watch::channel(false);
        let listen = config.listen.clone();
        let forward = Forwarder::new(config.records());
        let gate = Arc::new(Gate::new(config.limits));
        let app = Arc::new(App {
            code_key,
            limiter: Limiter::new(config.limits),
            seen: Seen::default(),
            reports: Semaphore::new(REPORTS),
            counters: Arc::default(),
            stop: stopped.clone(),
            config,
            clock,
            store,
            publisher,
            enrollments,
            log: shown,
            forward,
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
                for_terminals: true,
            };
            tasks.spawn(serving.accept(listener));
        }
        tasks.spawn(publish::follow(Arc::clone(&app.publisher), watcher, stopped.clone()));
        tasks.spawn(publish::keep_time(Arc::clone(&app.publisher), stopped.clone()));
        let log =
            log::follow(app.store.clone(), keyring.clone(), app.clock.clone(), stopped.clone());
        tasks.spawn(log);
        let forwards = forward::Parts {
            store: app.store.clone(),
            clock: app.clock.clone(),
            publisher: Arc::clone(&app.publisher),
        };
        tasks.spawn(forward::follow(forwards, app.forward.followed(), stopped.clone()));
        tasks.spawn(housekeeping(Arc::clone(&app), Arc::clone(&certificates), stopped.clone()));
        let administration = Administration::begin(&app, &certificates, &mut tasks, &stopped).await;
        let lacks_administration = app.config.admin.listen.is_some() && administration.is_none();
        if lacks_administration {
            say_without_administration(&mut running);
        }
        let watched = Arc::new(Watched {
            config: app.config.clone(),
            keyring,
            clock: app.clock.clone(),
            store: app.store.clone(),
            publisher: Arc::clone(&app.publisher),
            gate,
            counters: Arc::clone(&app.counters),
            lacks_administration,
            latest: Latest::default(),
        });
        let measures = look_after(watched, &mut tasks, stopped).await;
        Ok(Self {
            addresses,
            stop,
            tasks,
            app,
            certificates,
            measures,
            administration,
            _running: running,
        })
    }

    /// Where measures are given, if anywhere.
    pub const fn measures(&self) -> Option<SocketAddr> {
        self.measures
    }

    /// Where the interface for administration is, if anywhere.
    pub fn administration(&self) -> Option<SocketAddr> {
        self.administration.as_ref().map(|administration| administration.address)
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
        self.certificates.renew()?;
        self.administration.as_ref().map_or(Ok(()), Administration::reload)
    }

    /// Takes another list of where records go; `false` when it is the same.
    pub fn forward(&self, to: &Records) -> bool {
        self.app.forward.change(to)
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
    watched: Arc<Watched>,
    tasks: &mut JoinSet<()>,
    stop: watch::Receiver<bool>,
) -> Option<SocketAddr> {
    tasks.spawn(watched::follow(Arc::clone(&watched), stop.clone()));
    let listener = match bind(watched.config.watch.listen?).await {
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
            && let Err(error) = forget_answers(&app).await
        {
            tracing::warn!(%error, "answers to administrators that are over are still kept");
        }
        if minutes.is_multiple_of(60)
            && let Err(error) = certificates.renew()
        {
            tracing::error!(%error, "the server's certificate could not be renewed");
        }
    }
}

async fn forget_answers(app: &App) -> Result<()> {
    if app.config.admin.listen.is_none() {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    api_answer::forget(&mut tx, app.now()).await?;
    session::forget(&mut tx, app.now()).await?;
    Ok(tx.commit().await?)
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
