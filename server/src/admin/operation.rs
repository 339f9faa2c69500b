//! One act: where it is written, who does it, when and why.

use jiff::tz::TimeZone;
use wardkey_core::time::UnixTime;

use crate::error::{Error, Result};
use crate::store::Tx;
use crate::store::audit::{self, Act, Actor};
use crate::texts::Text;
use crate::when::When;

/// One act of an administrator, in a transaction that the caller commits.
pub struct Operation<'a> {
    /// The transaction.
    pub tx: &'a mut Tx,
    /// Who acts.
    pub actor: &'a Actor,
    /// When.
    pub now: UnixTime,
    /// Why, in the words of whoever acts.
    pub reason: Option<&'a str>,
    /// The deployment's time zone: a day begins and ends there.
    pub zone: &'a TimeZone,
}

impl Operation<'_> {
    /// Adds the row of the trail.
    pub(super) async fn record(
        &mut self,
        action: &str,
        object: &str,
        detail: Option<&str>,
    ) -> Result<()> {
        let act = Act { action, object, reason: self.reason, detail };
        audit::record(self.tx, self.now, self.actor, act).await
    }

    /// The moment at which a day or time that was given begins or ends in the deployment's time
    /// zone.
    pub(super) fn moment(
        &self,
        given: Option<When>,
        edge: fn(When, &TimeZone) -> Option<UnixTime>,
    ) -> Result<Option<UnixTime>> {
        let Some(when) = given else { return Ok(None) };
        let moment = edge(when, self.zone);
        moment.map(Some).ok_or_else(|| Error::usage(Text::NoSuchTime))
    }
}

/// Names for the trail.
pub(super) fn joined<'a, T: ToString + 'a>(names: impl IntoIterator<Item = &'a T>) -> String {
    let names: Vec<String> = names.into_iter().map(ToString::to_string).collect();
    if names.is_empty() { "none".into() } else { names.join(",") }
}

/// Names for views.
pub(super) fn names<'a, T: ToString + 'a>(names: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    names.into_iter().map(ToString::to_string).collect()
}
