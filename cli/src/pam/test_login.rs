//! The login that must pass before anybody depends on it: a transaction of the real libpam with the
//! module alone, asked of the person here with the module's own words.

use wardkey_core::code::Code;
use wardkey_core::name::printable;
use wardkey_pamapp::{Attempt, Conversation, Ended, HungUp, Style};
use wardkey_settings::pam::Settings;
use wardkey_settings::problem;
use zeroize::Zeroizing;

use crate::console::{Operator, Wait};
use crate::context::Context;
use crate::error::CliError;
use crate::security_key::no_answer;
use crate::texts::{Phrase, Text};

/// The service: `auth` and `account` with `required pam_fido.so`, and nothing else.
pub(crate) const SERVICE: &str = "wardkey-test";
/// The person that the module let in.
const PERSON: &str = "WARDKEY_PERSON";

/// Has somebody log in; the person.
pub(crate) fn run(context: &mut Context<'_, '_>, settings: &Settings) -> Result<String, CliError> {
    let folder = context.env.places.test_services.clone();
    let service = folder.join(SERVICE);
    if !service.is_file() {
        let what = Text::NoTestService.with([("path", service.display().to_string().into())]);
        return Err(CliError::with(Code::NotReadyToEnable, what));
    }
    if let Some(problem) = problem::place(&service, context.env.files_owner).into_iter().next() {
        return Err(CliError::with(Code::NotReadyToEnable, problem.phrase()));
    }
    context.tell(Text::TestLogin);
    let question = context.text(Text::AskUserName);
    let user = context.env.person.ask(&question, None).map_err(no_answer)?;
    let user = user.trim();
    let local = nix::unistd::User::from_name(user)
        .ok()
        .flatten()
        .is_some_and(|account| settings.local.contains(account.uid.as_raw(), &account.name));
    let failed = |why: Phrase| CliError::with(Code::TestLoginFailed, why);
    if local {
        return Err(failed(Text::TestOfLocal.into()));
    }
    let tty = nix::unistd::ttyname(std::io::stdin()).ok();
    let tty = tty
        .as_deref()
        .and_then(|path| path.to_str())
        .map(|path| path.strip_prefix("/dev/").unwrap_or(path));
    let attempt = Attempt { folder: &folder, service: SERVICE, user, tty };
    let mut talk = Talk { person: &mut *context.env.person, last: None };
    let ended = wardkey_pamapp::attempt(&attempt, PERSON, &mut talk);
    match ended {
        // The module says who it was; another module in its place would not.
        Ended { variable: Some(ref person), .. } if ended.passed() => Ok(printable(person, 64)),
        _ => {
            let said = talk.last.map_or_else(|| Text::SaidNothing.into(), Phrase::from);
            Err(failed(Text::TestEnded.with([("result", ended.reason().into()), ("said", said)])))
        }
    }
}

struct Talk<'p> {
    person: &'p mut dyn Operator,
    last: Option<String>,
}

impl Conversation for Talk<'_> {
    fn message(&mut self, style: Style, text: &str) -> Result<Zeroizing<String>, HungUp> {
        // Modules are not part of this program: nothing of theirs may steer the terminal.
        let shown = printable(text, 1024);
        match style {
            Style::Secret => self.person.ask_secret(&shown, Wait::ForEver).map_err(|_| HungUp),
            Style::Visible => self.person.ask(&shown, None).map(Zeroizing::new).map_err(|_| HungUp),
            Style::Error | Style::Info => {
                self.person.say(&shown);
                if style == Style::Error {
                    self.last = Some(shown);
                }
                Ok(Zeroizing::default())
            }
        }
    }
}
