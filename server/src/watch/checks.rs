//! The one table of reasons why the server is not well.

use wardkey_core::code::Code;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::authority;
use super::facts::{Facts, Outlet, ScopeFacts, Stock};
use crate::config::Watch;
use crate::texts::Phrase;

/// Seconds of a minute, of an hour and of a day.
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;
/// Bytes of a megabyte.
const MEGABYTE: u64 = 1_000_000;

/// How bad a reason is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Terminals do not get what they should: the server is not ready.
    Critical,
    /// The server does its work, and somebody should look.
    Warning,
}

impl Severity {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Its code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, and what to do next.
    pub message: Phrase,
    /// How often it happened, where each time is news.
    pub times: Option<u64>,
}

/// What a sentence needs.
type Values = Vec<(&'static str, Phrase)>;

/// One row of the table.
pub(super) struct Check {
    /// What it finds.
    pub code: Code,
    /// How bad that is.
    pub severity: Severity,
    /// Looks for it; what the sentence needs, when it is so.
    find: fn(&Facts, &Watch) -> Option<Values>,
    /// How often it happened, where each time is news.
    times: Option<fn(&Facts) -> u64>,
}

/// All of them, in the order in which they are said.
pub(super) const CHECKS: &[Check] = &[
    critical_when(Code::ServerNotRunning, |facts, _| (!facts.running).then(Vec::new)),
    critical_when(Code::StoreUnanswered, |facts, _| (!facts.readable).then(Vec::new)),
    critical_when(Code::StoreUnwritable, |facts, _| (!facts.writable).then(Vec::new)),
    critical_when(Code::ClockNotPlausible, |facts, _| facts.clock.map(|_| Vec::new())),
    critical_when(Code::ScopesHalted, |facts, _| some_scopes(facts, |scope, _| scope.halted)),
    critical_when(Code::HeadsExpired, |facts, _| some_scopes(facts, has_expired)),
    critical_when(Code::CaEnded, |facts, _| authority::ended(facts)),
    Check {
        times: Some(|facts| of(facts, |stock| stock.sealed_used)),
        ..warning_when(Code::BreakGlassAlarm, |facts, _| some(of(facts, |stock| stock.sealed_used)))
    },
    warning_when(Code::DiskLow, disk_low),
    warning_when(Code::ServerCertificateEnds, certificate_ends),
    warning_when(Code::AdministrationNotServed, |facts, _| {
        facts.lacks_administration.then(Vec::new)
    }),
    warning_when(Code::AdministrationCertificateEnds, administration_ends),
    warning_when(Code::BackupMissing, backup_missing),
    warning_when(Code::BackupOld, backup_old),
    warning_when(Code::BackupBeforeKeys, backup_before_keys),
    warning_when(Code::ArchiveOld, archive_old),
    warning_when(Code::KeyExchangeWaits, exchange_waits),
    warning_when(Code::CaExchangeWaits, ca_exchange_waits),
    Check {
        times: Some(authority::urgency),
        ..warning_when(Code::CaEnds, |facts, _| authority::ends(facts))
    },
    Check {
        times: Some(authority::urgency_prepared),
        ..warning_when(Code::CaPreparedEnds, |facts, _| authority::prepared_ends(facts))
    },
    warning_when(Code::CaPreparedUnfit, |facts, _| authority::prepared_unfit(facts)),
    warning_when(Code::TerminalsSilent, terminals_silent),
    warning_when(Code::RecordsNotForwarded, records_wait),
    warning_when(Code::TerminalsAtQuota, |facts, _| some(of(facts, |stock| stock.at_quota))),
    warning_when(Code::KeysSuspected, |facts, _| some(of(facts, |stock| stock.suspected))),
    warning_when(Code::RecordsChanged, |facts, _| {
        facts.stock.as_ref().is_some_and(|stock| stock.log_changed).then(Vec::new)
    }),
];

const fn critical_when(code: Code, find: fn(&Facts, &Watch) -> Option<Values>) -> Check {
    Check { code, severity: Severity::Critical, find, times: None }
}

const fn warning_when(code: Code, find: fn(&Facts, &Watch) -> Option<Values>) -> Check {
    Check { code, severity: Severity::Warning, find, times: None }
}

/// Everything that is not as it should be.
pub fn reasons(facts: &Facts, watch: &Watch) -> Vec<Reason> {
    CHECKS.iter().filter_map(|check| check.look(facts, watch)).collect()
}

/// What keeps the server from its work.
pub fn critical(facts: &Facts, watch: &Watch) -> Vec<Reason> {
    let is_critical = |check: &&Check| check.severity == Severity::Critical;
    CHECKS.iter().filter(is_critical).filter_map(|check| check.look(facts, watch)).collect()
}

impl Check {
    fn look(&self, facts: &Facts, watch: &Watch) -> Option<Reason> {
        let values = (self.find)(facts, watch)?;
        let (code, severity) = (self.code, self.severity);
        let times = self.times.map(|times| times(facts));
        Some(Reason { code, severity, message: texts::phrase(code, values), times })
    }
}

/// A number of the stock; 0 where it was not read.
fn of(facts: &Facts, count: fn(&Stock) -> u64) -> u64 {
    facts.stock.as_ref().map_or(0, count)
}

fn some(count: u64) -> Option<Values> {
    (count > 0).then(|| vec![("count", count.into())])
}

fn some_scopes(facts: &Facts, is_so: fn(&ScopeFacts, UnixTime) -> bool) -> Option<Values> {
    some(facts.scopes.iter().filter(|scope| is_so(scope, facts.now)).count() as u64)
}

fn has_expired(scope: &ScopeFacts, now: UnixTime) -> bool {
    !scope.halted && scope.signed.is_some_and(|(_, expires)| now >= expires)
}

fn disk_low(facts: &Facts, watch: &Watch) -> Option<Values> {
    let megabytes = facts.stock.as_ref()?.free? / MEGABYTE;
    (megabytes < watch.disk_megabytes).then(|| vec![("megabytes", megabytes.into())])
}

fn certificate_ends(facts: &Facts, watch: &Watch) -> Option<Values> {
    days_left(facts.stock.as_ref()?.certificate?, facts, watch)
}

fn administration_ends(facts: &Facts, watch: &Watch) -> Option<Values> {
    days_left(facts.stock.as_ref()?.administration?, facts, watch)
}

/// Days until a certificate ends, when they are fewer than are wanted.
fn days_left(end: UnixTime, facts: &Facts, watch: &Watch) -> Option<Values> {
    let days = end.since(facts.now) / DAY;
    (days < watch.certificate_days_left).then(|| vec![("days", days.into())])
}

/// Hours since a moment, when that is longer ago than a backup may be.
fn too_long_ago(since: UnixTime, facts: &Facts, watch: &Watch) -> Option<u64> {
    let hours = facts.now.since(since) / HOUR;
    (watch.backup_hours > 0 && hours >= watch.backup_hours).then_some(hours)
}

fn backup_missing(facts: &Facts, watch: &Watch) -> Option<Values> {
    let stock = facts.stock.as_ref().filter(|stock| stock.backup.is_none())?;
    // A new deployment has the time to make its first one.
    too_long_ago(stock.made?, facts, watch).map(|_| Vec::new())
}

fn backup_old(facts: &Facts, watch: &Watch) -> Option<Values> {
    let hours = too_long_ago(facts.stock.as_ref()?.backup?, facts, watch)?;
    Some(vec![("hours", hours.into())])
}

/// The keys of the deployment were exchanged after the last backup, which has those of before.
fn backup_before_keys(facts: &Facts, watch: &Watch) -> Option<Values> {
    let stock = facts.stock.as_ref().filter(|_| watch.backup_hours > 0)?;
    (stock.backup? < stock.keys_since?).then(Vec::new)
}

/// Where records are to be pruned: days since the last archive, or since the deployment was made.
fn archive_old(facts: &Facts, watch: &Watch) -> Option<Values> {
    let stock = facts.stock.as_ref().filter(|stock| stock.prunes && watch.archive_days > 0)?;
    let days = facts.now.since(stock.archive.or(stock.made)?) / DAY;
    (days >= watch.archive_days).then(|| vec![("days", days.into())])
}

fn exchange_waits(facts: &Facts, _: &Watch) -> Option<Values> {
    let with_root = facts.stock.as_ref()?.exchange?;
    Some(vec![("have", with_root.have.into()), ("count", with_root.of.into())])
}

fn ca_exchange_waits(facts: &Facts, _: &Watch) -> Option<Values> {
    let certified = facts.stock.as_ref()?.ca_exchange?;
    Some(vec![("have", certified.have.into()), ("count", certified.of.into())])
}

fn terminals_silent(facts: &Facts, watch: &Watch) -> Option<Values> {
    let mut values = some(of(facts, |stock| stock.terminals.silent))?;
    values.push(("hours", watch.silent_hours.into()));
    Some(values)
}

/// Destinations for which records have waited for too long.
fn records_wait(facts: &Facts, watch: &Watch) -> Option<Values> {
    let at_most = watch.records_minutes.saturating_mul(MINUTE);
    let waits = |outlet: &&Outlet| {
        at_most > 0 && outlet.since.is_some_and(|since| facts.now.since(since) >= at_most)
    };
    let outlets = facts.stock.as_ref()?.outlets.iter();
    let mut values = some(outlets.filter(waits).count() as u64)?;
    values.push(("minutes", watch.records_minutes.into()));
    Some(values)
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use wardkey_core::name::Language;

    use super::*;
    use crate::store::destination::Destination;
    use crate::store::terminal::WithRoot;

    pub const NOW: UnixTime = UnixTime(1_800_000_000);

    pub fn stock() -> Stock {
        Stock {
            terminals: Default::default(),
            backup: Some(NOW),
            archive: None,
            prunes: false,
            made: Some(UnixTime(NOW.0 - 90 * DAY)),
            database: 5,
            free: Some(5_000_000_000),
            certificate: Some(NOW.plus(200 * DAY)),
            administration: None,
            prepared: None,
            at_quota: 0,
            suspected: 0,
            sealed_used: 0,
            log_changed: false,
            outlets: Vec::new(),
            exchange: None,
            ca_exchange: None,
            keys_since: None,
            root_key_here: false,
            alarms: Vec::new(),
            synchronized: None,
        }
    }

    pub fn facts(stock: Option<Stock>) -> Facts {
        Facts {
            now: NOW,
            running: true,
            lacks_administration: false,
            readable: true,
            writable: true,
            clock: None,
            authority: None,
            scopes: Vec::new(),
            stock,
        }
    }

    /// A destination for which a record has waited for so long.
    fn waiting(seconds: u64) -> Outlet {
        let destination = Destination {
            place: "siem:6514".into(),
            name: "tls siem:6514".into(),
            secret: Vec::new(),
            position: 7,
            refused: 0,
            pruned: 0,
            untold: 0,
            failed: None,
        };
        Outlet { destination, waiting: 1, gone: 0, since: Some(UnixTime(NOW.0 - seconds)) }
    }

    fn found(facts: &Facts, watch: &Watch) -> Vec<u16> {
        reasons(facts, watch).iter().map(|reason| reason.code.number()).collect()
    }

    #[test]
    fn every_row_has_a_code_of_its_own_and_what_stops_comes_first() {
        let codes: BTreeSet<u16> = CHECKS.iter().map(|check| check.code.number()).collect();
        assert_eq!(codes.len(), CHECKS.len());
        let watched =
            [1429..1430, 1595..1596, 1698..1699, 1726..1728, 1733..1738, 1840..1850, 1920..1950];
        let is_watched = |code: &u16| watched.iter().any(|codes| codes.contains(code));
        assert!(codes.iter().all(is_watched));
        assert!(CHECKS.is_sorted_by_key(|check| check.severity));
    }

    #[test]
    fn bounds_are_those_of_the_configuration_and_0_asks_for_nothing() {
        let watch = Watch::default();
        assert_eq!(found(&facts(Some(stock())), &watch), [0; 0]);
        let with = |change: fn(&mut Stock)| {
            let mut stock = stock();
            change(&mut stock);
            facts(Some(stock))
        };
        for (change, at, code) in [
            ((|stock| stock.free = Some(1_024_000_000)) as fn(&mut Stock), false, 1926),
            (|stock| stock.free = Some(1_023_999_999), true, 1926),
            (|stock| stock.certificate = Some(NOW.plus(30 * DAY)), false, 1927),
            (|stock| stock.certificate = Some(NOW.plus(30 * DAY - 1)), true, 1927),
            (|stock| stock.certificate = Some(UnixTime(5)), true, 1927),
            (|stock| stock.administration = Some(NOW.plus(30 * DAY)), false, 1727),
            (|stock| stock.administration = Some(NOW.plus(30 * DAY - 1)), true, 1727),
            (|stock| stock.backup = Some(UnixTime(NOW.0 - 48 * HOUR + 1)), false, 1929),
            (|stock| stock.backup = Some(UnixTime(NOW.0 - 48 * HOUR)), true, 1929),
            (|stock| stock.backup = None, true, 1930),
            (|stock| stock.terminals.silent = 2, true, 1931),
            // 90 days old, and 100 are allowed.
            (|stock| stock.prunes = true, false, 1698),
            (|stock| (stock.prunes, stock.made) = (true, Some(UnixTime(5))), true, 1698),
            (|stock| stock.made = Some(UnixTime(5)), false, 1698),
            (
                |stock| (stock.prunes, stock.archive) = (true, Some(UnixTime(NOW.0 - 100 * DAY))),
                true,
                1698,
            ),
            (|stock| stock.outlets = vec![waiting(3599)], false, 1429),
            (|stock| stock.outlets = vec![waiting(0), waiting(3600)], true, 1429),
            (|stock| stock.at_quota = 1, true, 1932),
            (|stock| stock.suspected = 1, true, 1933),
            (|stock| stock.log_changed = true, true, 1934),
            (|stock| stock.sealed_used = 1, true, 1595),
            (|stock| stock.exchange = Some(WithRoot { have: 2, of: 3 }), true, 1840),
            (|stock| stock.ca_exchange = Some(WithRoot { have: 2, of: 3 }), true, 1733),
            (|stock| stock.keys_since = Some(NOW), false, 1841),
            (|stock| stock.keys_since = Some(NOW.plus(1)), true, 1841),
        ] {
            let expected = if at { vec![code] } else { vec![] };
            assert_eq!(found(&with(change), &watch), expected, "{code}");
        }
        let none = Watch { backup_hours: 0, disk_megabytes: 0, ..watch };
        let poor = with(|stock| (stock.backup, stock.free) = (None, Some(0)));
        assert_eq!(found(&poor, &none), [0; 0]);
        // A deployment of today has had no time for a backup.
        let new = with(|stock| (stock.backup, stock.made) = (None, Some(NOW)));
        assert_eq!(found(&new, &Watch::default()), [0; 0]);
    }

    #[test]
    fn a_reason_says_what_it_counts_in_both_languages() {
        let mut silent = stock();
        silent.terminals.silent = 7;
        let all = reasons(&facts(Some(silent)), &Watch { silent_hours: 12, ..Watch::default() });
        let [reason] = all.as_slice() else { panic!("{all:?}") };
        for language in [Language::En, Language::Ja] {
            let said = reason.message.say(language);
            assert!(said.contains('7') && said.contains("12"), "{said}");
        }
        // What only the running server knows keeps "status" from nothing.
        let stopped = Facts { running: false, writable: false, ..facts(None) };
        assert_eq!(found(&stopped, &Watch::default()), [1920, 1922]);
        assert_eq!(critical(&stopped, &Watch::default()).len(), 2);
        let without = Facts { lacks_administration: true, ..facts(None) };
        assert_eq!(found(&without, &Watch::default()), [1726]);
        assert!(critical(&without, &Watch::default()).is_empty(), "terminals need it not");
    }
}
