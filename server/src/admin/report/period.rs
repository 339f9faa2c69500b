//! The period of a report.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::event::Class;
use wardkey_core::log_archive::PruneAct;
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;
use wardkey_core::{sign, texts};

use crate::error::{Error, Result};
use crate::store::report::Stretch;
use crate::store::{Tx, archive, scope};
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
    /// Records from before this, Unix seconds, may be in archives alone; those are not counted.
    /// Absent when the period has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_before: Option<u64>,
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

    /// The period, and whether the scope is known. Records of these classes are counted.
    ///
    /// # Errors
    /// [`Code::ReportPeriod`] for a period that ends before it begins.
    pub(super) async fn period(&self, tx: &mut Tx, counted: &[Class]) -> Result<PeriodView> {
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
        let archived = pruned_before(tx, counted).await?.filter(|before| *before > from);
        Ok(PeriodView {
            from: from.0,
            to: to.0,
            time_zone: zone_name(self.zone, to),
            archived_before: archived.map(|before| before.min(to).0),
        })
    }

    fn ends(&self, from: UnixTime, to: UnixTime) -> Vec<(&'static str, crate::texts::Phrase)> {
        let shown = |time| shown(time, self.zone).into();
        vec![("from", shown(from)), ("to", shown(to))]
    }
}

/// Before when records of these classes were pruned, because an archive has them.
async fn pruned_before(tx: &mut Tx, classes: &[Class]) -> Result<Option<UnixTime>> {
    let mut latest = None;
    for act in archive::acts(tx).await? {
        // Nothing is decided by it: `log verify` finds an act that nobody signed.
        let Ok(act) = sign::peek::<PruneAct>(&act.signed) else { continue };
        let due = act.classes.iter().filter(|due| {
            act.records > 0 && due.class().is_some_and(|class| classes.contains(&class))
        });
        latest = latest.max(due.map(|due| due.before).max());
    }
    Ok(latest)
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
