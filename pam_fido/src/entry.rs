//! What libpam calls.

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pam::constants::{PAM_SILENT, PamFlag, PamResultCode};
use pam::items::{RHost, User};
use pam::module::{PamHandle, PamHooks};
use wardkey_core::code::Code;
use wardkey_core::name::{Language, printable};
use wardkey_settings::pam::Settings;

use crate::account::Account;
use crate::ffi;
use crate::journal::{Journal, Syslog, install_panic_hook};
use crate::login::{self, Admitted, Login};
use crate::nameless::{self, Named};
use crate::options::Options;
use crate::parts::{Asked, Parts, Typed, Who};
use crate::refusal::Refusal;
use crate::room::{Cramped, Room};
use crate::session::{self, Phase};
use crate::talk::{PamTalk, Talk};
use crate::world::World;

/// Under this name the handle keeps how the last authentication ended. Another version of the
/// module keeps its own, as the type may differ.
const LAST: &str = concat!("wardkey.last.", env!("CARGO_PKG_VERSION"));
/// libpam spreads it by half either way.
const FAIL_DELAY_MICROSECONDS: u32 = 2_000_000;

/// How the last authentication of a handle ended.
enum Last {
    /// In a refusal, or not at all.
    Refused,
    /// This PAM_USER was let in.
    Admitted(String, Admitted),
    /// This PAM_USER is left alone: the next modules decide.
    Local(String),
}

impl Last {
    fn keep(self, pamh: &mut PamHandle) {
        // Without it the account phase evaluates anew, and a second line does not know of the
        // first: slower and stricter, no weaker.
        let _ = pamh.set_data(LAST, Box::new(self));
    }

    fn of(pamh: &PamHandle) -> &Self {
        ffi::data::<Self>(pamh, LAST).unwrap_or(&Self::Refused)
    }

    fn admitted(&self, user: &str) -> bool {
        self.login(user).is_some()
    }

    /// The login of this PAM_USER.
    fn login(&self, user: &str) -> Option<&Admitted> {
        match self {
            Self::Admitted(name, admitted) if name == user => Some(admitted),
            _ => None,
        }
    }

    fn left_alone(&self, user: &str) -> bool {
        matches!(self, Self::Local(name) if name == user)
    }
}

/// The module.
pub struct Wardkey;

impl PamHooks for Wardkey {
    fn sm_authenticate(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        guarded(PamResultCode::PAM_AUTHINFO_UNAVAIL, || {
            let _room = match Room::make() {
                Ok(room) => room,
                Err(cramped) => {
                    return refuse_cramped(pamh, flags, cramped, "authentication").authentication();
                }
            };
            let options = read_options(pamh, &args);
            if options.local {
                return second_line(pamh);
            }
            // A handle can be used again: what counts is the last authentication.
            Last::Refused.keep(pamh);
            match authenticate(pamh, &options, flags) {
                Ok(Verdict::Local(user)) => {
                    Last::Local(user).keep(pamh);
                    PamResultCode::PAM_USER_UNKNOWN
                }
                Ok(Verdict::Admitted(user, admitted)) => {
                    ffi::put_env(pamh, "WARDKEY_PERSON", admitted.person.as_str());
                    if let Some(key) = &admitted.key {
                        ffi::put_env(pamh, "WARDKEY_KEY", &key.short());
                    }
                    Last::Admitted(user, admitted).keep(pamh);
                    PamResultCode::PAM_SUCCESS
                }
                Err(refusal) => {
                    if refusal.counts() {
                        ffi::fail_delay(pamh, FAIL_DELAY_MICROSECONDS);
                    }
                    log_refusal(pamh, options.debug, "authentication", &refusal);
                    refusal.authentication()
                }
            }
        })
    }

    fn acct_mgmt(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        guarded(PamResultCode::PAM_PERM_DENIED, || {
            let _room = match Room::make() {
                Ok(room) => room,
                Err(cramped) => return refuse_cramped(pamh, flags, cramped, "account").account(),
            };
            let options = read_options(pamh, &args);
            match account(pamh, &options, flags) {
                Ok(Allowed::Local) => PamResultCode::PAM_USER_UNKNOWN,
                Ok(Allowed::Yes) => PamResultCode::PAM_SUCCESS,
                Err(refusal) => {
                    log_refusal(pamh, options.debug, "account", &refusal);
                    refusal.account()
                }
            }
        })
    }

    fn sm_open_session(pamh: &mut PamHandle, args: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        session_phase(pamh, &args, Phase::Open)
    }

    fn sm_close_session(pamh: &mut PamHandle, args: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        session_phase(pamh, &args, Phase::Close)
    }

    fn sm_setcred(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }
}

/// How authentication ended without a refusal, and for which PAM_USER.
enum Verdict {
    Local(String),
    Admitted(String, Admitted),
}

/// How the account phase ended without a refusal.
enum Allowed {
    Local,
    Yes,
}

/// The line with "local": asks nothing, decides nothing, and only says that the line before it left
/// this very account alone. pam-auth-update can write one jump a line; this is the second.
fn second_line(pamh: &mut PamHandle) -> PamResultCode {
    let user = pamh.get_item::<User<'_>>().ok().flatten().and_then(|user| user.0.to_str().ok());
    match user {
        Some(user) if Last::of(pamh).left_alone(user) => PamResultCode::PAM_SUCCESS,
        _ => PamResultCode::PAM_AUTH_ERR,
    }
}

/// Never inlined, as the next: what the module needs of the stack is taken after room was made.
#[inline(never)]
fn authenticate(
    pamh: &mut PamHandle,
    options: &Options,
    flags: PamFlag,
) -> Result<Verdict, Refusal> {
    let user = match nameless::who_logs_in(pamh, options, flags)? {
        Named::Said(user) => user,
        Named::ByKey(user, parts) => {
            let admitted = log_in(pamh, options, flags, &parts)?;
            let set = nameless::set_user(pamh, &user);
            Voice::new(pamh, flags).tell(set)?;
            return Ok(Verdict::Admitted(user.name, admitted));
        }
    };
    let voice = Voice::new(pamh, flags);
    let syslog = Syslog::new(pamh, options.debug);
    let parts = match voice.tell(Parts::read(pamh, Asked::Login, options, &user, &syslog))? {
        Who::Managed(parts) => parts,
        Who::Local { listed } => {
            if listed {
                // Wardkey records nothing of it: this line is all there is.
                syslog.notice(&format!(
                    "local account {} (local_accounts) is left to the next module",
                    user.name
                ));
            }
            return Ok(Verdict::Local(user.name));
        }
    };
    let admitted = log_in(pamh, options, flags, &parts)?;
    Ok(Verdict::Admitted(user.name, admitted))
}

fn log_in(
    pamh: &PamHandle,
    options: &Options,
    flags: PamFlag,
    parts: &Parts,
) -> Result<Admitted, Refusal> {
    let mut voice = Voice::new(pamh, flags);
    voice.language = parts.settings.language;
    let syslog = Syslog::new(pamh, options.debug);
    // A login tells its refusals itself, in the person's language.
    let admitted =
        voice.tell(parts.with_world(&syslog, &mut voice.talk(), login::authenticate))??;
    let key = admitted.key.map_or_else(|| "none".to_owned(), |key| key.short());
    syslog.debug(&format!("{} was let in with key {key}", admitted.person));
    Ok(admitted)
}

#[inline(never)]
fn account(pamh: &mut PamHandle, options: &Options, flags: PamFlag) -> Result<Allowed, Refusal> {
    let user = Typed::ask(pamh)?;
    if user.is_text && Last::of(pamh).admitted(&user.name) {
        return Ok(Allowed::Yes);
    }
    let mut voice = Voice::new(pamh, flags);
    let syslog = Syslog::new(pamh, options.debug);
    let parts = Parts::read(pamh, Asked::Account, options, &user, &syslog);
    let Who::Managed(parts) = voice.tell(parts)? else {
        return Ok(Allowed::Local);
    };
    voice.language = parts.settings.language;
    let check = |mut world: World<'_>, login: &Login| login::check_account(&mut world, login);
    let ask_directory = || parts.with_world(&syslog, &mut voice.talk(), check)?;
    voice.tell(parts.pass_without_login(ask_directory))?;
    Ok(Allowed::Yes)
}

/// A session of a login of this handle is told to the agent; every other one is not ours: what the
/// account phase said of it stands. Never a refusal: who was let in stays in.
fn session_phase(pamh: &PamHandle, args: &[&CStr], phase: Phase) -> PamResultCode {
    guarded(PamResultCode::PAM_IGNORE, || {
        let user = pamh.get_item::<User<'_>>().ok().flatten();
        let user = user.and_then(|user| user.0.to_str().ok()).unwrap_or_default();
        let Some(admitted) = Last::of(pamh).login(user) else { return PamResultCode::PAM_IGNORE };
        match Room::make() {
            Ok(_room) => tell_session(pamh, args, user, admitted, phase),
            Err(_) => ffi::log_short(
                pamh,
                libc::LOG_ERR,
                c"WK-1414: no room to record a session: \
                  the resource limits of the caller (WK-1311)",
            ),
        }
        PamResultCode::PAM_SUCCESS
    })
}

#[inline(never)]
fn tell_session(pamh: &PamHandle, args: &[&CStr], user: &str, admitted: &Admitted, phase: Phase) {
    let options = read_options(pamh, args);
    let syslog = Syslog::new(pamh, options.debug);
    let user = Typed { name: user.to_owned(), is_text: true };
    let told =
        Parts::read(pamh, Asked::Account, &options, &user, &syslog).and_then(|who| match who {
            Who::Managed(parts) => {
                let tell = |mut world: World<'_>, login: &Login| {
                    session::tell(&mut world, login, admitted, phase)
                };
                parts.with_world(&syslog, &mut PamTalk::new(pamh, true), tell)?
            }
            Who::Local { .. } => Ok(()),
        });
    if let Err(refusal) = told {
        let (code, person) = (Code::SessionNotRecorded, &admitted.person);
        let what = phase.as_str();
        let why = refusal.detail;
        syslog.error(&format!("{code}: a session of {person} {what} and is not recorded: {why}"));
    }
}

/// Tells refusals that come before or without a login, in the language of the terminal.
struct Voice<'a> {
    pamh: &'a PamHandle,
    silent: bool,
    language: Language,
}

impl<'a> Voice<'a> {
    fn new(pamh: &'a PamHandle, flags: PamFlag) -> Self {
        // Until the configuration says more.
        let language = Settings::default().language;
        Self { pamh, silent: flags & PAM_SILENT != 0, language }
    }

    fn talk(&self) -> PamTalk<'a> {
        PamTalk::new(self.pamh, self.silent)
    }

    fn tell<T>(&self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        result.inspect_err(|refusal| self.talk().error(&refusal.text(self.language)))
    }
}

fn read_options(pamh: &PamHandle, args: &[&CStr]) -> Options {
    let options = Options::read(args);
    let syslog = Syslog::new(pamh, options.debug);
    options.complaints.iter().for_each(|complaint| syslog.error(complaint));
    options
}

/// The caller's limits leave no room for a login: said in as few words as there is room for.
fn refuse_cramped(pamh: &PamHandle, flags: PamFlag, cramped: Cramped, phase: &str) -> Refusal {
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
fn log_refusal(pamh: &PamHandle, debug: bool, phase: &str, refusal: &Refusal) {
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
fn guarded(on_panic: PamResultCode, work: impl FnOnce() -> PamResultCode) -> PamResultCode {
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

    #[test]
    fn what_the_last_authentication_said_holds_for_its_account_only() {
        let admitted = Admitted {
            person: wardkey_testkit::login("hanako"),
            key: Some(wardkey_core::id::Hash::new([1; 32])),
            login: wardkey_core::id::EventId::new([2; 16]),
        };
        let in_ = Last::Admitted("hanako".into(), admitted);
        let local = Last::Local("admin".into());
        assert!(in_.admitted("hanako") && !in_.admitted("taro") && !in_.left_alone("hanako"));
        assert!(
            local.left_alone("admin") && !local.left_alone("hanako") && !local.admitted("admin")
        );
        assert!(!Last::Refused.admitted("hanako") && !Last::Refused.left_alone(""));
    }
}
