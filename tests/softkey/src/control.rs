//! The control socket: one line in, some lines out, the last one `ok` or
//! `error TEXT`.
//!
//! | line | what comes back |
//! |---|---|
//! | `touch always`, `never`, `once`, `after:MS`, `file:PATH` | `ok` |
//! | `waiting` | `yes` or `no`: is a touch waited for |
//! | `exchanges` | each message, how often each request came, all round trips (below) |
//! | `exchanges reset` | `ok` |
//! | `hostile MODE[@STEP]`, `hostile none` | `ok` |
//! | `replug` | `ok`; pulled out and in again: connections are cut, the firmware starts anew |
//! | `unplug` | `ok`; the key is gone, its process ends |
//! | `quit` | `ok`, and the same |
//!
//! `exchanges` says `message MICROSECONDS > CHANNEL LENGTH NAME` for each message, then
//! `count N NAME` for each request, then `total N` for the round trips.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::Arc,
    thread,
};

use crate::error::Error;
use crate::exchanges;
use crate::key::SoftKey;

/// Serves the control socket of `key` at `path` on threads of its own.
pub fn serve(key: Arc<SoftKey>, path: &Path) -> Result<(), Error> {
    fs::remove_file(path).or_else(absent_is_fine).map_err(Error::io(path))?;
    let listener = UnixListener::bind(path).map_err(Error::io(path))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let key = key.clone();
            thread::spawn(move || converse(&key, stream).ok());
        }
    });
    Ok(())
}

pub(crate) fn absent_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn converse(key: &SoftKey, stream: UnixStream) -> std::io::Result<()> {
    let mut answers = stream.try_clone()?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let text = match obey(key, line.trim()) {
            Ok(lines) => lines + "ok\n",
            Err(error) => format!("error {error}\n"),
        };
        answers.write_all(text.as_bytes())?;
        if matches!(line.trim(), "quit" | "unplug") {
            // After the answer: the process ends when the key is gone.
            key.unplug();
        }
    }
    Ok(())
}

fn obey(key: &SoftKey, line: &str) -> Result<String, Error> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (verb, rest.trim()) {
        ("touch", policy) => key.set_touch(policy.parse()?),
        ("waiting", "") => return Ok(if key.is_waiting() { "yes\n" } else { "no\n" }.into()),
        ("exchanges", "") => return Ok(report(key)),
        ("exchanges", "reset") => key.reset_exchanges(),
        ("hostile", "none") => key.set_hostile(None)?,
        ("hostile", mode) => key.set_hostile(Some(mode.parse()?))?,
        ("replug", "") => key.replug()?,
        ("quit" | "unplug", "") => {}
        _ => {
            return Err(Error::Unknown {
                what: "command",
                value: line.to_owned(),
                known: "touch, waiting, exchanges, hostile, replug, unplug, quit",
            });
        }
    }
    Ok(String::new())
}

fn report(key: &SoftKey) -> String {
    let all = key.exchanges();
    let mut text = String::new();
    for exchange in &all {
        text += &format!("message {exchange}\n");
    }
    for (name, count) in exchanges::count(&all) {
        text += &format!("count {count} {name}\n");
    }
    let round_trips = all.iter().filter(|exchange| exchange.is_round_trip()).count();
    text + &format!("total {round_trips}\n")
}
