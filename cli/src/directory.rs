//! The people of the directory, as far as the agent tells.

use std::collections::BTreeSet;
use std::time::Duration;

use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{PeoplePage, Reply, Request};
use wardkey_core::name::LoginName;
use wardkey_core::snapshot::{Anchor, Snapshot};

use crate::context::Context;
use crate::error::CliError;
use crate::peers::{self, Agent};

/// How long the agent may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Pages of people that are asked for.
const MAX_PAGES: usize = 200;

/// Whether the directory has a person of this name. A name that no person can have is nobody's.
pub(crate) fn is_person(
    context: &Context<'_, '_>,
    anchor: &Anchor,
    name: &str,
) -> Result<bool, CliError> {
    let Ok(person) = LoginName::new(name) else { return Ok(false) };
    match Agent::connect(context)?.ask(&Request::Preview(person.clone()), ANSWER)? {
        Reply::Granted(grant) => match &grant.evidence {
            Some(evidence) => Snapshot::verify(evidence, anchor, &Marks::default(), &person)
                .map(|snapshot| snapshot.records().next().is_some())
                .map_err(|denial| CliError::with(denial.code, denial.detail)),
            None => Ok(false),
        },
        _ => Err(peers::unexpected()),
    }
}

/// The people of the directory, as far as the agent tells.
#[derive(Default)]
pub(crate) struct Directory {
    pub(crate) people: Option<BTreeSet<String>>,
}

pub(crate) fn directory(context: &Context<'_, '_>) -> Directory {
    if !context.env.root {
        return Directory::default();
    }
    let ask = || -> Result<BTreeSet<String>, CliError> {
        let mut agent = Agent::connect(context)?;
        let mut names = BTreeSet::new();
        let mut page = Some(PeoplePage::default());
        for _ in 0..MAX_PAGES {
            let Some(asked) = page else { return Ok(names) };
            match agent.ask(&Request::People(asked), ANSWER)? {
                Reply::People(people) => {
                    names.extend(people.names.iter().map(ToString::to_string));
                    page = people.next;
                }
                _ => return Err(peers::unexpected()),
            }
        }
        // Longer than any deployment: not all of it is known.
        Err(peers::unexpected())
    };
    Directory { people: ask().ok() }
}
