//! What the agent shows for those whose keys are found at a shared account.

use wardkey_core::message::agent::{CandidatePage, Candidates};
use wardkey_core::name::LoginName;
use wardkey_ipc::Channel;

use super::agent::{Interrupted, unexpected};
use super::attempt::Attempt;
use super::replies::AgentReply;
use super::requests::AgentRequest;
use super::verified_person::VerifiedPerson;
use crate::refusal::Refusal;

impl Attempt<'_, '_> {
    /// Evidence for the person whose key was found.
    pub fn prove(
        &mut self,
        agent: &mut Channel,
        person: &LoginName,
    ) -> Result<Box<VerifiedPerson>, Interrupted> {
        let account = self.login.name.login_name().unwrap_or(person);
        match self.ask_agent(agent, &AgentRequest::Prove(person.clone()))? {
            AgentReply::Granted(grant) => {
                let time = self.time.as_ref();
                let proven =
                    VerifiedPerson::verify(&self.world, self.login, &grant, person, account, time)?;
                Ok(Box::new(proven))
            }
            AgentReply::Refused(refusal) => Err(Refusal::from(refusal).into()),
            _ => Err(unexpected("agent").into()),
        }
    }

    /// The next page of who may use the account.
    pub fn candidates(
        &mut self,
        agent: &mut Channel,
        page: CandidatePage,
    ) -> Result<Box<Candidates>, Interrupted> {
        match self.ask_agent(agent, &AgentRequest::Candidates(page))? {
            AgentReply::Candidates(page) => Ok(page),
            AgentReply::Refused(refusal) => Err(Refusal::from(refusal).into()),
            _ => Err(unexpected("agent").into()),
        }
    }
}
