//! Programs that run beside a test, each with a log; all end with the test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Where the logs are, inside the ward.
pub const LOGS: &str = "/tmp/logs";

/// A program in the background.
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts a command; stdout and stderr go to a log of this name.
    pub fn start(name: &str, command: &mut Command) -> Self {
        std::fs::create_dir_all(LOGS).expect("folder of the logs");
        let log = File::options().create(true).append(true).open(log_path(name)).expect("log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { name: name.to_owned(), child }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_none()
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and waits until it has ended.
    pub fn terminate(&mut self) -> ExitStatus {
        signal(self.child.id(), Signal::TERM);
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("wait") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("{} does not end at SIGTERM:\n{}", self.name, self.log());
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_path(&self.name)).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn log_path(name: &str) -> PathBuf {
    Path::new(LOGS).join(format!("{name}.log"))
}

/// Sends a signal; a process that is gone is fine.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Process ids whose command line contains `text`.
pub fn find(text: &str) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(text))
        })
        .collect()
}

/// Runs a command to its end.
///
/// # Panics
/// When it cannot be started, or fails and `must` is set.
pub fn run(command: &mut Command, must: bool) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    if must && !output.status.success() {
        panic!(
            "{command:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    output
}

/// Waits until `condition` gives something, looking every few milliseconds.
///
/// # Panics
/// When it has not by `limit`; `what` says what was waited for.
pub fn wait_for<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain for {what}\n{}", all_logs());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The ends of all logs: what a failed test shows.
pub fn all_logs() -> String {
    let Ok(entries) = std::fs::read_dir(LOGS) else { return String::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut out = String::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let from = text.char_indices().rev().nth(3000).map_or(0, |(at, _)| at);
        out += &format!("--- {}\n{}\n", path.display(), &text[from..]);
    }
    out
}
