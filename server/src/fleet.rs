//! What the server reckons of terminals that it does not hear.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::name::ScopeName;
use wardkey_core::policy::document::OfflineLimits;
use wardkey_core::policy::stage::Stage;
use wardkey_core::time::UnixTime;

use crate::error::Result;
use crate::store::{Db, scope};

/// Seconds without a word that mean nothing: a terminal holds one request for up to a minute, and
/// when it was heard of is written once a minute.
const UNHEARD: u64 = 180;

/// The offline stage of a terminal, by its last word. The terminal itself decides by what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reckoned {
    /// In this stage.
    In(Stage),
    /// The last stage is over: only local accounts get in.
    Over,
}

impl Reckoned {
    /// All of them, in the order in which they come.
    pub const ALL: [Self; 5] = [
        Self::In(Stage::Online),
        Self::In(Stage::Soft),
        Self::In(Stage::Degraded),
        Self::In(Stage::Hard),
        Self::Over,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In(stage) => stage.as_str(),
            Self::Over => "over",
        }
    }
}

/// From when on terminals are in which stage.
#[derive(Clone, Debug)]
pub struct Stages {
    lifetime: u64,
    limits: BTreeMap<ScopeName, OfflineLimits>,
}

impl Stages {
    /// Of documents that live for so many seconds, and the policies of all scopes.
    pub async fn read(db: &mut Db, head_seconds: u64) -> Result<Self> {
        let all = scope::with_policies(db).await?;
        let limits = all.into_iter().map(|(scope, policy)| (scope.name, policy.offline)).collect();
        Ok(Self { lifetime: head_seconds, limits })
    }

    /// The stage of a terminal of these scopes that was heard of last at `seen`. Of several scopes
    /// the strictest limits count, as at the terminal.
    pub fn of(&self, seen: UnixTime, scopes: &BTreeSet<ScopeName>, now: UnixTime) -> Reckoned {
        let offline = now.since(self.offline_from(seen));
        if offline == 0 {
            return Reckoned::In(Stage::Online);
        }
        let is_in =
            |stage: &Stage| self.limit(*stage, scopes).is_some_and(|seconds| offline <= seconds);
        let stage = [Stage::Soft, Stage::Degraded, Stage::Hard].into_iter().find(is_in);
        stage.map_or(Reckoned::Over, Reckoned::In)
    }

    /// When the next stage begins, unless the terminal is heard of; none for one that is online,
    /// and after the last stage.
    pub fn next(
        &self,
        seen: UnixTime,
        scopes: &BTreeSet<ScopeName>,
        now: UnixTime,
    ) -> Option<UnixTime> {
        let Reckoned::In(stage) = self.of(seen, scopes, now) else { return None };
        let seconds = self.limit(stage, scopes)?;
        // The stage is that of its last second, too.
        Some(self.offline_from(seen).plus(seconds).plus(1))
    }

    /// What it had then was to expire after a whole life at the latest.
    fn offline_from(&self, seen: UnixTime) -> UnixTime {
        seen.plus(self.lifetime.max(UNHEARD))
    }

    /// Seconds offline until a stage is over; none for that of a terminal that is online.
    fn limit(&self, stage: Stage, scopes: &BTreeSet<ScopeName>) -> Option<u64> {
        let of: fn(&OfflineLimits) -> u64 = match stage {
            Stage::Online => return None,
            Stage::Soft => |limits| limits.soft,
            Stage::Degraded => |limits| limits.degraded,
            Stage::Hard => |limits| limits.hard,
        };
        let limits = scopes.iter().filter_map(|scope| self.limits.get(scope));
        Some(limits.map(of).min().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_follows_from_the_last_word_and_the_strictest_scope() {
        let scope = |name: &str| ScopeName::new(name).unwrap();
        let limits = |hours: [u64; 3]| {
            let [soft, degraded, hard] = hours.map(|hours| hours * 3600);
            OfflineLimits { soft, degraded, hard }
        };
        let limits = [(scope("icu"), limits([1, 3, 5])), (scope("er"), limits([2, 2, 9]))];
        let stages = Stages { lifetime: 900, limits: limits.into() };
        let of = |names: &[&str], seconds: u64| {
            let scopes = names.iter().map(|name| scope(name)).collect();
            stages.of(UnixTime(1000), &scopes, UnixTime(1000 + seconds)).as_str()
        };
        for (names, seconds, stage) in [
            (&["icu"][..], 900, "online"),
            (&["icu"], 901, "soft"),
            (&["icu"], 900 + 3600, "soft"),
            (&["icu"], 901 + 3600, "degraded"),
            (&["icu"], 901 + 3 * 3600, "hard"),
            (&["icu"], 901 + 5 * 3600, "over"),
            (&["er"], 901 + 3600, "soft"),
            (&["er", "icu"], 901 + 3600, "degraded"),
            (&["er", "icu"], 901 + 2 * 3600, "hard"),
            (&[], 901, "over"),
        ] {
            assert_eq!(of(names, seconds), stage, "{names:?} {seconds}");
            // The next stage begins when it is said to begin, and not a second before.
            let scopes = names.iter().map(|name| scope(name)).collect();
            let now = UnixTime(1000 + seconds);
            let Some(next) = stages.next(UnixTime(1000), &scopes, now) else {
                assert!(["online", "over"].contains(&stage), "{names:?} {seconds}");
                continue;
            };
            let at = |now: u64| stages.of(UnixTime(1000), &scopes, UnixTime(now)).as_str();
            assert_eq!(at(next.0 - 1), stage, "{names:?} {seconds}");
            assert_ne!(at(next.0), stage, "{names:?} {seconds}");
        }
        // A second of the clock, or a short life of documents, makes nobody offline.
        let stages = Stages { lifetime: 2, ..stages };
        let scopes = [scope("icu")].into();
        let now = UnixTime(1000 + UNHEARD);
        assert_eq!(stages.of(UnixTime(1000), &scopes, now), Reckoned::In(Stage::Online));
    }
}
