//! Whether terminals hear of what was just stored. Somebody who disables a stolen key has to know
//! when nobody was told.

use std::collections::BTreeSet;

use wardkey_core::name::ScopeName;

use crate::error::Result;
use crate::store::{Tx, scope};

/// Which terminals have to hear of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// None: it takes nothing away.
    #[default]
    Nobody,
    /// Terminals, whatever becomes of their scopes.
    Terminals,
    /// Terminals of these scopes.
    TerminalsOf(BTreeSet<ScopeName>),
}

/// Why no terminal hears of a change now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// The server does not run.
    ServerStopped,
    /// This scope is halted.
    ScopeHalted(ScopeName),
}

/// What keeps a change from terminals, if anything; `running` says whether the server runs.
pub async fn unheard(tx: &mut Tx, reach: &Reach, running: bool) -> Result<Option<Unheard>> {
    if *reach == Reach::Nobody {
        return Ok(None);
    }

    if !running {
        return Ok(Some(Unheard::ServerStopped));
    }

    let Reach::TerminalsOf(scopes) = reach else { return Ok(None) };
    let halted = scope::list(tx)
        .await?
        .into_iter()
        .find(|row| scopes.contains(&row.name) && row.halted.is_some());
    Ok(halted.map(|row| Unheard::ScopeHalted(row.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::Deployment;

    #[tokio::test]
    async fn a_stopped_server_and_a_halted_scope_keep_a_change_from_terminals() {
        let deployment = Deployment::new().await;
        let mut tx = deployment.store.write().await.unwrap();
        let (icu, er) = (ScopeName::new("icu").unwrap(), ScopeName::new("er").unwrap());
        scope::halt(&mut tx, &icu, "restored").await.unwrap();
        let of = |scope: &ScopeName| Reach::TerminalsOf([scope.clone()].into());
        for (reach, running, expected) in [
            (Reach::Nobody, false, None),
            (Reach::Terminals, false, Some(Unheard::ServerStopped)),
            (Reach::Terminals, true, None),
            (of(&icu), false, Some(Unheard::ServerStopped)),
            (of(&icu), true, Some(Unheard::ScopeHalted(icu.clone()))),
            (of(&er), true, None),
        ] {
            assert_eq!(
                unheard(&mut tx, &reach, running).await.unwrap(),
                expected,
                "{reach:?}, {running}"
            );
        }
    }
}
