//! Frames and deadlines over a pair of sockets.

use super::*;

fn pair(max: usize) -> (Channel, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Channel::new(ours, max).unwrap(), theirs)
}

/// For what does not come.
fn soon() -> Deadline {
    Deadline::after(Duration::from_millis(200))
}

/// For what comes, however slow the machine is.
fn late() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

#[test]
fn reply_of_exactly_the_buffer_size_does_not_wait() {
    let (mut ours, theirs) = pair(64 * 1024);
    // 4 bytes length + 3 bytes CBOR header + content = exactly a page of the socket, and two;
    // the greatest.
    for size in [16 * 1024 - 7, 2 * 16 * 1024 - 7, 64 * 1024 - 3] {
        let message: codec::Bytes<65536> = codec::Bytes::new(vec![7; size]).unwrap();
        let mut theirs = Channel::new(theirs.try_clone().unwrap(), 64 * 1024).unwrap();
        theirs.send(&message, late()).unwrap();
        assert_eq!(ours.receive::<codec::Bytes<65536>>(late()).unwrap(), message);
    }
}

#[test]
fn eof_is_an_error_at_once_and_does_not_spin() {
    let (mut ours, mut theirs) = pair(100);
    theirs.write_all(&[0, 0, 0, 9, 1]).unwrap();
    drop(theirs);
    assert!(matches!(ours.receive::<u8>(late()), Err(IpcError::Closed)));
}

#[test]
fn a_signal_ends_a_wait_and_is_still_there_afterwards() {
    use nix::sys::signal::{SigSet, Signal, raise};
    // As sudo does while it asks for a password: blocked, and looked for afterwards.
    let mut all = SigSet::empty();
    all.extend([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    all.thread_block().unwrap();
    let interrupt = Arc::new(Interrupt::new().unwrap());
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (mut ours, mut theirs) = pair(100);
        let (other, _kept) = pair(100);
        ours.interrupted_by(Some(Arc::clone(&interrupt)));
        // Others end nothing.
        raise(Signal::SIGWINCH).unwrap();
        assert!(matches!(ours.receive::<u8>(soon()), Err(IpcError::TimedOut)));
        raise(signal).unwrap();
        assert!(matches!(ours.receive::<u8>(late()), Err(IpcError::Interrupted)), "{signal}");
        assert!(
            matches!(wait_readable(&ours, &other, late()), Err(IpcError::Interrupted)),
            "{signal}"
        );
        // What must be finished is finished.
        ours.interrupted_by(None);
        theirs.write_all(&[0, 0, 0, 1, 5]).unwrap();
        assert_eq!(ours.receive::<u8>(late()).unwrap(), 5);
        // It was only looked at: it is the process's.
        assert_eq!(SigSet::from_iter([signal]).wait().unwrap(), signal);
    }
}

#[test]
fn frames_are_capped_before_they_are_read() {
    for length in [0u32, 101, u32::MAX] {
        let (mut ours, mut theirs) = pair(100);
        theirs.write_all(&length.to_be_bytes()).unwrap();
        let received = ours.receive::<u8>(late());
        assert!(matches!(received, Err(IpcError::FrameLength(l)) if l == length as usize));
    }
}

#[test]
fn a_silent_peer_ends_at_the_deadline_and_the_rest_is_taken_up_later() {
    let (mut ours, mut theirs) = pair(100);
    theirs.write_all(&[0, 0]).unwrap();
    assert!(matches!(ours.receive::<u8>(soon()), Err(IpcError::TimedOut)));
    theirs.write_all(&[0, 1, 5]).unwrap();
    assert_eq!(ours.receive::<u8>(late()).unwrap(), 5);
}

#[test]
fn several_messages_at_once_come_one_by_one() {
    let (mut ours, mut theirs) = pair(100);
    theirs.write_all(&[0, 0, 0, 1, 5, 0, 0, 0, 1, 6, 0, 0]).unwrap();
    assert_eq!((ours.receive::<u8>(late()).unwrap(), ours.receive::<u8>(late()).unwrap()), (5, 6));
    assert!(matches!(ours.receive::<u8>(soon()), Err(IpcError::TimedOut)));
    theirs.write_all(&[0, 1, 7]).unwrap();
    assert_eq!(ours.receive::<u8>(late()).unwrap(), 7);
}

#[test]
fn a_frame_is_read_into_one_buffer_that_does_not_move() {
    let (mut ours, mut theirs) = pair(100);
    theirs.write_all(&[0, 0, 0, 4, 0x43]).unwrap();
    assert!(matches!(ours.receive::<codec::Bytes<3>>(soon()), Err(IpcError::TimedOut)));
    let (at, length) = (ours.incoming.body().as_ptr(), ours.incoming.body().len());
    assert_eq!(length, 4);
    for byte in [1, 2] {
        theirs.write_all(&[byte]).unwrap();
        assert!(matches!(ours.receive::<codec::Bytes<3>>(soon()), Err(IpcError::TimedOut)));
        assert_eq!((ours.incoming.body().as_ptr(), ours.incoming.body().len()), (at, length));
    }
    theirs.write_all(&[3]).unwrap();
    assert_eq!(ours.receive::<codec::Bytes<3>>(late()).unwrap().as_slice(), [1, 2, 3]);
    assert!(ours.incoming.body().is_empty() && !ours.has_message());
}

#[test]
fn trailing_bytes_in_a_frame_are_refused() {
    let (mut ours, mut theirs) = pair(100);
    theirs.write_all(&[0, 0, 0, 2, 5, 5]).unwrap();
    assert!(matches!(ours.receive::<u8>(late()), Err(IpcError::Codec(_))));
}

/// Listens at the path in WARDKEY_TEST_SOCKET until its input ends.
#[test]
#[ignore = "started by the test below, as another user"]
fn listens_for_another_test() {
    let path = std::env::var_os("WARDKEY_TEST_SOCKET").unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(path).unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_socket_of_somebody_else_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;
    // Root's socket is everybody's to trust, so the listener is another user, also when root
    // runs this test.
    let me = nix::unistd::geteuid().as_raw();
    let owner = if me == 0 { NOBODY } else { me };
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let path = folder.path().join("s");
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "channel::tests::listens_for_another_test"])
        .env("WARDKEY_TEST_SOCKET", &path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null());
    if me == 0 {
        command.uid(owner);
    }
    let mut listener = command.spawn().unwrap();
    let connect = |expected| Channel::connect(&path, expected, 100, late());
    // That its file is there is not yet that somebody listens.
    let end = late();
    while connect(Some(owner)).is_err() {
        assert!(!end.has_passed(), "nobody listens");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(connect(None).is_ok());
    for other in [owner + 1, owner - 1, 0] {
        let refused = connect(Some(other));
        let names_both = matches!(
            refused,
            Err(IpcError::WrongOwner { expected, actual }) if (expected, actual) == (other, owner)
        );
        assert!(names_both, "{other}: {refused:?}");
    }
    drop(listener.stdin.take());
    listener.wait().unwrap();
}
