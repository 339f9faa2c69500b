//! `wardkey try`.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::exit::Exit;
use wardkey_core::message::agent::{Grant, Reply, Request, Status};
use wardkey_core::name::LoginName;
use wardkey_core::snapshot::Snapshot;
use wardkey_settings::pam::Settings;
use wardkey_settings::{anchor, marks};
use wardkey_stacks::Machine;

use crate::args::TryOptions;
use crate::context::Context;
use crate::error::CliError;
use crate::explain::{self, End, Explanation, Seen, Step, Topic};
use crate::output::Output;
use crate::peers::{self, Agent};
use crate::security_key::{self, Challenge};
use crate::texts::Text;
use crate::{config, doctor};

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
        End::ByKey | End::ByCode | End::WithoutKey | End::Depends => Exit::Done,
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
        let usable = Settings::read(&places.pam_config, context.env.files_owner).is_ok();
        steps.push(explain::configuration(&problems, usable));
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
    // What the module reads before it asks the agent, by the same readers.
    let owner = context.env.files_owner;
    let unreadable =
        |code: Code, why: String| vec![Step::refuses(Topic::Terminal, code).detail(why)];
    let anchor = match anchor::read(&settings.anchor, owner) {
        Ok(anchor) => anchor,
        Err(error) => return unreadable(Code::AnchorMissing, error.to_string()),
    };
    let marks = match marks::read(&settings.marks, owner) {
        Ok(marks) => marks,
        Err(error) => return unreadable(Code::MarksUnreadable, error.to_string()),
    };
    let (status, grant) = match shown(context, &person) {
        Ok(shown) => shown,
        Err(error) => {
            let step = Step::refuses(Topic::Agent, error.code());
            return vec![step.detail(error.to_text(context.language))];
        }
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
    match explain::snapshot(&seen, &grant) {
        Ok(snapshot) => {
            steps.extend(explain::verified(&seen, &snapshot, &grant));
            if options.key && snapshot.records().next().is_some() {
                steps.push(plugged(context, settings, &seen, &snapshot, &grant));
            }
        }
        Err(step) => steps.push(step),
    }
    steps
}

/// Whose keys are plugged in. A login that is under way keeps its key.
fn plugged(
    context: &Context<'_, '_>,
    settings: &Settings,
    seen: &Seen<'_>,
    snapshot: &Snapshot,
    grant: &Grant,
) -> Step {
    if seen.agent.logins > 0 {
        return Step::note(Topic::Plugged, Text::TryKeyBusy);
    }
    let looked = Challenge::fresh(seen.anchor.terminal).and_then(|asked| {
        let rp_id = snapshot.root().rp_id.clone();
        let looked = security_key::look(context, rp_id, snapshot.known_credentials(), &asked)?;
        Ok((asked, looked))
    });
    match looked {
        Ok((asked, looked)) => {
            let context = explain::context(seen, snapshot);
            let takes_finger = !settings.no_finger_for.contains(seen.service);
            explain::plugged((snapshot, &context), grant, takes_finger, &asked, looked)
        }
        Err(error) => {
            Step::noted(Topic::Plugged, error.code()).detail(error.to_text(context.language))
        }
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
