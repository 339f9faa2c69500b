//! What a phase of PAM works with: the person, the other parts, the machine, the configuration.
//!
//! Logging in and checking an account use it.

use std::time::Duration;

use wardkey_core::snapshot::Anchor;
use wardkey_settings::pam::Settings;

use crate::journal::Journal;
use crate::machine::Machine;
use crate::sockets::Sockets;
use crate::talk::Talk;

/// Everything around a login that is not the login.
pub struct World<'a> {
    /// The person.
    pub talk: &'a mut dyn Talk,
    /// Agent and key process.
    pub sockets: &'a mut dyn Sockets,
    /// Clocks, randomness, marks.
    pub machine: &'a dyn Machine,
    /// Syslog.
    pub journal: &'a dyn Journal,
    /// Configuration.
    pub settings: &'a Settings,
    /// How long is waited for what needs no person.
    pub timeouts: Timeouts,
    /// Trust anchor.
    pub anchor: &'a Anchor,
}

impl World<'_> {
    /// The same for something within.
    pub fn within(&mut self) -> World<'_> {
        World {
            talk: &mut *self.talk,
            sockets: &mut *self.sockets,
            machine: self.machine,
            journal: self.journal,
            settings: self.settings,
            timeouts: self.timeouts,
            anchor: self.anchor,
        }
    }
}

/// How long is waited for what needs no person.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For an answer of agent or key process.
    pub answer: Duration,
    /// The key process answers a search at its own deadline; this much later it counts as silent.
    pub search_grace: Duration,
    /// The same for a signature.
    pub signature_grace: Duration,
    /// What was identified longer ago is looked at again: somebody may have been disabled, or the
    /// key have been changed, while the question stood on a locked screen.
    pub fresh: Duration,
    /// How long after Enter it is still waited for, where nothing can be shown meanwhile.
    pub after_enter: Duration,
    /// How long a key is waited for until a code is asked for, where codes are taken; at most half
    /// of the wait for a key.
    pub before_code: Duration,
    /// How long a key is waited for until the name is asked for, where nobody said who logs in.
    pub before_name: Duration,
    /// How long an outcome that matters is offered to an agent that is gone.
    pub outcome: Duration,
    /// The same for a refusal that does not count.
    pub small_outcome: Duration,
}

impl Timeouts {
    /// Those of a login.
    pub const USUAL: Self = Self::per_second(Duration::from_secs(1));

    /// All of them by the length of a second.
    pub const fn per_second(second: Duration) -> Self {
        Self {
            answer: second.saturating_mul(5),
            search_grace: second.saturating_mul(3),
            signature_grace: second.saturating_mul(4),
            fresh: second.saturating_mul(20),
            after_enter: second.saturating_mul(5),
            before_code: second.saturating_mul(10),
            before_name: second.saturating_mul(5),
            outcome: second.saturating_mul(5),
            small_outcome: second,
        }
    }
}
