//! What the server says to a code: whose key it will be, and the challenge for it.

use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::id::SigningPublicKey;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{self, EnrollBegin, Enrollment};
use wardkey_core::name::{DisplayText, LoginName, is_latin};
use wardkey_core::snapshot::verify_roots;

use crate::anchor::{self, Before};
use crate::context::Context;
use crate::error::CliError;
use crate::peers::{self, Agent};
use crate::texts::Text;

/// How long the agent may take for an exchange with the server.
pub(super) const SERVER: Duration = Duration::from_secs(30);
/// How old a challenge may be that a key is asked with: it lives 60 seconds, and a touch takes its
/// time.
const FRESH: Duration = Duration::from_secs(20);
/// Letters that romanised Japanese has and Debian's fonts for consoles do not.
const MACRONS: [(char, char); 10] = [
    ('ā', 'a'),
    ('ē', 'e'),
    ('ī', 'i'),
    ('ō', 'o'),
    ('ū', 'u'),
    ('Ā', 'A'),
    ('Ē', 'E'),
    ('Ī', 'I'),
    ('Ō', 'O'),
    ('Ū', 'U'),
];

/// What somebody has to register a key.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) code: &'a str,
    /// Whom the code has to be for, where that was asked.
    pub(super) whose: Option<&'a LoginName>,
}

/// What this terminal trusts, by root's files, not by the agent's word.
pub(super) struct Trust {
    /// The root key of the anchor.
    root_key: SigningPublicKey,
    /// Which root document was followed since.
    marks: Marks,
}

/// A registration that has begun.
pub(super) struct Begun {
    pub(super) enrollment: Box<Enrollment>,
    pub(super) at: Instant,
}

/// Says early what would otherwise be said after code and PIN.
pub(super) fn must_be_joined(context: &mut Context<'_, '_>) -> Result<(), CliError> {
    let mut agent = Agent::connect(context)?;
    match agent.ask_unless_stopped(&mut *context.env.person, &agent::Request::Status, SERVER)? {
        agent::Reply::Status(status) if status.terminal.is_none() => {
            Err(CliError::new(Code::NotJoined))
        }
        agent::Reply::Status(_) => Ok(()),
        _ => Err(peers::unexpected()),
    }
}

pub(super) fn trust(context: &Context<'_, '_>) -> Result<Trust, CliError> {
    let marks = anchor::marks(&context.env.marks)?.unwrap_or_default();
    match anchor::read(&context.env.anchor)? {
        Before::Anchor(anchor) => Ok(Trust { root_key: anchor.root_key, marks }),
        Before::Nothing => {
            Err(CliError::with(Code::AnchorMissing, context.env.anchor.display().to_string()))
        }
        Before::Unreadable(why) => {
            Err(CliError::with(Code::AnchorMissing, why.phrase()).caused_by(why))
        }
    }
}

/// Asks the server by the code whom the key is for, and for a challenge.
pub(super) fn begin(
    context: &mut Context<'_, '_>,
    asked: Asked<'_>,
    trust: &Trust,
) -> Result<Begun, CliError> {
    let mut agent = Agent::connect(context)?;
    let at = Instant::now();
    let begin = EnrollBegin { code: asked.code.to_owned(), language: context.language };
    let begin = agent::Request::EnrollBegin(begin);
    let agent::Reply::Enrollment(enrollment) =
        agent.ask_unless_stopped(&mut *context.env.person, &begin, SERVER)?
    else {
        return Err(peers::unexpected());
    };
    // Of another one's code nothing is said, also not that it is one.
    if asked.whose.is_some_and(|whose| *whose != enrollment.login) {
        return Err(CliError::new(Code::EnrollmentCodeInvalid));
    }
    check_rp_id(&enrollment, trust)?;
    Ok(Begun { enrollment, at })
}

impl Begun {
    /// The same with a challenge that lives long enough for a key; another one costs another of
    /// the terminal's tries at codes.
    pub(super) fn fresh(
        self,
        context: &mut Context<'_, '_>,
        asked: Asked<'_>,
        trust: &Trust,
    ) -> Result<Self, CliError> {
        if self.at.elapsed() < FRESH { Ok(self) } else { begin(context, asked, trust) }
    }
}

/// A key makes a credential for the name that the root key signed and for no other: else a
/// taken-over agent could have it make one for a deployment of its own.
fn check_rp_id(enrollment: &Enrollment, trust: &Trust) -> Result<(), CliError> {
    let root = verify_roots(&enrollment.roots, &trust.root_key, &trust.marks)
        .map_err(|denial| CliError::because(denial.code, denial))?;
    if root.rp_id == enrollment.rp_id {
        return Ok(());
    }
    let ids =
        [("given", enrollment.rp_id.to_string().into()), ("signed", root.rp_id.to_string().into())];
    Err(CliError::with(Code::RpIdMismatch, Text::RpIdNotSigned.with(ids)))
}

/// The person's name, in letters that can be read here.
pub(super) fn shown_name(context: &Context<'_, '_>, enrollment: &Enrollment) -> String {
    let names = [Some(&enrollment.display_name), enrollment.latin_name.as_ref()];
    let mut names = names.into_iter().flatten().map(DisplayText::as_str);
    if !context.env.person.has_only_latin() {
        return names.next().unwrap_or_default().to_owned();
    }
    let shown = names.find(|name| name.chars().all(is_latin)).unwrap_or(enrollment.login.as_str());
    shown.chars().map(plain).collect()
}

fn plain(letter: char) -> char {
    let found = MACRONS.iter().find(|(macron, _)| *macron == letter);
    found.map_or(letter, |(_, plain)| *plain)
}
