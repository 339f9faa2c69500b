//! The key as a UNIX SEQPACKET socket: one packet is one report. Like a hidraw
//! node, every connection hears every report.

use std::{
    fs,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::Arc,
    thread,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType,
        accept_with, bind, listen, recv, send, shutdown, socket_with,
    },
};

use crate::{control::absent_is_fine, error::Error, key::SoftKey, message::Report};

/// Serves `key` at `path` on threads of its own. The path appears when the
/// socket can be connected to.
pub fn serve(key: Arc<SoftKey>, path: &Path) -> Result<(), Error> {
    let failed = |errno: Errno| Error::io(path)(errno.into());
    // Bound under another name and renamed, so that nobody who saw the path
    // connects between bind and listen.
    let early = path.with_extension("binding");
    for old in [path, &early] {
        fs::remove_file(old).or_else(absent_is_fine).map_err(Error::io(old))?;
    }
    let flags = SocketFlags::CLOEXEC;
    let listener =
        socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).map_err(failed)?;
    bind(&listener, &SocketAddrUnix::new(&early).map_err(failed)?).map_err(failed)?;
    listen(&listener, 8).map_err(failed)?;
    fs::rename(&early, path).map_err(Error::io(path))?;
    thread::spawn(move || {
        while let Ok(connection) = accept_with(&listener, SocketFlags::CLOEXEC) {
            let connection = Arc::new(connection);
            let writer = connection.clone();
            key.connect(Box::new(move |report| match report {
                Some(report) => deliver(&writer, report),
                None => {
                    shutdown(&writer, Shutdown::Both).ok();
                    false
                }
            }));
            let key = key.clone();
            thread::spawn(move || receive(&key, &connection));
        }
    });
    Ok(())
}

fn receive(key: &SoftKey, connection: &OwnedFd) {
    loop {
        // One byte more than the longest packet that is a report.
        let mut buffer = [0; 66];
        let length = match recv(connection, &mut buffer, RecvFlags::empty()) {
            Ok((0, _)) => break,
            Ok((_, length)) => length,
            Err(Errno::INTR) => continue,
            Err(_) => break,
        };
        let report = match length {
            64 => &buffer[..64],
            // hidraw's write starts with the report id, which is 0 here.
            65 if buffer[0] == 0 => &buffer[1..65],
            _ => continue,
        };
        if let Ok(report) = Report::try_from(report) {
            key.send(&report);
        }
    }
    // The sink notices at its next report and goes.
    shutdown(connection, Shutdown::Both).ok();
}

/// Sends, and waits a second at most for a reader who is behind; one who does
/// not read at all is cut off, as the others must not wait for it.
fn deliver(connection: &OwnedFd, report: &Report) -> bool {
    loop {
        match send(connection, report, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(_) => return true,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut ready = [PollFd::from_borrowed_fd(connection.as_fd(), PollFlags::OUT)];
                let second = Timespec { tv_sec: 1, tv_nsec: 0 };
                if !matches!(poll(&mut ready, Some(&second)), Ok(1..)) {
                    shutdown(connection, Shutdown::Both).ok();
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
}
