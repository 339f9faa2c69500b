//! The name that was typed.

use wardkey_core::name::LoginName;

/// The name that was typed, as this machine knows it. A name without an account is carried like any
/// other to the end of the login and refused there, with the same words as a wrong key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedName {
    /// An account here, whose name somebody of the directory may have.
    Account(LoginName),
    /// A login name that no account here has: why.
    NoAccount(LoginName, &'static str),
    /// An account here, by a name that nobody of the directory can have: capital letters, a domain.
    Foreign,
    /// Neither.
    Nothing(&'static str),
    /// Nobody has said a name yet: a key is to say it.
    NotYet,
}

impl TypedName {
    /// Sorts a name by what this machine says of it: `no_account` says why it has none.
    pub fn of(typed: &str, no_account: Option<&'static str>) -> Self {
        match (LoginName::new(typed).ok(), no_account) {
            (Some(name), None) => Self::Account(name),
            (Some(name), Some(why)) => Self::NoAccount(name, why),
            (None, None) => Self::Foreign,
            (None, Some(why)) => Self::Nothing(why),
        }
    }

    /// The name that the agent is asked for; none when it cannot be a login name.
    pub const fn login_name(&self) -> Option<&LoginName> {
        match self {
            Self::Account(name) | Self::NoAccount(name, _) => Some(name),
            Self::Foreign | Self::Nothing(_) | Self::NotYet => None,
        }
    }

    /// Why there is no such account here.
    pub const fn why_no_account(&self) -> Option<&'static str> {
        match self {
            Self::NoAccount(_, why) | Self::Nothing(why) => Some(why),
            // No login goes by it.
            Self::NotYet => Some("not said yet"),
            Self::Account(_) | Self::Foreign => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_sorted_by_its_form_and_by_its_account() {
        let name = LoginName::new("hanako").unwrap();
        for (typed, why, expected) in [
            ("hanako", None, TypedName::Account(name.clone())),
            ("hanako", Some("none"), TypedName::NoAccount(name, "none")),
            ("WARD\\hanako", None, TypedName::Foreign),
            ("WARD\\hanako", Some("none"), TypedName::Nothing("none")),
        ] {
            let sorted = TypedName::of(typed, why);
            assert_eq!(sorted, expected);
            assert_eq!(
                (sorted.login_name().is_some(), sorted.why_no_account()),
                (!typed.contains('D'), why)
            );
        }
    }
}
