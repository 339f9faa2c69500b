//! Who a name is, by NSS, and whether Wardkey leaves the account alone.

use nix::unistd::User;

use wardkey_settings::pam::LocalAccounts;

/// Longest name that NSS is asked for, in bytes.
const MAX_NAME: usize = 256;

/// NSS was asked, and knows no such name.
const UNKNOWN: &str = "NSS knows no such account";

/// What NSS says of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// It is an account, spelt exactly so.
    Known {
        /// Its uid.
        uid: u32,
    },
    /// It is none; why, for the record. Managed, and refused in the end.
    None(&'static str),
}

impl Account {
    /// Asks NSS.
    pub fn of(name: &str) -> Self {
        if name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
            return Self::None("the name is empty or too long for an account");
        }
        match User::from_name(name) {
            Ok(Some(user)) if user.name == name => Self::Known { uid: user.uid.as_raw() },
            Ok(Some(_)) => Self::None("NSS spells the account otherwise"),
            Ok(None) => Self::None(UNKNOWN),
            Err(_) => Self::None("NSS could not be asked"),
        }
    }

    /// Whether it is root, who needs no configuration to be let alone.
    pub fn is_root(&self) -> bool {
        matches!(self, Self::Known { uid: 0 })
    }

    /// Whether it is an account at all.
    pub fn is_known(&self) -> bool {
        self.uid().is_some()
    }

    /// Whether NSS knows nobody of this name.
    pub fn is_unknown(&self) -> bool {
        *self == Self::None(UNKNOWN)
    }

    /// Its uid, when it is an account.
    pub fn uid(&self) -> Option<u32> {
        match self {
            Self::Known { uid } => Some(*uid),
            Self::None(_) => None,
        }
    }

    /// Why it is none.
    pub const fn why_none(&self) -> Option<&'static str> {
        match self {
            Self::Known { .. } => None,
            Self::None(why) => Some(why),
        }
    }

    /// Whether Wardkey leaves the account alone because it is listed: not as root or the system's.
    pub fn is_listed(&self, name: &str, local: &LocalAccounts) -> bool {
        matches!(self, Self::Known { uid } if local.lists(*uid, name))
    }

    /// Whether Wardkey leaves the account alone.
    pub fn is_local(&self, name: &str, local: &LocalAccounts) -> bool {
        matches!(self, Self::Known { uid } if local.contains(*uid, name))
    }
}

/// The uid of a user of this system.
pub fn uid_of(name: &str) -> Option<u32> {
    Account::of(name).uid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cve_2025_11561_names_are_not_mapped() {
        assert_eq!(Account::of("root"), Account::Known { uid: 0 });
        assert!(Account::of("root").is_root());
        let local = LocalAccounts {
            uids: vec![],
            names: vec!["wardkey-nobody".into()],
            system_uid_max: 999,
        };
        assert!(Account::of("daemon").is_local("daemon", &local));
        assert!(!Account::of("daemon").is_local("daemon", &LocalAccounts::ROOT_ONLY));
        assert!(
            Account::of("daemon").is_known() && !Account::of("daemon").is_listed("daemon", &local)
        );
        let listed = LocalAccounts { names: vec!["daemon".into()], ..LocalAccounts::ROOT_ONLY };
        assert!(Account::of("daemon").is_listed("daemon", &listed));
        let long = "a".repeat(257);
        for name in
            ["", "Root", "ROOT", " root", "root ", "root\n", "0", "roo\0t", &long, "wardkey-nobody"]
        {
            assert!(matches!(Account::of(name), Account::None(_)), "{name:?}");
            assert!(!Account::of(name).is_root());
            // Listed or not: a name that is no account is never local.
            assert!(!Account::of(name).is_local(name, &local), "{name:?}");
        }
    }
}
