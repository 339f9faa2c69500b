//! `wardkey-server run`

use std::path::{Path, PathBuf};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::serve::Server;
use crate::texts::Text;

pub async fn run(path: &Path, config: Config) -> Result<()> {
    log_to_stderr();
    raise_descriptors();
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::io(Text::DoingSignals))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::io(Text::DoingSignals))?;
    let mut hangup = signal(SignalKind::hangup()).map_err(Error::io(Text::DoingSignals))?;
    let used = config.clone();
    let server = Server::start(config, Clock::system()).await?;
    for address in server.addresses() {
        tracing::info!(%address, "listening");
    }
    notify(&[NotifyState::Ready]);
    let watchdog = sd_notify::watchdog_enabled();
    // Twice as often as systemd asks for.
    let mut beat = tokio::time::interval(match watchdog {
        Some(interval) => (interval / 2).max(Duration::from_millis(1)),
        None => Duration::from_secs(60),
    });
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => reload(path, &used, &server),
            _ = beat.tick() => {
                if watchdog.is_some() && server.is_alive() {
                    notify(&[NotifyState::Watchdog]);
                }
            }
        }
    }
    notify(&[NotifyState::Stopping]);
    tracing::info!("stopping");
    server.stop().await;
    Ok(())
}

/// SIGHUP: certificate and key are read again, and where records go; of the rest of the
/// configuration is said what the next start will find. Nothing that is wrong ends what runs.
fn reload(path: &Path, used: &Config, server: &Server) {
    match Config::read(path) {
        Err(error) => {
            tracing::error!(%error, "the configuration cannot be used; what runs goes on as it was")
        }
        Ok(config) => {
            if server.forward(&config.records()) {
                tracing::info!("records go to another list of destinations");
            }
            if !is_same_but_for_records(&config, used) {
                tracing::warn!(file = %path.display(), "the configuration has changed; restart \
                    the service to use it");
            }
        }
    }
    match server.reload() {
        Ok(()) => tracing::info!("reloaded: the server's certificate was read again"),
        Err(error) => {
            tracing::error!(%error, "the server's certificate cannot be used; the one before stays")
        }
    }
}

/// Whether another configuration is the same but for where records go.
fn is_same_but_for_records(one: &Config, other: &Config) -> bool {
    let rest = |of: &Config| Config {
        records_to: Vec::new(),
        records_ca: PathBuf::new(),
        records_enterprise: 0,
        ..of.clone()
    };
    format!("{:?}", rest(one)) == format!("{:?}", rest(other))
}

/// Each connection is a descriptor; the soft limit is low for programs that use select(2).
fn raise_descriptors() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

/// Our own lines from info on; of libraries the warnings, and nothing of the one that sees
/// registrations.
fn log_to_stderr() {
    let targets = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("wardkey_server", LevelFilter::INFO)
        .with_target("webauthn_rs_core", LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    // Set once in a process; a second time only in tests, where the first one stays.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
}
