//! What libpam calls.

use std::ffi::CStr;

use pam::constants::{PAM_CHANGE_EXPIRED_AUTHTOK, PamFlag, PamResultCode};
use pam::items::User;
use pam::module::{PamHandle, PamHooks};
use wardkey_core::code::Code;

use crate::account::Account;
use crate::ffi;
use crate::journal::{Journal, Syslog};
use crate::last::{Last, second_line};
use crate::login::{self, Admitted, Login};
use crate::nameless::{self, Named};
use crate::options::Options;
use crate::parts::{Asked, Parts, Typed, Who};
use crate::refusal::Refusal;
use crate::room::Room;
use crate::session::{self, Phase};
use crate::talk::PamTalk;
use crate::turn::{self, Handling, Turn};
use crate::voice::{Voice, guarded, log_refusal, read_options, refuse_cramped};
use crate::world::World;

/// libpam spreads it by half either way.
const FAIL_DELAY_MICROSECONDS: u32 = 2_000_000;
/// Of `security/pam_modules.h`: libpam asks only whether a change is possible.
const PAM_PRELIM_CHECK: PamFlag = 0x4000;

/// The module.
pub struct Wardkey;

impl PamHooks for Wardkey {
    fn sm_authenticate(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        AUTHENTICATION.answer(pamh, &args, flags)
    }

    fn acct_mgmt(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        ACCOUNT.answer(pamh, &args, flags)
    }

    fn sm_chauthtok(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        PASSWORD.answer(pamh, &args, flags)
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

/// What libpam may be refused.
struct Call {
    name: &'static str,
    on_panic: PamResultCode,
    /// Whether a wrong secret is delayed.
    is_delayed: bool,
    /// The result of a refusal.
    result: fn(&Refusal) -> PamResultCode,
    /// Never inlined: what the module needs of the stack is taken after room was made.
    work: fn(&mut PamHandle, &Options, PamFlag) -> Result<PamResultCode, Refusal>,
}

const AUTHENTICATION: Call = Call {
    name: "authentication",
    on_panic: PamResultCode::PAM_AUTHINFO_UNAVAIL,
    is_delayed: true,
    result: Refusal::authentication,
    work: authentication,
};

const ACCOUNT: Call = Call {
    name: "account",
    on_panic: PamResultCode::PAM_PERM_DENIED,
    is_delayed: false,
    result: Refusal::account,
    work: account,
};

const PASSWORD: Call = Call {
    name: "change of PIN",
    on_panic: PamResultCode::PAM_AUTHTOK_ERR,
    is_delayed: true,
    result: Refusal::password,
    work: password,
};

impl Call {
    fn answer(self, pamh: &mut PamHandle, args: &[&CStr], flags: PamFlag) -> PamResultCode {
        guarded(self.on_panic, || {
            let _room = match Room::make() {
                Ok(room) => room,
                Err(cramped) => {
                    return (self.result)(&refuse_cramped(pamh, flags, cramped, self.name));
                }
            };
            let options = read_options(pamh, args);
            (self.work)(pamh, &options, flags).unwrap_or_else(|refusal| {
                if self.is_delayed && refusal.counts() {
                    ffi::fail_delay(pamh, FAIL_DELAY_MICROSECONDS);
                }
                log_refusal(pamh, options.debug, self.name, &refusal);
                (self.result)(&refusal)
            })
        })
    }
}

/// How authentication ended without a refusal, and for which PAM_USER.
enum Verdict {
    Local(String),
    Admitted(String, Admitted),
}

#[inline(never)]
fn authentication(
    pamh: &mut PamHandle,
    options: &Options,
    flags: PamFlag,
) -> Result<PamResultCode, Refusal> {
    if options.local {
        return Ok(second_line(pamh));
    }
    // A handle can be used again: what counts is the last authentication.
    Last::Refused.keep(pamh);
    match authenticate(pamh, options, flags)? {
        Verdict::Local(user) => {
            Last::Local(user).keep(pamh);
            Ok(PamResultCode::PAM_USER_UNKNOWN)
        }
        Verdict::Admitted(user, admitted) => {
            ffi::put_env(pamh, "WARDKEY_PERSON", admitted.person.as_str());
            if let Some(key) = &admitted.key {
                ffi::put_env(pamh, "WARDKEY_KEY", &key.short());
            }
            Last::Admitted(user, admitted).keep(pamh);
            Ok(PamResultCode::PAM_SUCCESS)
        }
    }
}

fn authenticate(
    pamh: &mut PamHandle,
    options: &Options,
    flags: PamFlag,
) -> Result<Verdict, Refusal> {
    let user = match nameless::who_logs_in(pamh, options, flags)? {
        Named::ByName(user) => user,
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
fn account(
    pamh: &mut PamHandle,
    options: &Options,
    flags: PamFlag,
) -> Result<PamResultCode, Refusal> {
    let user = Typed::ask(pamh)?;
    if user.is_text && Last::of(pamh).admitted(&user.name) {
        return Ok(PamResultCode::PAM_SUCCESS);
    }
    let mut voice = Voice::new(pamh, flags);
    let syslog = Syslog::new(pamh, options.debug);
    let parts = Parts::read(pamh, Asked::Account, options, &user, &syslog);
    let Who::Managed(parts) = voice.tell(parts)? else {
        return Ok(PamResultCode::PAM_USER_UNKNOWN);
    };
    voice.language = parts.settings.language;
    let check = |mut world: World<'_>, login: &Login| login::check_account(&mut world, login);
    let ask_directory = || parts.with_world(&syslog, &mut voice.talk(), check)?;
    voice.tell(parts.pass_without_login(ask_directory))?;
    Ok(PamResultCode::PAM_SUCCESS)
}

/// libpam comes twice: first whether it can be done, then to have it done. What an earlier module
/// took for a password is never tried as a PIN.
#[inline(never)]
fn password(
    pamh: &mut PamHandle,
    options: &Options,
    flags: PamFlag,
) -> Result<PamResultCode, Refusal> {
    if options.local {
        return Ok(turn::second_line(pamh));
    }
    // A handle can be used again: what holds is what this call says.
    let first = Turn::said(pamh);
    Turn::UNSAID.keep(pamh);
    let is_first = flags & PAM_PRELIM_CHECK != 0;
    let user = Typed::ask(pamh)?;
    let mut voice = Voice::new(pamh, flags);
    let syslog = Syslog::new(pamh, options.debug);
    let (handling, parts) = voice.tell(handling(pamh, options, flags, &user, &syslog))?;
    let turn = Turn::of(user.name, handling);
    if !is_first {
        voice.tell(turn.goes_on_as(&first))?;
    }
    if let (Handling::ChangePin, Some(parts)) = (handling, parts) {
        voice.language = parts.settings.language;
        if is_first {
            let can = parts.with_world(&syslog, &mut voice.talk(), login::can_change_pin);
            voice.tell(can.and_then(|can| can))?;
        } else {
            // It tells its refusals itself, as a login does.
            voice.tell(parts.with_world(&syslog, &mut voice.talk(), login::change_pin))??;
        }
    }
    turn.keep(pamh);
    Ok(match handling {
        Handling::LeaveAlone | Handling::UnknownAccount => PamResultCode::PAM_IGNORE,
        Handling::NotDue | Handling::ChangePin => PamResultCode::PAM_SUCCESS,
    })
}

/// Whose turn it is in the password phase, and what the change of a PIN needs.
fn handling(
    pamh: &PamHandle,
    options: &Options,
    flags: PamFlag,
    user: &Typed,
    syslog: &Syslog<'_>,
) -> Result<(Handling, Option<Box<Parts>>), Refusal> {
    if user.is_text && Account::of(&user.name).is_unknown() {
        return Ok((Handling::UnknownAccount, None));
    }
    let Who::Managed(parts) = Parts::read(pamh, Asked::ChangePin, options, user, syslog)? else {
        return Ok((Handling::LeaveAlone, None));
    };
    // A PIN does not age: where only what has expired is to be changed, there is nothing to do.
    if flags & PAM_CHANGE_EXPIRED_AUTHTOK != 0 {
        return Ok((Handling::NotDue, None));
    }
    Ok((Handling::ChangePin, Some(parts)))
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
