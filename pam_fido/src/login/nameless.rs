//! Whose key is plugged in, where nobody has said who logs in.
//!
//! ```text
//!   people seen here ──> agent ── their keys ──> key process ── claims ──> proven? ─┬─ yes: a name
//!   (root's marks,                (of nobody                                        │
//!    the latest first)             else)              name to be asked for <────────┴─ no
//! ```
//! A name is all that comes of it. The login of that name then begins anew, with evidence, proof,
//! PIN and touch, as if somebody had typed it; so what goes wrong here costs somebody the typing of
//! a name, and lets nobody in.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::directory::leaf_key;
use wardkey_core::id::Hash;
use wardkey_core::message::agent::{Candidate, MAX_SOUGHT};
use wardkey_core::name::LoginName;
use wardkey_ipc::{Channel, Deadline};

use super::agent::{Interrupted, Start, unexpected};
use super::attempt::Attempt;
use super::claims::Found;
use super::identify::{Heard, Instead};
use super::replies::AgentReply;
use super::request::Login;
use super::requests::AgentRequest;
use super::search::Search;
use crate::refusal::Refusal;
use crate::world::World;

/// Rounds of devices that claim what they do not prove, until the name is asked for.
const MAX_CLAIMS: usize = 16;

/// Whose key it is.
#[derive(Debug, PartialEq, Eq)]
pub enum WhoseKey {
    /// This person's, who was seen here: the key has proved it against the directory.
    Of(LoginName),
    /// None came, or it is of nobody seen here or of several people, or another device
    /// is beside it.
    NotTold,
    /// That is not found out here, or cannot be at this time: why, for syslog.
    NotHere(String),
}

/// Has the key that is plugged in, or comes within some seconds, say whose it is. Whatever goes
/// wrong is no refusal: a local account needs no more than to be named.
pub fn whose_key(world: World<'_>, login: &Login) -> WhoseKey {
    let found = Attempt::new(world, login)
        .map_err(Interrupted::from)
        .and_then(|mut attempt| attempt.whose_key());
    match found {
        Ok(whose) => whose,
        Err(Interrupted::OtherLogin | Interrupted::Anew) => WhoseKey::NotTold,
        Err(Interrupted::Refused(refusal) | Interrupted::AgentLost(refusal)) => {
            WhoseKey::NotHere(format!("{}: {}", refusal.code, refusal.detail))
        }
    }
}

/// What names somebody.
enum Named {
    /// This key, and nothing else is plugged in.
    By(Box<Found>),
    /// A device claims to, and another one is plugged in, too.
    OneOfSeveral,
    /// Nothing does.
    ByNone,
}

impl Attempt<'_, '_> {
    fn whose_key(&mut self) -> Result<WhoseKey, Interrupted> {
        let not_here = |why: &str| Ok(WhoseKey::NotHere(why.to_owned()));
        if !self.world.machine.may_write() {
            return not_here("only root's programs find out whose key it is");
        }
        if self.world.talk.silent() {
            return not_here("notices are not shown (PAM_SILENT)");
        }
        let marks = self.world.machine.marks()?;
        let seen: Vec<Hash> = marks.seen.iter().take(MAX_SOUGHT).map(|seen| seen.person).collect();
        if seen.is_empty() {
            return not_here("nobody has logged in here yet");
        }

        let wait = self.world.timeouts.before_name.min(self.world.settings.key_wait);
        self.patience.wait_again(wait);
        // Each answer has its time-out; a part that dribbles has this one.
        self.patience.whole = Some(Deadline::after(wait + self.world.timeouts.answer));
        let (mut agent, mut early) = self.connect(Start::Anew)?;
        let (grant, mut search) = self.directory(&mut agent, true, &mut early)?;
        if search.asks_name {
            return not_here("a scope's policy asks for the name");
        }
        if grant.finds_people != Some(true) {
            return not_here("the agent is an older one");
        }
        if !search.among(self.keys_of(&mut agent, &seen)?) {
            return not_here("nobody who was seen here has a key");
        }

        let connected = match early {
            Some(Ok(key)) => Ok(key),
            Some(Err(_)) | None => self.world.sockets.key(true),
        };
        let mut key = connected.map_err(|error| Refusal::key(&error))?;
        let Named::By(one) = self.proven(&mut agent, &mut key, &search)? else {
            return Ok(WhoseKey::NotTold);
        };
        let person = one.person.snapshot.login().clone();

        // A key of several people does not say which of them is there.
        if search.without(&person) {
            self.patience.wait_again(Duration::ZERO);
            if !matches!(self.proven(&mut agent, &mut key, &search)?, Named::ByNone) {
                return Ok(WhoseKey::NotTold);
            }
        }
        // What was not asked to its end says nothing.
        if self.patience.whole.is_some_and(Deadline::has_passed) {
            return Ok(WhoseKey::NotTold);
        }
        Ok(WhoseKey::Of(person))
    }

    /// The keys of people of whom root's marks say that they were here: whoever else the agent
    /// names is left out. It names them in the order in which it is asked; another one would
    /// cost time.
    fn keys_of(
        &mut self,
        agent: &mut Channel,
        seen: &[Hash],
    ) -> Result<Vec<Candidate>, Interrupted> {
        let people =
            List::new(seen.to_vec()).map_err(|error| Refusal::new(Code::Internal, error))?;
        let page = match self.ask_agent(agent, &AgentRequest::KeysOf(people))? {
            AgentReply::Candidates(page) => page,
            AgentReply::Refused(refusal) => return Err(Refusal::from(refusal).into()),
            _ => return Err(unexpected("agent").into()),
        };
        let mut keys = page.candidates.into_vec();
        keys.retain(|key| seen.contains(&leaf_key(&key.person)));
        Ok(keys)
    }

    /// The key that proves to be of somebody who is looked for, where it is the only device.
    fn proven(
        &mut self,
        agent: &mut Channel,
        key: &mut Channel,
        search: &Search,
    ) -> Result<Named, Interrupted> {
        let challenge = self.request_identification(key, search)?;
        for _ in 0..MAX_CLAIMS {
            let Heard::Claims(identified) = self.claims(agent, key, None, Instead::Name)? else {
                break;
            };
            // Which of several is meant nobody knows: an insider's could ask for a PIN that
            // belongs to the key beside it.
            if identified.alone != Some(true) {
                return Ok(Named::OneOfSeveral);
            }
            let (found, passed_over) =
                self.verify_claims(agent, search, &challenge, *identified)?;
            if let Some(one) = found.into_iter().next() {
                return Ok(Named::By(Box::new(one)));
            }
            self.pass_over(key, passed_over)?;
        }
        Ok(Named::ByNone)
    }
}
