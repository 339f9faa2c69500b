//! What somebody typed who has no key.

use wardkey_core::code::Code;
use wardkey_core::name::LoginName;
use wardkey_core::pass::PassCode;

use crate::refusal::Refusal;

/// What was typed in place of inserting a key.
pub struct TypedCode {
    pub code: PassCode,
    /// At a shared account: for whom. None: what was typed is no name.
    pub person: Option<LoginName>,
}

impl TypedCode {
    /// Reads it.
    ///
    /// # Errors
    /// [`Code::PassNotACode`]: nothing was tried.
    pub fn read(typed: &str, shared: bool) -> Result<Self, Refusal> {
        let typed = typed.trim();
        let (person, code) = match typed.split_once(char::is_whitespace) {
            Some((name, code)) if shared => (LoginName::new(name).ok(), code),
            _ => (None, typed),
        };
        let code = PassCode::read(code)
            .ok_or_else(|| Refusal::new(Code::PassNotACode, "not of the shape of a code"))?;
        Ok(Self { code, person })
    }
}
