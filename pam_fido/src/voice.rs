//! What every call of libpam's shares: options, and refusals told and logged.

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pam::constants::{PAM_SILENT, PamFlag, PamResultCode};
use pam::items::{RHost, User};
use pam::module::PamHandle;
use wardkey_core::code::Code;
use wardkey_core::name::{Language, printable};
use wardkey_settings::pam::Settings;

use crate::account::Account;
use crate::ffi;
use crate::journal::{Journal, Syslog, install_panic_hook};
use crate::options::Options;
use crate::refusal::Refusal;
use crate::room::Cramped;
use crate::talk::{PamTalk, Talk};
use crate::text_console;

/// Tells refusals that come before or without a login, in the language of the terminal.
pub struct Voice<'a> {
    pamh: &'a PamHandle,
    silent: bool,
    pub language: Language,
}

impl<'a> Voice<'a> {
    pub fn new(pamh: &'a PamHandle, flags: PamFlag) -> Self {
        // Until the configuration says more.
        let language =
            if text_console::is_at(pamh) { Language::En } else { Settings::default().language };
        Self { pamh, silent: flags & PAM_SILENT != 0, language }
    }

    pub fn talk(&self) -> PamTalk<'a> {
        PamTalk::new(self.pamh, self.silent)
    }

    pub fn tell<T>(&self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        result.inspect_err(|refusal| self.talk().error(&refusal.text(self.language)))
    }
}

pub fn read_options(pamh: &PamHandle, args: &[&CStr]) -> Options {
    let options = Options::read(args);
    let syslog = Syslog::new(pamh, options.debug);
    options.complaints.iter().for_each(|complaint| syslog.error(complaint));
    options
}

/// The caller's limits leave no room for a login: said in as few words as there is room for.
pub fn refuse_cramped(pamh: &PamHandle, flags: PamFlag, cramped: Cramped, phase: &str) -> Refusal {
    if !cramped.leaves_room_for_words() {
        ffi::log_short(
            pamh,
            libc::LOG_ERR,
            c"refused: the resource limits of the caller leave no room for a login (WK-1311)",
        );
        return Refusal {
            code: Code::NoRoom,
            detail: String::new(),
            seconds: None,
            tries_left: None,
        };
    }
    refuse_in_words(pamh, flags, cramped, phase)
}

#[inline(never)]
fn refuse_in_words(pamh: &PamHandle, flags: PamFlag, cramped: Cramped, phase: &str) -> Refusal {
    let refusal = Refusal::new(Code::NoRoom, cramped.text());
    log_refusal(pamh, false, phase, &refusal);
    let voice = Voice::new(pamh, flags);
    voice.talk().error(&refusal.text(voice.language));
    refusal
}

/// One line for each refusal. The account is named only when it is one: what was typed in its place
/// may be a PIN.
pub fn log_refusal(pamh: &PamHandle, debug: bool, phase: &str, refusal: &Refusal) {
    let user = pamh.get_item::<User<'_>>().ok().flatten().and_then(|user| user.0.to_str().ok());
    let account = user.filter(|user| Account::of(user).is_known()).unwrap_or("?");
    let tries = refusal.tries_left.map(|tries| format!(" tries={tries}")).unwrap_or_default();
    let rhost = pamh
        .get_item::<RHost<'_>>()
        .ok()
        .flatten()
        .map(|rhost| printable(&rhost.0.to_string_lossy(), 128));
    let rhost = rhost.unwrap_or_default();
    let line = format!(
        "{phase} refused: code={} account={account} rhost={rhost}{tries}: {}",
        refusal.code, refusal.detail
    );
    let syslog = Syslog::new(pamh, debug);
    match refusal.authentication() {
        PamResultCode::PAM_AUTHINFO_UNAVAIL => syslog.error(&line),
        _ => syslog.notice(&line),
    }
}

/// A panic is a refusal like any other: it never reaches the application.
pub fn guarded(on_panic: PamResultCode, work: impl FnOnce() -> PamResultCode) -> PamResultCode {
    install_panic_hook();
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(on_panic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_refusal() {
        let panics = || -> PamResultCode { panic!("what was typed") };
        assert_eq!(
            guarded(PamResultCode::PAM_AUTHINFO_UNAVAIL, panics),
            PamResultCode::PAM_AUTHINFO_UNAVAIL
        );
        assert_eq!(guarded(PamResultCode::PAM_PERM_DENIED, panics), PamResultCode::PAM_PERM_DENIED);
        // The other tests want Rust's own messages.
        drop(std::panic::take_hook());
        assert_eq!(
            guarded(PamResultCode::PAM_PERM_DENIED, || PamResultCode::PAM_SUCCESS),
            PamResultCode::PAM_SUCCESS
        );
    }
}
