//! `wardkey try`.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::codec::{self, Document};
use wardkey_core::exit::Exit;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Grant, Reply, Request, Status};
use wardkey_core::name::LoginName;
use wardkey_settings::pam::Settings;
use wardkey_stacks::Machine;

use crate::args::TryOptions;
use crate::context::Context;
use crate::error::CliError;
use crate::explain::{self, End, Explanation, Seen, Step, Topic};
use crate::output::Output;
use crate::peers::{self, Agent};
use crate::texts::Text;
use crate::{anchor, config, doctor, files};

const ANSWER: Duration = Duration::from_secs(10);

/// Explains; the exit status is 1 when the login would be refused.
pub(crate) fn try_login(
    context: &mut Context<'_, '_>,
    options: &TryOptions,
) -> Result<(Output, Exit), CliError> {
    if !context.env.root {
        return Err(CliError::new(Code::NeedsRoot));
    }
    let explanation = explain(context, options);
    let exit = match explanation.end() {
        End::Refused(_) => Exit::Refused,
        End::ByKey | End::ByCode | End::WithoutKey => Exit::Done,
    };
    let language = context.language;
    let output = Output { text: explanation.in_words(language), json: explanation.to_json() };
    Ok((output, exit))
}

fn explain(context: &mut Context<'_, '_>, options: &TryOptions) -> Explanation {
    let places = context.env.places.clone();
    let (settings, problems) =
        config::everything(context, &places.pam_config, &places.agent_config);
    let account = options.account.as_ref().unwrap_or(&options.person);
    let (of_account, left_alone) = explain::account(account, &settings.local);
    let findings = if left_alone { Vec::new() } else { doctor::of_services(context, &settings) };
    let service = options.service.as_str();
    let (of_service, not_asked) = explain::service(&Machine::new(&places.root), service, &findings);

    let mut steps = vec![of_account, of_service];
    let passed_over = left_alone || not_asked;
    if !passed_over {
        steps.push(explain::configuration(&problems));
        steps.extend(of_agent(context, &settings, options, account));
    }
    Explanation { steps, passed_over }
}

/// What the agent and its directory add.
fn of_agent(
    context: &Context<'_, '_>,
    settings: &Settings,
    options: &TryOptions,
    account: &str,
) -> Vec<Step> {
    let (Ok(person), Ok(account)) = (LoginName::new(&options.person), LoginName::new(account))
    else {
        let step = Step::refuses(Topic::Person, Code::KeyAndNameDoNotMatch);
        return vec![step.detail(Text::TryNoLoginName)];
    };
    let failed = |error: &CliError| {
        vec![Step::refuses(Topic::Agent, error.code()).detail(error.to_text(context.language))]
    };
    let anchor = match anchor::read(&settings.anchor) {
        Ok(anchor::Before::Anchor(anchor)) => anchor,
        Ok(_) => return vec![Step::refuses(Topic::Agent, Code::NotJoined)],
        Err(error) => return failed(&error),
    };
    let marks = match marks(settings) {
        Ok(marks) => marks,
        Err(error) => return failed(&error),
    };
    let (status, grant) = match shown(context, &person) {
        Ok(shown) => shown,
        Err(error) => return failed(&error),
    };
    let keys = Text::TryAgentAnswers.with([("count", u64::from(status.keys).into())]);
    let mut steps = vec![Step::passes(Topic::Agent, keys)];
    let seen = Seen {
        person: &person,
        account: &account,
        service: &options.service,
        anchor: &anchor,
        marks: &marks,
        agent: &status,
    };
    steps.extend(explain::verified(&seen, &grant));
    steps
}

/// The marks, as the module reads them.
fn marks(settings: &Settings) -> Result<Marks, CliError> {
    let unreadable = |error: String| CliError::with(Code::MarksUnreadable, error);
    match files::read(&settings.marks, Marks::MAX_BYTES) {
        Ok(None) => Ok(Marks::default()),
        Ok(Some(bytes)) => codec::from_bytes(&bytes).map_err(|error| unreadable(error.to_string())),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// The agent's state, and what it shows of a person.
fn shown(
    context: &Context<'_, '_>,
    person: &LoginName,
) -> Result<(Box<Status>, Box<Grant>), CliError> {
    let mut agent = Agent::connect(context)?;
    let Reply::Status(status) = agent.ask(&Request::Status, ANSWER)? else {
        return Err(peers::unexpected());
    };
    match agent.ask(&Request::Preview(person.clone()), ANSWER)? {
        Reply::Granted(grant) => Ok((status, grant)),
        _ => Err(peers::unexpected()),
    }
}
