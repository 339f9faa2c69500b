//! Who logs in: PAM_USER where the application says it; else whoever's key is plugged in, by its
//! proof; else the name is asked for.
//!
//! PAM_USER is set only where it was empty: by libpam when somebody types a name, by this module
//! when the login of the name that a key proved has succeeded.

use std::ffi::CString;

use pam::constants::{PAM_SILENT, PamFlag};
use pam::items::User;
use pam::module::PamHandle;
use wardkey_core::code::{Code, Prompt};
use wardkey_core::name::LoginName;
use wardkey_core::texts;

use crate::ffi;
use crate::journal::{Journal, Syslog};
use crate::login::{WhoseKey, whose_key};
use crate::options::Options;
use crate::parts::{Asked, Parts, Typed, Who};
use crate::refusal::Refusal;
use crate::talk::PamTalk;
use crate::typed_name::TypedName;

/// Times that a key is looked for: each but the first after Enter in place of a name.
const MAX_LOOKS: usize = 16;

/// Who logs in.
pub enum Named {
    /// What the application or the person says.
    ByName(Typed),
    /// What a key says; PAM_USER is empty still.
    ByKey(Typed, Box<Parts>),
}

/// Finds out who logs in.
///
/// # Errors
/// [`Code::Cancelled`] when nobody says it.
pub fn who_logs_in(
    pamh: &mut PamHandle,
    options: &Options,
    flags: PamFlag,
) -> Result<Named, Refusal> {
    for _ in 0..MAX_LOOKS {
        if is_said(pamh) {
            break;
        }
        let Some(without_name) = parts_of(pamh, options, None) else { break };
        if !without_name.settings.name_by_key {
            break;
        }
        let silent = flags & PAM_SILENT != 0;
        match look(pamh, options, &without_name, silent) {
            WhoseKey::Of(person) => {
                if let Some(parts) = own_account(pamh, options, &person) {
                    let user = Typed { name: person.as_str().to_owned(), is_text: true };
                    return Ok(Named::ByKey(user, parts));
                }
                break;
            }
            WhoseKey::NotHere(why) => {
                let syslog = Syslog::new(pamh, options.debug);
                syslog.debug(&format!("the name is asked for: {why}"));
                break;
            }
            WhoseKey::NotTold => {
                // An empty name would be taken for the answer.
                ffi::forget_user(pamh);
                let language = without_name.settings.language;
                let prompt = texts::message(Prompt::NamePrompt, language, &[]);
                let user = Typed::ask_with(pamh, Some(&prompt))?;
                if !user.is_text || !user.name.is_empty() {
                    return Ok(Named::ByName(user));
                }
            }
        }
    }
    Typed::ask(pamh).map(Named::ByName)
}

/// Sets PAM_USER to the person whose login by a key has succeeded.
///
/// # Errors
/// [`Code::Internal`]: the application has set another one meanwhile, or libpam does not take it.
pub fn set_user(pamh: &mut PamHandle, user: &Typed) -> Result<(), Refusal> {
    if is_said(pamh) {
        return Err(Refusal::new(Code::Internal, "PAM_USER was set during the login"));
    }
    let internal = |error: &dyn std::fmt::Display| Refusal::new(Code::Internal, error);
    let name = CString::new(user.name.as_str()).map_err(|error| internal(&error))?;
    pamh.set_item_str(User(&name)).map_err(|_| internal(&"libpam does not take PAM_USER"))
}

/// Whether PAM_USER is anything but empty.
fn is_said(pamh: &PamHandle) -> bool {
    // What cannot be read is not empty.
    pamh.get_item::<User<'_>>().map_or(true, |user| user.is_some_and(|user| !user.0.is_empty()))
}

/// What a login of this name needs, or of nobody yet. None: it is left to the usual way, which says
/// why.
fn parts_of(pamh: &PamHandle, options: &Options, name: Option<&LoginName>) -> Option<Box<Parts>> {
    let syslog = Syslog::new(pamh, options.debug);
    let user = Typed { name: name.map_or("", LoginName::as_str).to_owned(), is_text: true };
    match Parts::read(pamh, Asked::Login, options, &user, &syslog) {
        Ok(Who::Managed(mut parts)) => {
            if name.is_none() {
                parts.login.name = TypedName::NotYet;
            }
            Some(parts)
        }
        Ok(Who::Local { .. }) | Err(_) => None,
    }
}

fn look(pamh: &PamHandle, options: &Options, parts: &Parts, silent: bool) -> WhoseKey {
    let syslog = Syslog::new(pamh, options.debug);
    let mut talk = PamTalk::new(pamh, silent);
    parts
        .with_world(&syslog, &mut talk, whose_key)
        .unwrap_or_else(|refusal| WhoseKey::NotHere(refusal.detail))
}

/// What the login of the person's own account needs, where there is one here that is not left
/// alone: a key never leads to an account that is let in without one.
fn own_account(pamh: &PamHandle, options: &Options, person: &LoginName) -> Option<Box<Parts>> {
    let mut parts = parts_of(pamh, options, Some(person))?;
    if !matches!(&parts.login.name, TypedName::Account(name) if name == person) {
        return None;
    }
    parts.login.by_key = true;
    Some(parts)
}
