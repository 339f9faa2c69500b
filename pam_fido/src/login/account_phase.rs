//! The account phase of a handle that did not log in here: may this account be used now at all?

use wardkey_core::code::Code;
use wardkey_core::message::agent::Grant;
use wardkey_core::policy::evaluate::evaluate_account_phase;
use wardkey_core::server_time::Attested;
use wardkey_ipc::{Channel, Deadline};

use super::agent::unexpected;
use super::attempt::MAX_MESSAGES;
use super::replies::AgentReply;
use super::request::Login;
use super::requests::AgentRequest;
use super::server_time::{Question, is_late, is_not_the_clock};
use super::verified_person::VerifiedPerson;
use crate::refusal::Refusal;
use crate::world::World;

const UNLISTED: &str =
    "not in the directory and not a local account: list it in local_accounts of pam.toml";
const NO_LOGIN_NAME: &str = "not a local account, and nobody of the directory can have this name \
    (capital letters, a \
     domain with \\ or @ before or after it): list it in local_accounts of pam.toml, spelt as in \
     getent passwd";

/// Evaluates the account anew.
///
/// # Errors
/// The [`Refusal`]: also for a shared account, as without a login nobody is proven (but its user
/// manager).
pub fn check_account(world: &mut World<'_>, login: &Login) -> Result<(), Refusal> {
    let nobody = |why| Refusal::new(Code::KeyAndNameDoNotMatch, why);
    if let Some(why) = login.name.why_no_account() {
        return Err(nobody(why));
    }
    // An account of this machine, so that nothing is told of which names there are.
    let unlisted = |why| Refusal::new(Code::NotListedAsLocal, why);
    let account = login.name.login_name().ok_or_else(|| unlisted(NO_LOGIN_NAME))?;
    let mut agent = world.sockets.agent().map_err(|error| Refusal::agent(&error))?;
    let deadline = Deadline::after(world.timeouts.answer);
    agent
        .send(&AgentRequest::Account(login.begin()), deadline)
        .map_err(|error| Refusal::agent(&error))?;
    for _ in 0..MAX_MESSAGES {
        match agent.receive(deadline).map_err(|error| Refusal::agent(&error))? {
            AgentReply::Granted(grant) => {
                let verify = |world: &World<'_>, time: Option<&Attested>| {
                    VerifiedPerson::verify_for(
                        evaluate_account_phase,
                        world,
                        login,
                        &grant,
                        account,
                        account,
                        time,
                    )
                };
                let mut person = verify(world, None);
                if grant.answers_time == Some(true)
                    && is_late(person.as_ref().map(|person| person.stage))
                    && let Some(time) = ask_server_time(world, &mut agent, &grant)?
                {
                    person = verify(world, Some(&time));
                }
                let person = person?;
                let shared = person
                    .snapshot
                    .policies()
                    .any(|policy| policy.shared_account(account).is_some());
                return match person.permit {
                    Err(denial) if denial.code == Code::KeyAndNameDoNotMatch && !shared => {
                        Err(unlisted(UNLISTED))
                    }
                    permit => permit.map(drop).map_err(Refusal::from),
                };
            }
            AgentReply::Wait => {}
            AgentReply::Refused(refusal) => return Err(refusal.into()),
            _ => return Err(unexpected("agent")),
        }
    }
    Err(unexpected("agent"))
}

/// The server's time, where the clock makes the directory look old. None: it is not reached.
fn ask_server_time(
    world: &World<'_>,
    agent: &mut Channel,
    grant: &Grant,
) -> Result<Option<Attested>, Refusal> {
    let question = Question::new(world)?;
    let deadline = Deadline::after(world.timeouts.answer);
    agent
        .send(&AgentRequest::Time(question.nonce), deadline)
        .map_err(|error| Refusal::agent(&error))?;
    match agent.receive(deadline).map_err(|error| Refusal::agent(&error))? {
        AgentReply::Time(signed) => question.verify(world, grant, &signed).map(Some),
        AgentReply::Refused(refusal) => is_not_the_clock(refusal.into()).map(|()| None),
        _ => Err(unexpected("agent")),
    }
}
