//! Whose turn it is in the password phase, for which libpam comes twice: first whether it can be
//! done, then to have it done.
//!
//! What the first call answered decides for libpam which modules it asks in the second one,
//! whatever is answered then. So the second call does what the first has said, or nothing: between
//! the two, name services and the configuration may have changed.

use pam::constants::PamResultCode;
use pam::items::User;
use pam::module::PamHandle;
use wardkey_core::code::Code;

use crate::ffi;
use crate::refusal::Refusal;

/// Under this name the handle keeps it. Another version of the module keeps its own.
const TURN: &str = concat!("wardkey.turn.", env!("CARGO_PKG_VERSION"));

/// What the password phase does with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// An account that is left alone: the modules after this one go on.
    LeaveAlone,
    /// NSS knows nobody of this name: the guards after this one refuse.
    UnknownAccount,
    /// A key's, and nothing is to be done about its PIN.
    NotDue,
    /// A key's, whose PIN is to be changed.
    ChangePin,
}

/// Whose turn it is for which PAM_USER. It says nothing of other phases of the handle, and they
/// say nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    user: String,
    /// None: nothing has been said yet, or it holds no longer.
    handling: Option<Handling>,
}

impl Turn {
    /// Nothing has been said.
    pub const UNSAID: Self = Self { user: String::new(), handling: None };

    /// Of this PAM_USER.
    pub const fn of(user: String, handling: Handling) -> Self {
        Self { user, handling: Some(handling) }
    }

    /// Keeps it in the handle.
    pub fn keep(self, pamh: &mut PamHandle) {
        // Without it the second call and the line after this one refuse.
        let _ = pamh.set_data(TURN, Box::new(self));
    }

    /// What the handle keeps.
    pub fn said(pamh: &PamHandle) -> Self {
        ffi::data::<Self>(pamh, TURN).cloned().unwrap_or(Self::UNSAID)
    }

    /// The second call goes on as the first has said.
    ///
    /// # Errors
    /// The first has said something else, or nothing: nothing is asked of anybody, and no key.
    pub fn goes_on_as(&self, first: &Self) -> Result<(), Refusal> {
        if self.handling.is_some() && self == first {
            return Ok(());
        }
        let (was, is) = (first.handling, self.handling);
        Err(Refusal::new(Code::Internal, format!("the account was {was:?} and is {is:?}")))
    }

    /// Whether this PAM_USER is left alone.
    fn leaves_alone(&self, user: &str) -> bool {
        self.handling == Some(Handling::LeaveAlone) && self.user == user
    }
}

/// The line with "local" in this phase; see [`crate::last::second_line`].
pub fn second_line(pamh: &PamHandle) -> PamResultCode {
    let user = pamh.get_item::<User<'_>>().ok().flatten().and_then(|user| user.0.to_str().ok());
    match user {
        Some(user) if Turn::said(pamh).leaves_alone(user) => PamResultCode::PAM_SUCCESS,
        _ => PamResultCode::PAM_AUTH_ERR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Turn> {
        let each =
            [Handling::LeaveAlone, Handling::UnknownAccount, Handling::NotDue, Handling::ChangePin];
        let of = |user: &str| each.map(|handling| Turn::of(user.to_owned(), handling));
        let mut all = vec![Turn::UNSAID];
        all.extend(of("hanako"));
        all.extend(of("taro"));
        all
    }

    #[test]
    fn the_second_call_does_what_the_first_has_said_or_nothing() {
        for (number, first) in all().iter().enumerate() {
            for (other, second) in all().iter().enumerate() {
                let goes_on = second.goes_on_as(first);
                // Unsaid is nothing to go on by, not even twice.
                let expected = number == other && number != 0;
                assert_eq!(goes_on.is_ok(), expected, "{first:?} {second:?}");
                if let Err(refusal) = goes_on {
                    assert_eq!(refusal.password(), PamResultCode::PAM_AUTHTOK_ERR);
                }
            }
        }
    }

    #[test]
    fn the_line_after_it_goes_by_what_was_said_of_this_very_account() {
        for turn in all() {
            let theirs = turn == Turn::of("hanako".to_owned(), Handling::LeaveAlone);
            assert_eq!(turn.leaves_alone("hanako"), theirs, "{turn:?}");
            assert!(!turn.leaves_alone("") && !turn.leaves_alone("Hanako"));
        }
    }
}
