//! What is known of the server at one moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wardkey_core::codec::sha256;
use wardkey_core::document::Position;
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;

use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::files::folder_of;
use crate::fleet::{Reckoned, Stages};
use crate::keyring::{Holder, Keyring};
use crate::log;
use crate::pki::{self, given};
use crate::publish::time::{SigningTime, Trouble};
use crate::publish::{Publisher, Shown};
use crate::store::destination::{self, Destination};
use crate::store::terminal::{self, TerminalStatus, WithRoot};
use crate::store::watch::{self, Acts};
use crate::store::{Store, Tx, archive, authority, break_glass, clock, intake, scope, setting};

/// systemd-timesyncd's folder, and the file in it that says that it has set the clock.
const TIMESYNC: &str = "/run/systemd/timesync";
/// Seconds of the trail in which alarms are counted.
const DAY: u64 = 86_400;

/// Whether a server runs, and what it says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// None does.
    No,
    /// It does, and does not serve administration, though it should.
    WithoutAdministration,
    /// It does.
    Yes,
}

/// What is known of the server at one moment.
#[derive(Clone, Debug)]
pub struct Facts {
    /// When.
    pub now: UnixTime,
    /// Whether the server runs.
    pub running: bool,
    /// Whether the interface for administration is not served, though it should be.
    pub lacks_administration: bool,
    /// Whether the store answers.
    pub readable: bool,
    /// Whether the store can be written.
    pub writable: bool,
    /// What is wrong with the clock.
    pub clock: Option<Trouble>,
    /// When the certificate of the authority that the root document names ends.
    pub authority: Option<UnixTime>,
    /// Every scope, by name.
    pub scopes: Vec<ScopeFacts>,
    /// What has to be read; none where only the above was asked for, or it cannot be read.
    pub stock: Option<Stock>,
}

/// A scope.
#[derive(Clone, Debug)]
pub struct ScopeFacts {
    /// Its name.
    pub name: ScopeName,
    /// What is published.
    pub position: Position,
    /// Whether it is not published, as a terminal is ahead.
    pub halted: bool,
    /// People in its directory; known to the running server only.
    pub people: Option<u64>,
    /// When its head was signed and when that expires; known to the running server only.
    pub signed: Option<(UnixTime, UnixTime)>,
}

/// What is read from store, disk and keys.
#[derive(Clone, Debug)]
pub struct Stock {
    /// Terminals.
    pub terminals: TerminalCounts,
    /// When the last backup was made.
    pub backup: Option<UnixTime>,
    /// When the last archive of the records was made.
    pub archive: Option<UnixTime>,
    /// Whether records are to be pruned, which needs archives.
    pub prunes: bool,
    /// When the deployment was made.
    pub made: Option<UnixTime>,
    /// Bytes of the database with its log.
    pub database: u64,
    /// Free bytes on its disk; none when the system does not say.
    pub free: Option<u64>,
    /// When the server's certificate ends; none when it cannot be read.
    pub certificate: Option<UnixTime>,
    /// When the certificate of the interface for administration ends; none when it shows the
    /// server's, or it cannot be read.
    pub administration: Option<UnixTime>,
    /// The authority that was prepared for the next exchange, if one was.
    pub prepared: Option<Prepared>,
    /// Terminals that have stored the records of this day.
    pub at_quota: u64,
    /// Active keys that may have been copied.
    pub suspected: u64,
    /// Uses of sealed codes (break-glass) that nobody has looked into.
    pub sealed_used: u64,
    /// Whether the log of records is not what was signed last.
    pub log_changed: bool,
    /// Where records go, by name.
    pub outlets: Vec<Outlet>,
    /// How many terminals have the new publish key; none when no exchange is open.
    pub exchange: Option<WithRoot>,
    /// How many terminals use a certificate of the new CA; none when no exchange is open.
    pub ca_exchange: Option<WithRoot>,
    /// When the newest root document was signed, if it is not the first one.
    pub keys_since: Option<UnixTime>,
    /// Whether the root key lies on the server.
    pub root_key_here: bool,
    /// Alarms of the last 24 hours, by act.
    pub alarms: Vec<Acts>,
    /// Whether systemd-timesyncd has set the clock; none where it does not run.
    pub synchronized: Option<bool>,
}

/// An authority that was prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// Its certificate ends then.
    Ends(UnixTime),
    /// This file has none.
    Unfit(PathBuf),
}

impl Prepared {
    fn read(keyring: &Keyring) -> Option<Self> {
        match keyring.prepared_authority() {
            Ok(prepared) => {
                let (_, end) = pki::read_certificate(&prepared?.certificate).ok()?;
                Some(Self::Ends(end))
            }
            Err(_) => Some(Self::Unfit(keyring.prepared_path())),
        }
    }
}

/// Terminals, counted. Deleted ones are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminalCounts {
    /// That await approval.
    pub pending: u64,
    /// That may come.
    pub active: u64,
    /// That were revoked.
    pub revoked: u64,
    /// Active ones that were not heard of for the configured time.
    pub silent: u64,
    /// Active ones by stage, as the server reckons it.
    pub stages: BTreeMap<Reckoned, u64>,
}

/// A destination of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlet {
    /// How far it is.
    pub destination: Destination,
    /// Records that it lacks.
    pub waiting: u64,
    /// Records that it lacks and never gets: they were pruned meanwhile.
    pub gone: u64,
    /// When the first of those that wait arrived here.
    pub since: Option<UnixTime>,
}

impl Outlet {
    async fn read(tx: &mut Tx) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for destination in destination::listed(tx).await? {
            let (waiting, gone, since) = destination::waiting(tx, destination.position).await?;
            all.push(Self { destination, waiting, gone, since });
        }
        Ok(all)
    }
}

/// Where things are read.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The deployment's keys, of which only certificates are read.
    pub keyring: &'a Keyring,
}

impl Facts {
    /// What the running server knows without reading anything.
    pub async fn live(store: &Store, publisher: &Publisher, clock: &Clock) -> Self {
        let readable = match store.read().await {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(%error, "the store does not answer");
                false
            }
        };
        let scope = |(name, shown): (ScopeName, Arc<Shown>)| ScopeFacts {
            name,
            position: shown.head.position(),
            halted: shown.halted.is_some(),
            people: Some(shown.head.count),
            signed: Some((shown.head.issued, shown.head.expires)),
        };
        Self {
            now: clock.now(),
            running: true,
            lacks_administration: false,
            readable,
            writable: store.can_write(),
            clock: publisher.clock_trouble(),
            authority: pki::end_of(publisher.keys().root().tls_ca.as_slice()).ok(),
            scopes: publisher.shown().into_iter().map(scope).collect(),
            stock: None,
        }
    }

    /// What a command finds, beside a server that runs or not.
    pub async fn stored(
        store: &Store,
        sources: Sources<'_>,
        clock: &Clock,
        running: Running,
    ) -> Result<Self> {
        let writable = store.try_writing().await.is_ok();
        Self::within(&mut store.read().await?, writable, (sources, clock), running).await
    }

    /// What is found in a transaction.
    pub async fn within(
        tx: &mut Tx,
        writable: bool,
        (sources, clock): (Sources<'_>, &Clock),
        running: Running,
    ) -> Result<Self> {
        let now = clock.now();
        let signing = SigningTime::new(clock.clone(), clock::read(tx).await?);
        let scope = |row: scope::Scope| ScopeFacts {
            name: row.name,
            position: row.position,
            halted: row.halted.is_some(),
            people: None,
            signed: None,
        };
        let (_, root) = setting::roots(tx).await?;
        Ok(Self {
            now,
            authority: pki::end_of(root.tls_ca.as_slice()).ok(),
            running: running != Running::No,
            lacks_administration: running == Running::WithoutAdministration,
            readable: true,
            writable,
            clock: signing.trouble(),
            scopes: scope::list(tx).await?.into_iter().map(scope).collect(),
            stock: Some(Stock::read(tx, sources, now).await?),
        })
    }
}

impl Stock {
    /// When the certificate of the authority ends that was prepared.
    pub const fn prepared_until(&self) -> Option<UnixTime> {
        match self.prepared {
            Some(Prepared::Ends(end)) => Some(end),
            Some(Prepared::Unfit(_)) | None => None,
        }
    }

    /// Reads it: all terminals, and of everything else a few rows.
    pub async fn read(tx: &mut Tx, sources: Sources<'_>, now: UnixTime) -> Result<Self> {
        let Sources { config, keyring } = sources;
        let (_, root) = setting::roots(tx).await?;
        let exchange = match root.publish_keys.len() {
            0 | 1 => None,
            _ => Some(terminal::with_root(tx, root.version).await?),
        };
        let ca_exchange = if authority::before(tx).await?.is_settled() {
            None
        } else {
            Some(authority::certified_by(tx, &sha256(root.tls_ca.as_slice())).await?)
        };
        let is_here = config.database.is_none();
        Ok(Self {
            terminals: TerminalCounts::read(tx, config, now).await?,
            backup: watch::last_backup(tx).await?,
            archive: archive::last_made(tx).await?,
            prunes: config.retention.is_set(),
            // Who backs up by PostgreSQL's own tools is not told here that nobody does.
            made: if is_here { watch::made(tx).await? } else { None },
            database: tx.bytes(&config.store).await?,
            // The disk of PostgreSQL is seen by PostgreSQL.
            free: if is_here { free_bytes(&folder_of(&config.store)) } else { None },
            certificate: keyring.end_of(Holder::Server).ok(),
            administration: own_certificate(config),
            prepared: Prepared::read(keyring),
            at_quota: watch::at_quota(tx, intake::day(now)).await?,
            suspected: watch::suspected_keys(tx).await?,
            sealed_used: break_glass::alarming(tx).await?,
            log_changed: !log::holds(tx, &config.store).await?,
            outlets: Outlet::read(tx).await?,
            exchange,
            ca_exchange,
            keys_since: (root.version > 1).then_some(root.issued),
            root_key_here: keyring.has_root_key(&root),
            alarms: watch::alarms(tx, UnixTime(now.0.saturating_sub(DAY))).await?,
            synchronized: synchronized(Path::new(TIMESYNC)),
        })
    }
}

impl TerminalCounts {
    async fn read(tx: &mut Tx, config: &Config, now: UnixTime) -> Result<Self> {
        let stages = Stages::read(tx, config.head_seconds).await?;
        let silent = config.watch.silent_hours.saturating_mul(3600);
        let mut counts = Self::default();
        counts.stages.extend(Reckoned::ALL.map(|stage| (stage, 0)));
        for terminal in watch::terminals(tx).await? {
            match terminal.status {
                TerminalStatus::Pending => counts.pending += 1,
                TerminalStatus::Revoked => counts.revoked += 1,
                TerminalStatus::Active => {
                    counts.active += 1;
                    let stage = stages.of(terminal.seen, &terminal.scopes, now);
                    *counts.stages.entry(stage).or_default() += 1;
                    let is_silent = silent > 0 && now.since(terminal.seen) > silent;
                    counts.silent += u64::from(is_silent);
                }
            }
        }
        Ok(counts)
    }
}

/// When the interface's own certificate ends.
fn own_certificate(config: &Config) -> Option<UnixTime> {
    config.admin.listen?;
    given::end_of(config.admin.certificate.as_deref()?).ok()
}

/// Free bytes for whoever is not root.
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(disk.blocks_available().saturating_mul(disk.fragment_size()))
}

fn synchronized(folder: &Path) -> Option<bool> {
    folder.is_dir().then(|| folder.join("synchronized").exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_the_clock_is_synchronized_is_known_where_timesyncd_runs() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(synchronized(&folder.path().join("timesync")), None);
        assert_eq!(synchronized(folder.path()), Some(false));
        std::fs::write(folder.path().join("synchronized"), "").unwrap();
        assert_eq!(synchronized(folder.path()), Some(true));
    }
}
