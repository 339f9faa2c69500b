//! A command of the administrator's that is told of something: with a time, and in nobody's way.

use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, geteuid};
use tokio::sync::watch;

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Runs it with a text on its standard input, and waits for its end; for at most `longest`, and no
/// longer than the server runs. Its output goes nowhere: what it has to say belongs into a log of
/// its own. To be called where waiting holds nobody up.
pub(super) fn run(
    command: &[String],
    text: &[u8],
    longest: Duration,
    stop: &watch::Receiver<bool>,
) -> Result<()> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    // It runs as the user who has the keys: nobody else may have a say in what it is.
    let folder = Path::new(program).parent().unwrap_or(Path::new("/"));
    if is_of_others(Path::new(program))? || is_of_others(folder)? {
        return Err(Error::new(ErrorKind::PermissionDenied, "it is another user's to change"));
    }
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Its children end with it.
        .process_group(0)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A pipe holds more than this, so nobody is waited for. A command that does not read is
        // none of ours.
        let _ = input.write_all(text);
    }
    let ended = wait(&mut child, longest, stop);
    if ended.is_err() {
        end(&mut child);
    }
    ended
}

/// Whether anybody but root and this user may change what is there.
fn is_of_others(path: &Path) -> Result<bool> {
    let meta = path.metadata()?;
    let owner = meta.uid();
    Ok(meta.mode() & 0o022 != 0 || (owner != 0 && owner != geteuid().as_raw()))
}

fn wait(child: &mut Child, longest: Duration, stop: &watch::Receiver<bool>) -> Result<()> {
    let begun = Instant::now();
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(Error::other(status.to_string())),
            None if begun.elapsed() >= longest || *stop.borrow() => {
                return Err(Error::from(ErrorKind::TimedOut));
            }
            None => std::thread::sleep(LOOK),
        }
    }
}

/// Kills it with everything that it started, and takes its status.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().map(Pid::from_raw);
    if let Some(group) = group {
        // It may have ended by itself.
        let _ = killpg(group, Signal::SIGKILL);
    }
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: String) -> Vec<String> {
        ["/bin/sh", "-c", &script].map(str::to_owned).into()
    }

    #[test]
    fn it_is_given_the_text_and_a_failure_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told");
        let (_sender, stop) = watch::channel(false);
        let command = shell(format!("cat > '{}'; test -z \"$HOME\"", file.display()));
        run(&command, b"{}", LONG, &stop).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"{}");
        // One that reads nothing, and says that it failed.
        let error = run(&shell("exit 3".into()), &[b'x'; 4096], LONG, &stop).unwrap_err();
        assert!(error.to_string().contains('3'), "{error}");
        run(&["/nowhere/notify".into()], b"", LONG, &stop).unwrap_err();
        run(&[], b"", LONG, &stop).unwrap();
        // One that others can write is not run.
        let script = folder.path().join("notify");
        std::fs::write(&script, "#!/bin/sh\nexit 0\n").unwrap();
        for (mode, runs) in [(0o755, true), (0o775, false), (0o757, false)] {
            std::fs::set_permissions(&script, Permissions::from_mode(mode)).unwrap();
            let command = [script.display().to_string()];
            assert_eq!(run(&command, b"", LONG, &stop).is_ok(), runs, "{mode:o}");
        }
        // Nor one whose folder they can write.
        std::fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
        let command = [script.display().to_string()];
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        run(&command, b"", LONG, &stop).unwrap_err();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        run(&command, b"", LONG, &stop).unwrap();
    }

    #[test]
    fn one_that_hangs_is_killed_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let (sender, stop) = watch::channel(false);
        let hangs = shell(format!("sleep 600 & echo $! > '{}'; wait", file.display()));
        // Its time is over.
        let error = run(&hangs, b"", Duration::ZERO, &stop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);

        // The server stops, when the command has started another one.
        let _ = std::fs::remove_file(&file);
        let read = || std::fs::read_to_string(&file).unwrap_or_default();
        let error = std::thread::scope(|threads| {
            threads.spawn(|| {
                while !read().ends_with('\n') {
                    std::thread::sleep(LOOK);
                }
                sender.send_replace(true);
            });
            run(&hangs, b"", LONG, &stop).unwrap_err()
        });
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let stat = format!("/proc/{}/stat", read().trim());
        // Nobody may be there to take its status.
        let runs = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z"));
        while runs() {
            std::thread::sleep(LOOK);
        }
    }
}
