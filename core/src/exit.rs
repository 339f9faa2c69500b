//! Exit statuses of the programs: one table for `wardkey` and `wardkey-server`.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Refused or failed: nothing was changed, and the code says why.
    Refused,
    /// The command line makes no sense; see `--help`.
    Usage,
    /// Something that the command needs cannot be used: its configuration, a key file, a socket,
    /// the agent or the key process.
    Unavailable,
    /// The server's database cannot be opened, read or written.
    Store,
    /// Done and stored, but no terminal hears of it now.
    NotHeard,
}

impl Exit {
    /// Every status, in the order of its number.
    pub const ALL: [Self; 6] =
        [Self::Done, Self::Refused, Self::Usage, Self::Unavailable, Self::Store, Self::NotHeard];

    /// The number that the process ends with.
    pub const fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Unavailable => 3,
            Self::Store => 4,
            Self::NotHeard => 5,
        }
    }

    /// All of them, as they stand below `--help`.
    pub fn table() -> String {
        let line = |exit: Self| format!("  {}  {}", exit.status(), exit.meaning());
        format!("Exit status:\n{}", Self::ALL.map(line).join("\n"))
    }

    /// What it means, for manual pages and `--help`.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused, failed or not found; nothing was changed",
            Self::Usage => "wrong usage",
            Self::Unavailable => {
                "the configuration, a key file, the agent or the key process cannot be used"
            }
            Self::Store => "the database cannot be opened, read or written",
            Self::NotHeard => "done and stored, but no terminal hears of it now",
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_count_up_from_zero_and_each_has_a_meaning() {
        for (number, exit) in Exit::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(exit.status()), number);
            assert!(!exit.meaning().is_empty());
        }
    }
}
