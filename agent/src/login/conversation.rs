//! What the module asks while its login waits for the key and has it, one function for each
//! request.

use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use wardkey_core::code::Code;
use wardkey_core::id::Hash;
use wardkey_core::message::agent::{
    Begin, CandidatePage, Candidates, Failure, LoginOutcome, LoginResult, Refusal, Reply, Request,
};
use wardkey_core::name::LoginName;
use wardkey_core::proof::identification::SilentAssertion;
use wardkey_ipc::{Deadline, IpcError, Peer};

use crate::agent::Agent;
use crate::connection::Connection;
use crate::login::arbiter::Ticket;
use crate::login::authorise::{Caller, later, refusal};
use crate::login::evidence::{candidates, grant, keys_of, prove};
use crate::login::outcome;
use crate::login::preverified::Preverified;
use crate::login::server_time::Questions;
use crate::random::fresh_id;

/// The longest that one login may take.
const LOGIN: Duration = Duration::from_secs(600);
/// How long a request may take that has begun to arrive.
const RECEIVE: Duration = Duration::from_secs(5);
/// Requests for evidence in one login: one is needed, more come with devices that claim to be
/// somebody's.
const MAX_PROOFS: usize = 128;
/// Pages of candidates in one login: those of 30,000 keys, however long their ids are.
const MAX_PAGES: usize = 1024;
/// The same of one user other than root, in a minute: twice those of 30,000 keys.
const PAGES_PER_MINUTE: usize = 128;
const MINUTE: Duration = Duration::from_secs(60);
/// How often those who wait look who is in the foreground.
const LOOK: Duration = Duration::from_millis(250);

/// Whether the conversation goes on.
type Goes = Result<ControlFlow<()>, IpcError>;

/// A login that is served on a connection, and what has been asked in it so far.
pub(super) struct Conversation<'a> {
    agent: &'a Agent,
    connection: &'a mut Connection,
    peer: Peer,
    begin: &'a Begin,
    caller: &'a Caller,
    ticket: Ticket<'a>,
    /// What the module heard last: that the key is its, or that it waits.
    told: Option<bool>,
    proofs: usize,
    pages: usize,
    questions: Questions,
    /// Whose evidence was shown last.
    person: Option<LoginName>,
    /// Of whom it was tried to verify the evidence while the key works.
    tried: Option<LoginName>,
    preverified: Option<Preverified>,
    /// What is recorded of a change of PIN of which nothing more is heard.
    announced: Option<Box<LoginOutcome>>,
}

/// How a conversation ended.
enum End {
    /// With the outcome of the login.
    Outcome(Box<LoginOutcome>),
    /// Without one.
    Over,
}

impl<'a> Conversation<'a> {
    /// Nothing has been asked yet.
    pub(super) fn new(
        agent: &'a Agent,
        connection: &'a mut Connection,
        peer: Peer,
        begin: &'a Begin,
        caller: &'a Caller,
        ticket: Ticket<'a>,
    ) -> Self {
        Self {
            agent,
            connection,
            peer,
            begin,
            caller,
            ticket,
            told: None,
            proofs: 0,
            pages: 0,
            questions: Questions::LOGIN,
            person: begin.account.clone(),
            tried: None,
            preverified: None,
            announced: None,
        }
    }

    /// Serves the login until its outcome, or until the peer hangs up.
    ///
    /// # Errors
    /// [`IpcError`] of the connection.
    pub(super) fn serve(mut self) -> Result<(), IpcError> {
        match self.converse() {
            Ok(End::Outcome(what)) => self.outcome(&what),
            Ok(End::Over) => {
                self.record_announced();
                Ok(())
            }
            Err(error) => {
                self.record_announced();
                Err(error)
            }
        }
    }

    fn converse(&mut self) -> Result<End, IpcError> {
        let deadline = Deadline::after(LOGIN);
        loop {
            if self.ticket.is_displaced() {
                let refused = later("a newer login of this user took the place");
                return self.connection.send(&Reply::Refused(refused)).map(|()| End::Over);
            }
            if self.tell_turn()?.is_break() {
                return Ok(End::Over);
            }
            if deadline.has_passed() {
                return Err(IpcError::TimedOut);
            }
            if !self.wait(deadline)? {
                continue;
            }

            let goes = match self.connection.receive::<Request>(Deadline::after(RECEIVE))? {
                Request::Hold => self.hold(),
                Request::Prove(found) => self.prove(found),
                Request::Candidates(page) => self.candidates(page),
                Request::KeysOf(people) => self.keys_of(&people),
                Request::Time(nonce) => {
                    let reply = self.questions.answer(self.agent, &nonce);
                    self.answer(&reply)
                }
                Request::PinChange { person, proof } => self.announce(person, *proof),
                Request::Outcome(what) => return Ok(End::Outcome(what)),
                _ => self.refuse(refusal(Code::ProtocolError, "not a request of a login")),
            };
            if goes?.is_break() {
                return Ok(End::Over);
            }
        }
    }

    fn answer(&mut self, reply: &Reply) -> Goes {
        self.connection.send(reply).map(ControlFlow::Continue)
    }

    /// Ends the login.
    fn refuse(&mut self, refused: Refusal) -> Goes {
        self.connection.send(&Reply::Refused(refused)).map(ControlFlow::Break)
    }

    /// Tells the module whether the key is its, when that is news.
    fn tell_turn(&mut self) -> Goes {
        let granted = self.ticket.is_granted();
        if self.told == Some(granted) {
            return Ok(ControlFlow::Continue(()));
        }
        self.told = Some(granted);
        if !granted {
            return self.answer(&Reply::Wait);
        }
        match grant(self.agent, self.begin.account.as_ref()) {
            Ok(grant) => self.answer(&Reply::Granted(Box::new(grant))),
            Err(refused) => self.refuse(refused),
        }
    }

    /// The key is to be this login's until the outcome.
    fn hold(&mut self) -> Goes {
        if !self.ticket.hold(self.agent.sessions.as_ref()) {
            self.told = Some(false);
            return self.answer(&Reply::Wait);
        }
        self.connection.send(&Reply::Held)?;

        // The security key works on the PIN now, and this is one thing less after the touch.
        if self.tried != self.person {
            self.tried.clone_from(&self.person);
            self.preverified =
                self.person.as_ref().and_then(|person| Preverified::of(self.agent, person));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The key is about to be asked for another PIN.
    fn announce(&mut self, person: LoginName, proof: SilentAssertion) -> Goes {
        if !self.peer.is_root() || self.begin.changes_pin != Some(true) {
            return self.refuse(refusal(Code::ProtocolError, "not a request of this login"));
        }
        if !self.ticket.hold(self.agent.sessions.as_ref()) {
            self.told = Some(false);
            return self.answer(&Reply::Wait);
        }
        let why = "the module was lost before it said what came of it";
        self.announced = Some(Box::new(LoginOutcome {
            login: self.begin.clone(),
            // The module's own is kept for what it may say still.
            attempt: fresh_id(),
            person: Some(person),
            credential: Some(proof.credential.clone()),
            result: LoginResult::Failure(Failure {
                code: Code::PinChangeUnknown,
                detail: Some(why.to_owned()),
                tries_left: None,
            }),
            proof: Some(proof),
            suspects: None,
            pass: None,
            finger: None,
        }));
        self.answer(&Reply::Held)
    }

    /// Records a change of PIN of which nothing more was heard: `passwd` may have been killed.
    fn record_announced(self) {
        let Self { agent, peer, begin, caller, announced: Some(what), .. } = self else { return };
        let login = outcome::LoginInProgress { begin, caller, preverified: None };
        outcome::record(agent, peer, &what, Some(login)).deliver(agent);
    }

    /// A device claims to be somebody's.
    fn prove(&mut self, found: LoginName) -> Goes {
        if self.proofs >= MAX_PROOFS {
            return self.refuse(later("too many requests for evidence"));
        }
        self.proofs += 1;
        let reply = match prove(self.agent, self.caller, self.begin, &found) {
            Ok(grant) => {
                self.person = Some(found);
                Reply::Granted(Box::new(grant))
            }
            Err(refused) => Reply::Refused(refused),
        };
        self.answer(&reply)
    }

    /// Who else may use the shared account.
    fn candidates(&mut self, page: CandidatePage) -> Goes {
        // The key went to another login, which the module reads next.
        if self.told != Some(true) {
            return Ok(ControlFlow::Continue(()));
        }
        if self.pages >= MAX_PAGES || !has_pages_left(self.agent, self.peer) {
            return self.refuse(later("too many pages of candidates"));
        }
        let page = candidates(self.agent, self.begin, page);
        self.show(page)
    }

    /// The keys of people who were seen here.
    fn keys_of(&mut self, people: &[Hash]) -> Goes {
        if self.told != Some(true) {
            return Ok(ControlFlow::Continue(()));
        }
        if self.pages >= MAX_PAGES {
            return self.refuse(later("too many pages of candidates"));
        }
        let page = keys_of(self.agent, self.caller, self.begin, people);
        self.show(page)
    }

    fn show(&mut self, page: Result<Candidates, Refusal>) -> Goes {
        self.pages += 1;
        match page {
            Ok(page) => self.answer(&Reply::Candidates(Box::new(page))),
            Err(refused) => self.refuse(refused),
        }
    }

    /// Records how the login ended. The key is free for others before the module hears of it.
    fn outcome(self, what: &LoginOutcome) -> Result<(), IpcError> {
        let Self { agent, connection, peer, begin, caller, ticket, preverified, .. } = self;
        let login = outcome::LoginInProgress { begin, caller, preverified };
        let answered = outcome::record(agent, peer, what, Some(login));
        // Nor is who vouched made to wait for others.
        if answered.is_login() || answered.is_vouch() {
            ticket.has_logged_in();
        }
        drop(ticket);
        answered.tell(agent, connection)
    }

    /// Waits for a request (`true`) or for news of the queue.
    fn wait(&self, deadline: Deadline) -> Result<bool, IpcError> {
        if self.connection.has_message() {
            return Ok(true);
        }
        let contended = self.ticket.is_contended();
        let at_most = if contended { LOOK.min(deadline.left()) } else { deadline.left() };
        let timeout =
            PollTimeout::try_from(i32::try_from(at_most.as_millis() + 1).unwrap_or(i32::MAX))
                .unwrap_or(PollTimeout::MAX);
        let mut fds = [
            PollFd::new(self.connection.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.ticket.wake().as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(std::io::Error::from(errno).into()),
        }
        let [request, news] = fds;
        if news.any() == Some(true) {
            self.ticket.awake();
        }
        if request.any() == Some(true) {
            return Ok(true);
        }
        if contended {
            self.agent.arbiter.look_again(self.agent.sessions.as_ref());
        }
        Ok(false)
    }
}

/// Whether a user other than root may have one more page: each is a look at everybody who shares
/// the account.
fn has_pages_left(agent: &Agent, peer: Peer) -> bool {
    peer.is_root()
        || (0..PAGES_PER_MINUTE)
            .any(|slot| agent.is_due(&format!("page {} {slot}", peer.uid), MINUTE))
}
