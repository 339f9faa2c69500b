//! The period of a report.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::name::ScopeName;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use crate::error::{Error, Result};
use crate::store::report::Stretch;
use crate::store::{Tx, scope};
use crate::texts::Text;
use crate::when::{When, days_before, shown};

/// Days of a report whose beginning is not given, the last one among them.
const DAYS: i64 = 30;

/// Which period, and which part of the deployment.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The first day, or the moment at which it begins; without it the last thirty days.
    pub from: Option<When>,
    /// The last day, which counts whole, or the moment before which it ends; without it until now.
    pub to: Option<When>,
    /// Of this scope only.
    pub scope: Option<&'a ScopeName>,
    /// Whether that scope is all that whoever asks may see: what is of people of elsewhere is left
    /// out.
    pub is_alone: bool,
    /// Now.
    pub now: UnixTime,
    /// Where a day is one.
    pub zone: &'a TimeZone,
}

/// The period of a report.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[schemars(rename = "ReportPeriod")]
pub struct PeriodView {
    /// From when, Unix seconds.
    pub from: u64,
    /// Until before when, Unix seconds.
    pub to: u64,
    /// The time zone of its days.
    pub time_zone: String,
}

impl PeriodView {
    /// The same for the store.
    pub const fn stretch(&self) -> Stretch {
        (UnixTime(self.from), UnixTime(self.to))
    }
}

impl<'a> Asked<'a> {
    /// In which scope people have to be; none: in any.
    pub(super) fn people_of(&self) -> Option<&'a ScopeName> {
        self.scope.filter(|_| self.is_alone)
    }

    /// The period, and whether the scope is known.
    ///
    /// # Errors
    /// [`Code::ReportPeriod`] for a period that ends before it begins.
    pub(super) async fn period(&self, tx: &mut Tx) -> Result<PeriodView> {
        if let Some(scope) = self.scope {
            scope::get(tx, scope).await?;
        }
        let no_such_time = || Error::usage(Text::NoSuchTime);
        let to = match self.to {
            Some(when) => when.ends(self.zone).ok_or_else(no_such_time)?,
            None => self.now.plus(1),
        };
        let from = match self.from {
            Some(when) => when.begins(self.zone),
            None => days_before(UnixTime(to.0.saturating_sub(1)), DAYS - 1, self.zone),
        };
        let from = from.ok_or_else(no_such_time)?;
        if from >= to {
            let said = texts::phrase(Code::ReportPeriod, self.ends(from, to));
            return Err(Error::refused(Code::ReportPeriod, said));
        }
        Ok(PeriodView { from: from.0, to: to.0, time_zone: zone_name(self.zone, to) })
    }

    fn ends(&self, from: UnixTime, to: UnixTime) -> Vec<(&'static str, crate::texts::Phrase)> {
        let shown = |time| shown(time, self.zone).into();
        vec![("from", shown(from)), ("to", shown(to))]
    }
}

/// `Asia/Tokyo`; of a zone without a name its distance from UTC.
fn zone_name(zone: &TimeZone, at: UnixTime) -> String {
    match zone.iana_name() {
        // What /etc/localtime is called here.
        Some(name) if name != "local" => name.to_owned(),
        _ => {
            shown(at, zone).get(19..).map_or_else(|| "UTC".into(), |offset| format!("UTC{offset}"))
        }
    }
}
