//! Keys behind `/dev/hidraw*`.

mod ioctl;
mod lock;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::descriptor::{FIDO_USAGE_PAGE, first_usage};
use crate::transport::{LinkError, REPORT_LENGTH, Received, Report, Transport};

pub use lock::{Contention, Locks};

/// Most hidraw nodes that are looked at: a terminal has a dozen, and opening
/// them takes time.
const MAX_NODES: usize = 64;
/// Reports forgotten at once before a request.
const MAX_DRAINED: usize = 1024;

/// A FIDO device that was found, and is open.
#[derive(Debug)]
pub struct Found {
    /// Its device node.
    pub path: PathBuf,
    /// USB vendor id.
    pub vendor_id: u16,
    /// USB product id.
    pub product_id: u16,
    /// Where the USB device is plugged in; all its interfaces share it. The node where the kernel
    /// does not say.
    pub port: String,
    /// Usage of its first collection.
    pub usage: u16,
    /// What it calls itself; at most 128 characters, control characters removed.
    pub name: String,
    /// Serial number, if it tells one; as `name`.
    pub serial: Option<String>,
    /// Number of its node, and when that was made in nanoseconds: another one each time that it is
    /// plugged in. `None` where it was replaced while it was opened.
    pub made: Option<(u64, i64)>,
    /// The open device.
    pub link: Hidraw,
}

/// What is plugged in, as far as it could be looked at.
#[derive(Debug)]
pub struct Listing {
    /// The FIDO devices that could be opened.
    pub found: Vec<Found>,
    /// Whether these are all: every node was looked at, and those that are left out are no FIDO
    /// devices or were pulled out meanwhile.
    pub is_complete: bool,
}

/// All FIDO devices that may be opened: first one interface of each USB device, then a second one
/// of each, and so on, each in the order of their numbers. So a device of many interfaces hides no
/// other one from who looks at the first few.
#[must_use]
pub fn devices() -> Listing {
    devices_in(Path::new("/dev"))
}

fn devices_in(folder: &Path) -> Listing {
    let mut listing = Listing { found: Vec::new(), is_complete: true };
    let Ok(entries) = std::fs::read_dir(folder) else {
        listing.is_complete = false;
        return listing;
    };
    let mut nodes: Vec<(u32, PathBuf)> = Vec::new();
    for entry in entries {
        let Ok(entry) = entry else {
            listing.is_complete = false;
            continue;
        };
        let name = entry.file_name();
        if let Some(number) = name.to_str().and_then(node_number) {
            nodes.push((number, folder.join(name)));
        }
    }
    nodes.sort();
    listing.is_complete &= nodes.len() <= MAX_NODES;
    nodes.truncate(MAX_NODES);
    for (_, path) in nodes {
        match open(&path) {
            Ok(found) => listing.found.extend(found),
            Err(error) => listing.is_complete &= is_gone(&error),
        }
    }
    listing.found = by_turns(listing.found, |found| &found.port);
    listing
}

/// Whether a node could not be looked at because its device was pulled out.
fn is_gone(error: &std::io::Error) -> bool {
    use nix::errno::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::ENOENT | Errno::ENODEV | Errno::ENXIO))
}

/// Takes one item of each port, then a second one of each, and so on.
fn by_turns<T>(items: Vec<T>, port: impl Fn(&T) -> &str) -> Vec<T> {
    let turn = |index: usize, item: &T| {
        items.iter().take(index).filter(|other| port(other) == port(item)).count()
    };
    let turns: Vec<usize> =
        items.iter().enumerate().map(|(index, item)| turn(index, item)).collect();

    let mut items: Vec<(usize, T)> = turns.into_iter().zip(items).collect();
    items.sort_by_key(|(turn, _)| *turn);
    items.into_iter().map(|(_, item)| item).collect()
}

/// Number of a node's name: 3 for `hidraw3`.
#[must_use]
pub fn node_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("hidraw")?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Opens a node. `None` if it is no FIDO device.
///
/// # Errors
/// As the kernel says; `PermissionDenied` just after a key was plugged in means
/// that udev has not come by yet.
pub fn open(path: &Path) -> std::io::Result<Option<Found>> {
    let before = made(path);
    // Without O_NOFOLLOW: where devices are simulated the nodes are links.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY).bits())
        .open(path)?;
    let fd = file.as_fd();
    let Some((page, usage)) = first_usage(&ioctl::report_descriptor(fd)?) else {
        return Ok(None);
    };
    if page != FIDO_USAGE_PAGE {
        return Ok(None);
    }
    let (vendor_id, product_id) = ioctl::vendor_and_product(fd)?;
    let name = ioctl::name(fd).unwrap_or_default();
    let port = ioctl::physical_path(fd).ok().and_then(|path| port_of(&path).map(ToOwned::to_owned));
    let serial = ioctl::serial(fd).ok().filter(|serial| !serial.is_empty());
    Ok(Some(Found {
        path: path.to_owned(),
        vendor_id,
        product_id,
        port: port.unwrap_or_else(|| path.to_string_lossy().into_owned()),
        usage,
        name,
        serial,
        made: made(path).filter(|after| before.as_ref() == Some(after)),
        link: Hidraw::of(file, Locks::default()),
    }))
}

/// Which node stands at a path: its number, which the kernel's file system of devices gives to no
/// other one, and when it was made. By path, as a simulated node has its own there alone.
fn made(path: &Path) -> Option<(u64, i64)> {
    let node = nix::sys::stat::stat(path).ok()?;
    let nanoseconds = node.st_mtime.checked_mul(1_000_000_000)?.checked_add(node.st_mtime_nsec)?;
    Some((node.st_ino, nanoseconds))
}

/// The port in the path of an interface: `usb-0000:00:14.0-2` of `usb-0000:00:14.0-2/input1`.
fn port_of(physical_path: &str) -> Option<&str> {
    physical_path.split('/').next().filter(|port| !port.is_empty())
}

/// An open hidraw node.
#[derive(Debug)]
pub struct Hidraw {
    file: Arc<File>,
    locks: Locks,
    // The kernel gives one report per read; a simulated node is a byte stream
    // and may give part of one.
    buffer: Report,
    filled: usize,
}

impl Hidraw {
    /// A node that another process has opened, with non-blocking input and output, and looked at.
    /// `locks` are those of all nodes of this process.
    #[must_use]
    pub fn received(node: OwnedFd, locks: Locks) -> Self {
        Self::of(File::from(node), locks)
    }

    /// The open node, to be handed to another process.
    #[must_use]
    pub fn node(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    fn of(file: File, locks: Locks) -> Self {
        Self { file: Arc::new(file), locks, buffer: [0; REPORT_LENGTH], filled: 0 }
    }

    /// Takes what is there; a report once one is complete.
    fn read_some(&mut self) -> Result<Option<Report>, LinkError> {
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        match (&*self.file).read(room) {
            Ok(0) => Err(LinkError::Removed),
            Ok(count) => {
                self.filled += count;
                if self.filled < REPORT_LENGTH {
                    return Ok(None);
                }
                self.filled = 0;
                Ok(Some(self.buffer))
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(None)
            }
            Err(error) => Err(classify(error)),
        }
    }
}

impl Transport for Hidraw {
    fn send(&mut self, report: &Report, until: Instant) -> Result<(), LinkError> {
        self.locks.claim(&self.file, until)?;
        // hidraw wants the report id first, 0 for a device with one report.
        let mut packet = [0; REPORT_LENGTH + 1];
        for (to, from) in packet.iter_mut().skip(1).zip(report) {
            *to = *from;
        }
        let mut rest: &[u8] = &packet;
        while !rest.is_empty() {
            match (&*self.file).write(rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
                    if poll_until(&mut fds, until)? == 0 {
                        return Err(LinkError::Stuck);
                    }
                    if hung_up(&fds) {
                        return Err(LinkError::Removed);
                    }
                }
                Err(error) => return Err(classify(error)),
            }
        }
        Ok(())
    }

    fn receive(
        &mut self,
        until: Instant,
        cancel: Option<BorrowedFd<'_>>,
    ) -> Result<Received, LinkError> {
        loop {
            let mut fds = Vec::with_capacity(2);
            fds.push(PollFd::new(self.file.as_fd(), PollFlags::POLLIN));
            fds.extend(cancel.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
            if poll_until(&mut fds, until)? == 0 {
                return Ok(Received::TimedOut);
            }
            if fds.get(1).is_some_and(|fd| fd.any().unwrap_or(true)) {
                return Ok(Received::Cancelled);
            }
            // What a key sent before it was pulled is of no use any more.
            if hung_up(&fds) {
                return Err(LinkError::Removed);
            }
            if let Some(report) = self.read_some()? {
                return Ok(Received::Report(report));
            }
            if Instant::now() >= until {
                return Ok(Received::TimedOut);
            }
        }
    }

    fn drain(&mut self) {
        for _ in 0..MAX_DRAINED {
            let before = self.filled;
            match self.read_some() {
                Ok(Some(_)) => {}
                Ok(None) if self.filled != before => {}
                Ok(None) | Err(_) => break,
            }
        }
        self.filled = 0;
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}

fn hung_up(fds: &[PollFd<'_>]) -> bool {
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    fds.first().and_then(PollFd::revents).is_none_or(|events| events.intersects(gone))
}

/// Polls until `until`; 0 if nothing happened.
fn poll_until(fds: &mut [PollFd<'_>], until: Instant) -> Result<i32, LinkError> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        // Rounded up, or the last millisecond would be a busy loop.
        let millis = left.as_micros().div_ceil(1000);
        let timeout = PollTimeout::try_from(i32::try_from(millis).unwrap_or(i32::MAX))
            .unwrap_or(PollTimeout::MAX);
        match poll(fds, timeout) {
            Err(nix::errno::Errno::EINTR) => {}
            other => return other.map_err(|errno| LinkError::Io(errno.into())),
        }
    }
}

fn classify(error: std::io::Error) -> LinkError {
    use nix::errno::Errno;
    match error.raw_os_error().map(Errno::from_raw) {
        Some(
            Errno::EIO
            | Errno::ENODEV
            | Errno::ENXIO
            | Errno::ESHUTDOWN
            | Errno::EPIPE
            | Errno::ECONNRESET,
        ) => LinkError::Removed,
        _ => LinkError::Io(error),
    }
}

#[cfg(test)]
mod tests;
