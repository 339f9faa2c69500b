//! Opening what the process that has the PIN shall not open itself.
//!
//! ```text
//!   worker: caller, PIN, key             broker: neither
//!   opens nothing ── "devices" ───────>  opens /dev/hidraw*, keeps those with FIDO's usage page
//!                 <── node, descriptor ─
//!                 ── "seats" ────────>   reads who is in front of each seat
//!                 <── uids ────────────
//! ```
//! Both run as uid 0 where no unit restricts them, and that uid may open every file of root's for
//! writing. The worker's filter has no call that opens a file. The broker hears one byte at a time,
//! of the worker alone.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hidapi::hidraw::{Hidraw, Locks};
use minicbor::{Decode, Encode};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use wardkey_core::codec;
use wardkey_core::message::key::MAX_DEVICES;

use crate::bus::{Bus, Plugged, described};
use crate::caller::{InFront, MAX_SEATS, in_front};
use crate::keys::{Description, Plugging};
use crate::listen::{receive_message, send_message};

/// What is asked for.
const DEVICES: u8 = b'd';
const SEATS: u8 = b's';
/// Longest answer in bytes.
const MAX_ANSWER: usize = 4096;
/// Longest wait for an answer: a device that blocks while it is opened is given up with the
/// connection.
const ANSWER: Duration = Duration::from_secs(5);

/// A device that the broker has opened; the descriptor goes with it.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
struct Opened {
    #[n(0)]
    path: String,
    #[n(1)]
    vendor: u16,
    #[n(2)]
    product: u16,
    #[n(3)]
    name: String,
    #[n(4)]
    plugging: Option<Plugging>,
}

/// One message of the broker.
#[derive(Debug, Encode, Decode)]
enum Answer {
    #[n(0)]
    Device(#[n(0)] Opened),
    /// That was the last device. Whether everything that is plugged in could be looked at, and was
    /// told.
    #[n(1)]
    End(#[n(0)] bool),
    /// Who is in front of the seats, and whether the first one is known to show nobody.
    #[n(2)]
    Active(#[n(0)] Vec<u32>, #[n(1)] bool),
}

/// The worker's end.
#[derive(Debug)]
pub struct Broker {
    socket: OwnedFd,
}

impl Broker {
    /// Starts the broker of this process; `command` makes one that calls [`serve`] with its
    /// standard input.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start(mut command: Command) -> std::io::Result<Self> {
        let (socket, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        // It ends with this process, which so is the one that collects it.
        command.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { socket })
    }

    /// Who is in front of each seat; nothing is known when the broker is gone.
    #[must_use]
    pub fn in_front(&self) -> InFront {
        let until = Instant::now() + ANSWER;
        match self.ask(SEATS).and_then(|()| self.hear(until)) {
            Ok((Answer::Active(uids, is_nobody), _)) => InFront { uids, is_nobody },
            Ok(_) | Err(_) => InFront::default(),
        }
    }

    fn ask(&self, what: u8) -> Result<(), Errno> {
        send_message(self.socket.as_fd(), &[what], None)
    }

    fn hear(&self, until: Instant) -> Result<(Answer, Option<OwnedFd>), Errno> {
        let left = until.saturating_duration_since(Instant::now()).as_millis();
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, timeout)? == 0 {
            return Err(Errno::ETIMEDOUT);
        }
        let mut bytes = [0; MAX_ANSWER];
        let (length, descriptor) = receive_message(self.socket.as_fd(), &mut bytes)?;
        let answer = codec::from_message(bytes.get(..length).unwrap_or_default())
            .map_err(|_| Errno::EBADMSG)?;
        Ok((answer, descriptor))
    }
}

impl Bus for Broker {
    fn devices(&self, locks: &Locks) -> Plugged {
        let until = Instant::now() + ANSWER;
        let mut plugged = Plugged::default();
        if self.ask(DEVICES).is_err() {
            return plugged;
        }
        // All answers are taken, so that none is left for the next question.
        let mut without_node = false;
        loop {
            match self.hear(until) {
                Ok((Answer::Device(opened), Some(node))) => {
                    let Opened { path, vendor, product, name, plugging } = opened;
                    let description = Description { path, vendor, product, name, plugging };
                    plugged.devices.push((description, Hidraw::received(node, locks.clone())));
                }
                Ok((Answer::Device(_), None)) => without_node = true,
                Ok((Answer::End(is_complete), _)) => {
                    plugged.is_complete = is_complete && !without_node;
                    return plugged;
                }
                Ok((Answer::Active(..), _)) | Err(_) => return plugged,
            }
        }
    }
}

/// Serves the worker at the other end of `socket` until it is gone.
pub fn serve(socket: BorrowedFd<'_>, seats: &Path) {
    let mut asked = [0];
    while let Ok((1, _)) = receive_message(socket, &mut asked) {
        let told = match asked {
            [DEVICES] => tell_devices(socket),
            [SEATS] => {
                let InFront { mut uids, is_nobody } = in_front(seats);
                uids.truncate(MAX_SEATS);
                tell(socket, &Answer::Active(uids, is_nobody), None)
            }
            _ => return,
        };
        if told.is_err() {
            return;
        }
    }
}

fn tell_devices(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    let listing = hidapi::hidraw::devices();
    let mut is_complete = listing.is_complete && listing.found.len() <= MAX_DEVICES;
    for found in listing.found.iter().take(MAX_DEVICES) {
        let Some(Description { path, vendor, product, name, plugging }) = described(found) else {
            is_complete = false;
            continue;
        };
        tell(
            socket,
            &Answer::Device(Opened { path, vendor, product, name, plugging }),
            Some(found.link.node()),
        )?;
    }
    tell(socket, &Answer::End(is_complete), None)
}

fn tell(
    socket: BorrowedFd<'_>,
    answer: &Answer,
    with: Option<BorrowedFd<'_>>,
) -> Result<(), Errno> {
    send_message(socket, &codec::to_message(answer), with)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{Shutdown, shutdown};

    use super::*;

    fn pair() -> (Broker, OwnedFd) {
        let (socket, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
                .unwrap();
        (Broker { socket }, theirs)
    }

    #[test]
    fn it_says_who_is_in_front_and_which_devices_there_are() {
        let seats = tempfile::tempdir().unwrap();
        std::fs::write(seats.path().join("seat0"), "ACTIVE_UID=2001\n").unwrap();
        let (broker, theirs) = pair();
        let serving = std::thread::spawn({
            let seats = seats.path().to_owned();
            move || serve(theirs.as_fd(), &seats)
        });
        for uid in [2001, 2002] {
            std::fs::write(seats.path().join("seat0"), format!("ACTIVE_UID={uid}\n")).unwrap();
            assert_eq!(broker.in_front(), InFront { uids: vec![uid], is_nobody: false });
            let plugged = broker.devices(&Locks::default());
            let listing = hidapi::hidraw::devices();
            assert_eq!(plugged.devices.len(), listing.found.len());
            assert_eq!(plugged.is_complete, listing.is_complete);
        }
        std::fs::write(seats.path().join("seat0"), "IS_SEAT0=1\n").unwrap();
        assert_eq!(broker.in_front(), InFront { uids: vec![], is_nobody: true });
        drop(broker);
        serving.join().unwrap();
    }

    #[test]
    fn a_broker_that_is_gone_or_talks_nonsense_knows_nobody() {
        let (broker, theirs) = pair();
        send_message(theirs.as_fd(), &[0xff], None).unwrap();
        assert_eq!(broker.in_front(), InFront::default());
        send_message(theirs.as_fd(), &codec::to_message(&Answer::End(true)), None).unwrap();
        assert_eq!(broker.in_front(), InFront::default());
        drop(theirs);
        assert_eq!(broker.in_front(), InFront::default());
        let plugged = broker.devices(&Locks::default());
        assert!(plugged.devices.is_empty() && !plugged.is_complete);
    }

    #[test]
    fn keys_are_all_only_when_the_broker_says_so_to_the_end() {
        let key = || Opened {
            path: "/dev/hidraw7".into(),
            vendor: 1,
            product: 2,
            name: "k".into(),
            plugging: None,
        };
        for (has_node, end, all) in [
            (true, Some(true), true),
            (true, Some(false), false),
            (false, Some(true), false),
            (true, None, false),
        ] {
            let (broker, theirs) = pair();
            let (node, _other) = std::os::unix::net::UnixStream::pair().unwrap();
            tell(theirs.as_fd(), &Answer::Device(key()), has_node.then_some(node.as_fd())).unwrap();
            if let Some(end) = end {
                tell(theirs.as_fd(), &Answer::End(end), None).unwrap();
            }
            // Nothing more comes, and what is asked is still heard.
            shutdown(theirs.as_raw_fd(), Shutdown::Write).unwrap();
            assert_eq!(broker.devices(&Locks::default()).is_complete, all, "{has_node} {end:?}");
        }
    }

    #[test]
    fn a_device_comes_with_its_descriptor() {
        let (broker, theirs) = pair();
        let (node, mut key) = std::os::unix::net::UnixStream::pair().unwrap();
        let opened = Opened {
            path: "/dev/hidraw7".into(),
            vendor: 1,
            product: 2,
            name: "a key".into(),
            plugging: None,
        };
        tell(theirs.as_fd(), &Answer::Device(opened), Some(node.as_fd())).unwrap();
        let without = Opened {
            path: "/dev/hidraw8".into(),
            vendor: 1,
            product: 2,
            name: "no node".into(),
            plugging: None,
        };
        tell(theirs.as_fd(), &Answer::Device(without), None).unwrap();
        tell(theirs.as_fd(), &Answer::End(true), None).unwrap();
        drop(node);
        let mut found = broker.devices(&Locks::default()).devices;
        assert_eq!(found.len(), 1);
        let (description, mut link) = found.pop().unwrap();
        assert_eq!(description.path, "/dev/hidraw7");
        hidapi::Transport::send(&mut link, &[9; 64], Instant::now() + ANSWER).unwrap();
        let mut got = [0; 65];
        std::io::Read::read_exact(&mut key, &mut got).unwrap();
        assert_eq!(got[1..], [9; 64]);
    }
}
