//! The pages that GNOME's login screen has for security keys: insert it, its PIN, touch it.
//!
//! GNOME 51 starts the PAM service `gdm-switchable-auth` and lets a module say in JSON what it
//! would ask for; it draws the pages itself, sees a key come and go, and then begins the
//! conversation anew.
//!
//! ```text
//!   no key:   {keyConnected: false, initInstruction} ──> the page stays; a key comes: begun anew
//!   a key:    {keyConnected: true, pinPrompt, ...}   ──> {status: "Ok", passkey: {pin}}
//!                                                        and the touch page, at once
//! ```
//! Any plain message before the first JSON makes the login screen go back to `gdm-password` and its
//! plain question: that is how everything that has no page is said. After the first one it shows no
//! plain question any more.

mod json;
#[cfg(test)]
mod tests;

use pam::items::Service;
use pam::module::PamHandle;
use wardkey_core::name::Language;
use zeroize::Zeroizing;

use crate::ffi::json_prompt::{self, NoJson};
use crate::question::{Answer, PinQuestion};

/// The service that GNOME's login screen starts for it, and for nothing else.
const SERVICE: &str = "gdm-switchable-auth";
/// Name and version of what the login screen speaks.
const PROTOCOL: (&str, u32) = ("auth-mechanisms", 1);
/// Tries of a key that does not say how many it has left (CTAP 2.1, 6.5.2.2: at most 8).
const ALL_TRIES: u8 = 8;

/// A login screen that has pages.
pub struct Pages {
    /// Of the extension.
    number: u8,
    /// Whether one was shown: from then on no plain question is.
    shown: bool,
}

/// What came of a page.
pub enum Shown {
    /// An answer, or none.
    Answered(Answer),
    /// The login screen has none: the plain way is there still.
    NoPage,
}

impl Pages {
    /// Those of the application, if it has any.
    pub fn of(pamh: &PamHandle) -> Option<Self> {
        let service = pamh.get_item::<Service<'_>>().ok().flatten()?;
        if service.0.to_bytes() != SERVICE.as_bytes() {
            return None;
        }
        Some(Self { number: json_prompt::number()?, shown: false })
    }

    /// Whether nothing may be said plainly yet, or there will be no page.
    pub fn awaited(&self) -> bool {
        !self.shown
    }

    /// The page that says to insert a key. It stays until the login screen begins anew.
    pub fn insert(&mut self, pamh: &PamHandle, instruction: &str, language: Language) -> Shown {
        let page = Page { language, instruction, question: "", touch: "", tries: None };
        self.show(pamh, &page)
    }

    /// The page that asks for the PIN.
    pub fn pin(&mut self, pamh: &PamHandle, question: &PinQuestion) -> Shown {
        let page = Page {
            language: question.language,
            instruction: "",
            question: question.text.trim_end_matches([':', '：', ' ']),
            touch: &question.touch,
            tries: Some(question.tries.unwrap_or(ALL_TRIES)),
        };
        self.show(pamh, &page)
    }

    fn show(&mut self, pamh: &PamHandle, page: &Page<'_>) -> Shown {
        let answer = match json_prompt::ask(pamh, self.number, PROTOCOL, page.json()) {
            Ok(json) => pin_of(&json).map_or(Answer::NotUnderstood, Answer::Typed),
            Err(NoJson::Unreadable) => Answer::NotUnderstood,
            Err(NoJson::Failed) if self.shown => Answer::None,
            Err(NoJson::Failed) => return Shown::NoPage,
        };
        self.shown = true;
        Shown::Answered(answer)
    }
}

/// What the login screen is told.
struct Page<'p> {
    language: Language,
    instruction: &'p str,
    question: &'p str,
    touch: &'p str,
    /// A key is there, with so many tries.
    tries: Option<u8>,
}

impl Page<'_> {
    fn json(&self) -> Vec<u8> {
        // What it is called in the list of ways to log in.
        let name = match self.language {
            Language::Ja => "セキュリティキー",
            Language::En => "Security key",
        };
        let mut json = Vec::with_capacity(1024);
        for (before, text) in [
            (r#"{"authSelection":{"mechanisms":{"passkey":{"role":"passkey","name":"#, name),
            (r#","initInstruction":"#, self.instruction),
            (r#","pinPrompt":"#, self.question),
            (r#","touchInstruction":"#, self.touch),
        ] {
            json.extend_from_slice(before.as_bytes());
            json::write_text(&mut json, text);
        }
        let connected = match self.tries {
            Some(_) => &br#","keyConnected":true,"pinAttempts":"#[..],
            None => br#","keyConnected":false,"pinAttempts":"#,
        };
        json.extend_from_slice(connected);
        // One digit, as CTAP has it.
        json.push(b'0' + self.tries.unwrap_or(ALL_TRIES).min(9));
        json.extend_from_slice(br#","pinRequest":true,"kerberos":false,"cryptoChallenge":""}},"#);
        json.extend_from_slice(br#""priority":["passkey"]}}"#);
        json
    }
}

/// The PIN in the answer, which says besides that it is one.
fn pin_of(json: &[u8]) -> Option<Zeroizing<String>> {
    std::str::from_utf8(json).ok()?;
    let status = json::text_at(json, &["authSelection", "status"])?;
    let pin = json::text_at(json, &["authSelection", "passkey", "pin"])?;
    if status == b"Ok" { json::decoded(pin) } else { None }
}
