//! What the parent hears of its processes and tells the next ones: processes that say anything.

use std::io::Read;
use std::path::Path;

use super::*;

/// Serves by a shell that runs `script` for each connection, in `folder`.
fn serve_by(script: &'static str, folder: &Path) -> PathBuf {
    let path = folder.join("key.sock");
    let listener = socket_at(&path, 0o600).unwrap();
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        let worker = || {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).current_dir(&folder);
            command
        };
        let _ = run(&listener, |_| Some(Caller::Root), worker);
    });
    path
}

/// Connects, and waits until it is hung up on.
fn is_served_to_the_end(path: &Path) {
    let mut connection = UnixStream::connect(path).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(connection.read(&mut [0]).unwrap(), 0, "hung up on");
}

#[test]
fn what_a_process_says_of_a_key_the_next_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    // It appends what it was told to a file, and says something of 16 bytes.
    let script = "dd bs=512 count=1 2>/dev/null >> told; echo >> told; printf 0123456789abcdef >&0";
    let path = serve_by(script, folder.path());
    is_served_to_the_end(&path);
    is_served_to_the_end(&path);
    let told = std::fs::read(folder.path().join("told")).unwrap();
    let tag = b"0123456789abcdef";
    let found: Vec<usize> = (0..told.len()).filter(|at| told[*at..].starts_with(tag)).collect();
    assert_eq!(found.len(), 1, "the second one, not the first: {told:?}");
}

#[test]
fn a_process_that_floods_is_ended_and_the_next_one_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = serve_by("exec cat /dev/zero >&0", folder.path());
    is_served_to_the_end(&path);
    is_served_to_the_end(&path);
}
