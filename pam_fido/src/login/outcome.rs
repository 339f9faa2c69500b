//! How it ended: told to the agent, which records it durably; then the marks.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::directory::leaf_key;
use wardkey_core::id::EventId;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{LoginOutcome, LoginResult, Request as AgentRequest};
use wardkey_core::policy::stage::Stage;
use wardkey_core::server_time::Attested;
use wardkey_core::snapshot::Snapshot;
use wardkey_core::texts;
use wardkey_ipc::{Deadline, IpcError};

use super::establish::unexpected;
use super::replies::AgentReply;
use super::states::Signed;
use super::verified_person::VerifiedPerson;
use super::{Admitted, Attempt, MAX_MESSAGES};
use crate::refusal::Refusal;
use crate::world::World;

const RETRY_EVERY: Duration = Duration::from_millis(50);

/// Why an outcome was not recorded.
enum NotRecorded {
    Refused(Refusal),
    Lost(IpcError),
}

impl From<IpcError> for NotRecorded {
    fn from(error: IpcError) -> Self {
        match error {
            // Nonsense does not get better by asking again.
            IpcError::Codec(_) | IpcError::FrameLength(_) => Self::Refused(Refusal::agent(&error)),
            _ => Self::Lost(error),
        }
    }
}

impl Attempt<'_, '_> {
    /// Has a success recorded; only then it is one.
    ///
    /// # Errors
    /// The agent's refusal, or its absence.
    pub(super) fn record(&mut self, signed: Signed) -> Result<Admitted, Refusal> {
        let Signed { person, granted, assertion } = signed;
        let event = granted.client_data().event_id();
        let recorded = self.deliver(LoginResult::Success(assertion), self.world.timeouts.outcome)?;
        // From here on a refusal is not the agent's to record again.
        self.granted = false;
        if recorded != event {
            return Err(Refusal::new(Code::ProtocolError, "the agent recorded something else"));
        }
        self.raise_marks(&person);
        let permit = granted.permit();
        if permit.stage != Stage::Online {
            let hours = match permit.age / 3600 {
                0 => "<1".to_owned(),
                hours => hours.to_string(),
            };
            let banner = texts::message(Code::OfflineBanner, self.language, &[("hours", &hours)]);
            self.world.talk.info(&banner);
        }
        Ok(Admitted { person: person.snapshot.login().clone(), key: *granted.key() })
    }

    /// Tells the agent of a refusal, if it let the login begin.
    pub(super) fn report_failure(&mut self, refusal: &Refusal) {
        if !self.granted {
            return;
        }
        let patience = if refusal.counts() { self.world.timeouts.outcome } else { self.world.timeouts.small_outcome };
        if let Err(error) = self.deliver(LoginResult::Failure(refusal.failure()), patience) {
            self.world.journal.error(&format!("the refusal was not recorded: {}: {}", error.code, error.detail));
        }
    }

    fn deliver(&mut self, result: LoginResult, patience: Duration) -> Result<EventId, Refusal> {
        let outcome = AgentRequest::Outcome(Box::new(LoginOutcome {
            login: self.login.begin(),
            attempt: self.id,
            person: self.proven.as_ref().map(|proven| proven.person.clone()),
            credential: self.proven.as_ref().map(|proven| proven.proof.credential.clone()),
            result,
            proof: self.proven.as_ref().map(|proven| proven.proof.clone()),
            suspects: List::new(self.suspects.clone()).ok().filter(|suspects| !suspects.is_empty()),
        }));
        let deadline = Deadline::after(patience);
        loop {
            match self.deliver_once(&outcome, deadline) {
                Ok(event) => return Ok(event),
                Err(NotRecorded::Refused(refusal)) => return Err(refusal),
                Err(NotRecorded::Lost(error)) if deadline.has_passed() => return Err(Refusal::agent(&error)),
                // The same outcome on a new connection: it is recorded once.
                Err(NotRecorded::Lost(_)) => std::thread::sleep(RETRY_EVERY),
            }
        }
    }

    fn deliver_once(&mut self, outcome: &AgentRequest, deadline: Deadline) -> Result<EventId, NotRecorded> {
        let mut agent = match self.agent.take() {
            Some(agent) => agent,
            None => self.world.sockets.agent()?,
        };
        // What happened is recorded, whoever wants it to end.
        agent.interrupted_by(None);
        agent.send(outcome, deadline)?;
        for _ in 0..MAX_MESSAGES {
            match agent.receive(deadline)? {
                AgentReply::Recorded(event, in_memory) => {
                    if in_memory == Some(true) {
                        let text =
                            "the agent has the record in memory only, its disk takes nothing: a power cut loses it";
                        self.world.journal.error(&format!("{}: {text}", Code::KeptInMemory));
                    }
                    return Ok(event);
                }
                AgentReply::Refused(refusal) => return Err(NotRecorded::Refused(refusal.into())),
                // Answers to what was asked before.
                AgentReply::Wait
                | AgentReply::Granted(_)
                | AgentReply::Held
                | AgentReply::Candidates(_)
                | AgentReply::Time(_) => {}
            }
        }
        Err(NotRecorded::Refused(unexpected("agent")))
    }

    /// Raises the marks after a login. It stands; that they could not be raised is an event of its own.
    fn raise_marks(&mut self, person: &VerifiedPerson) {
        let world = &self.world;
        let result = person.now(world).and_then(|now| {
            raise(world, &person.snapshot, person.server_time(), &|marks| {
                marks.remember(leaf_key(person.snapshot.login()), now)
            })
        });
        let Err(error) = result else { return };
        self.world.journal.error(&format!("{}: marks were not raised: {}", Code::MarksNotRaised, error.detail));
        let notice = Refusal::new(Code::MarksNotRaised, error.detail).failure();
        if let Err(error) = self.deliver(LoginResult::Failure(notice), self.world.timeouts.small_outcome) {
            self.world.journal.error(&format!("the agent was not told: {}: {}", error.code, error.detail));
        }
    }
}

/// Raises marks and clock to what a snapshot shows, and does `more` to them.
fn raise(
    world: &World<'_>,
    snapshot: &Snapshot,
    time: Option<&Attested>,
    more: &dyn Fn(&mut Marks),
) -> Result<(), Refusal> {
    let reading = world.machine.clock()?;
    let raise = |marks: &mut Marks| {
        snapshot.raise(marks);
        let signed = time.map_or(snapshot.signed_time(), |time| time.signed().max(snapshot.signed_time()));
        marks.floor = marks.floor.raised(signed, &reading);
        more(marks);
    };
    world.machine.raise_marks(&raise).map_err(|error| Refusal::new(Code::MarksNotRaised, error))
}

/// Notes what was verified and how late it is, before it is judged: a login that is refused must not be
/// allowed after a reboot with the clock set back.
pub(super) fn note_verified(world: &World<'_>, snapshot: &Snapshot, time: Option<&Attested>) {
    if let Err(error) = raise(world, snapshot, time, &|_| {}) {
        world.journal.error(&format!("{}: marks were not raised: {}", Code::MarksNotRaised, error.detail));
    }
}
