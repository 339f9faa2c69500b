//! How it ended: told to the agent, which records it durably; then the marks.

use std::time::Duration;

use wardkey_core::code::{Code, Notice};
use wardkey_core::codec::List;
use wardkey_core::decide::By;
use wardkey_core::directory::leaf_key;
use wardkey_core::id::EventId;
use wardkey_core::message::agent::{Finger, LoginOutcome, LoginResult};
use wardkey_core::policy::stage::Stage;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;
use wardkey_ipc::{Channel, Deadline, IpcError};

use super::agent::{Ended, unexpected};
use super::attempt::{Attempt, MAX_MESSAGES, ProvenKey};
use super::marks::raise;
use super::replies::AgentReply;
use super::request::Admitted;
use super::requests::AgentRequest;
use super::states::Signed;
use super::verified_person::VerifiedPerson;
use crate::refusal::Refusal;

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
    /// The agent's refusal, or its absence; another name that the application has said meanwhile.
    pub(super) fn record(&mut self, signed: Signed) -> Result<Admitted, Ended> {
        let Signed { agent, person, proven, granted, result } = signed;
        if let Err(refusal) = self.nobody_else_is_named() {
            return Err(Ended { refusal, agent: Some(agent) });
        }
        let event = granted.client_data().event_id();
        let patience = self.world.timeouts.outcome;
        let recorded = self.deliver(Some(agent), proven.as_ref(), result, patience)?;
        // From here on a refusal is not the agent's to record again.
        self.record.granted = false;
        if recorded != event {
            let why = "the agent recorded something else";
            return Err(Refusal::new(Code::ProtocolError, why).into());
        }
        self.raise_marks(&person, proven.as_ref());
        let permit = granted.permit();
        if permit.stage != Stage::Online {
            let hours = match permit.age / 3600 {
                0 => "<1".to_owned(),
                hours => hours.to_string(),
            };
            let banner =
                texts::message(Notice::OfflineBanner, self.speaker.language, &[("hours", &hours)]);
            self.world.talk.info(&banner);
        }
        let key = match granted.by() {
            By::Key(by) => {
                match &by.loan {
                    None => {
                        self.end_what_stands_in(&person);
                        self.end_vouch(&person, proven.as_ref());
                    }
                    Some(loan) => self.tell_hours_left(&person, Notice::LoanUsed, loan.until),
                }
                Some(by.key)
            }
            By::Code(pass) => {
                self.tell_hours_left(&person, Notice::PassUsed, pass.until);
                None
            }
            By::BreakGlass(_) => {
                let text = texts::message(Notice::BreakGlassUsed, self.speaker.language, &[]);
                self.world.talk.info(&text);
                None
            }
            By::Vouch(vouch) => {
                self.tell_hours_left(&person, Notice::VouchUsed, vouch.until);
                None
            }
        };
        Ok(Admitted { person: person.snapshot.login().clone(), key, login: event })
    }

    /// The person's own key is back: from here on pass and loan let nobody in at this terminal,
    /// whether the server hears of it or not.
    fn end_what_stands_in(&self, person: &VerifiedPerson) {
        let pass = person.snapshot.pass();
        let loans: Vec<_> = person.snapshot.loans().collect();
        if pass.is_none() && loans.is_empty() {
            return;
        }
        let mut is_noted = false;
        let noted = person.now(&self.world).and_then(|now| {
            self.world.machine.note_passes(&mut |notes| {
                let passes = pass.is_none_or(|pass| notes.end(pass, now));
                is_noted = loans.iter().all(|loan| notes.end_loan(loan, now)) && passes;
            })
        });
        let why = match noted {
            Ok(()) if is_noted => return,
            Ok(()) => "no room for one more note".to_owned(),
            Err(error) => error.detail,
        };
        self.world.journal.error(&format!("the pass or loan was not ended here: {why}"));
    }

    fn tell_hours_left(&mut self, person: &VerifiedPerson, notice: Notice, until: UnixTime) {
        let left = person.now(&self.world).map_or(0, |now| until.since(now).div_ceil(3600));
        let args = [("hours", &*left.to_string())];
        let text = texts::message(notice, self.speaker.language, &args);
        self.world.talk.info(&text);
    }

    /// Tells the agent of a refusal, if it let the login begin.
    pub(super) fn report(&mut self, ended: Ended) -> Refusal {
        let Ended { refusal, agent } = ended;
        if !self.record.granted {
            return refusal;
        }
        // What a key may have done belongs into the record, as what counts does.
        let is_weighty = refusal.counts() || refusal.code == Code::PinChangeUnknown;
        let patience = if is_weighty {
            self.world.timeouts.outcome
        } else {
            self.world.timeouts.small_outcome
        };
        let proven = self.record.proven.clone();
        let result = LoginResult::Failure(refusal.failure());
        if let Err(error) = self.deliver(agent, proven.as_ref(), result, patience) {
            self.world
                .journal
                .error(&format!("the refusal was not recorded: {}: {}", error.code, error.detail));
        }
        refusal
    }

    /// Offers an outcome to the agent, on this connection and then on new ones.
    pub(super) fn deliver(
        &mut self,
        mut agent: Option<Channel>,
        proven: Option<&ProvenKey>,
        result: LoginResult,
        patience: Duration,
    ) -> Result<EventId, Refusal> {
        let suspects = List::new(self.record.suspects.clone()).ok();
        let outcome = AgentRequest::Outcome(Box::new(LoginOutcome {
            login: self.login.begin(),
            attempt: self.id,
            person: proven.map(|proven| proven.person.clone()),
            credential: proven.map(|proven| proven.proof.credential.clone()),
            result,
            proof: proven.map(|proven| proven.proof.clone()),
            pass: self.record.pass,
            finger: Some(self.record.finger).filter(|finger| *finger != Finger::default()),
            suspects: suspects.filter(|suspects| !suspects.is_empty()),
        }));
        let deadline = Deadline::after(patience);
        loop {
            match self.deliver_once(agent.take(), &outcome, deadline) {
                Ok(event) => return Ok(event),
                Err(NotRecorded::Refused(refusal)) => return Err(refusal),
                Err(NotRecorded::Lost(error)) if deadline.has_passed() => {
                    return Err(Refusal::agent(&error));
                }
                // The same outcome on a new connection: it is recorded once.
                Err(NotRecorded::Lost(_)) => std::thread::sleep(RETRY_EVERY),
            }
        }
    }

    fn deliver_once(
        &mut self,
        agent: Option<Channel>,
        outcome: &AgentRequest,
        deadline: Deadline,
    ) -> Result<EventId, NotRecorded> {
        let mut agent = match agent {
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
                        let text = "the agent has the record in memory only, its disk takes \
                            nothing: a power cut loses it";
                        self.world.journal.error(&format!("{}: {text}", Notice::KeptInMemory));
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

    /// Raises the marks after a login. It stands; that they could not be raised is an event of its
    /// own.
    fn raise_marks(&mut self, person: &VerifiedPerson, proven: Option<&ProvenKey>) {
        let world = &self.world;
        let result = person.now(world).and_then(|now| {
            raise(world, &person.snapshot, person.server_time(), &|marks| {
                marks.remember(leaf_key(person.snapshot.login()), now)
            })
        });
        if let Err(error) = result {
            let code = Code::MarksNotRaised;
            self.world.journal.error(&format!("{code}: marks were not raised: {}", error.detail));
            self.tell_apart(proven, Code::MarksNotRaised, &error.detail);
        }
    }

    /// Tells the agent of what could not be written here: an event with an id of its own, whatever
    /// becomes of the login.
    pub(super) fn tell_apart(&mut self, proven: Option<&ProvenKey>, code: Code, detail: &str) {
        let mut id = [0; EventId::LEN];
        if self.world.machine.random(&mut id).is_err() {
            return;
        }
        let attempt = std::mem::replace(&mut self.id, EventId::new(id));
        let result = LoginResult::Failure(Refusal::new(code, detail).failure());
        let told = self.deliver(None, proven, result, self.world.timeouts.small_outcome);
        self.id = attempt;
        if let Err(error) = told {
            self.world
                .journal
                .error(&format!("the agent was not told: {}: {}", error.code, error.detail));
        }
    }
}
