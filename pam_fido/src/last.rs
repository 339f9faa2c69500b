//! How the last authentication of a handle ended, for the phases and lines after it.

use pam::constants::PamResultCode;
use pam::items::User;
use pam::module::PamHandle;

use crate::ffi;
use crate::login::Admitted;

/// Under this name the handle keeps how the last authentication ended. Another version of the
/// module keeps its own, as the type may differ.
const LAST: &str = concat!("wardkey.last.", env!("CARGO_PKG_VERSION"));

/// How the last authentication of a handle ended.
pub enum Last {
    /// In a refusal, or not at all.
    Refused,
    /// This PAM_USER was let in.
    Admitted(String, Admitted),
    /// This PAM_USER is left alone: the next modules decide.
    Local(String),
}

impl Last {
    /// Keeps it in the handle.
    pub fn keep(self, pamh: &mut PamHandle) {
        // Without it the account phase evaluates anew, and a second line does not know of the
        // first: slower and stricter, no weaker.
        let _ = pamh.set_data(LAST, Box::new(self));
    }

    /// What the handle keeps.
    pub fn of(pamh: &PamHandle) -> &Self {
        ffi::data::<Self>(pamh, LAST).unwrap_or(&Self::Refused)
    }

    /// Whether this PAM_USER was let in.
    pub fn admitted(&self, user: &str) -> bool {
        self.login(user).is_some()
    }

    /// The login of this PAM_USER.
    pub fn login(&self, user: &str) -> Option<&Admitted> {
        match self {
            Self::Admitted(name, admitted) if name == user => Some(admitted),
            _ => None,
        }
    }

    /// Whether this PAM_USER is left alone.
    pub fn left_alone(&self, user: &str) -> bool {
        matches!(self, Self::Local(name) if name == user)
    }
}

/// The line with "local": asks nothing, decides nothing, and only says that the line before it left
/// this very account alone. pam-auth-update can write one jump a line; this is the second.
pub fn second_line(pamh: &mut PamHandle) -> PamResultCode {
    let user = pamh.get_item::<User<'_>>().ok().flatten().and_then(|user| user.0.to_str().ok());
    match user {
        Some(user) if Last::of(pamh).left_alone(user) => PamResultCode::PAM_SUCCESS,
        _ => PamResultCode::PAM_AUTH_ERR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_last_authentication_said_holds_for_its_account_only() {
        let admitted = Admitted {
            person: wardkey_testkit::login("hanako"),
            key: Some(wardkey_core::id::Hash::new([1; 32])),
            login: wardkey_core::id::EventId::new([2; 16]),
        };
        let in_ = Last::Admitted("hanako".into(), admitted);
        let local = Last::Local("admin".into());
        assert!(in_.admitted("hanako") && !in_.admitted("taro") && !in_.left_alone("hanako"));
        assert!(
            local.left_alone("admin") && !local.left_alone("hanako") && !local.admitted("admin")
        );
        assert!(!Last::Refused.admitted("hanako") && !Last::Refused.left_alone(""));
    }
}
