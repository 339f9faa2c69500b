//! Connections and evidence, until a key has proved whose it is.

use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_core::message::agent::Grant;
use wardkey_core::texts;
use wardkey_ipc::{Channel, IpcError};

use super::agent::{Ended, Interrupted, Start, unexpected};
use super::attempt::{Attempt, MAX_MESSAGES};
use super::replies::AgentReply;
use super::requests::AgentRequest;
use super::search::Search;
use super::server_time::is_late;
use super::states::{Established, Recognised, Recognition, SearchResult};
use crate::refusal::Refusal;

/// A key process that starts while the agent works; none where it is not the time for one.
pub(super) type Early = Option<Result<Channel, IpcError>>;

impl Attempt<'_, '_> {
    /// Connects, has the evidence verified, and a key prove whose it is. With `again`, the question
    /// has been answered: only the key that was recognised will do, and at once.
    pub(super) fn establish(
        &mut self,
        mut start: Start,
        again: Option<&Recognition>,
    ) -> Result<Established, Ended> {
        while self.patience.begin_round() {
            let is_new = matches!(start, Start::Anew);
            let (mut agent, early) = self.connect(start)?;
            match self.round(&mut agent, is_new, early, again) {
                Ok(SearchResult::Key(key, recognition)) => {
                    let recognised = Recognised { agent, key, recognition: *recognition };
                    return Ok(Established::Key(Box::new(recognised)));
                }
                Ok(SearchResult::Code(typed)) => return Ok(Established::Code(typed)),
                Err(interrupted) => start = interrupted.on(agent)?,
            }
        }
        let why = "the key went to another login again and again";
        Err(start.refused(Refusal::new(Code::KeyInUse, why)))
    }

    /// A connection to the agent.
    pub(super) fn connect(&mut self, start: Start) -> Result<(Channel, Early), Refusal> {
        match start {
            Start::Waiting(agent) => Ok((agent, None)),
            Start::Anew => {
                let early = self.world.sockets.key(false);
                let agent = self.world.sockets.agent().map_err(|error| Refusal::agent(&error))?;
                Ok((agent, Some(early)))
            }
        }
    }

    fn round(
        &mut self,
        agent: &mut Channel,
        is_new: bool,
        mut early: Early,
        again: Option<&Recognition>,
    ) -> Result<SearchResult, Interrupted> {
        let mut search = self.directory(agent, is_new, &mut early)?.1;
        if let Some(recognition) = again {
            search.only(recognition);
        }

        let connected = match early {
            Some(Ok(key)) => Ok(key),
            Some(Err(_)) | None => self.world.sockets.key(true),
        };
        let key = connected.map_err(|error| Refusal::key(&error))?;
        self.identify(agent, key, search, again.is_some() || self.login.by_key)
    }

    /// What the agent shows, verified, and who is looked for by it.
    pub(super) fn directory(
        &mut self,
        agent: &mut Channel,
        is_new: bool,
        early: &mut Early,
    ) -> Result<(Box<Grant>, Search), Interrupted> {
        if is_new {
            self.tell_agent(agent, &AgentRequest::Begin(self.login.begin()))?;
        }
        let grant = self.wait_granted(agent, !is_new, early)?;
        self.record.granted = true;
        if self.login.changes_pin && grant.changes_pins != Some(true) {
            return Err(Refusal::new(Code::ProtocolError, "the agent records no PINs").into());
        }

        let mut search = self.search_for(&grant);
        if self.time.is_none()
            && grant.answers_time == Some(true)
            && is_late(search.as_ref().map(|search| search.stage))
            && self.ask_server_time(agent, &grant)?
        {
            search = self.search_for(&grant);
        }
        let search = search?;
        let is_login = !self.login.changes_pin && self.login.vouches_for.is_none();
        self.takes_vouches = grant.takes_vouches == Some(true) && search.takes_vouches && is_login;
        self.breaks_glass = grant.breaks_glass == Some(true) && search.breaks_glass && is_login;
        self.takes_codes = self.takes_vouches
            || self.breaks_glass
            || (grant.takes_codes == Some(true) && search.takes_codes && is_login);
        Ok((grant, search))
    }

    /// Waits for the key to be this login's. Who waits does not keep a key process.
    fn wait_granted(
        &mut self,
        agent: &mut Channel,
        mut waiting: bool,
        early: &mut Early,
    ) -> Result<Box<Grant>, Interrupted> {
        let mut asked = false;
        for _ in 0..MAX_MESSAGES {
            if waiting && self.world.talk.silent() && !std::mem::replace(&mut asked, true) {
                let text = texts::message(Notice::WaitForKey, self.speaker.language, &[]);
                self.say_or_ask(&text, Prompt::WaitThenEnter)?;
            }
            let answer = self.patience.answer();
            match agent.receive(if waiting { self.patience.until } else { answer }) {
                Ok(AgentReply::Granted(grant)) => return Ok(grant),
                Ok(AgentReply::Wait) => {
                    *early = None;
                    waiting = true;
                    self.wait_for_turn();
                }
                Ok(AgentReply::Refused(refusal)) => return Err(Refusal::from(refusal).into()),
                Ok(_) => return Err(unexpected("agent").into()),
                Err(IpcError::TimedOut) if waiting => {
                    return Err(Refusal::new(Code::KeyInUse, "another login kept the key").into());
                }
                Err(error) => return Err(self.agent_lost(&error)),
            }
        }
        Err(Refusal::new(Code::ProtocolError, "the agent says Wait without end").into())
    }
}
