//! The account phase of a handle that did not log in here: may this account be used now at all?

use wardkey_core::code::Code;
use wardkey_core::decide;
use wardkey_core::message::agent::Request;
use wardkey_ipc::Deadline;

use super::establish::unexpected;
use super::judge::Person;
use super::replies::AgentReply;
use super::{ANSWER, Login, MAX_MESSAGES, World};
use crate::refusal::Refusal;

/// Evaluates the account anew.
///
/// # Errors
/// The [`Refusal`]: also for a shared account, as without a login nobody is proven (but its user manager).
pub fn check_account(world: &mut World<'_>, login: &Login) -> Result<(), Refusal> {
    let nobody = |why| Refusal::new(Code::KeyAndNameDoNotMatch, why);
    if let Some(why) = login.nobody {
        return Err(nobody(why));
    }
    let account = login.account.as_ref().ok_or_else(|| nobody("the name cannot be a login name"))?;
    let mut agent = world.sockets.agent().map_err(|error| Refusal::agent(&error))?;
    let deadline = Deadline::after(ANSWER);
    agent.send(&Request::Account(login.begin()), deadline).map_err(|error| Refusal::agent(&error))?;
    for _ in 0..MAX_MESSAGES {
        match agent.receive(deadline).map_err(|error| Refusal::agent(&error))? {
            AgentReply::Granted(grant) => {
                let person = Person::verify_for(decide::permit_account, world, login, &grant, account, account)?;
                return person.permit.map(drop).map_err(Refusal::from);
            }
            AgentReply::Wait => {}
            AgentReply::Refused(refusal) => return Err(refusal.into()),
            _ => return Err(unexpected("agent")),
        }
    }
    Err(unexpected("agent"))
}
