//! What each role may do: one matrix of acts and roles, which docs/ROLES.md shows, and where a role
//! may do it.

use std::collections::BTreeSet;

use wardkey_core::code::Code;
use wardkey_core::name::ScopeName;
use wardkey_core::texts;

use crate::error::{Error, Result};
pub use crate::store::api_key::Role;

/// Whether an act changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It shows.
    Reads,
    /// It changes.
    Changes,
}

/// Makes the enum of acts, and the matrix, of one line for each act.
macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $kind:ident by $($role:ident)+;)*) => {
        /// What administrators do, as far as roles tell it apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Act {
            $($(#[$doc])* $name,)*
        }

        impl Act {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// Whether it changes anything.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind),* }
            }

            /// The roles that may.
            pub const fn roles(self) -> &'static [Role] {
                match self { $(Self::$name => &[$(Role::$role),+]),* }
            }
        }
    };
}

acts! {
    /// The description of the interface.
    Describe = "describe", Reads by Owner SiteAdministrator HelpDesk Approver Auditor;
    /// People and their keys.
    ReadPeople = "people.read", Reads by Owner SiteAdministrator HelpDesk Approver Auditor;
    /// Adds people, and changes what is said of them.
    WritePeople = "people.write", Changes by Owner SiteAdministrator;
    /// Switches people off.
    DisablePeople = "people.disable", Changes by Owner SiteAdministrator HelpDesk;
    /// Switches people on again.
    EnablePeople = "people.enable", Changes by Owner SiteAdministrator;
    /// Keys.
    ReadKeys = "keys.read", Reads by Owner SiteAdministrator HelpDesk Approver Auditor;
    /// Switches keys off: one that is lost must not wait.
    DisableKeys = "keys.disable", Changes by Owner SiteAdministrator HelpDesk;
    /// Switches keys on again.
    EnableKeys = "keys.enable", Changes by Owner SiteAdministrator;
    /// Enrollment codes, without what is typed.
    ReadCodes = "codes.read", Reads by Owner SiteAdministrator HelpDesk Approver Auditor;
    /// Makes enrollment codes.
    IssueCodes = "codes.issue", Changes by Owner SiteAdministrator HelpDesk;
    /// Withdraws enrollment codes.
    WithdrawCodes = "codes.withdraw", Changes by Owner SiteAdministrator HelpDesk;
    /// Passes, without what is typed.
    ReadPasses = "passes.read", Reads by Owner SiteAdministrator HelpDesk Approver Auditor;
    /// Issues passes.
    IssuePasses = "passes.issue", Changes by Owner SiteAdministrator HelpDesk;
    /// Ends passes.
    EndPasses = "passes.end", Changes by Owner SiteAdministrator HelpDesk;
    /// Terminals.
    ReadTerminals = "terminals.read", Reads by Owner SiteAdministrator HelpDesk Approver Auditor;
    /// Approves terminals that joined by a token for several.
    ApproveTerminals = "terminals.approve", Changes by Owner SiteAdministrator Approver;
    /// Revokes terminals.
    DisableTerminals = "terminals.disable", Changes by Owner SiteAdministrator;
    /// Who is signed in at which terminal.
    ReadSessions = "sessions.read", Reads by Owner SiteAdministrator HelpDesk Auditor;
    /// Scopes and their rules.
    ReadScopes = "scopes.read", Reads by Owner SiteAdministrator HelpDesk Approver Auditor;
    /// Records of terminals.
    ReadEvents = "events.read", Reads by Owner SiteAdministrator HelpDesk Auditor;
    /// The trail of administration.
    ReadTrail = "audit.read", Reads by Owner Auditor;
    /// Reports: how often what happened, and what there is.
    ReadReports = "reports.read", Reads by Owner SiteAdministrator Auditor;
    /// The server itself.
    ReadStatus = "status.read", Reads by Owner Auditor;
}

impl Act {
    /// Whether it can let somebody in: whoever has it could become anybody whom it is done to.
    pub const fn lets_in(self) -> bool {
        match self {
            Self::WritePeople
            | Self::EnablePeople
            | Self::EnableKeys
            | Self::IssueCodes
            | Self::IssuePasses => true,
            Self::Describe
            | Self::ReadPeople
            | Self::DisablePeople
            | Self::ReadKeys
            | Self::DisableKeys
            | Self::ReadCodes
            | Self::WithdrawCodes
            | Self::ReadPasses
            | Self::EndPasses
            | Self::ReadTerminals
            | Self::ApproveTerminals
            | Self::DisableTerminals
            | Self::ReadSessions
            | Self::ReadScopes
            | Self::ReadEvents
            | Self::ReadTrail
            | Self::ReadReports
            | Self::ReadStatus => false,
        }
    }
}

/// What somebody may do, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    role: Role,
    /// Every scope without.
    scopes: Option<BTreeSet<ScopeName>>,
}

impl Grant {
    /// Of a role, for these scopes; without any list, for all there are.
    ///
    /// # Errors
    /// [`Code::RoleNeedsScopes`] for a role that is one of certain scopes.
    pub fn new(role: Role, scopes: Option<BTreeSet<ScopeName>>) -> Result<Self> {
        if role == Role::SiteAdministrator && scopes.is_none() {
            let args = vec![("role", role.as_str().into())];
            let message = texts::phrase(Code::RoleNeedsScopes, args);
            return Err(Error::refused(Code::RoleNeedsScopes, message));
        }
        Ok(Self { role, scopes })
    }

    /// The role.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The scopes that it is for; all of them without.
    pub const fn scopes(&self) -> Option<&BTreeSet<ScopeName>> {
        self.scopes.as_ref()
    }

    /// Whether it is for every scope.
    pub fn is_everywhere(&self) -> bool {
        self.scopes.is_none()
    }

    /// Whether it is that of an owner of the whole deployment.
    pub fn is_whole(&self) -> bool {
        self.role == Role::Owner && self.is_everywhere()
    }

    /// Whether the role has an act.
    pub fn has(&self, act: Act) -> bool {
        act.roles().contains(&self.role)
    }

    /// Whether it is for this scope.
    pub fn covers(&self, scope: &str) -> bool {
        let Some(own) = &self.scopes else { return true };
        own.iter().any(|own| own.as_str() == scope)
    }

    /// Whether something of these scopes is to be seen: one of them is enough. What is of no scope
    /// is seen by those who see everything.
    pub fn sees<S: AsRef<str>>(&self, scopes: impl IntoIterator<Item = S>) -> bool {
        self.is_everywhere() || scopes.into_iter().any(|scope| self.covers(scope.as_ref()))
    }

    /// Whether something of these scopes can be changed: it must be for all of them.
    pub fn rules<S: AsRef<str>>(&self, scopes: impl IntoIterator<Item = S>) -> bool {
        if self.is_everywhere() {
            return true;
        }
        let mut scopes = scopes.into_iter().peekable();
        scopes.peek().is_some() && scopes.all(|scope| self.covers(scope.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::scope;

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ROLES.md");

    /// The matrix as a table.
    fn table() -> String {
        let mut table = String::from("| act |");
        Role::ALL.iter().for_each(|role| table.push_str(&format!(" {} |", role.as_str())));
        table.push_str("\n|---|");
        Role::ALL.iter().for_each(|_| table.push_str("---|"));
        for act in Act::ALL {
            table.push_str(&format!("\n| `{}` |", act.as_str()));
            for role in Role::ALL {
                table.push_str(if act.roles().contains(&role) { " yes |" } else { " |" });
            }
        }
        table.push('\n');
        table
    }

    /// `UPDATE_DOCS=1` writes the table anew.
    #[test]
    fn the_table_in_the_documents_is_the_matrix() {
        let document = std::fs::read_to_string(DOCUMENT).unwrap();
        let begins = document.find("| act |").unwrap();
        let after = document[begins..].find("\n\n").map_or(document.len(), |end| begins + end + 1);
        let wanted = format!("{}{}{}", &document[..begins], table(), &document[after..]);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(DOCUMENT, wanted).unwrap();
        } else {
            assert_eq!(document, wanted, "UPDATE_DOCS=1 writes docs/ROLES.md anew");
        }
    }

    #[test]
    fn the_owner_has_every_act_and_the_auditor_none_that_changes() {
        for act in Act::ALL {
            assert!(act.roles().contains(&Role::Owner), "{act:?}");
            let audits = act.roles().contains(&Role::Auditor);
            assert_eq!(audits, act.kind() == Kind::Reads, "{act:?}");
        }
    }

    #[test]
    fn what_lies_in_part_elsewhere_is_seen_and_not_ruled() {
        let of = |names: &[&str]| {
            let scopes = names.iter().map(|name| scope(name)).collect();
            Grant::new(Role::HelpDesk, Some(scopes)).unwrap()
        };
        let icu = of(&["icu"]);
        for (scopes, sees, rules) in [
            (&["icu"][..], true, true),
            (&["icu", "er"], true, false),
            (&["er"], false, false),
            (&[], false, false),
        ] {
            assert_eq!((icu.sees(scopes), icu.rules(scopes)), (sees, rules), "{scopes:?}");
            // A list of none is none, and not all.
            assert!(!of(&[]).sees(scopes) && !of(&[]).rules(scopes));
            let everywhere = Grant::new(Role::HelpDesk, None).unwrap();
            assert!(everywhere.sees(scopes) && everywhere.rules(scopes));
        }
        assert!(of(&["icu", "er"]).rules(["er", "icu"]));
        let unbound = Grant::new(Role::SiteAdministrator, None);
        assert_eq!(unbound.unwrap_err().code(), Code::RoleNeedsScopes);
    }
}
