//! The words for hostile modes, and at which step they begin.

use std::{fmt, str::FromStr};

use ciborium::Value;

use crate::{
    error::Error,
    message::{Message, client_pin_subcommand, command},
};

/// A way to misbehave and where to begin with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hostile {
    /// What the key does.
    pub mode: Mode,
    /// At which requests it does it.
    pub step: Step,
}

/// What a hostile key does when its step comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Never answers.
    Silent,
    /// The honest answer, 4.9 seconds later.
    Slow,
    /// Answers on a channel that the host does not have.
    WrongChannel,
    /// Numbers its continuation packets from 1.
    WrongSequence,
    /// An assertion with 10 bytes of authenticator data.
    ShortAuthData,
    /// "Touch me", ten times a second, without end; ignores CANCEL.
    EndlessKeepalive,
    /// `numberOfCredentials` 2^31, and as many answers to getNextAssertion.
    ManyCredentials,
    /// Status success and bytes that are not CBOR.
    GarbageCbor,
    /// Status success and nothing after it.
    EmptyCbor,
    /// A CBOR message without even a status.
    EmptyMessage,
    /// CTAPHID_ERROR with code 0.
    ErrorZero,
    /// BCNT 65535, more than a message may have.
    HugeLength,
    /// 500 keep-alives at once, then the honest answer.
    KeepaliveFlood,
    /// Gone, in the middle of the request.
    UnplugMid,
    /// Another key takes this one's place.
    Swap,
    /// A signature with one bit turned.
    BadSignature,
    /// Claims the first credential that it is asked for, and signs with a key of its own.
    Echo,
    /// Says for ever what it said to the first such request.
    Replay,
    /// A version in getInfo that is not UTF-8.
    BadVersion,
    /// This CTAP status instead of an answer.
    Status(u8),
}

/// Kinds of request that a mode can begin at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Every request, from INIT on.
    Any,
    /// CTAPHID_INIT.
    Init,
    /// authenticatorGetInfo.
    Info,
    /// clientPIN getPINRetries.
    Retries,
    /// clientPIN getKeyAgreement.
    Agreement,
    /// clientPIN getPinToken or getPinUvAuthTokenUsingPinWithPermissions.
    Token,
    /// getAssertion without PIN proof: whose key is it?
    Identify,
    /// getAssertion with PIN proof: the login itself.
    Assert,
    /// Both kinds of getAssertion.
    Assertion,
    /// makeCredential.
    Make,
}

const MODES: &[(&str, Mode, Step)] = &[
    ("silent", Mode::Silent, Step::Any),
    ("slow", Mode::Slow, Step::Any),
    ("wrong-channel", Mode::WrongChannel, Step::Assertion),
    ("wrong-sequence", Mode::WrongSequence, Step::Assertion),
    ("short-auth-data", Mode::ShortAuthData, Step::Assertion),
    ("endless-keepalive", Mode::EndlessKeepalive, Step::Assertion),
    ("many-credentials", Mode::ManyCredentials, Step::Assertion),
    ("garbage-cbor", Mode::GarbageCbor, Step::Assertion),
    ("empty-cbor", Mode::EmptyCbor, Step::Assertion),
    ("empty-message", Mode::EmptyMessage, Step::Assertion),
    ("error-zero", Mode::ErrorZero, Step::Assertion),
    ("huge-length", Mode::HugeLength, Step::Assertion),
    ("keepalive-flood", Mode::KeepaliveFlood, Step::Assertion),
    ("unplug-mid", Mode::UnplugMid, Step::Assertion),
    ("swap", Mode::Swap, Step::Agreement),
    ("bad-signature", Mode::BadSignature, Step::Assertion),
    ("echo", Mode::Echo, Step::Identify),
    ("replay", Mode::Replay, Step::Identify),
    ("bad-version", Mode::BadVersion, Step::Info),
];

const STEPS: &[(&str, Step)] = &[
    ("any", Step::Any),
    ("init", Step::Init),
    ("info", Step::Info),
    ("retries", Step::Retries),
    ("agreement", Step::Agreement),
    ("token", Step::Token),
    ("identify", Step::Identify),
    ("assert", Step::Assert),
    ("assertion", Step::Assertion),
    ("make", Step::Make),
];

impl Hostile {
    /// Modes, for a usage text.
    pub const KNOWN: &'static str = "silent, slow, wrong-channel, wrong-sequence, short-auth-data, \
        endless-keepalive, many-credentials, garbage-cbor, empty-cbor, empty-message, error-zero, \
        huge-length, keepalive-flood, unplug-mid, swap, bad-signature, echo, replay, bad-version, \
        status:0xNN; \
        each with @STEP if wished: any, init, info, retries, agreement, token, identify, assert, \
        assertion, make";

    pub(crate) fn needs_second_key(&self) -> bool {
        self.mode == Mode::Swap
    }
}

impl FromStr for Hostile {
    type Err = Error;

    /// `MODE[@STEP]`; without a step, the one where the mode hurts most.
    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown =
            || Error::Unknown { what: "hostile mode", value: text.to_owned(), known: Self::KNOWN };
        let (mode, step) = match text.split_once('@') {
            Some((mode, step)) => (mode, Some(step)),
            None => (text, None),
        };
        let (mode, usual_step) = match mode.strip_prefix("status:") {
            Some(code) => {
                let code = code.strip_prefix("0x").unwrap_or(code);
                let code = u8::from_str_radix(code, 16).map_err(|_| unknown())?;
                (Mode::Status(code), Step::Assertion)
            }
            None => MODES
                .iter()
                .find(|(name, ..)| *name == mode)
                .map(|&(_, mode, step)| (mode, step))
                .ok_or_else(unknown)?,
        };
        let step = match step {
            Some(step) => STEPS
                .iter()
                .find(|(name, _)| *name == step)
                .map(|&(_, step)| step)
                .ok_or_else(unknown)?,
            None => usual_step,
        };
        Ok(Self { mode, step })
    }
}

impl fmt::Display for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mode {
            Mode::Status(code) => write!(f, "status:0x{code:02x}")?,
            mode => {
                let name = MODES.iter().find(|(_, m, _)| *m == mode).map(|(name, ..)| *name);
                f.write_str(name.unwrap_or("?"))?;
            }
        }
        let step = STEPS.iter().find(|(_, s)| *s == self.step).map(|(name, _)| *name);
        write!(f, "@{}", step.unwrap_or("?"))
    }
}

impl Step {
    /// Whether `message`, a whole request, is of this kind.
    pub(crate) fn covers(self, message: &Message) -> bool {
        if self == Self::Any {
            return true;
        }
        let found = match (message.command, message.payload.first()) {
            (command::INIT, _) => Self::Init,
            (command::CBOR, Some(0x01)) => Self::Make,
            (command::CBOR, Some(0x02)) if has_pin_proof(&message.payload) => Self::Assert,
            (command::CBOR, Some(0x02)) => Self::Identify,
            (command::CBOR, Some(0x04)) => Self::Info,
            (command::CBOR, Some(0x06)) => match client_pin_subcommand(&message.payload) {
                Some(1) => Self::Retries,
                Some(2) => Self::Agreement,
                Some(5 | 9) => Self::Token,
                _ => return false,
            },
            _ => return false,
        };
        match self {
            Self::Assertion => matches!(found, Self::Identify | Self::Assert),
            step => step == found,
        }
    }
}

/// Whether a getAssertion request has pinUvAuthParam (key 6).
fn has_pin_proof(payload: &[u8]) -> bool {
    let value: Result<Value, _> = ciborium::from_reader(payload.get(1..).unwrap_or_default());
    match value {
        Ok(Value::Map(entries)) => entries.iter().any(|(key, _)| *key == Value::from(6)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_reads_what_it_writes() {
        for (name, mode, step) in MODES {
            let hostile: Hostile = name.parse().expect(name);
            assert_eq!((hostile.mode, hostile.step), (*mode, *step), "{name}");
            assert_eq!(hostile.to_string().parse::<Hostile>().expect(name), hostile);
            assert!(Hostile::KNOWN.contains(name), "{name} is missing in the usage text");
        }
        let refused: Hostile = "status:0x31@token".parse().expect("a status");
        assert_eq!(refused, Hostile { mode: Mode::Status(0x31), step: Step::Token });
        for wrong in ["", "kind", "silent@lunch", "status:", "status:0x100"] {
            assert!(wrong.parse::<Hostile>().is_err(), "{wrong:?}");
        }
    }
}
