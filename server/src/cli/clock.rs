//! `wardkey-server clock`: what the server thinks of the machine's clock, and the confirmation that
//! it is right after all.

use jiff::tz::TimeZone;
use serde::Serialize;
use wardkey_core::time::UnixTime;

use super::Context;
use super::args::ClockCommand;
use super::value::{shown, when};
use crate::error::{Error, Result};
use crate::publish::time::{SigningTime, Trouble};
use crate::store::audit::{self, Act};
use crate::store::clock;
use crate::when::When;

/// Seconds that the clock may be off a time that an administrator gives.
const CLOSE: u64 = 600;

#[derive(Serialize)]
struct ShownClock {
    now: u64,
    signed: u64,
    plausible: bool,
    problem: Option<String>,
}

pub async fn act(context: &Context, command: ClockCommand) -> Result<()> {
    match command {
        ClockCommand::Show => show(context).await,
        ClockCommand::Confirm { now, reason } => confirm(context, &now, reason.as_deref()).await,
    }
}

async fn show(context: &Context) -> Result<()> {
    let stored = clock::read(&mut *context.store.read().await?).await?;
    let now = context.clock.now();
    let trouble = SigningTime::new(context.clock.clone(), stored).trouble();
    let answer = ShownClock {
        now: now.0,
        signed: stored.signed.0,
        plausible: trouble.is_none(),
        problem: trouble.as_ref().map(Trouble::to_string),
    };
    context.output.say(&answer, || {
        let problem = trouble.map_or_else(|| "plausible".to_owned(), |trouble| trouble.to_string());
        vec![
            format!("clock        {}", shown(now)),
            format!("last signed  {}", shown(stored.signed)),
            format!("state        {problem}"),
        ]
    })
}

/// The administrator gives the time from another clock: what agrees with the machine's is confirmed,
/// and nobody confirms 2031 by habit.
async fn confirm(context: &Context, given: &str, reason: Option<&str>) -> Result<()> {
    let wall = context.clock.now();
    let typed = when(given).map_err(Error::Usage)?;
    let begins = |zone| typed.begins(zone).ok_or_else(|| Error::Usage("a time that there is not".into()));
    let agrees = match typed {
        // A day begins up to 14 hours before, and ends up to 12 hours after that of UTC.
        When::Day(_) => {
            let day = begins(&TimeZone::UTC)?;
            wall.plus(14 * 3600) >= day && wall.since(day) < 36 * 3600
        }
        When::Local(_) | When::Moment(_) => wall.0.abs_diff(begins(&context.config.zone())?.0) <= CLOSE,
    };
    if !agrees {
        let message = format!("the machine's clock says {}; set it right first, then confirm it", shown(wall));
        return Err(Error::invalid(message));
    }
    let mut tx = context.store.write().await?;
    let before = clock::read(&mut tx).await?;
    clock::confirm(&mut tx, wall).await?;
    let detail = format!("{}; last signed by {}", shown(wall), shown(before.signed));
    audit::record(&mut tx, wall, &context.actor, Act::new("clock.confirm", "clock").because(reason).with(&detail))
        .await?;
    context.commit(tx).await?;
    let back = before.signed.since(wall);
    context.output.say(&serde_json::json!({ "confirmed": wall.0, "signed_before": before.signed.0 }), || {
        let mut lines = vec![format!("confirmed: it is {}", shown(wall))];
        if back > 0 {
            lines.push(after_going_back(before.signed));
        }
        lines
    })
}

fn after_going_back(signed: UnixTime) -> String {
    format!(
        "Terminals that were connected have seen {} as signed and count as offline until then: see \"Clock\" in ADMIN.md.",
        shown(signed)
    )
}
