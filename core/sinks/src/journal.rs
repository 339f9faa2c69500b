//! systemd's journal, by its own protocol: a datagram for each record, or a sealed file in memory
//! for one that no datagram takes. Where the journal reads slowly, a send waits.

use std::fs::File;
use std::io::{ErrorKind, Result, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg, setsockopt, sockopt};
use wardkey_records::{Source, journal_entry};

use crate::backoff::Backoff;
use crate::event;
use crate::failure::SinkError;
use crate::way::{Delivery, Most, Party, Record, Terms, Way};

/// Entries between two notes of how far the journal has come: a crash repeats at most these.
const MOST: Most = Most { events: 64, bytes: usize::MAX };
/// How long a journal that takes nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to the journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    source: Source,
    socket: Option<UnixDatagram>,
    buffer: Option<usize>,
    failures: Backoff,
}

impl Journal {
    /// The way to the journal at this socket.
    pub fn new(terms: &Terms, path: &Path) -> Self {
        let failures = Backoff::new(terms.longest);
        Self {
            path: path.to_owned(),
            source: terms.source.clone(),
            socket: None,
            buffer: None,
            failures,
        }
    }

    /// The same, with a buffer for so many bytes in place of the system's.
    #[must_use]
    pub fn sending(mut self, bytes: usize) -> Self {
        self.buffer = Some(bytes);
        self
    }

    fn write(&mut self, entry: &[u8]) -> Result<()> {
        if let Some(socket) = self.socket.take() {
            match send(&socket, entry) {
                Ok(()) => {
                    self.socket = Some(socket);
                    return Ok(());
                }
                // It takes nothing, and a new socket would not change that.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(error),
                // One that was started anew leaves us a dead socket.
                Err(_) => {}
            }
        }
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.path)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        if let Some(bytes) = self.buffer {
            setsockopt(&socket, sockopt::SndBuf, &bytes)?;
        }
        send(&socket, entry)?;
        self.socket = Some(socket);
        Ok(())
    }
}

impl Way for Journal {
    fn most(&self) -> Most {
        MOST
    }

    fn reopen(&mut self) {
        self.socket = None;
    }

    fn deliver(&mut self, party: &dyn Party, records: &[Record]) -> Delivery {
        let mut delivery = Delivery::default();
        for record in records {
            let Some(event) = event::of(record, party) else {
                delivery.gave_up.push(record.at);
                continue;
            };
            if let Err(error) = self.write(&journal_entry(&event, record.told_by(&self.source))) {
                delivery.error = Some(SinkError::Journal(error));
                break;
            }
            delivery.arrived.push(record.at);
        }
        delivery
    }

    fn worked(&mut self) {
        self.failures.reset();
    }

    fn pause_after_failure(&mut self) -> Duration {
        self.failures.next(None)
    }
}

fn send(socket: &UnixDatagram, entry: &[u8]) -> Result<()> {
    match socket.send(entry) {
        Ok(_) => Ok(()),
        Err(error) => match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EMSGSIZE | Errno::ENOBUFS) => send_in_memory(socket, entry),
            _ => Err(error),
        },
    }
}

/// Hands over a file in memory that nobody can change any more: the journal takes no other.
fn send_in_memory(socket: &UnixDatagram, entry: &[u8]) -> Result<()> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let mut file = File::from(memfd_create(c"wardkey-record", flags)?);
    file.write_all(entry)?;
    let seals = SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    let files = [file.as_raw_fd()];
    let control = [ControlMessage::ScmRights(&files)];
    sendmsg::<()>(socket.as_raw_fd(), &[], &control, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}
