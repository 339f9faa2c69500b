//! Refusals, and the PAM results that they give.

use pam::constants::PamResultCode;
use wardkey_core::code::{Code, Denial};
use wardkey_core::message::agent;
use wardkey_core::message::key::KeyFailure;
use wardkey_core::name::Language;
use wardkey_core::texts;
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
            _ => unreachable,
        };
        Self::new(code, format!("{who}: {error}"))
    }

    /// The sentence for the person, with the code.
    pub fn text(&self, language: Language) -> String {
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let seconds = number(self.seconds);
        let tries = number(self.tries_left.map(u64::from));
        let mut args = Vec::new();
        args.extend(seconds.as_deref().map(|value| ("seconds", value)));
        args.extend(tries.as_deref().map(|value| ("tries", value)));
        texts::with_code(self.code, language, &args)
    }

    /// Whether it counts towards the lock-out, and so is worth a delay.
    pub fn counts(&self) -> bool {
        self.failure().counts()
    }

    /// The form that the agent records.
    pub fn failure(&self) -> agent::Failure {
        let detail = wardkey_core::name::printable(&self.detail, 200);
        agent::Failure { code: self.code, detail: Some(detail), tries_left: self.tries_left }
    }

    /// The result of `pam_sm_authenticate`.
    pub fn authentication(&self) -> PamResultCode {
        match self.code {
            Code::LockedOut | Code::PinBlocked | Code::PinBlockedUntilReplug => PamResultCode::PAM_MAXTRIES,
            Code::AgentUnreachable
            | Code::KeyProcessUnreachable
            | Code::Configuration
            | Code::AnchorMissing
            | Code::MarksUnreadable => PamResultCode::PAM_AUTHINFO_UNAVAIL,
            _ => PamResultCode::PAM_AUTH_ERR,
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

impl From<agent::Refusal> for Refusal {
    fn from(refusal: agent::Refusal) -> Self {
        let mut detail = refusal.detail.unwrap_or_else(|| "refused by the agent".into());
        if let Some(record) = refusal.record {
            detail = format!("{detail} (record {record})");
        }
        Self { seconds: refusal.retry_after, ..Self::new(refusal.code, detail) }
    }
}

impl From<KeyFailure> for Refusal {
    fn from(failure: KeyFailure) -> Self {
        let status = failure.status.map(|status| format!(" (CTAP status {status:#04x})")).unwrap_or_default();
        let detail = format!("{}{status}", failure.detail.as_deref().unwrap_or("the key refused"));
        Self { tries_left: failure.tries_left, ..Self::new(failure.code, detail) }
    }
}
