//! Undoing an enabling that nobody confirmed. What is needed for it is on disk before PAM's files
//! are touched, in a folder of root's, and stays until the confirmation:
//!
//! ```text
//!   /var/lib/wardkey-enable/   pending/   state.json and the files of PAM as they were
//!                              undone/    what an undo replaced, if it was not what it expected
//!                              unconfirmed.json  when an enabling was undone that nobody confirmed
//!                              lock       one command at a time
//! ```
//! Whoever comes first undoes: the command itself, the timer (or, without systemd, a process that
//! has left the session), or the unit that runs before the first login after a restart.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use nix::fcntl::Flock;
use serde_json::{Value, json};
use wardkey_core::code::Code;

use crate::error::CliError;
use crate::files;
use crate::places::Places;
use crate::systemd::{self, systemctl};
use crate::texts::{Phrase, Text};

use super::kept::{MAX_BYTES, pairs, restore};
use super::profile;

const TIMER: &str = "wardkey-undo.timer";
/// What the timer of the package waits, in seconds.
const UNIT_SECONDS: u64 = 120;
const DROP_IN: &str = "/run/systemd/system/wardkey-undo.timer.d/within.conf";
const SERVICE: &str = "wardkey-undo.service";
/// Another command may be switching the profile.
const PATIENCE: Duration = Duration::from_secs(90);

/// An enabling that waits for its confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// When it began, in seconds since 1970: for people.
    begun: u64,
    /// The boot, and the milliseconds since it: for deciding.
    boot: String,
    uptime: u64,
    /// How long it waits.
    seconds: u64,
}

/// Who undoes it when the command cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// A timer of systemd; after a restart, the unit.
    Systemd,
    /// A process; after a power failure, nobody.
    Process,
}

impl Pending {
    /// Reads it; `None` when nothing waits. Anybody may.
    pub(crate) fn read(places: &Places) -> Option<Self> {
        let folder = places.undo.join("pending");
        folder.symlink_metadata().ok()?;
        let value: Value = files::read(&folder.join("state.json"), 4096)
            .ok()
            .flatten()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let number = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
        // What cannot be read has expired.
        Some(Self {
            begun: number("begun"),
            boot: value.get("boot").and_then(Value::as_str).unwrap_or_default().to_owned(),
            uptime: number("uptime_ms"),
            seconds: number("seconds"),
        })
    }

    /// How long it still waits; `None` when its time is over, or the machine was restarted.
    pub(crate) fn left(&self) -> Option<Duration> {
        let now = uptime_ms()?;
        let until = self.uptime.saturating_add(self.seconds.saturating_mul(1000));
        // A clock that went backwards is no clock.
        let alive =
            boot().as_deref() == Some(self.boot.as_str()) && (self.uptime..until).contains(&now);
        alive.then(|| Duration::from_millis(until.saturating_sub(now)))
    }

    /// How long it waits in all, in seconds.
    pub(crate) fn seconds(&self) -> u64 {
        self.seconds
    }

    /// When its time is over, in seconds since 1970.
    pub(crate) fn until(&self) -> u64 {
        self.begun.saturating_add(self.seconds)
    }
}

/// One command at a time; given back when dropped.
pub(crate) fn lock(places: &Places) -> Result<Flock<File>, CliError> {
    let failed = |error: std::io::Error| files::broken(&places.undo, error);
    match DirBuilder::new().mode(0o755).create(&places.undo) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(failed(error));
        }
        _ => {}
    }
    let folder = places.undo.symlink_metadata().map_err(failed)?;
    if !folder.is_dir()
        || folder.uid() != nix::unistd::geteuid().as_raw()
        || folder.mode() & 0o022 != 0
    {
        return Err(files::failed(&places.undo, Text::NotRootsFolder));
    }
    let path = places.undo.join("lock");
    let flags = nix::fcntl::OFlag::O_NOFOLLOW.bits();
    let options = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags)
        .open(&path);
    let file = options.map_err(|error| files::broken(&path, error))?;
    wardkey_settings::files::lock_within(file, PATIENCE).map_err(|errno| {
        let why = Text::AnotherCommand.with([("why", errno.to_string().into())]);
        files::failed(&path, why).caused_by(errno)
    })
}

/// Writes down how things are, durably. From here on an undo puts them back.
pub(crate) fn begin(places: &Places, within: Duration) -> Result<Pending, CliError> {
    forget_unconfirmed(places)?;
    let failed = |error: std::io::Error| files::broken(&places.undo, error);
    let new = places.undo.join("pending.new");
    clear(&new)?;
    DirBuilder::new().mode(0o755).create(&new).map_err(failed)?;
    for (kept, original) in pairs(places) {
        match files::read(&original, MAX_BYTES)? {
            Some(bytes) => files::replace(&new.join(kept), &bytes)?,
            None if kept.starts_with("pam.d.") => {
                return Err(files::failed(&original, Text::NoSuchFile));
            }
            None => {}
        }
    }
    let now =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let clock = || files::failed(Path::new("/proc/uptime"), Text::CannotBeRead);
    let pending = Pending {
        begun: now,
        boot: boot().ok_or_else(clock)?,
        uptime: uptime_ms().ok_or_else(clock)?,
        seconds: within.as_secs(),
    };
    let state = json!({
        "begun": pending.begun, "boot": pending.boot,
        "uptime_ms": pending.uptime, "seconds": pending.seconds,
    });
    files::replace(&new.join("state.json"), state.to_string().as_bytes())?;
    std::fs::rename(&new, places.undo.join("pending")).map_err(failed)?;
    sync(&places.undo)?;
    if let Some(parent) = places.undo.parent() {
        sync(parent)?;
    }
    Ok(pending)
}

/// Has it undone when this program is gone.
pub(crate) fn arm(pending: &Pending) -> Result<Guard, CliError> {
    let not_ready = |what: Phrase| CliError::with(Code::NotReadyToEnable, what);
    if systemd::is_running() {
        if !systemctl(&["is-enabled", "--quiet", SERVICE]) {
            return Err(not_ready(Text::UndoNotEnabled.with([("unit", SERVICE.into())])));
        }
        timer_waits(pending.seconds).map_err(|why| {
            not_ready(Text::At.with([("place", DROP_IN.into()), ("why", why.to_string().into())]))
        })?;
        // Not "start", which lets one that still runs from an earlier enabling end when that would
        // have.
        if !systemctl(&["restart", TIMER]) || !systemctl(&["is-active", "--quiet", TIMER]) {
            return Err(not_ready(Text::TimerStands.with([("unit", TIMER.into())])));
        }
        return Ok(Guard::Systemd);
    }
    let program = std::env::current_exe()
        .map_err(|error| CliError::because(Code::NotReadyToEnable, error))?;
    let seconds = pending.seconds.to_string();
    let started = Command::new("/usr/bin/setsid")
        .arg("--fork")
        .arg(program)
        .args(["disable", "--unconfirmed", "--after", &seconds])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match started {
        Ok(status) if status.success() => Ok(Guard::Process),
        Ok(status) => Err(not_ready(format!("/usr/bin/setsid: {status}").into())),
        Err(error) => {
            let what = format!("/usr/bin/setsid: {error}");
            Err(not_ready(what.into()).caused_by(error))
        }
    }
}

/// Has the timer wait as long as the enabling does. The unit has two minutes; longer ones last
/// until the next restart, after which the unit that runs first undoes.
fn timer_waits(seconds: u64) -> std::io::Result<()> {
    let path = Path::new(DROP_IN);
    if seconds == UNIT_SECONDS && !path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        DirBuilder::new().mode(0o755).recursive(true).create(folder)?;
    }
    // An empty value takes the unit's own away.
    let text = format!("[Timer]\nOnActiveSec=\nOnActiveSec={seconds}s\n");
    wardkey_settings::files::replace(path, text.as_bytes(), 0o644)?;
    if systemctl(&["daemon-reload"]) {
        Ok(())
    } else {
        Err(std::io::Error::other("systemctl daemon-reload failed"))
    }
}

/// Keeps what was enabled: nothing undoes it any more.
pub(crate) fn confirm(places: &Places) -> Result<(), CliError> {
    let done = places.undo.join("done");
    clear(&done)?;
    match std::fs::rename(places.undo.join("pending"), &done) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(files::broken(&places.undo, error));
        }
        _ => {}
    }
    sync(&places.undo)?;
    clear(&done)?;
    disarm();
    Ok(())
}

/// Puts everything back as it was, but for the lines of packages that were removed meanwhile.
pub(crate) fn undo(places: &Places) -> Result<(), CliError> {
    restore(places)?;
    // debconf remembers the choice too, for the case that pam-auth-update cannot read the files.
    // What it makes of them on the way is replaced again.
    let _ = profile::run("--disable");
    restore(places)?;
    // A package of PAM's that was removed meanwhile is back with its lines, which name a missing
    // module.
    if profile::notes_name_a_removed_profile(places) {
        profile::refresh()?;
    }
    // Else this is tried again: what is needed for it stays.
    profile::ensure_out(places)?;
    confirm(places)
}

/// Undoes what nobody confirmed, and leaves a note for whoever asks next.
pub(crate) fn undo_unconfirmed(places: &Places) -> Result<(), CliError> {
    undo(places)?;
    let now =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    files::replace(&note(places), json!({ "time": now }).to_string().as_bytes())
}

/// When the last enabling was undone because nobody confirmed it, in seconds since 1970. Anybody
/// may ask.
pub(crate) fn unconfirmed(places: &Places) -> Option<u64> {
    let bytes = files::read(&note(places), 4096).ok()??;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    value.get("time").and_then(Value::as_u64)
}

/// Somebody has decided anew.
pub(crate) fn forget_unconfirmed(places: &Places) -> Result<(), CliError> {
    files::remove(&note(places))
}

fn note(places: &Places) -> PathBuf {
    places.undo.join("unconfirmed.json")
}

fn disarm() {
    if systemd::is_running() {
        systemctl(&["stop", TIMER]);
    }
}

fn clear(folder: &Path) -> Result<(), CliError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(files::broken(folder, error))
        }
        _ => Ok(()),
    }
}

fn sync(folder: &Path) -> Result<(), CliError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| files::broken(folder, error))
}

fn kernel_text(path: &str) -> Option<String> {
    String::from_utf8(files::read(Path::new(path), 4096).ok()??).ok()
}

fn boot() -> Option<String> {
    let text = kernel_text("/proc/sys/kernel/random/boot_id")?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Since the machine was started, sleep included.
fn uptime_ms() -> Option<u64> {
    let text = kernel_text("/proc/uptime")?;
    let (seconds, hundredths) = text.split_whitespace().next()?.split_once('.')?;
    Some(
        seconds
            .parse::<u64>()
            .ok()?
            .saturating_mul(1000)
            .saturating_add(hundredths.parse::<u64>().ok()?.saturating_mul(10)),
    )
}
