//! The stable codes of everything that Wardkey says to people and records (`WK-1203`).
//!
//! ```text
//!            +-- Code     refuses or fails: in messages, records, errors and exit statuses
//! AnyCode ---+-- Prompt   asks something of the person at the terminal
//! (a text)   +-- Notice   tells how things are, or that something is done
//! ```
//!
//! The kinds are types, so no refusal can carry a question. A code never changes its meaning and is
//! never used again, whatever its kind. The sentences are in `texts/*.ftl`, one per code and
//! language; a test checks that none is missing.

macro_rules! codes {
    (
        $(#[$about:meta])*
        enum $kind:ident;

        $($(#[$doc:meta])* $name:ident = $number:literal,)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum $kind {
            $($(#[$doc])* $name = $number,)*
        }

        impl $kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The one with this number.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The number.
            pub const fn number(self) -> u16 {
                self as u16
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "WK-{}", self.number())
            }
        }
    };
}

mod notice;
mod prompt;
mod refusal;

pub use notice::Notice;
pub use prompt::Prompt;
pub use refusal::Code;

/// A code of any kind: whatever has a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnyCode {
    /// It refuses or fails.
    Refusal(Code),
    /// It asks something of the person.
    Prompt(Prompt),
    /// It tells something.
    Notice(Notice),
}

impl AnyCode {
    /// All of them, in the order of their numbers.
    pub fn all() -> Vec<Self> {
        let refusals = Code::ALL.iter().copied().map(Self::Refusal);
        let prompts = Prompt::ALL.iter().copied().map(Self::Prompt);
        let notices = Notice::ALL.iter().copied().map(Self::Notice);
        let mut all: Vec<Self> = refusals.chain(prompts).chain(notices).collect();
        all.sort_by_key(|code| code.number());
        all
    }

    /// The code with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        let prompt = || Prompt::from_number(number).map(Self::Prompt);
        let notice = || Notice::from_number(number).map(Self::Notice);
        Code::from_number(number).map(Self::Refusal).or_else(prompt).or_else(notice)
    }

    /// The number.
    pub const fn number(self) -> u16 {
        match self {
            Self::Refusal(code) => code.number(),
            Self::Prompt(prompt) => prompt.number(),
            Self::Notice(notice) => notice.number(),
        }
    }
}

impl std::fmt::Display for AnyCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WK-{}", self.number())
    }
}

impl From<Code> for AnyCode {
    fn from(code: Code) -> Self {
        Self::Refusal(code)
    }
}

impl From<Prompt> for AnyCode {
    fn from(prompt: Prompt) -> Self {
        Self::Prompt(prompt)
    }
}

impl From<Notice> for AnyCode {
    fn from(notice: Notice) -> Self {
        Self::Notice(notice)
    }
}

impl<C> minicbor::Encode<C> for Code {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.u16(self.number())?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Code {
    /// Who sends a question or a notice as a refusal is malformed. A code of a newer version is
    /// still a refusal, never an error that loses the message.
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        match AnyCode::from_number(d.u16()?) {
            Some(AnyCode::Refusal(code)) => Ok(code),
            Some(AnyCode::Prompt(_) | AnyCode::Notice(_)) => {
                Err(minicbor::decode::Error::message("a question or a notice is no refusal"))
            }
            None => Ok(Self::Internal),
        }
    }
}

/// Why a rule or a check says no: the code for people, a detail for the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Denial {
    /// What is said.
    pub code: Code,
    /// What is recorded; no secrets, no unprintable characters needed here.
    pub detail: String,
}

impl Denial {
    /// A denial with a detail for the record.
    pub fn new(code: Code, detail: impl std::fmt::Display) -> Self {
        Self { code, detail: detail.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, EventName, Outcome};
    use crate::id::EventId;
    use crate::message::{agent, key};
    use crate::time::UnixTime;

    #[test]
    fn codes_are_unique_and_found_by_number() {
        let all = AnyCode::all();
        assert!(all.is_sorted_by(|a, b| a.number() < b.number()));
        assert_eq!(all.len(), Code::ALL.len() + Prompt::ALL.len() + Notice::ALL.len());
        for code in all {
            assert_eq!(AnyCode::from_number(code.number()), Some(code));
        }
        assert_eq!(AnyCode::from_number(999), None);
        assert_eq!(Code::PinWrong.to_string(), "WK-1203");
        assert_eq!(AnyCode::from(Prompt::PinPrompt).to_string(), "WK-1202");
    }

    /// The bytes of a value, with the number of [`Code::PinWrong`] replaced.
    fn with_number<T: minicbor::Encode<()>>(value: &T, number: u16) -> Vec<u8> {
        let mut bytes = minicbor::to_vec(value).unwrap();
        let [high, low] = Code::PinWrong.number().to_be_bytes();
        let at = bytes.windows(3).position(|three| three == [0x19, high, low]).unwrap();
        bytes.splice(at + 1..at + 3, number.to_be_bytes());
        bytes
    }

    #[test]
    fn no_message_or_record_carries_a_question_as_a_refusal() {
        let code = Code::PinWrong;
        let refused = agent::Refusal { code, detail: None, retry_after: None, record: None };
        let failed = key::KeyFailure { code, status: None, tries_left: None, detail: None };
        let outcome = agent::Failure { code, detail: None, tries_left: None };
        let mut event =
            Event::new(EventId::new([7; 16]), UnixTime(5), EventName::Login, Outcome::Failure);
        event.reason = Some(code);

        for any in AnyCode::all().into_iter().chain([AnyCode::Refusal(Code::Internal)]) {
            let number = any.number();
            let may = matches!(any, AnyCode::Refusal(_));
            let refused = with_number(&agent::Reply::Refused(refused.clone()), number);
            assert_eq!(minicbor::decode::<agent::Reply>(&refused).is_ok(), may, "{any}");
            let failed = with_number(&key::Reply::Failed(failed.clone()), number);
            assert_eq!(minicbor::decode::<key::Reply>(&failed).is_ok(), may, "{any}");
            let outcome = with_number(&agent::LoginResult::Failure(outcome.clone()), number);
            assert_eq!(minicbor::decode::<agent::LoginResult>(&outcome).is_ok(), may, "{any}");
            let event = with_number(&event, number);
            assert_eq!(minicbor::decode::<Event>(&event).is_ok(), may, "{any}");
        }
    }

    #[test]
    fn a_code_of_a_newer_version_is_still_a_refusal() {
        let newer = minicbor::to_vec(9999_u16).unwrap();
        assert_eq!(minicbor::decode::<Code>(&newer).unwrap(), Code::Internal);
    }
}
