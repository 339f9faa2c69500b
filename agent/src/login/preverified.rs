//! The agent verifies its own evidence while the security key is busy with the PIN, so that less is
//! left to do after the touch.

use wardkey_core::code::Denial;
use wardkey_core::marks::Marks;
use wardkey_core::name::LoginName;
use wardkey_core::snapshot::{Anchor, Evidence, Snapshot};

use crate::agent::Agent;

/// A verified snapshot with all its inputs. It replaces a verification of exactly the same inputs.
#[derive(Debug)]
pub struct Preverified {
    evidence: Evidence,
    anchor: Anchor,
    marks: Marks,
    person: LoginName,
    snapshot: Snapshot,
}

impl Preverified {
    /// Verifies what the agent holds about a person; `None` when it does not verify.
    pub fn of(agent: &Agent, person: &LoginName) -> Option<Self> {
        let (evidence, anchor, marks) =
            (agent.directory.evidence(person).ok()??, agent.anchor()?, agent.marks());
        let snapshot = Snapshot::verify(&evidence, &anchor, &marks, person).ok()?;
        Some(Self { evidence, anchor, marks, person: person.clone(), snapshot })
    }

    /// As [`Snapshot::verify`]; when `preverified` has the same inputs, a comparison is enough.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn or_verify(
        preverified: Option<Self>,
        evidence: &Evidence,
        anchor: &Anchor,
        marks: &Marks,
        person: &LoginName,
    ) -> Result<Snapshot, Denial> {
        match preverified {
            Some(preverified)
                if preverified.evidence == *evidence
                    && preverified.anchor == *anchor
                    && preverified.marks == *marks
                    && preverified.person == *person =>
            {
                Ok(preverified.snapshot)
            }
            _ => Snapshot::verify(evidence, anchor, marks, person),
        }
    }
}
