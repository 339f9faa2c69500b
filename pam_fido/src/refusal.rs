//! Refusals, and the PAM results that they give.

use pam::constants::PamResultCode;
use wardkey_core::code::{Code, Denial};
use wardkey_core::message::agent;
use wardkey_core::message::key::KeyFailure;
use wardkey_core::name::Language;
use wardkey_core::texts;
use wardkey_core::time::DAY;
use wardkey_ipc::IpcError;

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is said and recorded.
    pub code: Code,
    /// For the record; no secrets.
    pub detail: String,
    /// Seconds until it is worth trying again.
    pub seconds: Option<u64>,
    /// PIN tries that the key has left.
    pub tries_left: Option<u8>,
}

impl Refusal {
    /// A refusal with a detail for the record.
    pub fn new(code: Code, detail: impl std::fmt::Display) -> Self {
        Self { code, detail: detail.to_string(), seconds: None, tries_left: None }
    }

    /// The application has said who logs in, after a key had: which of the two is meant is not for
    /// the module to choose.
    pub fn named_meanwhile() -> Self {
        Self::new(Code::Internal, "PAM_USER was set during the login")
    }

    /// The agent is not there, silent or gone; what it sends is nonsense.
    pub fn agent(error: &IpcError) -> Self {
        Self::peer(Code::AgentUnreachable, "agent", error)
    }

    /// The key process is not there, silent or gone; what it sends is nonsense.
    pub fn key(error: &IpcError) -> Self {
        Self::peer(Code::KeyProcessUnreachable, "key process", error)
    }

    fn peer(unreachable: Code, who: &str, error: &IpcError) -> Self {
        let code = match error {
            IpcError::FrameLength(_) | IpcError::Codec(_) => Code::ProtocolError,
            IpcError::Interrupted => Code::Cancelled,
            _ => unreachable,
        };
        Self::new(code, format!("{who}: {error}"))
    }

    /// The sentence for the person, with the code. A remote session is told in ASCII first: sshd
    /// shows other letters as octal numbers.
    pub fn text(&self, language: Language) -> String {
        if self.code == Code::RemoteSession && language != Language::En {
            let english = texts::message(self.code, Language::En, &[]);
            return format!("{english} / {}", texts::with_code(self.code, language, &[]));
        }
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let seconds = number(self.seconds);
        let tries = number(self.tries_left.map(u64::from));
        let mut args = Vec::new();
        args.extend(seconds.as_deref().map(|value| ("seconds", value)));
        args.extend(tries.as_deref().map(|value| ("tries", value)));
        texts::with_code(self.code, language, &args)
    }

    /// Whether it is worth a delay: what counts towards the lock-out, and a name that is not the
    /// key's.
    pub fn counts(&self) -> bool {
        matches!(self.code, Code::KeyAndNameDoNotMatch | Code::PassWrong) || self.failure().counts()
    }

    /// The form that the agent records.
    pub fn failure(&self) -> agent::Failure {
        let detail = wardkey_core::name::printable(&self.detail, 200);
        agent::Failure { code: self.code, detail: Some(detail), tries_left: self.tries_left }
    }

    /// The result of `pam_sm_authenticate`.
    pub fn authentication(&self) -> PamResultCode {
        match self.code {
            Code::LockedOut | Code::PinBlocked | Code::PinBlockedUntilReplug => {
                PamResultCode::PAM_MAXTRIES
            }
            Code::AgentUnreachable
            | Code::KeyProcessUnreachable
            | Code::Configuration
            | Code::AnchorMissing
            | Code::MarksUnreadable
            // GNOME's login screen then asks by another service.
            | Code::GreeterAnswer
            | Code::NoRoom => PamResultCode::PAM_AUTHINFO_UNAVAIL,
            _ => PamResultCode::PAM_AUTH_ERR,
        }
    }

    /// The result of `pam_sm_chauthtok`.
    pub fn password(&self) -> PamResultCode {
        match self.authentication() {
            PamResultCode::PAM_AUTHINFO_UNAVAIL => PamResultCode::PAM_TRY_AGAIN,
            _ => PamResultCode::PAM_AUTHTOK_ERR,
        }
    }

    /// The result of `pam_sm_acct_mgmt`.
    pub fn account(&self) -> PamResultCode {
        match self.code {
            Code::PersonExpired | Code::PersonNotYetValid => PamResultCode::PAM_ACCT_EXPIRED,
            _ => PamResultCode::PAM_PERM_DENIED,
        }
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::new(denial.code, denial.detail)
    }
}

/// The longest pause in seconds that an agent may ask for.
const LONGEST_PAUSE: u64 = DAY;

impl From<agent::Refusal> for Refusal {
    /// An agent may refuse, and only that: it says nothing of a key and no impossible number.
    fn from(refusal: agent::Refusal) -> Self {
        let mut detail = refusal.detail.unwrap_or_else(|| "refused by the agent".into());
        if !matches!(refusal.code.number(), 1001..=1199 | 1301..=1399)
            && refusal.code != Code::TooManyRequests
        {
            return Self::new(
                Code::ProtocolError,
                format!("the agent refuses with {}", refusal.code),
            );
        }
        if let Some(record) = refusal.record {
            detail = format!("{detail} (record {record})");
        }
        let seconds = refusal.retry_after.map(|seconds| seconds.min(LONGEST_PAUSE));
        Self { seconds, ..Self::new(refusal.code, detail) }
    }
}

impl From<KeyFailure> for Refusal {
    fn from(failure: KeyFailure) -> Self {
        let status = failure
            .status
            .map(|status| format!(" (CTAP status {status:#04x})"))
            .unwrap_or_default();
        let detail = format!("{}{status}", failure.detail.as_deref().unwrap_or("the key refused"));
        // A key process says why it failed at the key, and nothing that the module decides.
        let code = match failure.code {
            code @ Code::KeyAndNameDoNotMatch => code,
            code if matches!(code.number(), 1201..=1399) => code,
            _ => Code::ProtocolError,
        };
        Self { tries_left: failure.tries_left, ..Self::new(code, detail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_over_ssh_can_read_why() {
        let refusal = Refusal::new(Code::RemoteSession, "ssh");
        for language in [Language::Ja, Language::En] {
            let text = refusal.text(language);
            let ascii: String = text.chars().take_while(char::is_ascii).collect();
            assert!(
                ascii.contains("remote sessions. Please log in at the terminal itself."),
                "{text}"
            );
            assert!(text.ends_with("(WK-1009)"), "{text}");
        }
        assert!(!Refusal::new(Code::PinEmpty, "").text(Language::Ja).contains(" / "));
    }

    #[test]
    fn a_signal_is_a_cancellation_that_counts_against_nobody() {
        for refusal in
            [Refusal::agent(&IpcError::Interrupted), Refusal::key(&IpcError::Interrupted)]
        {
            assert_eq!((refusal.code, refusal.counts()), (Code::Cancelled, false));
            assert_eq!(refusal.authentication(), PamResultCode::PAM_AUTH_ERR);
        }
    }
}
