//! What an administrator says about a person.

use std::collections::BTreeSet;

use wardkey_core::name::{DisplayText, GroupName, Language, LatinName, LoginName, ScopeName};
use wardkey_core::time::UnixTime;

use crate::error::{Error, Result};
use crate::texts::{Phrase, Text};

/// Scopes that one person may be in: more than a site has wards, few enough that a change is quick.
pub const MAX_PERSON_SCOPES: usize = 64;

/// What an administrator says about a person.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Login name.
    pub login: LoginName,
    /// The person's name.
    pub display_name: DisplayText,
    /// The name in Latin letters, for consoles.
    pub latin_name: Option<LatinName>,
    /// Language of the person's messages.
    pub language: Language,
    /// Not valid before this.
    pub not_before: Option<UnixTime>,
    /// Not valid from this on.
    pub not_after: Option<UnixTime>,
    /// Groups.
    pub groups: BTreeSet<GroupName>,
    /// Scopes.
    pub scopes: BTreeSet<ScopeName>,
}

impl Profile {
    /// The login name, for a sentence.
    pub fn name(&self) -> Phrase {
        self.login.as_str().into()
    }

    /// Checks what the types do not.
    ///
    /// # Errors
    /// [`Error::Refused`] for too many groups or scopes, or a validity that ends before it begins.
    pub fn check(&self) -> Result<()> {
        if self.groups.len() > wardkey_core::person::MAX_GROUPS {
            return Err(Error::invalid(Text::PersonGroups.with([("name", self.name())])));
        }
        if self.scopes.len() > MAX_PERSON_SCOPES {
            let count = Phrase::from(MAX_PERSON_SCOPES as u64);
            return Err(Error::invalid(
                Text::PersonScopes.with([("name", self.name()), ("count", count)]),
            ));
        }
        match (self.not_before, self.not_after) {
            (Some(from), Some(until)) if until <= from => {
                Err(Error::invalid(Text::PersonDates.with([("name", self.name())])))
            }
            _ => Ok(()),
        }
    }
}
