//! The application's side of PAM, as little of it as one test login needs: `wardkey enable` must
//! see the module let somebody in, through the real libpam, before it puts it into every login.
//!
//! ```text
//!   attempt() ─ pam_start_confdir ─ pam_authenticate ─ pam_acct_mgmt ─ pam_end
//!                       └ each message of the module ──> Conversation
//! ```
//! The only unsafe code of the command line is in `ffi` and in [`abi`], which other login programs
//! of this repository share. Answers are wiped when they were handed over.
#![deny(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

#[allow(unsafe_code)]
pub mod abi;
mod conversation;
#[allow(unsafe_code)]
mod ffi;

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub use conversation::{Conversation, HungUp, Style};

/// A login that is tried; nothing is opened but the transaction, no session and no credentials.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Folder of service files, instead of `/etc/pam.d`.
    pub folder: &'a Path,
    /// File in it.
    pub service: &'a str,
    /// `PAM_USER`.
    pub user: &'a str,
    /// `PAM_TTY`.
    pub tty: Option<&'a str>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Result of `pam_start_confdir` or `pam_authenticate`, a `PAM_*` number.
    pub authenticated: i32,
    /// Result of `pam_acct_mgmt`; `None` when authentication failed.
    pub account: Option<i32>,
    /// The variable that was asked for, from the PAM environment.
    pub variable: Option<String>,
}

impl Ended {
    /// Whether a login program would let the person in.
    pub fn passed(&self) -> bool {
        self.authenticated == abi::PAM_SUCCESS && self.account == Some(abi::PAM_SUCCESS)
    }

    /// The result that decided, by name.
    pub fn reason(&self) -> &'static str {
        name(self.account.unwrap_or(self.authenticated))
    }
}

/// Tries to log in; `variable` of the PAM environment is read at the end.
pub fn attempt(
    attempt: &Attempt<'_>,
    variable: &str,
    conversation: &mut dyn Conversation,
) -> Ended {
    let text = |bytes: &[u8]| CString::new(bytes).ok();
    let failed = |code| Ended { authenticated: code, account: None, variable: None };
    let (Some(folder), Some(service), Some(user), Some(variable)) = (
        text(attempt.folder.as_os_str().as_bytes()),
        text(attempt.service.as_bytes()),
        text(attempt.user.as_bytes()),
        text(variable.as_bytes()),
    ) else {
        return failed(abi::PAM_SYSTEM_ERR);
    };
    let mut handle = match ffi::Handle::start(&folder, &service, &user, conversation) {
        Ok(handle) => handle,
        Err(code) => return failed(code),
    };
    if let Some(tty) = attempt.tty.and_then(|tty| text(tty.as_bytes())) {
        // Without it the agent knows the place by the session.
        handle.set_tty(&tty);
    }
    let authenticated = handle.authenticate();
    let account = (authenticated == abi::PAM_SUCCESS).then(|| handle.account());
    Ended { authenticated, account, variable: handle.variable(&variable) }
}

/// The name of a result of libpam, such as `PAM_AUTH_ERR` for 7 (`security/_pam_types.h`);
/// `PAM_UNKNOWN` for a number that the header does not list.
pub fn name(code: i32) -> &'static str {
    usize::try_from(code).ok().and_then(|index| NAMES.get(index)).copied().unwrap_or("PAM_UNKNOWN")
}

const NAMES: [&str; 32] = [
    "PAM_SUCCESS",
    "PAM_OPEN_ERR",
    "PAM_SYMBOL_ERR",
    "PAM_SERVICE_ERR",
    "PAM_SYSTEM_ERR",
    "PAM_BUF_ERR",
    "PAM_PERM_DENIED",
    "PAM_AUTH_ERR",
    "PAM_CRED_INSUFFICIENT",
    "PAM_AUTHINFO_UNAVAIL",
    "PAM_USER_UNKNOWN",
    "PAM_MAXTRIES",
    "PAM_NEW_AUTHTOK_REQD",
    "PAM_ACCT_EXPIRED",
    "PAM_SESSION_ERR",
    "PAM_CRED_UNAVAIL",
    "PAM_CRED_EXPIRED",
    "PAM_CRED_ERR",
    "PAM_NO_MODULE_DATA",
    "PAM_CONV_ERR",
    "PAM_AUTHTOK_ERR",
    "PAM_AUTHTOK_RECOVERY_ERR",
    "PAM_AUTHTOK_LOCK_BUSY",
    "PAM_AUTHTOK_DISABLE_AGING",
    "PAM_TRY_AGAIN",
    "PAM_IGNORE",
    "PAM_ABORT",
    "PAM_AUTHTOK_EXPIRED",
    "PAM_MODULE_UNKNOWN",
    "PAM_BAD_ITEM",
    "PAM_CONV_AGAIN",
    "PAM_INCOMPLETE",
];

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    struct Silent(usize);

    impl Conversation for Silent {
        fn message(&mut self, _: Style, _: &str) -> Result<Zeroizing<String>, HungUp> {
            self.0 += 1;
            Err(HungUp)
        }
    }

    fn ended(lines: &str, service: &str) -> (Ended, usize) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("test"), lines).unwrap();
        let mut silent = Silent(0);
        let attempt = Attempt { folder: folder.path(), service, user: "root", tty: Some("tty1") };
        (super::attempt(&attempt, "NAME", &mut silent), silent.0)
    }

    #[test]
    fn only_both_phases_are_a_login() {
        for (lines, passed, reason) in [
            ("auth required pam_permit.so\naccount required pam_permit.so\n", true, "PAM_SUCCESS"),
            ("auth required pam_permit.so\naccount required pam_deny.so\n", false, "PAM_AUTH_ERR"),
            ("auth required pam_deny.so\naccount required pam_permit.so\n", false, "PAM_AUTH_ERR"),
            (
                "auth required pam_missing.so\naccount required pam_permit.so\n",
                false,
                "PAM_MODULE_UNKNOWN",
            ),
            ("", false, "PAM_PERM_DENIED"),
        ] {
            let (ended, _) = ended(lines, "test");
            // What an empty stack answers is libpam's affair, as long as it is no success.
            assert_eq!(ended.passed(), passed, "{lines}: {ended:?}");
            assert!(lines.is_empty() || ended.reason() == reason, "{lines}: {ended:?}");
        }
        assert!(
            !ended("auth required pam_permit.so\n", "other-name").0.passed(),
            "no service of that name"
        );
    }

    #[test]
    fn the_modules_talk_to_the_conversation_and_leave_variables() {
        let (ended, messages) = ended(
            "auth required pam_echo.so hello\nauth required pam_permit.so\n\
                auth required pam_env.so readenv=0\n\
             account required pam_permit.so\n",
            "test",
        );
        assert!(messages >= 1, "{ended:?}");
        assert_eq!(ended.variable, None);
    }

    #[test]
    fn names_follow_the_header() {
        let table = [
            (0, "PAM_SUCCESS"),
            (7, "PAM_AUTH_ERR"),
            (9, "PAM_AUTHINFO_UNAVAIL"),
            (19, "PAM_CONV_ERR"),
            (25, "PAM_IGNORE"),
            (26, "PAM_ABORT"),
            (28, "PAM_MODULE_UNKNOWN"),
            (31, "PAM_INCOMPLETE"),
            (32, "PAM_UNKNOWN"),
            (-1, "PAM_UNKNOWN"),
        ];
        for (code, expected) in table {
            assert_eq!(name(code), expected);
        }
    }
}
