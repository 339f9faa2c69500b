//! The members of several groups together, without looking at all of them.
//!
//! ```text
//!   set 4, nurses   02 .. 31 .. 77 ─┐
//!   set 4, doctors  31 .. 55       ─┼─> 02, 31, 55, 77   each once, of the first group that has it
//!   set 9, nurses   02 .. 90       ─┘
//! ```

use std::iter::Peekable;

use wardkey_core::id::Hash;
use wardkey_core::name::GroupName;

use crate::error::AgentError;
use crate::store::rows::Tables;

/// Groups of sets; of somebody in several the first one counts.
pub(crate) struct Members<'t> {
    pub(crate) tables: &'t Tables,
    pub(crate) groups: Vec<(u32, &'t GroupName)>,
}

impl Members<'_> {
    /// The set by which a person is a member.
    pub(crate) fn set_of(&self, person: &Hash) -> Result<Option<u32>, AgentError> {
        for (set, group) in &self.groups {
            if self.tables.is_member(*set, group, person)? {
                return Ok(Some(*set));
            }
        }
        Ok(None)
    }

    /// All members in the order of their hashes, after one or from the first one on, each with its
    /// set.
    pub(crate) fn after(
        &self,
        after: Option<Hash>,
    ) -> Result<impl Iterator<Item = Result<(Hash, u32), AgentError>> + use<>, AgentError> {
        let mut sources = Vec::with_capacity(self.groups.len());
        for (set, group) in &self.groups {
            let people = self.tables.members_after(*set, group, after.as_ref())?;
            sources.push((*set, people.peekable()));
        }
        Ok(std::iter::from_fn(move || next_of(&mut sources)))
    }
}

/// The next person of all sources, which leaves every one of them.
fn next_of<I: Iterator<Item = Result<Hash, AgentError>>>(
    sources: &mut [(u32, Peekable<I>)],
) -> Option<Result<(Hash, u32), AgentError>> {
    let mut first: Option<(Hash, u32)> = None;
    for (set, people) in sources.iter_mut() {
        let next = match people.peek() {
            None => continue,
            Some(Ok(person)) => *person,
            Some(Err(_)) => return people.next().map(|error| error.map(|person| (person, *set))),
        };
        if first.is_none_or(|(least, _)| next < least) {
            first = Some((next, *set));
        }
    }

    let (person, set) = first?;
    for (_, people) in sources {
        people.next_if(|next| next.as_ref().is_ok_and(|next| *next == person));
    }
    Some(Ok((person, set)))
}
