//! The Debian releases on which the same steps are tried, and what people log in at.

use clap::ValueEnum;

/// A release of Debian; a later one is greater.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, ValueEnum)]
pub enum Suite {
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
    /// What will be Debian 14.
    Forky,
}

/// What people of the ward log in at, besides tty1.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Greeter {
    /// None: the console alone.
    No,
    /// LightDM with the GTK greeter.
    Lightdm,
    /// SDDM with the theme that is built in.
    Sddm,
}
