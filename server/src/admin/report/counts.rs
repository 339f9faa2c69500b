//! Logins and refusals, counted.

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::event::EventName;

use crate::store::report::Happened;

/// Logins and refusals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(into = "Shown")]
pub struct Counts {
    /// Logins that a key signed, with its PIN and a touch.
    pub with_key: u64,
    /// Logins that the code of a pass signed, or a sealed code.
    pub with_pass: u64,
    /// Refusals, as records have them.
    pub refused: u64,
    /// What a terminal calls a login and nothing proves: no login.
    pub unproven: u64,
}

/// The same for programs.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Counts")]
struct Shown {
    /// Logins, by key or by pass.
    logins: u64,
    /// Logins that a key signed, with its PIN and a touch.
    with_key: u64,
    /// Logins that the code of a pass signed, or a sealed code.
    with_pass: u64,
    /// Refusals, as records have them.
    refused: u64,
    /// What a terminal calls a login and nothing proves.
    unproven: u64,
    /// Of a hundred logins so many had two factors; none where there was no login.
    two_factors_percent: Option<f64>,
}

impl From<Counts> for Shown {
    fn from(counts: Counts) -> Self {
        Self {
            logins: counts.logins(),
            with_key: counts.with_key,
            with_pass: counts.with_pass,
            refused: counts.refused,
            unproven: counts.unproven,
            two_factors_percent: counts.two_factors().map(|share| f64::from(share) / 10.0),
        }
    }
}

impl Counts {
    /// Takes what happened.
    pub(super) fn take(&mut self, happened: &Happened) {
        let counted = if !happened.succeeded() {
            &mut self.refused
        } else if !happened.is_valid() {
            &mut self.unproven
        } else if happened.is(EventName::PassLogin) || happened.is(EventName::BreakGlassLogin) {
            &mut self.with_pass
        } else {
            &mut self.with_key
        };
        *counted += happened.events;
    }

    /// Takes what was counted elsewhere.
    pub(super) const fn add(&mut self, other: &Self) {
        self.with_key += other.with_key;
        self.with_pass += other.with_pass;
        self.refused += other.refused;
        self.unproven += other.unproven;
    }

    /// Logins.
    pub const fn logins(&self) -> u64 {
        self.with_key + self.with_pass
    }

    /// Of a thousand logins so many had two factors; none where there was no login. Rounded down:
    /// only all are all.
    pub fn two_factors(&self) -> Option<u16> {
        let share = (self.with_key * 1000).checked_div(self.logins())?;
        u16::try_from(share).ok()
    }
}
