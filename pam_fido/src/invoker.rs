//! Who started a program of root's, as `su` and `sudo` know it: they run as root for somebody, and
//! that somebody may be far away (cron, at, a service).

use std::io::{Error, ErrorKind};

use nix::unistd::getuid;
use wardkey_core::code::Code;

use crate::account;
use crate::refusal::Refusal;

/// The user who logged in and from whom this process descends; cron and atd set it for their jobs.
/// Display managers, gettys and polkit's helper have none.
const LOGIN_UID: &str = "/proc/self/loginuid";
/// Nobody logged in.
const UNSET: u32 = u32::MAX;

/// The uid of who started this process; `None` for a service of the system's own. `asks` is
/// PAM_RUSER.
///
/// # Errors
/// [`Code::Internal`] when the kernel's answer cannot be read: who started it is not guessed.
pub fn invoker(asks: Option<&str>) -> Result<Option<u32>, Refusal> {
    uid_of_invoker(
        getuid().as_raw(),
        || asks.and_then(account::uid_of),
        || std::fs::read_to_string(LOGIN_UID),
    )
    .map_err(|error| Refusal::new(Code::Internal, format!("{LOGIN_UID}: {error}")))
}

fn uid_of_invoker(
    real: u32,
    asks: impl FnOnce() -> Option<u32>,
    login_uid: impl FnOnce() -> Result<String, Error>,
) -> Result<Option<u32>, Error> {
    // su keeps its caller as its real user; sudo becomes root, and names the caller in PAM_RUSER.
    // That comes first: who has no login uid yet can choose one.
    if real != 0 {
        return Ok(Some(real));
    }
    if let Some(uid) = asks().filter(|uid| *uid != 0) {
        return Ok(Some(uid));
    }
    match login_uid() {
        Ok(text) => match text.trim().parse() {
            Ok(UNSET) => Ok(None),
            Ok(uid) => Ok(Some(uid)),
            Err(_) => Err(ErrorKind::InvalidData.into()),
        },
        // A kernel without audit.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[allow(unsafe_code)]
mod tests {
    use super::*;

    #[test]
    fn su_and_sudo_in_cron_and_at_say_for_whom_they_run() {
        let unset = "4294967295";
        for (what, real, asks, login_uid, expected) in [
            ("su in cron", 2001, Some(2001), "2001", Some(2001)),
            ("su of a service with a user", 33, None, unset, Some(33)),
            ("sudo in at", 0, Some(2001), "2001", Some(2001)),
            ("sudo of a service with a user", 0, Some(33), unset, Some(33)),
            ("sudo whose caller chose a login uid", 0, Some(33), "2001", Some(33)),
            ("sudo su in cron", 0, Some(0), "2001", Some(2001)),
            ("su in root's cron", 0, Some(0), "0", Some(0)),
            ("a line's end", 0, None, "2001\n", Some(2001)),
            ("GDM, LightDM, login, polkit's helper", 0, None, unset, None),
            ("SLiM, which names root", 0, Some(0), unset, None),
        ] {
            assert_eq!(
                uid_of_invoker(real, || asks, || Ok(login_uid.into())).unwrap(),
                expected,
                "{what}"
            );
        }
        assert_eq!(
            uid_of_invoker(0, || None, || Err(ErrorKind::NotFound.into())).unwrap(),
            None,
            "no audit"
        );
        let denied = || Err(ErrorKind::PermissionDenied.into());
        assert!(uid_of_invoker(0, || None, denied).is_err());
        assert_eq!(uid_of_invoker(7, || None, denied).unwrap(), Some(7));
        for bad in ["", "-1", "4294967296", "2001 0", "root"] {
            assert!(uid_of_invoker(0, || None, || Ok(bad.into())).is_err(), "{bad:?}");
        }
    }

    /// Prints what this process says of itself, with PAM_RUSER from the environment.
    #[test]
    #[ignore = "started by the test below, as other users"]
    fn tells_its_invoker() {
        let asks = std::env::var("WARDKEY_TEST_RUSER").ok();
        println!("invoker {:?}", invoker(asks.as_deref()).unwrap());
    }

    #[test]
    fn a_process_says_who_started_it() {
        use std::os::unix::process::CommandExt;
        const NOBODY: u32 = 65534;
        let tell = |real: Option<u32>, asks: Option<&str>| {
            let mut command = std::process::Command::new(std::env::current_exe().unwrap());
            command.args([
                "--ignored",
                "--exact",
                "invoker::tests::tells_its_invoker",
                "--nocapture",
            ]);
            if let Some(asks) = asks {
                command.env("WARDKEY_TEST_RUSER", asks);
            }
            if let Some(real) = real {
                // SAFETY: one system call without pointers between fork and exec, as su's setuid
                // bit has it.
                unsafe {
                    command.pre_exec(move || match libc::setresuid(real, 0, 0) {
                        0 => Ok(()),
                        _ => Err(Error::last_os_error()),
                    });
                }
            }
            let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
            output
                .lines()
                .find_map(|line| line.strip_prefix("invoker "))
                .unwrap_or(&output)
                .to_owned()
        };
        if !getuid().is_root() {
            // A user's program is its own, whatever it says of itself.
            let own = format!(
                "Some({})",
                std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap())
            );
            assert_eq!([tell(None, None), tell(None, Some("root"))], [own.clone(), own]);
            return;
        }
        let su = "Some(65534)";
        assert_eq!([tell(Some(NOBODY), None), tell(Some(NOBODY), Some("daemon"))], [su, su]);
        // sudo: the real uid is root's, and PAM_RUSER says who asks.
        assert_eq!(tell(None, Some("daemon")), "Some(1)", "uid 1 of every Debian");
    }
}
