//! The conversation with the person: one question, and notices whose failure is nothing.

use pam::constants::{PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_TEXT_INFO, PamMessageStyle};
use pam::conv::Conv;
use pam::items::{Service, User};
use pam::module::PamHandle;
use pam::secret::SecretBytes;
use wardkey_core::lockers::is_locker;
use wardkey_core::name::{Language, ServiceName};
use zeroize::Zeroizing;

use crate::pages::{Pages, Shown};
pub use crate::question::{Answer, PinQuestion};

/// Services whose usual greeter shows every notice, but not the text of the first question:
/// LightDM's GTK greeter takes that for a password's. Without a notice it would ask with an empty
/// line, or under the "insert your key" of before. A greeter that shows both says it twice.
const HIDE_THE_QUESTION: [&str; 1] = ["lightdm"];
/// Greeters that show no notices, and hand over a PIN that was typed before anything was asked for.
const SHOW_NO_NOTICE: [&str; 1] = ["sddm"];

/// Whether a key that waits for a finger is told by a question at this service, which a PIN answers
/// as well: where a notice may not be seen, where the PIN may be typed already, or where a login
/// without a question needs one more Enter at its end. Some lockers begin a login when they lock:
/// nobody is there then who could use a finger.
pub fn needs_a_question(service: &ServiceName) -> bool {
    let service = service.as_str();
    HIDE_THE_QUESTION.contains(&service) || SHOW_NO_NOTICE.contains(&service) || is_locker(service)
}

/// What a login says and asks.
pub trait Talk {
    /// A notice. Greeters may drop it: nothing depends on it.
    fn info(&mut self, text: &str);
    /// A notice of something that passes by itself. It is left out where it would cost the person
    /// the greeter's pages.
    fn aside(&mut self, text: &str) {
        self.info(text);
    }
    /// The key waits to be touched.
    fn touch(&mut self, text: &str) {
        self.info(text);
    }
    /// A refusal.
    fn error(&mut self, text: &str);
    /// Whether notices are not shown at all (PAM_SILENT): who waits for something must be asked,
    /// then.
    fn silent(&self) -> bool {
        false
    }
    /// Whether the application has said by now who logs in (PAM_USER).
    fn is_named(&self) -> bool {
        false
    }
    /// The question, without echo.
    fn ask(&mut self, question: &str) -> Answer;
    /// The question for the PIN.
    fn ask_pin(&mut self, question: &PinQuestion) -> Answer {
        self.ask(&question.text)
    }
    /// Whether the greeter draws pages of its own, of which none asks for another PIN.
    fn has_pages(&self) -> bool {
        false
    }
    /// Says on a page of the greeter to insert a key, which stays until the greeter begins anew.
    /// `None`: it has no such page.
    fn insert_page(&mut self, _instruction: &str, _language: Language) -> Option<Answer> {
        None
    }
}

/// Whether PAM_USER is anything but empty.
pub fn is_named(pamh: &PamHandle) -> bool {
    // What cannot be read is not empty.
    pamh.get_item::<User<'_>>().map_or(true, |user| user.is_some_and(|user| !user.0.is_empty()))
}

/// The application's conversation function.
pub struct PamTalk<'a> {
    pamh: &'a PamHandle,
    silent: bool,
    pages: Option<Pages>,
}

impl<'a> PamTalk<'a> {
    /// `silent`: PAM_SILENT, no notices.
    pub fn new(pamh: &'a PamHandle, silent: bool) -> Self {
        Self { pamh, silent, pages: Pages::of(pamh) }
    }

    fn send(&self, style: PamMessageStyle, text: &str) -> Option<SecretBytes> {
        // A missing conversation, PAM_CONV_ERR, PAM_CONV_AGAIN and a NULL response are all no
        // answer.
        self.pamh.get_item::<Conv<'_>>().ok()??.send(style, text).ok()?
    }

    fn hides_the_question(&self) -> bool {
        let service = self.pamh.get_item::<Service<'_>>().ok().flatten();
        service
            .and_then(|item| item.0.to_str().ok())
            .is_some_and(|name| HIDE_THE_QUESTION.contains(&name))
    }

    fn notify(&self, style: PamMessageStyle, text: &str) {
        if !self.silent {
            drop(self.send(style, text));
        }
    }
}

impl Talk for PamTalk<'_> {
    fn info(&mut self, text: &str) {
        self.notify(PAM_TEXT_INFO, text);
    }

    fn aside(&mut self, text: &str) {
        if self.pages.as_ref().is_none_or(|pages| !pages.awaited()) {
            self.info(text);
        }
    }

    fn touch(&mut self, text: &str) {
        // The page says it already.
        if self.pages.as_ref().is_none_or(Pages::awaited) {
            self.info(text);
        }
    }

    fn error(&mut self, text: &str) {
        self.notify(PAM_ERROR_MSG, text);
    }

    fn silent(&self) -> bool {
        self.silent
    }

    fn is_named(&self) -> bool {
        is_named(self.pamh)
    }

    fn has_pages(&self) -> bool {
        self.pages.is_some()
    }

    fn ask(&mut self, question: &str) -> Answer {
        if self.hides_the_question() {
            self.info(question);
        }
        match self.send(PAM_PROMPT_ECHO_OFF, question) {
            None => Answer::None,
            Some(typed) => match typed.as_str() {
                Ok(text) => Answer::Typed(Zeroizing::new(text.to_owned())),
                Err(_) => Answer::NotText,
            },
        }
    }

    fn ask_pin(&mut self, question: &PinQuestion) -> Answer {
        if let Some(pages) = &mut self.pages
            && let Shown::Answered(answer) = pages.pin(self.pamh, question)
        {
            return answer;
        }
        self.pages = None;
        self.ask(&question.text)
    }

    fn insert_page(&mut self, instruction: &str, language: Language) -> Option<Answer> {
        if let Shown::Answered(answer) =
            self.pages.as_mut()?.insert(self.pamh, instruction, language)
        {
            return Some(answer);
        }
        self.pages = None;
        None
    }
}
