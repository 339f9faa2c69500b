//! Who tries to get in, as far as it is known.

/// What kind of person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Somebody of the directory, whoever it is: the name is not known, nor the groups.
    Person,
    /// An account that Wardkey leaves alone.
    Local,
    /// uid 0.
    Root,
}

/// Somebody for whom a stack is evaluated.
pub struct Subject<'s> {
    /// Of which kind.
    pub who: Who,
    /// The account; `None`: any person of the directory.
    pub name: Option<String>,
    /// Its uid; for persons of the directory, the least that they can have.
    pub uid: u32,
    /// Whether the account, or any person of the directory, is in a group. `None`: it cannot be
    /// told.
    pub in_group: &'s dyn Fn(&str) -> Option<bool>,
    /// Whether a name can be that of a person of the directory.
    pub can_be_person: &'s dyn Fn(&str) -> bool,
}

impl Subject<'_> {
    /// Whether the account has this name. `None`: some have, others have not.
    pub(crate) fn is_named(&self, name: &str) -> Option<bool> {
        match &self.name {
            Some(own) => Some(own == name),
            None if (self.can_be_person)(name) => None,
            None => Some(false),
        }
    }
}
