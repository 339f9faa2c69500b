//! Measures in the text format of OpenMetrics, which Prometheus reads. Labels name scopes, states,
//! routes, acts, codes and destinations of records: no person, no terminal, nobody's address.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use wardkey_core::time::UnixTime;

use super::checks::{CHECKS, reasons};
use super::counters::Counters;
use super::facts::{Facts, Outlet, ScopeFacts, Stock};
use crate::config::Watch;
use crate::error::{Error, Result};
use crate::fleet::Reckoned;
use crate::gate::Open;
use crate::store::watch::Acts;

/// What every name begins with.
const PREFIX: &str = "wardkey_server";

/// What is asked of the running server at the moment.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// Open connections.
    pub open: Open,
    /// Pieces of work that wait to be written.
    pub queued: u64,
    /// What is counted.
    pub counters: &'a Counters,
}

/// The measures as text.
///
/// # Errors
/// [`Error::Crypto`] when they cannot be written.
pub fn text(facts: &Facts, watch: &Watch, live: Live<'_>) -> Result<String> {
    let mut page = Page(Registry::with_prefix(PREFIX));
    page.server(facts, watch);
    page.live(&live);
    page.scopes(facts);
    if let Some(stock) = &facts.stock {
        page.terminals(stock);
        page.stock(stock);
        page.certificates(facts, stock);
        page.outlets(stock);
    }
    live.counters.register(&mut page.0);
    let mut text = String::new();
    encode(&mut text, &page.0).map_err(Error::crypto("OpenMetrics"))?;
    Ok(text)
}

/// Labels with the value of one gauge.
type Row<const N: usize> = ([(&'static str, String); N], u64);

struct Page(Registry);

impl Page {
    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        let gauge: Gauge = Gauge::default();
        gauge.set(signed(value));
        self.0.register(name, help, gauge);
    }

    /// A gauge of what may not be known: then it is not there.
    fn known(&mut self, name: &str, help: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.gauge(name, help, value);
        }
    }

    fn family<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = Row<N>>,
    ) {
        let family = Family::<[(&'static str, String); N], Gauge>::default();
        for (labels, value) in rows {
            family.get_or_create(&labels).set(signed(value));
        }
        self.0.register(name, help, family);
    }

    fn server(&mut self, facts: &Facts, watch: &Watch) {
        let version = [("version", env!("CARGO_PKG_VERSION").to_owned())];
        self.family("build", "The version that runs", [(version, 1)]);
        let found = reasons(facts, watch);
        let rows = CHECKS.iter().map(|check| {
            let is_so = found.iter().any(|reason| reason.code == check.code);
            let severity = check.severity.as_str().to_owned();
            ([("code", check.code.to_string()), ("severity", severity)], u64::from(is_so))
        });
        self.family("problem", "1 while something is not as it should be (docs/CODES.md)", rows);
        let plausible = u64::from(facts.clock.is_none());
        self.gauge("clock_plausible", "1 while the clock is signed by", plausible);
        self.gauge("store_writable", "1 while the store can be written", facts.writable.into());
    }

    fn live(&mut self, live: &Live<'_>) {
        let kind = |kind: &str, count| ([("kind", kind.to_owned())], count);
        let open = [
            kind("handshake", live.open.handshakes),
            kind("terminal", live.open.terminals),
            kind("other", live.open.others),
        ];
        self.family("connections", "Open connections", open);
        self.gauge("intake_queue", "Batches of records that wait to be written", live.queued);
    }

    fn scopes(&mut self, facts: &Facts) {
        let each = |value: fn(&ScopeFacts) -> Option<u64>| {
            facts
                .scopes
                .iter()
                .filter_map(move |scope| Some(([("scope", scope.name.to_string())], value(scope)?)))
        };
        let rows = each(|scope| Some(scope.position.seq));
        self.family("scope_sequence", "Sequence of the latest published change", rows);
        let rows = each(|scope| Some(scope.position.epoch));
        self.family("scope_epoch", "Epoch of what is published", rows);
        let rows = each(|scope| scope.people);
        self.family("scope_people", "People in the directory of a scope", rows);
        let rows = each(|scope| Some(scope.halted.into()));
        self.family("scope_halted", "1 while a scope is not published", rows);
        let rows = each(|scope| scope.signed.map(|(issued, _)| issued.0));
        let help = "When the head of a scope was signed, Unix seconds";
        self.family("scope_signed_timestamp_seconds", help, rows);
        let rows = each(|scope| scope.signed.map(|(_, expires)| expires.0));
        let help = "When the head of a scope expires, Unix seconds";
        self.family("scope_expiry_timestamp_seconds", help, rows);
    }

    fn terminals(&mut self, stock: &Stock) {
        let counts = &stock.terminals;
        let state = |state: &str, count| ([("state", state.to_owned())], count);
        let states = [
            state("pending", counts.pending),
            state("active", counts.active),
            state("revoked", counts.revoked),
        ];
        self.family("terminals", "Terminals by state", states);
        let stage =
            |(stage, count): (&Reckoned, &u64)| ([("stage", stage.as_str().to_owned())], *count);
        let help = "Active terminals by offline stage, as their last word lets expect";
        self.family("terminals_stage", help, counts.stages.iter().map(stage));
        let help = "Active terminals that were not heard of for silent_hours";
        self.gauge("terminals_silent", help, counts.silent);
        self.gauge("terminals_at_quota", "Terminals with a full day of records", stock.at_quota);
        self.gauge("keys_suspected", "Active keys that may have been copied", stock.suspected);
        let alarm = |acts: &Acts| ([("action", acts.action.clone())], acts.count);
        let help = "Acts of the last 24 hours in the trail that are worth an alarm";
        self.family("alarms", help, stock.alarms.iter().map(alarm));
    }

    fn outlets(&mut self, stock: &Stock) {
        let each = |value: fn(&Outlet) -> Option<u64>| {
            let rows = stock.outlets.iter();
            rows.filter_map(move |one| {
                Some(([("destination", one.destination.name.clone())], value(one)?))
            })
        };
        let rows = each(|one| Some(one.waiting));
        self.family("records_waiting", "Records that a destination lacks", rows);
        let rows = each(|one| one.since.map(|time| time.0));
        let help = "When the oldest record that a destination lacks arrived here, Unix seconds";
        self.family("records_waiting_since_timestamp_seconds", help, rows);
        let rows = each(|one| Some(u64::from(one.destination.failed.is_some())));
        self.family("records_failing", "1 while nothing arrives at a destination", rows);
        let lost = |cause: &'static str, count: fn(&Outlet) -> u64| {
            stock.outlets.iter().map(move |one| {
                let name = one.destination.name.clone();
                ([("destination", name), ("cause", cause.to_owned())], count(one))
            })
        };
        let refused = lost("refused", |one| one.destination.refused);
        let rows =
            refused.chain(lost("pruned", |one| one.destination.pruned.saturating_add(one.gone)));
        self.family("records_lost", "Records that a destination never gets", rows);
    }

    fn stock(&mut self, stock: &Stock) {
        let help = "When the last backup was made, Unix seconds";
        self.known("backup_timestamp_seconds", help, stock.backup.map(|time| time.0));
        self.gauge("database_bytes", "Bytes of the database and its log", stock.database);
        self.known("disk_free_bytes", "Free bytes on the disk of the database", stock.free);
        let help = "1 when systemd-timesyncd has set the clock";
        self.known("clock_synchronized", help, stock.synchronized.map(u64::from));
    }

    fn certificates(&mut self, facts: &Facts, stock: &Stock) {
        let ends = [
            ("server", stock.certificate),
            ("authority", facts.authority),
            ("authority-prepared", stock.prepared_until()),
        ];
        let each = |value: fn(&Facts, UnixTime) -> u64| {
            let rows = ends.into_iter();
            rows.filter_map(move |(of, end)| {
                Some(([("certificate", of.to_owned())], value(facts, end?)))
            })
        };
        let help = "When a certificate ends, Unix seconds";
        self.family("certificate_expiry_timestamp_seconds", help, each(|_, end| end.0));
        let help = "Seconds until a certificate ends; 0 once it has";
        self.family("certificate_remaining_seconds", help, each(|facts, end| end.since(facts.now)));
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
