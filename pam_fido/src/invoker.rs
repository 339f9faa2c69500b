//! Who started a program of root's, as `su` and `sudo` know it: they run as root for somebody, and that
//! somebody may be far away (cron, at, a service).

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

/// The uid of who started this process; `None` for a service of the system's own. `asks` is PAM_RUSER.
///
/// # Errors
/// [`Code::Internal`] when the kernel's answer cannot be read: who started it is not guessed.
pub fn invoker(asks: Option<&str>) -> Result<Option<u32>, Refusal> {
    judge(getuid().as_raw(), || asks.and_then(account::uid_of), || std::fs::read_to_string(LOGIN_UID))
        .map_err(|error| Refusal::new(Code::Internal, format!("{LOGIN_UID}: {error}")))
}

fn judge(
    real: u32,
    asks: impl FnOnce() -> Option<u32>,
    login_uid: impl FnOnce() -> Result<String, Error>,
) -> Result<Option<u32>, Error> {
    // su keeps its caller as its real user; sudo becomes root, and names the caller in PAM_RUSER. That
    // comes first: who has no login uid yet can choose one.
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
            assert_eq!(judge(real, || asks, || Ok(login_uid.into())).unwrap(), expected, "{what}");
        }
        assert_eq!(judge(0, || None, || Err(ErrorKind::NotFound.into())).unwrap(), None, "no audit");
        let denied = || Err(ErrorKind::PermissionDenied.into());
        assert!(judge(0, || None, denied).is_err());
        assert_eq!(judge(7, || None, denied).unwrap(), Some(7));
        for bad in ["", "-1", "4294967296", "2001 0", "root"] {
            assert!(judge(0, || None, || Ok(bad.into())).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn this_process_has_the_invoker_that_the_kernel_says() {
        let own = getuid().as_raw();
        let login_uid = std::fs::read_to_string(LOGIN_UID).ok().and_then(|text| text.parse().ok());
        let expected = if own == 0 { login_uid.filter(|uid| *uid != UNSET) } else { Some(own) };
        assert_eq!(invoker(None).unwrap(), expected);
        let daemon = account::uid_of("daemon").unwrap();
        assert_eq!(invoker(Some("daemon")).unwrap(), if own == 0 { Some(daemon) } else { Some(own) });
        assert_eq!(invoker(Some("wardkey-nobody")).unwrap(), expected);
    }
}
