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
use crate::talk::{PamTalk, is_named};
use crate::typed_name::TypedName;

/// Times that a key is looked for: each but the first after Enter in place of a name.
const MAX_LOOKS: usize = 16;

/// Who logs in.
pub enum Named<P = Box<Parts>> {
    /// What the application or the person says.
    ByName(Typed),
    /// What a key says; PAM_USER is empty still.
    ByKey(Typed, P),
}

/// What a look for a key brought.
enum Look<P> {
    /// None is looked for here.
    None,
    /// A key says who it is.
    Of(Typed, P),
    /// No key says it: the name is asked for by this question, and Enter looks again.
    Ask(String),
    /// Another look would bring nothing either.
    Over,
}

/// The application, as far as it knows who logs in, and the keys.
trait Names<P> {
    /// Whether PAM_USER is anything but empty.
    fn is_said(&self) -> bool;
    /// Makes PAM_USER unset, so that libpam asks for it: an empty one would be the answer.
    fn forget(&mut self);
    /// PAM_USER, asked for where it is unset: by this question, or by the application's.
    fn ask(&mut self, question: Option<&str>) -> Result<Typed, Refusal>;
    /// Looks for a key.
    fn look(&mut self) -> Look<P>;
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
    let silent = flags & PAM_SILENT != 0;
    find(&mut Application { pamh, options, silent })
}

/// A name that the application says, at any time, goes before what a key says.
fn find<P>(names: &mut dyn Names<P>) -> Result<Named<P>, Refusal> {
    let mut has_looked = false;
    for _ in 0..MAX_LOOKS {
        if names.is_said() {
            break;
        }
        let look = names.look();
        if matches!(look, Look::None) {
            break;
        }
        has_looked = true;
        // Notices are shown by the application, which may name somebody meanwhile.
        if names.is_said() {
            break;
        }
        match look {
            Look::Of(user, parts) => return Ok(Named::ByKey(user, parts)),
            Look::Ask(question) => {
                names.forget();
                let user = names.ask(Some(&question))?;
                if !user.is_text || !user.name.is_empty() {
                    return Ok(Named::ByName(user));
                }
            }
            Look::None | Look::Over => break,
        }
    }
    // After Enter it is empty, and nobody would be asked.
    if has_looked && !names.is_said() {
        names.forget();
    }
    names.ask(None).map(Named::ByName)
}

/// The application behind a handle.
struct Application<'a> {
    pamh: &'a mut PamHandle,
    options: &'a Options,
    silent: bool,
}

impl Names<Box<Parts>> for Application<'_> {
    fn is_said(&self) -> bool {
        is_named(self.pamh)
    }

    fn forget(&mut self) {
        ffi::forget_user(self.pamh);
    }

    fn ask(&mut self, question: Option<&str>) -> Result<Typed, Refusal> {
        Typed::ask_with(self.pamh, question)
    }

    fn look(&mut self) -> Look<Box<Parts>> {
        let without_name = parts_of(self.pamh, self.options, None);
        let Some(without_name) = without_name.filter(|parts| parts.settings.name_by_key) else {
            return Look::None;
        };
        match look(self.pamh, self.options, &without_name, self.silent) {
            WhoseKey::Of(person) => match own_account(self.pamh, self.options, &person) {
                Some(parts) => {
                    Look::Of(Typed { name: person.as_str().to_owned(), is_text: true }, parts)
                }
                None => Look::Over,
            },
            WhoseKey::NotHere(why) => {
                let syslog = Syslog::new(self.pamh, self.options.debug);
                syslog.debug(&format!("the name is asked for: {why}"));
                Look::Over
            }
            WhoseKey::NotTold => {
                let language = without_name.settings.language;
                Look::Ask(texts::message(Prompt::NamePrompt, language, &[]))
            }
        }
    }
}

/// Sets PAM_USER to the person whose login by a key has succeeded.
///
/// # Errors
/// [`Code::Internal`]: the application has set another one meanwhile, or libpam does not take it.
pub fn set_user(pamh: &mut PamHandle, user: &Typed) -> Result<(), Refusal> {
    if is_named(pamh) {
        return Err(Refusal::named_meanwhile());
    }
    let internal = |error: &dyn std::fmt::Display| Refusal::new(Code::Internal, error);
    let name = CString::new(user.name.as_str()).map_err(|error| internal(&error))?;
    pamh.set_item_str(User(&name)).map_err(|_| internal(&"libpam does not take PAM_USER"))
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// libpam, with an application that says what a test wants.
    #[derive(Default)]
    struct Scene {
        /// PAM_USER.
        user: Option<String>,
        /// What looks bring; nothing is looked for after the last one.
        looks: VecDeque<Look<u8>>,
        /// Whom the application names while it is looked.
        names_meanwhile: Option<&'static str>,
        /// What the person types at each question.
        typed: VecDeque<&'static str>,
        /// The questions: the module's, or `None` for the application's.
        asked: Vec<Option<String>>,
    }

    impl Names<u8> for Scene {
        fn is_said(&self) -> bool {
            self.user.as_ref().is_some_and(|user| !user.is_empty())
        }
        fn forget(&mut self) {
            self.user = None;
        }
        fn ask(&mut self, question: Option<&str>) -> Result<Typed, Refusal> {
            // As pam_get_user: an empty name is a name.
            if self.user.is_none() {
                self.asked.push(question.map(str::to_owned));
                let typed = self.typed.pop_front();
                let typed = typed.ok_or_else(|| Refusal::new(Code::Cancelled, "no answer"))?;
                self.user = Some(typed.to_owned());
            }
            Ok(Typed { name: self.user.clone().unwrap(), is_text: true })
        }
        fn look(&mut self) -> Look<u8> {
            let look = self.looks.pop_front().unwrap_or(Look::None);
            if let Some(name) = self.names_meanwhile {
                self.user = Some(name.to_owned());
            }
            look
        }
    }

    fn ask() -> Look<u8> {
        Look::Ask("name, or Enter".to_owned())
    }

    fn of_key() -> Look<u8> {
        Look::Of(Typed { name: "hanako".to_owned(), is_text: true }, 7)
    }

    fn scene(looks: Vec<Look<u8>>, typed: &[&'static str]) -> Scene {
        Scene { looks: looks.into(), typed: typed.to_vec().into(), ..Scene::default() }
    }

    /// Who it is; with "key" where a key says so.
    fn found(scene: &mut Scene) -> Option<(String, bool)> {
        match find::<u8>(scene) {
            Ok(Named::ByKey(user, parts)) => {
                assert!(parts == 7 && !scene.is_said(), "it is set when the login has succeeded");
                Some((user.name, true))
            }
            Ok(Named::ByName(user)) => Some((user.name, false)),
            Err(_) => None,
        }
    }

    fn typed(name: &str) -> Option<(String, bool)> {
        Some((name.to_owned(), false))
    }

    #[test]
    fn after_enter_the_name_is_asked_for_again_whatever_the_next_look_brings() {
        for after in [Look::Over, Look::None] {
            let mut scene = scene(vec![ask(), after], &["", "taro"]);
            assert_eq!(found(&mut scene), typed("taro"));
            assert_eq!(scene.asked.last(), Some(&None), "as the application asks");
        }
        // A key comes after the second Enter.
        let mut by_key = scene(vec![ask(), ask(), of_key()], &["", ""]);
        by_key.user = Some(String::new());
        assert!(matches!(find::<u8>(&mut by_key), Ok(Named::ByKey(..))));
        // Enter without end.
        let looks = (0..MAX_LOOKS + 5).map(|_| ask()).collect();
        let mut endless = scene(looks, &[""; MAX_LOOKS]);
        endless.typed.push_back("taro");
        assert_eq!(found(&mut endless), typed("taro"));
        assert_eq!(endless.asked.len(), MAX_LOOKS + 1);
    }

    #[test]
    fn where_no_key_is_looked_for_the_application_asks_as_ever() {
        let mut unset = scene(vec![], &["taro"]);
        assert_eq!(found(&mut unset), typed("taro"));
        // An application that says an empty name means it.
        let mut empty = scene(vec![], &[]);
        empty.user = Some(String::new());
        assert_eq!((found(&mut empty), empty.asked.len()), (typed(""), 0));
        // And is asked where keys are looked for: it names nobody.
        let mut empty = scene(vec![Look::Over], &["taro"]);
        empty.user = Some(String::new());
        assert_eq!(found(&mut empty), typed("taro"));
    }

    #[test]
    fn whom_the_application_names_goes_before_whom_a_key_names() {
        for look in [of_key(), ask(), Look::Over] {
            let mut named = scene(vec![look], &[]);
            named.names_meanwhile = Some("taro");
            assert_eq!(found(&mut named), typed("taro"));
            assert!(named.asked.is_empty() && named.looks.is_empty());
        }
        let mut named = scene(vec![of_key()], &[]);
        named.user = Some("taro".to_owned());
        assert_eq!((found(&mut named), named.looks.len()), (typed("taro"), 1), "nobody looks");
        assert_eq!(found(&mut scene(vec![of_key()], &[])), Some(("hanako".to_owned(), true)));
    }
}
