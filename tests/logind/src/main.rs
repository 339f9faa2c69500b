//! `wardkey-logind`: logind and a display manager on the system bus of a ward, as far as Wardkey
//! talks to them; sessions come and go as a control socket says.
//!
//! | line | what comes back |
//! |---|---|
//! | `new ID UID USER LEADER TTY` | `ok`; a session on seat0 begins |
//! | `locker ID yes`, `no` | `ok`; whether its locker locks when it is asked (yes, at first) |
//! | `hint ID yes`, `no` | `ok`; its locker says that the screen is locked, or not |
//! | `idle ID SECONDS`, `no` | `ok`; its desktop says that there was no input for so long |
//! | `end ID` | `ok`; the session ends |
//! | `wake` | `ok`; the machine has slept and wakes |
//! | `calls` | each call (`MICROSECONDS lock ID`, `end ID`, `greeter`; since 1970), then `ok` |
//! | `quit` | `ok`; logind leaves the bus |

mod control;
mod sessions;

use std::path::PathBuf;

use clap::Parser;

/// A stand-in for logind on a bus of the tests.
#[derive(Debug, Parser)]
struct Arguments {
    /// The bus.
    #[arg(long, value_name = "PATH", default_value = "/run/dbus/system_bus_socket")]
    bus: PathBuf,
    /// Where orders come from.
    #[arg(long, value_name = "PATH")]
    control: PathBuf,
    /// A session that goes on from before: ID UID USER LEADER TTY.
    #[arg(long = "session", value_name = "SESSION")]
    sessions: Vec<String>,
}

fn main() {
    let arguments = Arguments::parse();
    let known = arguments.sessions.iter().map(|session| {
        control::session(&session.split_whitespace().collect::<Vec<_>>())
            .unwrap_or_else(|error| panic!("{session}: {error}"))
    });
    let machine = sessions::Machine::start(&arguments.bus, known.collect())
        .unwrap_or_else(|error| panic!("{}: {error}", arguments.bus.display()));
    control::serve(&machine, &arguments.control);
}
