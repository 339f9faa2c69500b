//! The steps, in their order.

mod console;
mod demo;
mod desktop;
mod greeter;
mod install;
mod power;
mod removal;
mod trouble;

use crate::{steps::Part, suite::Greeter};

/// The parts of a machine that has this greeter.
pub fn with(greeter: Greeter) -> impl Iterator<Item = &'static Part> {
    let parts: &[&Part] = match greeter {
        Greeter::No => &[],
        Greeter::Lightdm => &[&greeter::LIGHTDM],
        Greeter::Sddm => &[&greeter::SDDM],
    };
    let demo: &[&Part] = if greeter == Greeter::Lightdm { &[&demo::PART] } else { &[] };
    [&install::PART, &console::PART, &trouble::PART, &power::PART]
        .into_iter()
        .chain(parts.iter().copied())
        .chain([&removal::UPGRADE, &removal::PART])
        .chain(demo.iter().copied())
        .chain([&removal::END])
}
