//! The questions that are asked of a service.

use crate::answer::{Answer, Answers};
use crate::doubt::Doubt;
use crate::explore::{self, Question, Way};
use crate::load::{Kind, Line, Loaded, Phase, Service};
use crate::module::{self, Proof};
use crate::subject::Subject;
use crate::world::{MODULE, World};

/// The ways through a phase of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ways {
    /// These end in success without Wardkey's; none: nobody of that kind gets in.
    Some(Vec<Way>),
    /// libpam refuses everybody. Why.
    Refuses(String),
}

/// All ways by which somebody gets through the auth phase of a service without a success of
/// Wardkey's.
///
/// # Errors
/// [`Doubt`] when that cannot be told.
pub fn auth(
    loaded: &Loaded,
    service: &str,
    subject: &Subject<'_>,
    world: &World<'_>,
) -> Result<Ways, Doubt> {
    ways(loaded, Phase::Auth, service, subject, world, Answers::of(&[Answer::SUCCESS]))
}

/// All ways through the account phase without a success of Wardkey's. That a secret is too old is
/// one: the program asks for a new one, and lets in.
///
/// # Errors
/// [`Doubt`] when that cannot be told.
pub fn account(
    loaded: &Loaded,
    service: &str,
    subject: &Subject<'_>,
    world: &World<'_>,
) -> Result<Ways, Doubt> {
    let wanted = Answers::of(&[Answer::SUCCESS, Answer::NEW_AUTHTOK_REQD]);
    ways(loaded, Phase::Account, service, subject, world, wanted)
}

fn ways(
    loaded: &Loaded,
    phase: Phase,
    service: &str,
    subject: &Subject<'_>,
    world: &World<'_>,
    wanted: Answers,
) -> Result<Ways, Doubt> {
    let service_lists: &Service = match loaded {
        Loaded::Service(service) => service,
        Loaded::Refuses(why) => return Ok(Ways::Refuses(why.clone())),
    };
    let lines = service_lists.list(phase);
    let answers: Vec<_> =
        lines.iter().map(|line| module::answers(line, phase, service, subject, world)).collect();
    let keys: Vec<_> = lines.iter().map(is_module).collect();
    let empty: Vec<_> = lines.iter().map(proves_nothing).collect();
    let question = Question { lines, answers: &answers, keys: &keys, empty: &empty, wanted };
    let ways = explore::ways(&question).ok_or_else(|| Doubt {
        file: lines.first().map(|line| line.file.to_path_buf()).unwrap_or_default(),
        line: None,
        why: "there are too many ways through it".into(),
    })?;
    Ok(Ways::Some(ways))
}

fn is_module(line: &Line) -> bool {
    matches!(&line.kind, Kind::Module { name, arguments }
        if module::base(name) == MODULE && !module::is_second(arguments))
}

fn proves_nothing(line: &Line) -> bool {
    matches!(&line.kind, Kind::Module { name, .. }
        if matches!(module::proof(name), Proof::Nothing | Proof::Condition | Proof::Never))
}
