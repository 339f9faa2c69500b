//! What libpam calls.

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pam::constants::{PAM_SILENT, PamFlag, PamResultCode};
use pam::items::{RHost, RUser, Service, Tty, User};
use pam::module::{PamHandle, PamHooks};
use wardkey_core::code::Code;
use wardkey_core::name::{Language, LoginName, ServiceName, printable};
use wardkey_core::origin::is_remote;
use wardkey_core::snapshot::Anchor;
use wardkey_settings::anchor;
use wardkey_settings::files::Owner;
use wardkey_settings::pam::Settings;
use wardkey_settings::table::TableError;

use crate::account::Account;
use crate::ffi;
use crate::invoker::invoker;
use crate::journal::{Journal, Syslog, install_panic_hook};
use crate::login::{self, Admitted, Login, World};
use crate::machine::ThisMachine;
use crate::options::Options;
use crate::refusal::Refusal;
use crate::sockets::SystemSockets;
use crate::talk::{PamTalk, Talk};

/// Under this name the handle keeps whom authentication let in. Another version of the module keeps
/// its own, as the type may differ.
const PASSED: &str = concat!("wardkey.passed.", env!("CARGO_PKG_VERSION"));
/// libpam spreads it by half either way.
const FAIL_DELAY_MICROSECONDS: u32 = 2_000_000;

/// Whom authentication let in, for the account phase of the same handle.
struct Passed {
    /// PAM_USER then; `None` when nobody was let in.
    user: Option<String>,
}

/// The module.
pub struct Wardkey;

impl PamHooks for Wardkey {
    fn sm_authenticate(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        guarded(PamResultCode::PAM_AUTHINFO_UNAVAIL, || {
            let options = read_options(pamh, &args);
            // A handle can be used again: what counts is the last authentication.
            let _ = pamh.set_data(PASSED, Box::new(Passed { user: None }));
            match authenticate(pamh, &options, flags) {
                Ok(Verdict::Local) => PamResultCode::PAM_USER_UNKNOWN,
                Ok(Verdict::Admitted(user, admitted)) => {
                    ffi::put_env(pamh, "WARDKEY_PERSON", admitted.person.as_str());
                    ffi::put_env(pamh, "WARDKEY_KEY", &admitted.key.short());
                    // Without it the account phase evaluates anew: slower, no weaker.
                    let _ = pamh.set_data(PASSED, Box::new(Passed { user: Some(user) }));
                    PamResultCode::PAM_SUCCESS
                }
                Err(refusal) => {
                    if refusal.counts() {
                        ffi::fail_delay(pamh, FAIL_DELAY_MICROSECONDS);
                    }
                    log_refusal(pamh, &options, "authentication", &refusal);
                    refusal.authentication()
                }
            }
        })
    }

    fn acct_mgmt(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        guarded(PamResultCode::PAM_PERM_DENIED, || {
            let options = read_options(pamh, &args);
            match account(pamh, &options, flags) {
                Ok(Allowed::Local) => PamResultCode::PAM_USER_UNKNOWN,
                Ok(Allowed::Yes) => PamResultCode::PAM_SUCCESS,
                Err(refusal) => {
                    log_refusal(pamh, &options, "account", &refusal);
                    refusal.account()
                }
            }
        })
    }

    fn sm_setcred(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }
}

/// How authentication ended without a refusal.
enum Verdict {
    Local,
    Admitted(String, Admitted),
}

/// How the account phase ended without a refusal.
enum Allowed {
    Local,
    Yes,
}

fn authenticate(pamh: &mut PamHandle, options: &Options, flags: PamFlag) -> Result<Verdict, Refusal> {
    let user = Typed::ask(pamh)?;
    let mut voice = Voice::new(pamh, flags);
    let Some(parts) = voice.tell(Parts::read(pamh, options, &user))? else {
        return Ok(Verdict::Local);
    };
    voice.language = parts.settings.language;
    let syslog = Syslog::new(pamh, options.debug);
    // A login tells its refusals itself, in the person's language.
    let admitted = voice.tell(parts.with_world(&syslog, &mut voice.talk(), login::authenticate))??;
    syslog.debug(&format!("{} was let in with key {}", admitted.person, admitted.key.short()));
    Ok(Verdict::Admitted(user.name, admitted))
}

fn account(pamh: &mut PamHandle, options: &Options, flags: PamFlag) -> Result<Allowed, Refusal> {
    let user = Typed::ask(pamh)?;
    let passed = ffi::data::<Passed>(pamh, PASSED).and_then(|passed| passed.user.as_deref());
    if user.is_text && passed == Some(user.name.as_str()) {
        return Ok(Allowed::Yes);
    }
    let mut voice = Voice::new(pamh, flags);
    let Some(parts) = voice.tell(Parts::read(pamh, options, &user))? else {
        return Ok(Allowed::Local);
    };
    voice.language = parts.settings.language;
    let syslog = Syslog::new(pamh, options.debug);
    let check = |mut world: World<'_>, login: &Login| login::check_account(&mut world, login);
    let checked = parts.with_world(&syslog, &mut voice.talk(), check);
    voice.tell(checked.and_then(|checked| checked))?;
    Ok(Allowed::Yes)
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

/// PAM_USER.
struct Typed {
    name: String,
    /// False for bytes that are no text, and so no name; `name` is empty then.
    is_text: bool,
}

impl Typed {
    /// PAM_USER, asked for (and set) by libpam only when it was empty.
    fn ask(pamh: &mut PamHandle) -> Result<Self, Refusal> {
        match pamh.get_user(None) {
            Ok(name) => Ok(Self { name, is_text: true }),
            Err(_) if pamh.get_item::<User<'_>>().is_ok_and(|user| user.is_some()) => {
                Ok(Self { name: String::new(), is_text: false })
            }
            Err(_) => Err(Refusal::new(Code::Cancelled, "no user name")),
        }
    }
}

/// What a login of a managed account needs.
struct Parts {
    login: Login,
    settings: Settings,
    anchor: Anchor,
}

impl Parts {
    /// `None` for an account that Wardkey leaves alone.
    fn read(pamh: &PamHandle, options: &Options, user: &Typed) -> Result<Option<Self>, Refusal> {
        let account = Account::of(&user.name);
        // Root gets in whatever the configuration looks like.
        if account.is_root() {
            return Ok(None);
        }
        let wrong = |code| move |error: TableError| Refusal::new(code, error);
        let mut settings = Settings::read(&options.configuration, Owner::ROOT).map_err(wrong(Code::Configuration))?;
        if account.is_local(&user.name, &settings.local) {
            return Ok(None);
        }
        if let Some(seconds) = options.timeout {
            settings.key_wait = std::time::Duration::from_secs(seconds);
        }
        let anchor = anchor::read(&settings.anchor, Owner::ROOT).map_err(wrong(Code::AnchorMissing))?;
        let login = login_of(pamh, user, &account)?;
        Ok(Some(Self { login, settings, anchor }))
    }

    fn with_world<T>(
        &self,
        syslog: &Syslog<'_>,
        talk: &mut PamTalk<'_>,
        work: impl FnOnce(World<'_>, &Login) -> T,
    ) -> Result<T, Refusal> {
        let mut sockets = SystemSockets::new(&self.settings)?;
        let machine = ThisMachine::new(&self.settings.marks, Owner::ROOT);
        let world = World {
            talk,
            sockets: &mut sockets,
            machine: &machine,
            journal: syslog,
            settings: &self.settings,
            anchor: &self.anchor,
        };
        Ok(work(world, &self.login))
    }
}

fn login_of(pamh: &PamHandle, user: &Typed, account: &Account) -> Result<Login, Refusal> {
    let text =
        |item: Option<&CStr>| item.map(|text| printable(&text.to_string_lossy(), 128)).filter(|text| !text.is_empty());
    let service = pamh.get_item::<Service<'_>>().ok().flatten().and_then(|item| text(Some(item.0)));
    let service = ServiceName::new(service.unwrap_or_default())
        .map_err(|error| Refusal::new(Code::Configuration, format!("PAM service: {error}; rename its file")))?;
    let rhost = text(pamh.get_item::<RHost<'_>>().ok().flatten().map(|item| item.0));
    let tty = text(pamh.get_item::<Tty<'_>>().ok().flatten().map(|item| item.0));
    let asks = pamh.get_item::<RUser<'_>>().ok().flatten().and_then(|item| item.0.to_str().ok());
    Ok(Login {
        account: LoginName::new(user.name.as_str()).ok(),
        nobody: match account {
            Account::Known { .. } => None,
            Account::None(why) => Some(why),
        },
        service,
        remote: is_remote(rhost.as_deref(), tty.as_deref(), &own_name()),
        tty,
        rhost,
        invoker: invoker(asks)?,
    })
}

/// This machine's name; without one no other machine can be taken for it.
fn own_name() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default()
}

fn read_options(pamh: &PamHandle, args: &[&CStr]) -> Options {
    let options = Options::read(args);
    let syslog = Syslog::new(pamh, options.debug);
    options.complaints.iter().for_each(|complaint| syslog.error(complaint));
    options
}

/// One line for each refusal. The account is named only when it is one: what was typed in its place
/// may be a PIN.
fn log_refusal(pamh: &PamHandle, options: &Options, phase: &str, refusal: &Refusal) {
    let user = pamh.get_item::<User<'_>>().ok().flatten().and_then(|user| user.0.to_str().ok());
    let account = user.filter(|user| matches!(Account::of(user), Account::Known { .. })).unwrap_or("?");
    let tries = refusal.tries_left.map(|tries| format!(" tries={tries}")).unwrap_or_default();
    let rhost = pamh.get_item::<RHost<'_>>().ok().flatten().map(|rhost| printable(&rhost.0.to_string_lossy(), 128));
    let rhost = rhost.unwrap_or_default();
    let line =
        format!("{phase} refused: code={} account={account} rhost={rhost}{tries}: {}", refusal.code, refusal.detail);
    let syslog = Syslog::new(pamh, options.debug);
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
        assert_eq!(guarded(PamResultCode::PAM_AUTHINFO_UNAVAIL, panics), PamResultCode::PAM_AUTHINFO_UNAVAIL);
        assert_eq!(guarded(PamResultCode::PAM_PERM_DENIED, panics), PamResultCode::PAM_PERM_DENIED);
        // The other tests want Rust's own messages.
        drop(std::panic::take_hook());
        assert_eq!(guarded(PamResultCode::PAM_PERM_DENIED, || PamResultCode::PAM_SUCCESS), PamResultCode::PAM_SUCCESS);
    }
}
