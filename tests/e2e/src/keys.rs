//! Software keys and the simulated bus into which they are plugged.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::paths;
use crate::process::{Process, wait_for};
use crate::tool::Tool;

const FOLDER: &str = "/run/keys";

/// A line-based control socket.
pub(crate) struct Control(pub(crate) PathBuf);

impl Control {
    /// Sends a line; gives the answer's lines without the last, which must be `ok`.
    pub(crate) fn order(&self, line: &str) -> Vec<String> {
        // That the file is there is not yet that somebody listens.
        let mut stream = wait_for(&self.0.display().to_string(), Duration::from_secs(60), || {
            UnixStream::connect(&self.0).ok()
        });
        stream.write_all(format!("{line}\n").as_bytes()).expect("control socket");
        let mut lines = Vec::new();
        for answer in BufReader::new(stream).lines() {
            let answer = answer.expect("control socket");
            if answer == "ok" {
                return lines;
            }
            assert!(!answer.starts_with("error"), "{line}: {answer}");
            lines.push(answer);
        }
        panic!("{line}: no answer");
    }
}

/// A software security key: a process of its own.
pub struct SoftKey {
    name: String,
    control: Control,
    process: Process,
}

/// What went over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchanges {
    /// Round trips in all.
    pub total: usize,
    /// (microseconds on CLOCK_MONOTONIC, name) of each request.
    pub requests: Vec<(u64, String)>,
    /// From when to when the key was at work, in the same microseconds: from a request's first
    /// packet to its answer's.
    pub at_work: Vec<(u64, u64)>,
}

impl Exchanges {
    /// Microseconds that the key was at work, but for the time between these two.
    pub fn worked_outside(&self, (from, to): (u64, u64)) -> u64 {
        let before = |(begun, done): (u64, u64)| done.min(from).saturating_sub(begun);
        let after = |(begun, done): (u64, u64)| done.saturating_sub(begun.max(to));
        self.at_work.iter().map(|work| before(*work) + after(*work)).sum()
    }
}

impl SoftKey {
    /// A key whose memory lasts as long as the process.
    pub fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    /// A key with further arguments, for example `--touch never`.
    pub fn start_with(name: &str, arguments: &[&str]) -> Self {
        std::fs::create_dir_all(FOLDER).expect("folder of the keys");
        let socket = Path::new(FOLDER).join(format!("{name}.sock"));
        let control = Path::new(FOLDER).join(format!("{name}.control"));
        let mut command = Command::new(paths::test_program("wardkey-softkey"));
        command.arg("--socket").arg(&socket).arg("--control").arg(&control).args(arguments);
        let process = Process::start(&format!("softkey-{name}"), &mut command);
        wait_for("the software key", Duration::from_secs(60), || {
            (socket.exists() && control.exists()).then_some(())
        });
        Self { name: name.to_owned(), control: Control(control), process }
    }

    /// Its socket, to be plugged.
    pub fn socket(&self) -> PathBuf {
        Path::new(FOLDER).join(format!("{}.sock", self.name))
    }

    /// `always`, `never`, `once`, `after:MS`.
    pub fn touch(&self, policy: &str) {
        self.control.order(&format!("touch {policy}"));
    }

    /// Misbehaves from now on: `MODE[@STEP]`, or `none`.
    pub fn hostile(&self, mode: &str) {
        self.control.order(&format!("hostile {mode}"));
    }

    /// Whether it waits to be touched.
    pub fn is_waiting(&self) -> bool {
        self.control.order("waiting") == ["yes"]
    }

    /// Waits until it waits to be touched.
    pub fn wait_until_waiting(&self) {
        wait_for("the key to want a touch", Duration::from_secs(60), || {
            self.is_waiting().then_some(())
        });
    }

    /// Forgets what went over the wire.
    pub fn reset_exchanges(&self) {
        self.control.order("exchanges reset");
    }

    /// What went over the wire since.
    pub fn exchanges(&self) -> Exchanges {
        let mut exchanges = Exchanges { total: 0, requests: Vec::new(), at_work: Vec::new() };
        let mut begun = None;
        for line in self.control.order("exchanges") {
            let words: Vec<_> = line.split_whitespace().collect();
            match words.as_slice() {
                ["message", at, ">", _, _, name @ ..] => {
                    let at = at.parse().expect("microseconds");
                    exchanges.requests.push((at, name.join(" ")));
                    begun.get_or_insert(at);
                }
                ["message", _, "<", _, _, "KEEPALIVE", ..] => {}
                ["message", at, "<", ..] => {
                    let done = at.parse().expect("microseconds");
                    exchanges.at_work.extend(begun.take().map(|begun| (begun, done)));
                }
                ["total", total] => exchanges.total = total.parse().expect("a number"),
                _ => {}
            }
        }
        exchanges
    }

    /// Whether the process is there.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }
}

/// The bus: runs a command that sees `/dev/hidrawN` for each plugged key.
pub struct Bus {
    control: Control,
    process: Process,
}

impl Bus {
    /// Runs `command` on a bus into which nothing is plugged.
    pub fn run(command: &[&str]) -> Self {
        let path = PathBuf::from("/run/hidmock.control");
        let _ = std::fs::remove_file(&path);
        let mut python = Tool::Python.command();
        python
            .arg(paths::checkout().join("tests/hidmock/hidmock.py"))
            .arg("--preload")
            .arg(paths::test_program("libwardkey_hidpreload.so"))
            .arg("--control")
            .arg(&path)
            .arg("--")
            .args(command);
        let process = Process::start("bus", &mut python);
        wait_for("the bus", Duration::from_secs(60), || path.exists().then_some(()));
        Self { control: Control(path), process }
    }

    /// Plugs a key into a port; one that is there is swapped without a sign of it.
    pub fn plug(&self, port: u8, key: &SoftKey) {
        self.control.order(&format!("plug {port} {}", key.socket().display()));
    }

    /// Pulls the key out of a port.
    pub fn unplug(&self, port: u8) {
        self.control.order(&format!("unplug {port}"));
    }

    /// What a program needs in its environment to see the bus.
    pub fn environment(&self) -> Vec<(String, String)> {
        let lines = self.control.order("env");
        lines
            .iter()
            .filter_map(|line| line.split_once('='))
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect()
    }

    /// Stops the command and the bus.
    pub fn stop(&mut self) {
        self.process.terminate();
    }
}
