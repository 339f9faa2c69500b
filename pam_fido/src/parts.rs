//! What a login is made of, read before anything is asked: who it is for, the configuration, what
//! the application states.

use std::ffi::CStr;
use std::time::Duration;

use pam::items::{RHost, RUser, Service, Tty, User};
use pam::module::PamHandle;
use wardkey_core::code::Code;
use wardkey_core::name::{Language, ServiceName, printable};
use wardkey_core::origin::is_remote;
use wardkey_core::snapshot::Anchor;
use wardkey_core::unattended::{Caller, is_greeters, may_pass};
use wardkey_settings::anchor;
use wardkey_settings::files::Owner;
use wardkey_settings::local::LastGood;
use wardkey_settings::pam::Settings;
use wardkey_settings::table::TableError;

use crate::account::Account;
use crate::invoker::invoker;
use crate::journal::{Journal, Syslog};
use crate::login::Login;
use crate::machine::ThisMachine;
use crate::options::Options;
use crate::refusal::Refusal;
use crate::sockets::SystemSockets;
use crate::talk::PamTalk;
use crate::text_console;
use crate::typed_name::TypedName;
use crate::world::{Timeouts, World};

/// PAM_USER.
pub struct Typed {
    pub name: String,
    /// False for bytes that are no text, and so no name; `name` is empty then.
    pub is_text: bool,
}

impl Typed {
    /// PAM_USER, asked for (and set) by libpam only when it was empty.
    ///
    /// # Errors
    /// [`Code::Cancelled`] when there is none.
    pub fn ask(pamh: &mut PamHandle) -> Result<Self, Refusal> {
        Self::ask_with(pamh, None)
    }

    /// The same with another question than the application's.
    ///
    /// # Errors
    /// As for [`Self::ask`].
    pub fn ask_with(pamh: &mut PamHandle, question: Option<&str>) -> Result<Self, Refusal> {
        match pamh.get_user(question) {
            Ok(name) => Ok(Self { name, is_text: true }),
            Err(_) if pamh.get_item::<User<'_>>().is_ok_and(|user| user.is_some()) => {
                Ok(Self { name: String::new(), is_text: false })
            }
            Err(_) => Err(Refusal::new(Code::Cancelled, "no user name")),
        }
    }
}

/// What libpam asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Who is it.
    Login,
    /// May the account be used now; a session of it begins or ends.
    Account,
    /// Another PIN for the person's key.
    ChangePin,
}

/// Whose login it is.
pub enum Who {
    /// An account that Wardkey leaves alone. `listed`: by `local_accounts`, not as root or the
    /// system's.
    Local { listed: bool },
    /// Everybody else.
    Managed(Box<Parts>),
}

/// What a login of a managed account needs.
pub struct Parts {
    pub login: Login,
    pub settings: Settings,
    pub anchor: Anchor,
    /// Who started the application; `None` for a name that is no account.
    caller: Option<Caller>,
}

impl Parts {
    /// Reads what it needs.
    ///
    /// # Errors
    /// A refusal for what is missing or wrong; never for root, nor for those whom the last
    /// configuration that was right leaves alone.
    pub fn read(
        pamh: &PamHandle,
        asked: Asked,
        options: &Options,
        user: &Typed,
        syslog: &Syslog<'_>,
    ) -> Result<Who, Refusal> {
        let account = Account::of(&user.name);
        // Root gets in whatever the configuration looks like.
        if account.is_root() {
            return Ok(Who::Local { listed: false });
        }
        let mut settings = match Settings::read(&options.configuration, Owner::ROOT) {
            Ok(settings) => settings,
            Err(error) => return last_good(options, user, &account, error, syslog),
        };
        if account.is_local(&user.name, &settings.local) {
            return Ok(Who::Local { listed: account.is_listed(&user.name, &settings.local) });
        }
        if asked == Asked::Account && is_of_greeter(pamh, user, &account) {
            return Ok(Who::Local { listed: false });
        }
        if let Some(seconds) = options.timeout {
            settings.key_wait = Duration::from_secs(seconds);
        }
        let anchor = anchor::read(&settings.anchor, Owner::ROOT)
            .map_err(|error| Refusal::new(Code::AnchorMissing, error))?;
        let mut login = login_of(pamh, user, &account)?;
        login.changes_pin = asked == Asked::ChangePin;
        if login.at_text_console {
            settings.language = Language::En;
        }
        let caller = account.uid().map(|account| caller_for(account, login.invoker));
        Ok(Who::Managed(Box::new(Self { login, settings, anchor, caller })))
    }

    /// Whether the account phase of this service may be passed without a login. What is refused for
    /// being remote is refused with that reason: then `check` is asked, too.
    ///
    /// # Errors
    /// [`Code::LoginNeeded`], and what `check` refuses.
    pub fn pass_without_login(
        &self,
        check: impl FnOnce() -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let service = &self.login.service;
        let allowed = self.caller.as_ref().is_none_or(|caller| may_pass(service, caller));
        if allowed || self.login.remote {
            check()?;
        }
        if allowed {
            return Ok(());
        }
        Err(Refusal::new(
            Code::LoginNeeded,
            format!("nobody has logged in by way of the service {service}"),
        ))
    }

    /// Does the work of a login, in the world that the configuration names.
    ///
    /// # Errors
    /// [`Code::Configuration`] when the sockets' users do not exist.
    pub fn with_world<T>(
        &self,
        syslog: &Syslog<'_>,
        talk: &mut PamTalk<'_>,
        work: impl FnOnce(World<'_>, &Login) -> T,
    ) -> Result<T, Refusal> {
        let (mut work, mut done) = (Some(work), None);
        self.in_world(syslog, talk, &mut |world| {
            done = work.take().map(|work| work(world, &self.login));
        })?;
        done.ok_or_else(|| Refusal::new(Code::Internal, "nothing was done"))
    }

    /// The same for all kinds of work: the library is small.
    fn in_world(
        &self,
        syslog: &Syslog<'_>,
        talk: &mut PamTalk<'_>,
        work: &mut dyn FnMut(World<'_>),
    ) -> Result<(), Refusal> {
        let mut sockets = SystemSockets::new(&self.settings)?;
        let machine = ThisMachine::new(&self.settings.marks, Owner::ROOT);
        let world = World {
            talk,
            sockets: &mut sockets,
            machine: &machine,
            journal: syslog,
            settings: &self.settings,
            timeouts: Timeouts::USUAL,
            anchor: &self.anchor,
        };
        work(world);
        Ok(())
    }
}

/// The configuration cannot be used: whom the last one that was right leaves alone is left alone
/// still.
fn last_good(
    options: &Options,
    user: &Typed,
    account: &Account,
    error: TableError,
    syslog: &Syslog<'_>,
) -> Result<Who, Refusal> {
    let list = LastGood::read(&LastGood::path_for(&options.configuration), Owner::ROOT);
    if account.is_known() && list.is_ok_and(|list| list.contains(&user.name)) {
        let name = &user.name;
        syslog.error(&format!(
            "{error}; staff cannot log in; {name} is left alone, as before: wardkey config edit"
        ));
        // Which of the names were listed is not known any more.
        return Ok(Who::Local { listed: true });
    }
    Err(Refusal::new(Code::Configuration, error))
}

/// Whether a greeter's session is opened, as an account that exists for it alone.
fn is_of_greeter(pamh: &PamHandle, user: &Typed, account: &Account) -> bool {
    let service = pamh.get_item::<Service<'_>>().ok().flatten();
    let service = service.and_then(|item| item.0.to_str().ok());
    let (Some(service), Some(account)) = (service, account.uid()) else { return false };
    is_greeters(service, &user.name, &caller_for(account, None))
}

fn caller_for(account: u32, invoker: Option<u32>) -> Caller {
    Caller {
        real_uid: nix::unistd::getuid().as_raw(),
        effective_uid: nix::unistd::geteuid().as_raw(),
        invoker,
        account,
    }
}

fn login_of(pamh: &PamHandle, user: &Typed, account: &Account) -> Result<Login, Refusal> {
    let text = |item: Option<&CStr>| {
        item.map(|text| printable(&text.to_string_lossy(), 128)).filter(|text| !text.is_empty())
    };
    let service = pamh.get_item::<Service<'_>>().ok().flatten().and_then(|item| text(Some(item.0)));
    let service = ServiceName::new(service.unwrap_or_default()).map_err(|error| {
        Refusal::new(Code::Configuration, format!("PAM service: {error}; rename its file"))
    })?;
    let rhost = text(pamh.get_item::<RHost<'_>>().ok().flatten().map(|item| item.0));
    let tty = text(pamh.get_item::<Tty<'_>>().ok().flatten().map(|item| item.0));
    let asks = pamh.get_item::<RUser<'_>>().ok().flatten().and_then(|item| item.0.to_str().ok());
    Ok(Login {
        name: TypedName::of(&user.name, account.why_none()),
        service,
        remote: is_remote(rhost.as_deref(), tty.as_deref(), &own_name()),
        tty,
        rhost,
        invoker: invoker(asks)?,
        by_key: false,
        changes_pin: false,
        at_text_console: text_console::is_at(pamh),
        vouches_for: None,
    })
}

/// This machine's name; without one no other machine can be taken for it.
fn own_name() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default()
}
