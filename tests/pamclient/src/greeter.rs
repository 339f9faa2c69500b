//! How programs in front of PAM answer messages: well, badly, or not at all.

use std::ffi::c_int;
use std::fmt;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::ffi;

/// The style of a message, `msg_style` of libpam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// A question whose answer is not shown: the PIN.
    PromptEchoOff,
    /// A question whose answer is shown: the user name.
    PromptEchoOn,
    /// An error text, no answer.
    Error,
    /// An information text, no answer.
    Info,
    /// A style that no greeter knows (radio buttons, binary prompts). Always a conversation error.
    Other,
}

impl Style {
    /// Whether the module expects an answer.
    pub fn is_prompt(self) -> bool {
        matches!(self, Self::PromptEchoOff | Self::PromptEchoOn)
    }

    pub(crate) fn from_raw(raw: c_int) -> Self {
        match raw {
            ffi::PAM_PROMPT_ECHO_OFF => Self::PromptEchoOff,
            ffi::PAM_PROMPT_ECHO_ON => Self::PromptEchoOn,
            ffi::PAM_ERROR_MSG => Self::Error,
            ffi::PAM_TEXT_INFO => Self::Info,
            _ => Self::Other,
        }
    }
}

/// What the person (or the program for them) does with one message.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// The text typed. Ignored for information and error texts, which have no answer.
    Text(Zeroizing<String>),
    /// No text: the NULL pointer. Right for information and error texts.
    Null,
    /// The whole conversation call fails with `PAM_CONV_ERR`, as when a window is closed.
    ConvErr,
}

impl Answer {
    /// The text typed.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(..)",
            Self::Null => "Null",
            Self::ConvErr => "ConvErr",
        })
    }
}

/// The manners of the program between the person and libpam.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Greeter {
    /// As `misc_conv` of login: every message shown, a response structure for each, NULL text in
    /// those of information and error texts.
    #[default]
    Normal,
    /// As normal, but an empty text instead of NULL for information and error texts.
    EmptyInfo,
    /// Success without any array of responses if the call held no question.
    NullInfo,
    /// `PAM_CONV_ERR` for every information or error text, which is shown nevertheless.
    FailInfo,
    /// As swaylock and i3lock: information and error texts are accepted and never shown.
    DropInfo,
    /// Questions without echo succeed with the NULL pointer for an answer.
    NullSecret,
    /// `PAM_CONV_ERR` for every question.
    ConvErr,
}

impl Greeter {
    /// Whether the person gets to see information and error texts.
    pub(crate) fn shows_texts(self) -> bool {
        self != Self::DropInfo
    }

    /// Whether the person is asked about a message, rather than the program answering by itself.
    pub(crate) fn asks(self, style: Style) -> bool {
        match self {
            Self::NullSecret => style != Style::PromptEchoOff,
            Self::ConvErr => !style.is_prompt(),
            _ => true,
        }
    }

    /// What goes back to the module for one message, given what the person did.
    pub(crate) fn reply(self, style: Style, answer: Answer) -> Answer {
        match (self, style, answer) {
            (_, Style::Other, _) | (_, _, Answer::ConvErr) => Answer::ConvErr,
            (Self::FailInfo, Style::Info | Style::Error, _) => Answer::ConvErr,
            (Self::EmptyInfo, Style::Info | Style::Error, _) => Answer::text(""),
            (_, Style::Info | Style::Error, _) => Answer::Null,
            (Self::ConvErr, _, _) => Answer::ConvErr,
            (Self::NullSecret, Style::PromptEchoOff, _) => Answer::Null,
            (_, _, answer) => answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Greeter, Style};

    #[test]
    fn replies_of_each_greeter() {
        let typed = || Answer::text("1234");
        let table = [
            (Greeter::Normal, Style::Info, typed(), Answer::Null),
            (Greeter::Normal, Style::Error, Answer::Null, Answer::Null),
            (Greeter::Normal, Style::PromptEchoOff, typed(), typed()),
            (Greeter::Normal, Style::Other, typed(), Answer::ConvErr),
            (Greeter::Normal, Style::Info, Answer::ConvErr, Answer::ConvErr),
            (Greeter::EmptyInfo, Style::Info, Answer::Null, Answer::text("")),
            (Greeter::NullInfo, Style::Error, Answer::Null, Answer::Null),
            (Greeter::FailInfo, Style::Info, Answer::Null, Answer::ConvErr),
            (Greeter::FailInfo, Style::Error, Answer::Null, Answer::ConvErr),
            (Greeter::FailInfo, Style::PromptEchoOff, typed(), typed()),
            (Greeter::DropInfo, Style::Info, Answer::Null, Answer::Null),
            (Greeter::NullSecret, Style::PromptEchoOff, typed(), Answer::Null),
            (Greeter::NullSecret, Style::PromptEchoOn, typed(), typed()),
            (Greeter::ConvErr, Style::PromptEchoOff, typed(), Answer::ConvErr),
            (Greeter::ConvErr, Style::PromptEchoOn, typed(), Answer::ConvErr),
            (Greeter::ConvErr, Style::Info, Answer::Null, Answer::Null),
        ];
        for (greeter, style, answer, reply) in table {
            assert!(
                greeter.reply(style, answer.clone()) == reply,
                "{greeter:?} {style:?} {answer:?}"
            );
        }
    }

    #[test]
    fn debug_tells_no_secret() {
        assert_eq!(format!("{:?}", Answer::text("1234")), "Text(..)");
    }
}
