//! Started by systemd, or wrongly.

use super::*;

/// Starts the program with `socket` as systemd passes it: descriptor 3, and the
/// process's own id in the environment.
fn activated(socket: OwnedFd, seats: &Path) -> Child {
    let number = socket.as_raw_fd();
    let script = format!(
        "exec 3<&{number}; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" \
         --agent-user 2 --seats-dir \"$1\""
    );
    nix::fcntl::fcntl(&socket, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    Command::new("/bin/bash")
        .args(["-c", &script, env!("CARGO_BIN_EXE_wardkey-key")])
        .arg(seats)
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn seats_with_me() -> tempfile::TempDir {
    let seats = tempfile::tempdir().unwrap();
    let me = nix::unistd::geteuid();
    fs::write(seats.path().join("seat0"), format!("ACTIVE_UID={me}\n")).unwrap();
    seats
}

#[test]
fn a_connection_from_systemd_is_served_and_then_it_exits() {
    let seats = seats_with_me();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut child = activated(theirs.into(), seats.path());
    let mut channel = Channel::new(ours, MAX_KEY_FRAME).unwrap();
    assert!(matches!(ask(&mut channel, &Request::List), Reply::Keys(_)));
    let workers = children(child.id());
    assert_eq!(workers.len(), 1);
    assert_eq!(status(workers[0], "Seccomp").as_deref(), Some("2"));
    drop(channel);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_listening_socket_from_systemd_is_served() {
    let seats = seats_with_me();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut child = activated(listener.into(), seats.path());
    for _ in 0..3 {
        let mut channel = Channel::connect(&path, None, MAX_KEY_FRAME, soon()).unwrap();
        assert!(matches!(ask(&mut channel, &Request::List), Reply::Keys(_)));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_wrong_with_the_start_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "precious").unwrap();
    let file = file.to_str().unwrap();
    let missing = folder.path().join("no/such/folder");
    let missing = missing.to_str().unwrap();
    for (arguments, says) in [
        (vec![], "--listen"),
        (vec!["--listen", file], file),
        (vec!["--listen", missing], missing),
        (vec!["--listen", "x", "--mode", "888"], "octal"),
        (vec!["--listen", "x", "--mode", "4777"], "octal"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_wardkey-key"))
            .args(&arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(says), "{arguments:?}: {text}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "precious");
}
