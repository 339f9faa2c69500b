//! Why a command did not do what it should.

use serde_json::{Value, json};
use wardkey_core::code::Code;
use wardkey_core::exit::Exit;
use wardkey_core::message::{agent, key};
use wardkey_core::name::{Language, printable};
use wardkey_core::texts;
use wardkey_settings::problem::Problem;

use crate::finding::Finding;
use crate::texts::{Phrase, Text};

/// Longest detail in characters.
const DETAIL_CHARS: usize = 400;

/// Why a command did not do what it should; the code's sentence says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Refused, by this program, the agent, the server or the key.
    #[error("{code}: {}", detail.as_ref().map_or_else(|| "refused".to_owned(), ToString::to_string))]
    Refused {
        /// The code.
        code: Code,
        /// Arguments of the code's sentence.
        args: Vec<(&'static str, Phrase)>,
        /// For administrators.
        detail: Option<Phrase>,
    },
    /// The configuration is wrong ([`Code::Configuration`]): everything that is.
    #[error("{} problems of configuration", .0.len())]
    Problems(Vec<Problem>),
    /// People could get in without a key ([`Code::WaysInOpen`]): every way.
    #[error("{} ways in without a key", .0.len())]
    Findings(Vec<Finding>),
    /// The agent or the key process cannot be reached.
    #[error("{code}: {detail}")]
    Unreachable {
        /// [`Code::AgentUnreachable`] or [`Code::KeyProcessUnreachable`].
        code: Code,
        /// For administrators.
        detail: Phrase,
    },
}

impl CliError {
    /// A refusal that says all in its sentence.
    pub fn new(code: Code) -> Self {
        Self::Refused { code, args: Vec::new(), detail: None }
    }

    /// A refusal with a detail for administrators.
    pub fn with(code: Code, detail: impl Into<Phrase>) -> Self {
        Self::Refused { code, args: Vec::new(), detail: Some(detail.into()) }
    }

    /// A refusal whose sentence has an argument.
    pub fn about(code: Code, name: &'static str, value: &str) -> Self {
        Self::Refused { code, args: vec![(name, value.into())], detail: None }
    }

    /// A request that is wrong for this reason.
    pub fn invalid(reason: impl Into<Phrase>) -> Self {
        Self::Refused { code: Code::RequestInvalid, args: vec![("reason", reason.into())], detail: None }
    }

    /// The same, with the address or place where it happened before its detail.
    #[must_use]
    pub(crate) fn at(self, place: &str) -> Self {
        match self {
            Self::Refused { code, args, detail } => {
                let place = Phrase::from(place);
                let detail = match detail {
                    Some(why) => Text::At.with([("place", place), ("why", why)]),
                    None => place,
                };
                Self::Refused { code, args, detail: Some(detail) }
            }
            other => other,
        }
    }

    /// The code.
    pub const fn code(&self) -> Code {
        match self {
            Self::Refused { code, .. } | Self::Unreachable { code, .. } => *code,
            Self::Problems(_) => CONFIGURATION,
            Self::Findings(_) => Code::WaysInOpen,
        }
    }

    /// The exit status of the process.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Refused { .. } | Self::Problems(_) | Self::Findings(_) => Exit::Refused,
            Self::Unreachable { .. } => Exit::Unavailable,
        }
    }

    fn detail(&self, language: Language) -> Option<String> {
        let detail = match self {
            Self::Refused { detail, .. } => detail.as_ref(),
            Self::Unreachable { detail, .. } => Some(detail),
            Self::Problems(_) | Self::Findings(_) => None,
        };
        detail.map(|detail| printable(&detail.say(language), DETAIL_CHARS))
    }

    fn message(&self, language: Language) -> String {
        let args: Vec<_> = match self {
            Self::Refused { args, .. } => args.iter().map(|(name, value)| (*name, value.say(language))).collect(),
            Self::Unreachable { .. } | Self::Problems(_) | Self::Findings(_) => Vec::new(),
        };
        let args: Vec<_> = args.iter().map(|(name, value)| (*name, value.as_str())).collect();
        texts::message(self.code(), language, &args)
    }

    /// The sentence with its code, and the detail on a line of its own.
    pub fn to_text(&self, language: Language) -> String {
        let sentence = format!("{} ({})", self.message(language), self.code());
        if let Self::Problems(problems) = self {
            let lines = problems.iter().map(|problem| format!("\n  {}", printable(&problem.to_string(), 4096)));
            return lines.fold(sentence, |text, line| text + &line);
        }
        if let Self::Findings(findings) = self {
            return findings.iter().fold(sentence, |text, finding| text + "\n" + &finding.in_words(language));
        }
        match self.detail(language) {
            Some(detail) => format!("{sentence}\n  {detail}"),
            None => sentence,
        }
    }

    /// `{"error": {"code", "number", "message", "detail"}}`; the detail only if there is one.
    pub fn to_json(&self, language: Language) -> Value {
        let message = self.message(language);
        let mut error = json!({"code": self.code().to_string(), "number": self.code().number(), "message": message});
        if let (Some(detail), Some(fields)) = (self.detail(language), error.as_object_mut()) {
            fields.insert("detail".into(), detail.into());
        }
        if let (Self::Problems(problems), Some(fields)) = (self, error.as_object_mut()) {
            fields.insert("problems".into(), problems.iter().map(problem_json).collect());
        }
        if let (Self::Findings(findings), Some(fields)) = (self, error.as_object_mut()) {
            fields.insert("findings".into(), findings.iter().map(|finding| finding.to_json(language)).collect());
        }
        json!({ "error": error })
    }
}

impl From<agent::Refusal> for CliError {
    fn from(refusal: agent::Refusal) -> Self {
        let seconds = refusal.retry_after.map(|seconds| ("seconds", seconds.into()));
        let detail: Option<String> = refusal.detail;
        match refusal.code {
            // Their sentences have the detail in them.
            code @ (Code::RegistrationRefused | Code::RequestInvalid) => {
                let reason = detail.unwrap_or_else(|| "-".into()).into();
                Self::Refused { code, args: vec![("reason", reason)], detail: None }
            }
            code @ Code::NotFound => {
                let what = detail.unwrap_or_else(|| "-".into()).into();
                Self::Refused { code, args: vec![("what", what)], detail: None }
            }
            code => Self::Refused { code, args: seconds.into_iter().collect(), detail: detail.map(Phrase::from) },
        }
    }
}

impl From<key::KeyFailure> for CliError {
    fn from(failure: key::KeyFailure) -> Self {
        let tries = failure.tries_left.map(|tries| ("tries", tries.to_string().into()));
        // The sentence about a PIN says all; the others may need the cause.
        let detail = failure.detail.filter(|_| !matches!(failure.code, Code::PinWrong | Code::PinBlocked));
        Self::Refused { code: failure.code, args: tries.into_iter().collect(), detail: detail.map(Phrase::from) }
    }
}

/// The code of a list of problems.
pub(crate) const CONFIGURATION: Code = Code::Configuration;

/// One problem, for programs.
fn problem_json(problem: &Problem) -> Value {
    json!({
        "file": problem.file, "line": problem.line, "key": problem.key, "what": problem.what, "fix": problem.fix,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_code_sentence_and_detail() {
        let refusal = |code, detail: Option<&str>, retry_after| {
            CliError::from(agent::Refusal { code, detail: detail.map(Into::into), retry_after, record: None })
        };
        let error = refusal(Code::EnrolmentCodeInvalid, None, None);
        assert_eq!(
            error.to_json(Language::En).to_string(),
            r#"{"error":{"code":"WK-1506","message":"The enrollment code is wrong, used or expired. Please ask for a new one.","number":1506}}"#
        );
        let error = refusal(Code::TooManyRequests, Some("a\nb"), Some(7));
        assert_eq!(error.to_text(Language::En), "Too many requests. Please try again in 7 seconds. (WK-1512)\n  a?b");
        assert_eq!(error.to_json(Language::En)["error"]["detail"], "a?b");
        let error = refusal(Code::RegistrationRefused, Some("attestation"), None);
        assert!(error.to_text(Language::En).contains("(attestation)"));
        assert_eq!(error.exit(), Exit::Refused);
    }
}
