//! The clock that signatures take their time from: what the server thinks of it, and the
//! confirmation that it is right after all.

use jiff::tz::TimeZone;
use serde::Serialize;
use wardkey_core::time::UnixTime;

use super::Operation;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::publish::time::SigningTime;
use crate::store::{Tx, clock};
use crate::texts::{Phrase, Text};
use crate::when::{When, shown_utc};

/// Seconds that the clock may be off a time that an administrator gives.
const CLOSE: u64 = 600;

/// The clock and what was signed by it.
#[derive(Debug, Serialize)]
pub struct ClockView {
    /// What the machine's clock says, Unix seconds.
    pub now: u64,
    /// The latest time by which something was signed, Unix seconds.
    pub signed: u64,
    /// Whether both go together.
    pub plausible: bool,
    /// Why they do not.
    pub problem: Option<Phrase>,
}

/// A clock that was confirmed.
#[derive(Debug, Serialize)]
pub struct ClockConfirmed {
    /// The time that counts now, Unix seconds.
    pub confirmed: u64,
    /// The latest time by which something had been signed, Unix seconds.
    pub signed_before: u64,
}

/// What the server thinks of the clock.
pub async fn show(tx: &mut Tx, clock: &Clock) -> Result<ClockView> {
    let stored = clock::read(tx).await?;
    let trouble = SigningTime::new(clock.clone(), stored).trouble();
    Ok(ClockView {
        now: clock.now().0,
        signed: stored.signed.0,
        plausible: trouble.is_none(),
        problem: trouble.map(|trouble| trouble.phrase()),
    })
}

/// Confirms the machine's clock. The administrator gives the time from another clock: what agrees
/// with the machine's is confirmed, and nobody confirms 2031 by habit.
pub async fn confirm(op: &mut Operation<'_>, given: When) -> Result<ClockConfirmed> {
    let wall = op.now;
    if !agrees(wall, given, op.zone)? {
        return Err(Error::invalid(Text::ClockSays.with([("time", shown_utc(wall).into())])));
    }

    let before = clock::read(op.tx).await?;
    clock::confirm(op.tx, wall).await?;
    let detail = format!("{}; last signed by {}", shown_utc(wall), shown_utc(before.signed));
    op.record("clock.confirm", "clock", Some(&detail)).await?;
    Ok(ClockConfirmed { confirmed: wall.0, signed_before: before.signed.0 })
}

fn agrees(wall: UnixTime, given: When, zone: &TimeZone) -> Result<bool> {
    let begins = |zone| given.begins(zone).ok_or_else(|| Error::usage(Text::NoSuchTime));
    Ok(match given {
        // A day begins up to 14 hours before, and ends up to 12 hours after that of UTC.
        When::Day(_) => {
            let day = begins(&TimeZone::UTC)?;
            wall.plus(14 * 3600) >= day && wall.since(day) < 36 * 3600
        }
        When::Local(_) | When::Moment(_) => wall.0.abs_diff(begins(zone)?.0) <= CLOSE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::{Deployment, NOW};

    #[tokio::test]
    async fn only_a_time_that_agrees_with_the_machine_s_is_confirmed() {
        let deployment = Deployment::new().await;
        let confirmed =
            async |given: When| deployment.act(async |op| confirm(op, given).await).await;
        confirmed(When::Moment(NOW.plus(CLOSE))).await.unwrap();
        let refused = confirmed(When::Moment(NOW.plus(CLOSE + 1))).await.unwrap_err();
        assert!(refused.to_string().contains("set it right first"));
        confirmed(When::parse("2031-01-01").unwrap()).await.unwrap_err();
        assert_eq!(deployment.actions().await[0], "clock.confirm");
    }
}
