//! The calls of a login program in their order, and what came of them.

use std::ffi::{CString, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::ffi::{self, Handle, Replies, Talk};
use crate::greeter::{Answer, Greeter, Style};

/// One PAM transaction to be run: `pam_start`, `pam_authenticate`, `pam_acct_mgmt`, `pam_setcred`,
/// `pam_open_session`, `pam_close_session`, `pam_end`. Each call follows only on the success of the
/// one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// The service, the name of a file in `/etc/pam.d` or in `confdir`.
    pub service: String,
    /// A folder of service files in place of `/etc/pam.d` (`pam_start_confdir`).
    pub confdir: Option<PathBuf>,
    /// `PAM_USER` from the beginning. Without it modules ask, or find it out.
    pub user: Option<String>,
    /// `PAM_TTY`.
    pub tty: Option<String>,
    /// `PAM_RHOST`.
    pub rhost: Option<String>,
    /// How the program treats messages.
    pub greeter: Greeter,
    /// Pass `PAM_SILENT` with every call.
    pub silent: bool,
    /// Nobody logs in: `pam_chauthtok` is called in the place of `pam_authenticate`, and nothing
    /// after it, as `passwd` does.
    pub chauthtok: bool,
    /// Leave out `pam_acct_mgmt`, as some lockers do.
    pub no_account: bool,
    /// Leave out `pam_setcred`.
    pub no_setcred: bool,
    /// Open a session for who is let in, and close it when [`Person::session`] returns.
    pub session: bool,
}

/// What came of a transaction.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Result of `pam_authenticate`, or of `pam_chauthtok` in its place; a `PAM_*` number.
    pub authenticate: i32,
    /// Result of `pam_acct_mgmt`, if it was called.
    pub account: Option<i32>,
    /// Result of `pam_setcred`, if it was called.
    pub setcred: Option<i32>,
    /// Whether the program would let the person in: authenticated, and the account allowed unless
    /// that call was left out. `pam_setcred` has no say.
    pub authenticated: bool,
    /// Every message of the modules, in order, shown or not.
    pub messages: Vec<Message>,
    /// When the last answer to a question was handed to the module.
    pub answered_at: Option<Instant>,
    /// When `pam_authenticate` was called.
    pub called_at: Instant,
    /// When `pam_authenticate` returned.
    pub returned_at: Instant,
    /// From before `pam_start` until after `pam_end`.
    pub took: Duration,
    /// The PAM environment after `pam_authenticate`.
    pub env: Vec<(String, String)>,
    /// `PAM_USER` after `pam_authenticate`.
    pub user: Option<String>,
    /// The delay that libpam would have slept because of the failure. libpam varies what modules
    /// ask for by up to a half.
    pub fail_delay: Option<Duration>,
}

impl Outcome {
    /// From the last answer until `pam_authenticate` returned: what the person waits for.
    pub fn after_answer(&self) -> Option<Duration> {
        self.answered_at.map(|answered| self.returned_at.saturating_duration_since(answered))
    }

    /// The texts of the messages of one style.
    pub fn texts(&self, style: Style) -> Vec<&str> {
        self.messages
            .iter()
            .filter(|message| message.style == style)
            .map(|message| message.text.as_str())
            .collect()
    }
}

/// A message of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Question, error or information.
    pub style: Style,
    /// The text, with replacement characters for what is not UTF-8.
    pub text: String,
    /// When it arrived.
    pub at: Instant,
    /// Whether the program showed it to the person.
    pub shown: bool,
}

/// A function of libpam with a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `pam_authenticate`
    Authenticate,
    /// `pam_chauthtok`
    Chauthtok,
    /// `pam_acct_mgmt`
    AcctMgmt,
    /// `pam_setcred`
    Setcred,
    /// `pam_open_session`
    OpenSession,
    /// `pam_close_session`
    CloseSession,
}

/// What happens in a transaction, told at the moment it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A message arrived; the person is asked next, if it is shown to them.
    Message {
        /// Question, error or information.
        style: Style,
        /// The text.
        text: &'a str,
        /// Whether the program shows it.
        shown: bool,
    },
    /// A call with questions is answered; the module runs on.
    Answered,
    /// A call returned.
    Result {
        /// Which.
        call: Call,
        /// A `PAM_*` number.
        code: i32,
        /// How long it took.
        took: Duration,
    },
    /// libpam would have slept so long because of a failure.
    FailDelay(Duration),
    /// A variable of the PAM environment after `pam_authenticate`.
    Env(&'a str, &'a str),
    /// `PAM_USER` after `pam_authenticate`.
    User(Option<&'a str>),
}

/// Who sits in front of the program.
pub trait Conversation {
    /// Answers a message. Asked for every text shown, and for questions unless the greeter answers
    /// them by itself ([`Greeter::NullSecret`], [`Greeter::ConvErr`]).
    fn message(&mut self, style: Style, text: &str) -> Answer;
    /// Works, in the session that was opened.
    fn session(&mut self) {}
    /// Watches. The transaction stands still meanwhile.
    fn event(&mut self, event: Event<'_>) {
        let _ = event;
    }
}

impl Transaction {
    /// A transaction of this service with the manners of login, and nothing else set.
    pub fn new(service: impl Into<String>) -> Self {
        Self { service: service.into(), ..Self::default() }
    }

    /// Runs the transaction; the closure answers each message shown. A panic of the closure refuses
    /// the conversation, ends the transaction and then goes on.
    pub fn run(&self, answer: &mut dyn FnMut(Style, &str) -> Answer) -> Result<Outcome, Error> {
        self.observe(&mut Closure(answer))
    }

    /// Runs the transaction with a person who sees the events as well.
    pub fn observe(&self, person: &mut dyn Conversation) -> Result<Outcome, Error> {
        let begun = Instant::now();
        let service = text("service", self.service.as_bytes())?;
        let user = self.user.as_ref().map(|user| text("user", user.as_bytes())).transpose()?;
        let folder = self
            .confdir
            .as_ref()
            .map(|folder| text("confdir", folder.as_os_str().as_bytes()))
            .transpose()?;
        let tty = self.tty.as_ref().map(|tty| text("tty", tty.as_bytes())).transpose()?;
        let rhost = self.rhost.as_ref().map(|rhost| text("rhost", rhost.as_bytes())).transpose()?;

        let room = Room {
            person,
            greeter: self.greeter,
            messages: Vec::new(),
            answered_at: None,
            fail_delay: None,
        };
        let mut handle = Handle::start(&service, user.as_deref(), folder.as_deref(), room)
            .map_err(|code| Error::Pam { call: "pam_start", code })?;
        for (item, value) in [(ffi::PAM_TTY, tty), (ffi::PAM_RHOST, rhost)] {
            if let Some(value) = value {
                match handle.set_text(item, &value) {
                    ffi::PAM_SUCCESS => {}
                    code => return Err(Error::Pam { call: "pam_set_item", code }),
                }
            }
        }

        let flags = if self.silent { ffi::PAM_SILENT } else { 0 };
        let called_at = Instant::now();
        let (call, authenticate) = if self.chauthtok {
            (Call::Chauthtok, handle.chauthtok(flags))
        } else {
            (Call::Authenticate, handle.authenticate(flags))
        };
        let returned_at = Instant::now();
        handle.talk().result(call, authenticate, returned_at - called_at);
        let env = handle.environment();
        let user = handle.text(ffi::PAM_USER);
        for (name, value) in &env {
            handle.talk().person.event(Event::Env(name, value));
        }
        handle.talk().person.event(Event::User(user.as_deref()));

        let mut admitted = authenticate == ffi::PAM_SUCCESS;
        let logs_in = admitted && !self.chauthtok;
        let account = (logs_in && !self.no_account)
            .then(|| timed(&mut handle, Call::AcctMgmt, |handle| handle.account(flags)));
        admitted &= account.is_none_or(|code| code == ffi::PAM_SUCCESS);
        let setcred = (admitted && logs_in && !self.no_setcred).then(|| {
            timed(&mut handle, Call::Setcred, |handle| {
                handle.setcred(flags | ffi::PAM_ESTABLISH_CRED)
            })
        });

        if admitted && logs_in && self.session {
            let opened = timed(&mut handle, Call::OpenSession, |handle| handle.open_session(flags));
            if opened == ffi::PAM_SUCCESS {
                handle.talk().person.session();
                timed(&mut handle, Call::CloseSession, |handle| handle.close_session(flags));
            }
        }

        let Room { messages, answered_at, fail_delay, .. } = handle.finish();
        Ok(Outcome {
            authenticate,
            account,
            setcred,
            authenticated: admitted,
            messages,
            answered_at,
            called_at,
            returned_at,
            took: begun.elapsed(),
            env,
            user,
            fail_delay,
        })
    }
}

fn timed<'p>(
    handle: &mut Handle<Room<'p>>,
    call: Call,
    run: impl FnOnce(&mut Handle<Room<'p>>) -> c_int,
) -> c_int {
    let called_at = Instant::now();
    let code = run(handle);
    handle.talk().result(call, code, called_at.elapsed());
    code
}

fn text(what: &'static str, bytes: &[u8]) -> Result<CString, Error> {
    CString::new(bytes).map_err(|_| Error::Nul(what))
}

struct Closure<'a>(&'a mut dyn FnMut(Style, &str) -> Answer);

impl Conversation for Closure<'_> {
    fn message(&mut self, style: Style, text: &str) -> Answer {
        (self.0)(style, text)
    }
}

/// Person and program together: the application's side of the conversation.
struct Room<'p> {
    person: &'p mut dyn Conversation,
    greeter: Greeter,
    messages: Vec<Message>,
    answered_at: Option<Instant>,
    fail_delay: Option<Duration>,
}

impl Room<'_> {
    fn result(&mut self, call: Call, code: c_int, took: Duration) {
        self.person.event(Event::Result { call, code, took });
    }
}

impl Talk for Room<'_> {
    fn converse(&mut self, messages: &[(c_int, String)]) -> Replies {
        let mut replies = Vec::with_capacity(messages.len());
        let mut questions = false;
        for (raw, text) in messages {
            let style = Style::from_raw(*raw);
            let shown = style.is_prompt() || self.greeter.shows_texts();
            self.messages.push(Message { style, text: text.clone(), at: Instant::now(), shown });
            self.person.event(Event::Message { style, text, shown });
            let answer = match shown && self.greeter.asks(style) {
                true => self.person.message(style, text),
                false => Answer::Null,
            };
            match self.greeter.reply(style, answer) {
                Answer::Text(text) => replies.push(Some(text)),
                Answer::Null => replies.push(None),
                Answer::ConvErr => return Replies::Fail,
            }
            questions |= style.is_prompt();
        }
        if questions {
            self.person.event(Event::Answered);
            self.answered_at = Some(Instant::now());
        }
        match self.greeter == Greeter::NullInfo && !questions {
            true => Replies::NoArray,
            false => Replies::Each(replies),
        }
    }

    fn fail_delay(&mut self, code: c_int, microseconds: u32) {
        // libpam calls this after every pam_authenticate; only a failure would be slept on.
        if code != ffi::PAM_SUCCESS && microseconds > 0 {
            let delay = Duration::from_micros(microseconds.into());
            self.fail_delay = Some(delay);
            self.person.event(Event::FailDelay(delay));
        }
    }
}
