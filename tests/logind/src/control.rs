//! The control socket: one line in, some lines out, the last one `ok` or `error TEXT`.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::sessions::{Machine, New};

/// Obeys, one connection after the other, until `quit`.
pub fn serve(machine: &Machine, path: &Path) {
    let _ = std::fs::remove_file(path);
    let listener =
        UnixListener::bind(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for stream in listener.incoming().flatten() {
        let mut answers = stream.try_clone().expect("socket");
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let answer = match obey(machine, &words) {
                Ok(lines) => lines + "ok\n",
                Err(error) => format!("error {error}\n"),
            };
            let _ = answers.write_all(answer.as_bytes());
            if words == ["quit"] {
                return;
            }
        }
    }
}

/// `ID UID USER LEADER TTY`
pub fn session(words: &[&str]) -> Result<New, String> {
    let [id, uid, user, leader, tty] = words else {
        return Err("ID UID USER LEADER TTY are expected".to_owned());
    };
    Ok(New {
        id: (*id).to_owned(),
        uid: number(uid)?,
        user: (*user).to_owned(),
        leader: number(leader)?,
        tty: (*tty).to_owned(),
    })
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

fn obey(machine: &Machine, words: &[&str]) -> Result<String, String> {
    let truth = |text: &str| match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("{text}: yes or no is expected")),
    };
    match words {
        ["new", words @ ..] => machine.begin(session(words)?)?,
        ["locker", id, answers] => machine.locker(id, truth(answers)?)?,
        ["hint", id, locked] => machine.hint(id, truth(locked)?)?,
        ["idle", id, "no"] => machine.idle(id, None)?,
        ["idle", id, seconds] => machine.idle(id, Some(u64::from(number(seconds)?)))?,
        ["end", id] => machine.end(id)?,
        ["wake"] => machine.wake()?,
        ["calls"] => return Ok(machine.calls()),
        ["quit"] => {}
        _ => return Err("unknown order".to_owned()),
    }
    Ok(String::new())
}
