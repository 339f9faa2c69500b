//! The steps, in their order.

mod console;
mod demo;
mod desktop;
mod enrollment;
mod greeter;
mod install;
mod power;
mod release;
mod removal;
mod trouble;

use crate::{steps::Part, suite::Greeter};

/// The parts of a machine that has this greeter; the other ones when it is upgraded to the next
/// release of Debian.
pub fn with(greeter: Greeter, upgrading: bool) -> impl Iterator<Item = &'static Part> {
    let greeters: &[&Part] = match greeter {
        Greeter::No => &[],
        Greeter::Lightdm => &[&greeter::LIGHTDM],
        Greeter::Sddm => &[&greeter::SDDM],
    };
    let demo: &[&Part] =
        if greeter == Greeter::Lightdm && !upgrading { &[&demo::PART] } else { &[] };
    let before: &[&Part] = if upgrading {
        &[&install::PART, &release::PART, &console::PART]
    } else {
        &[&install::PART, &console::PART, &enrollment::PART, &trouble::PART, &power::PART]
    };
    let after: &[&Part] =
        if upgrading { &[&release::OLD_KERNEL] } else { &[&removal::UPGRADE, &removal::PART] };
    let parts = [before, greeters, after, demo, &[&removal::END]];
    parts.into_iter().flatten().copied()
}
