//! Whether terminals hear of what was just stored. Somebody who disables a stolen key has to know when
//! nobody was told.

use std::collections::BTreeSet;

use wardkey_core::code::Code;
use wardkey_core::name::ScopeName;
use wardkey_core::texts;

use super::Context;
use super::value::language;
use crate::error::{Error, Result};
use crate::serve;
use crate::store::scope;

/// After a change that takes something away: nothing is said when connected terminals hear of it.
///
/// # Errors
/// [`Error::NotHeard`] when the server does not run.
pub fn by_terminals(context: &Context) -> Result<()> {
    if serve::is_running(&context.config.store) {
        return Ok(());
    }
    Err(not_heard(Code::StoredServerStopped, &[]))
}

/// The same, for what terminals of these scopes have to hear.
///
/// # Errors
/// [`Error::NotHeard`] also when one of the scopes is halted.
pub async fn by_terminals_of(context: &Context, scopes: &BTreeSet<ScopeName>) -> Result<()> {
    by_terminals(context)?;
    let all = scope::list(&mut *context.store.read().await?).await?;
    let halted = |scope: &&scope::Scope| scopes.contains(&scope.name) && scope.halted.is_some();
    match all.iter().find(halted) {
        Some(halted) => Err(not_heard(Code::StoredScopeHalted, &[("value", halted.name.as_str())])),
        None => Ok(()),
    }
}

fn not_heard(code: Code, args: &[(&str, &str)]) -> Error {
    Error::NotHeard { code, message: texts::with_code(code, language(), args) }
}
