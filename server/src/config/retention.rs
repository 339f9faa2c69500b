//! `[retention]`: for how long records are kept, by class. What is not named is kept for ever.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use wardkey_core::event::Class;
use wardkey_core::log_archive::KEPT_AT_LEAST;

use crate::texts::{Phrase, Text};

/// The shortest time for which records are kept: what comes late, of a terminal that was offline
/// for less than that, is compared with them.
const SHORTEST: u64 = KEPT_AT_LEAST;
/// The longest, which is longer than any law asks for.
const LONGEST: u64 = 200 * YEAR;
const DAY: u64 = 86_400;
const MONTH: u64 = 31 * DAY;
const YEAR: u64 = 366 * DAY;

/// For how long records are kept in the database. They go by `archive prune` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Logins and sessions.
    pub logins: Option<Period>,
    /// What changed for people, keys and terminals.
    pub administration: Option<Period>,
    /// What somebody should look at.
    pub security: Option<Period>,
    /// How terminals are.
    pub operation: Option<Period>,
}

/// A stretch of time: `90d`, `18m`, `5y`. A month has 31 days and a year 366, so it is never
/// shorter than one of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period(u64);

impl Period {
    /// In seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let at = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(at)?;
        let unit = match unit {
            "d" => DAY,
            "m" => MONTH,
            "y" => YEAR,
            _ => return None,
        };
        Some(Self(number.parse::<u64>().ok()?.checked_mul(unit)?))
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(Phrase::from(Text::WritePeriod)))
    }
}

impl Retention {
    /// For how long a class is kept; none: for ever.
    pub const fn of(&self, class: Class) -> Option<Period> {
        match class {
            Class::Logins => self.logins,
            Class::Administration => self.administration,
            Class::Security => self.security,
            Class::Operation => self.operation,
        }
    }

    /// Whether anything is pruned at all.
    pub fn is_set(&self) -> bool {
        Class::ALL.iter().any(|class| self.of(*class).is_some())
    }

    /// What can be wrong, and whether it is right.
    pub(super) fn checks(&self) -> [(bool, &'static str, Phrase); 4] {
        Class::ALL.map(|class| {
            let seconds = self.of(class).map(Period::seconds);
            let is_right = seconds.is_none_or(|period| (SHORTEST..=LONGEST).contains(&period));
            (is_right, class.as_str(), Text::RetentionBounds.into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_never_shorter_than_those_of_the_calendar() {
        for (text, days) in [("30d", 30), ("18m", 558), ("5y", 1830)] {
            assert_eq!(Period::parse(text), Some(Period(days * DAY)), "{text}");
        }
        for wrong in ["", "5", "y", "5w", "-5y", "5 y", "5Y", "99999999999999999999y"] {
            assert_eq!(Period::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_not_named_is_kept_for_ever() {
        assert!(!Retention::default().is_set());
        let some = Retention { operation: Period::parse("90d"), ..Retention::default() };
        assert!(some.is_set());
        for class in Class::ALL {
            assert_eq!(some.of(class).is_some(), class == Class::Operation);
        }
    }
}
