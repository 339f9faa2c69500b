//! What can be verified before the person touches the key: the agent's own evidence, while the security
//! key is busy with the PIN.

use wardkey_core::code::Denial;
use wardkey_core::marks::Marks;
use wardkey_core::name::LoginName;
use wardkey_core::snapshot::{Anchor, Evidence, Snapshot};

use crate::agent::Agent;

/// A snapshot, and all that it was made of: it stands for a verification of the same, and of nothing else.
#[derive(Debug)]
pub struct Ahead {
    evidence: Evidence,
    anchor: Anchor,
    marks: Marks,
    person: LoginName,
    snapshot: Snapshot,
}

impl Ahead {
    /// Verifies what the agent holds about a person now; `None` when there is nothing that holds.
    pub fn of(agent: &Agent, person: &LoginName) -> Option<Self> {
        let (evidence, anchor, marks) = (agent.directory.evidence(person).ok()??, agent.anchor()?, agent.marks());
        let snapshot = Snapshot::verify(&evidence, &anchor, &marks, person).ok()?;
        Some(Self { evidence, anchor, marks, person: person.clone(), snapshot })
    }

    /// [`Snapshot::verify`], which needs no more than a comparison when `ahead` verified the same.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn or_verify(
        ahead: Option<Self>,
        evidence: &Evidence,
        anchor: &Anchor,
        marks: &Marks,
        person: &LoginName,
    ) -> Result<Snapshot, Denial> {
        match ahead {
            Some(ahead)
                if ahead.evidence == *evidence
                    && ahead.anchor == *anchor
                    && ahead.marks == *marks
                    && ahead.person == *person =>
            {
                Ok(ahead.snapshot)
            }
            _ => Snapshot::verify(evidence, anchor, marks, person),
        }
    }
}
