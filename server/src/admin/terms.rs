//! On which terms something stands in for a key: a pass, a sealed code, a key on loan. Whoever
//! gives it says why and is named; every scope of the person has to allow it for so long.

use std::collections::BTreeSet;

use wardkey_core::name::{DisplayText, LoginName, ScopeName, printable};
use wardkey_core::policy::document::PolicyDocument;

use super::Operation;
use crate::error::{Error, Result};
use crate::texts::Text;

/// What policies say of one of them, and what is said when they do not allow it.
pub(super) struct Terms {
    /// The longest that a policy allows, in seconds; none: not at all.
    pub longest: fn(&PolicyDocument) -> Option<u64>,
    /// `scope` allows none.
    pub none: Text,
    /// `scope` allows it for `count` units at most.
    pub too_long: Text,
    /// Seconds of a unit.
    pub unit: u64,
}

impl Terms {
    /// Whether all of these policies, those of the person's scopes, allow it for so long.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn allow(&self, policies: &[PolicyDocument], seconds: u64) -> Result<()> {
        for policy in policies {
            let scope = policy.scope.as_str().into();
            match (self.longest)(policy) {
                None => return Err(Error::invalid(self.none.with([("scope", scope)]))),
                Some(longest) if seconds > longest => {
                    let args = [("scope", scope), ("count", (longest / self.unit).into())];
                    return Err(Error::invalid(self.too_long.with(args)));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Why it is given, for the record of each use.
///
/// # Errors
/// [`Error::Usage`] with `missing`, without a reason.
pub(super) fn reason(op: &Operation<'_>, missing: Text) -> Result<DisplayText> {
    let reason = op.reason.map(|reason| printable(reason.trim(), 100)).unwrap_or_default();
    DisplayText::new(reason).map_err(|_| Error::usage(missing))
}

/// Who gives it.
///
/// # Errors
/// [`Error::Damaged`].
pub(super) fn giver(op: &Operation<'_>) -> Result<DisplayText> {
    DisplayText::new(printable(&op.actor.to_string(), 100)).map_err(Error::damaged)
}

/// The scope of the person at whose terminals it is valid: the one that was said, or the only one.
///
/// # Errors
/// [`Error::Refused`] for one of others; [`Error::Usage`] with `unsaid` where there are several.
pub(super) fn scope_of(
    scopes: &BTreeSet<ScopeName>,
    login: &LoginName,
    said: Option<&ScopeName>,
    unsaid: Text,
) -> Result<ScopeName> {
    let name = || ("name", login.as_str().into());
    match said {
        Some(scope) if scopes.contains(scope) => Ok(scope.clone()),
        Some(scope) => {
            let args = [name(), ("scope", scope.as_str().into())];
            Err(Error::invalid(Text::PassNotIn.with(args)))
        }
        None => match (scopes.first(), scopes.len()) {
            (Some(only), 1) => Ok(only.clone()),
            _ => Err(Error::usage(unsaid.with([name()]))),
        },
    }
}
