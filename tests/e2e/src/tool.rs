//! Programs of Debian's that stand beside ours, and the packages that they come in.

use std::path::Path;
use std::process::Command;

/// One of them. `tools/setup` installs their packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    DbusDaemon,
    Fido2Token,
    Pamu2fcfg,
    Python,
    Rsyslogd,
    Setsid,
}

impl Tool {
    /// What the demo runs: `tools/setup --build` installs no more, and it is all that a machine has
    /// on which nobody ran the tests.
    pub const OF_THE_DEMO: [Self; 5] =
        [Self::DbusDaemon, Self::Fido2Token, Self::Python, Self::Rsyslogd, Self::Setsid];

    fn path(self) -> &'static str {
        match self {
            Self::DbusDaemon => "/usr/bin/dbus-daemon",
            Self::Fido2Token => "/usr/bin/fido2-token",
            Self::Pamu2fcfg => "/usr/bin/pamu2fcfg",
            Self::Python => "/usr/bin/python3",
            Self::Rsyslogd => "/usr/sbin/rsyslogd",
            Self::Setsid => "/usr/bin/setsid",
        }
    }

    /// The package that it comes in.
    pub fn package(self) -> &'static str {
        match self {
            Self::DbusDaemon => "dbus-daemon",
            Self::Fido2Token => "fido2-tools",
            Self::Pamu2fcfg => "pamu2fcfg",
            Self::Python => "python3",
            Self::Rsyslogd => "rsyslog",
            Self::Setsid => "util-linux",
        }
    }

    pub fn command(self) -> Command {
        Command::new(self.path())
    }

    /// The packages of those of `tools` that are not on this machine.
    pub fn missing(tools: &[Self]) -> Vec<&'static str> {
        let missing = tools.iter().filter(|tool| !Path::new(tool.path()).exists());
        missing.map(|tool| tool.package()).collect()
    }
}
