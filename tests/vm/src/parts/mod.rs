//! The steps, in their order.

mod console;
mod demo;
mod greeter;
mod install;
mod power;
mod removal;
mod trouble;

use crate::steps::Part;

/// The part that needs the image with a display.
pub const GREETER: &str = greeter::PART.name;

/// The demo, which stands on no other part than the first boot.
pub const DEMO: &str = demo::PART.name;

/// All parts.
pub const ALL: &[Part] = &[
    install::PART,
    console::PART,
    trouble::PART,
    power::PART,
    greeter::PART,
    removal::UPGRADE,
    removal::PART,
    demo::PART,
    removal::END,
];
