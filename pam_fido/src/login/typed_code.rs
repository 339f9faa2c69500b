//! What somebody typed who has no key.

use wardkey_core::code::Code;
use wardkey_core::name::LoginName;
use wardkey_core::pass::PassCode;

use crate::refusal::Refusal;

/// What asks for a colleague, also by the digit of an input method.
const COLLEAGUE: [&str; 2] = ["0", "０"];

/// What was typed in place of inserting a key.
pub struct TypedCode {
    pub what: Typed,
    /// At a shared account: for whom. None: what was typed is no name.
    pub person: Option<LoginName>,
    /// Whether the account is a shared one.
    pub shared: bool,
}

/// How somebody goes on without a key.
pub enum Typed {
    /// By this code.
    Code(PassCode),
    /// A colleague is to vouch.
    Colleague,
}

impl TypedCode {
    /// Reads it. Codes that people choose are read, and colleagues asked for, where vouching is
    /// taken; sealed ones where those are.
    ///
    /// # Errors
    /// [`Code::PassNotACode`]: nothing was tried.
    pub fn read(
        typed: &str,
        shared: bool,
        (takes_vouches, breaks_glass): (bool, bool),
    ) -> Result<Self, Refusal> {
        let typed = typed.trim();
        let (person, code) = match typed.split_once(char::is_whitespace) {
            Some((name, code)) if shared => (LoginName::new(name).ok(), code),
            _ => (None, typed),
        };
        if takes_vouches && COLLEAGUE.contains(&code.trim()) {
            return Ok(Self { what: Typed::Colleague, person, shared });
        }
        let chosen = || PassCode::read_chosen(code).filter(|_| takes_vouches);
        let sealed = || PassCode::read_sealed(code).filter(|_| breaks_glass);
        let code = PassCode::read(code)
            .or_else(chosen)
            .or_else(sealed)
            .ok_or_else(|| Refusal::new(Code::PassNotACode, "not of the shape of a code"))?;
        Ok(Self { what: Typed::Code(code), person, shared })
    }
}
