//! Lines for syslog (LOG_AUTHPRIV). Never a secret, never a name that nobody has, never a control
//! character. The audit record is the agent's; these lines are for the administrator of one
//! machine.

use std::sync::Once;

use pam::module::PamHandle;
use wardkey_core::name::printable;

use crate::ffi;

/// Longest line in characters.
const MAX_LINE: usize = 800;

/// Where lines go.
pub trait Journal {
    /// Something an administrator must look at.
    fn error(&self, line: &str);
    /// A refusal.
    fn notice(&self, line: &str);
    /// For `debug`.
    fn debug(&self, line: &str);
}

/// Syslog, through libpam.
pub struct Syslog<'a> {
    pamh: &'a PamHandle,
    debug: bool,
}

impl<'a> Syslog<'a> {
    /// With or without the lines for `debug`.
    pub fn new(pamh: &'a PamHandle, debug: bool) -> Self {
        Self { pamh, debug }
    }

    fn write(&self, priority: i32, line: &str) {
        ffi::log(self.pamh, priority, &printable(line, MAX_LINE));
    }
}

impl Journal for Syslog<'_> {
    fn error(&self, line: &str) {
        self.write(libc::LOG_ERR, line);
    }

    fn notice(&self, line: &str) {
        self.write(libc::LOG_NOTICE, line);
    }

    fn debug(&self, line: &str) {
        if self.debug {
            self.write(libc::LOG_DEBUG, line);
        }
    }
}

/// From here on a panic writes where it was to syslog, instead of what it says to standard error:
/// a message may hold what was typed, and standard error belongs to the application.
pub fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map_or_else(|| "unknown place".into(), ToString::to_string);
            ffi::log_without_handle(
                libc::LOG_CRIT,
                &format!("pam_fido: internal fault at {place} (WK-1307)"),
            );
        }));
    });
}
