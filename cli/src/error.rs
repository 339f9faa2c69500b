//! Why a command did not do what it should.

use serde_json::{Map, Value};
use wardkey_core::cause::{Cause, Chain};
use wardkey_core::code::Code;
use wardkey_core::exit::Exit;
use wardkey_core::message::{agent, key};
use wardkey_core::name::{Language, printable};
use wardkey_core::texts;
use wardkey_help::json;
use wardkey_settings::problem::Problem;

use crate::finding::Finding;
use crate::texts::{Phrase, Text};

/// Longest detail in characters.
const DETAIL_CHARS: usize = 400;

/// Why a command did not do what it should; the code's sentence says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Refused, by this program, the agent, the server or the key.
    #[error("{code}: {}", detail_of(detail.as_ref(), cause.as_ref()).unwrap_or("refused".into()))]
    Refused {
        /// The code.
        code: Code,
        /// Arguments of the code's sentence.
        args: Vec<(&'static str, Phrase)>,
        /// For administrators.
        detail: Option<Phrase>,
        /// What it comes from; said when there is no detail.
        #[source]
        cause: Option<Cause>,
    },
    /// The command line makes no sense ([`Code::RequestInvalid`]): look at `--help`.
    #[error("{code}: {0}", code = Code::RequestInvalid)]
    Usage(Phrase),
    /// The configuration is wrong ([`Code::Configuration`]): everything that is.
    #[error("{} problems of configuration", .0.len())]
    Problems(Vec<Problem>),
    /// People could get in without a key ([`Code::WaysInOpen`]): every way.
    #[error("{} ways in without a key", .0.len())]
    Findings(Vec<Finding>),
    /// The agent or the key process cannot be reached.
    #[error("{code}: {}", Chain(.cause.as_ref()))]
    Unreachable {
        /// [`Code::AgentUnreachable`] or [`Code::KeyProcessUnreachable`].
        code: Code,
        /// Why not.
        #[source]
        cause: Cause,
    },
}

impl CliError {
    /// A refusal that says all in its sentence.
    pub fn new(code: Code) -> Self {
        Self::Refused { code, args: Vec::new(), detail: None, cause: None }
    }

    /// A refusal with a detail for administrators.
    pub fn with(code: Code, detail: impl Into<Phrase>) -> Self {
        Self::Refused { code, args: Vec::new(), detail: Some(detail.into()), cause: None }
    }

    /// A refusal whose sentence has an argument.
    pub fn about(code: Code, name: &'static str, value: &str) -> Self {
        Self::Refused { code, args: vec![(name, value.into())], detail: None, cause: None }
    }

    /// A request that is wrong for this reason.
    pub fn invalid(reason: impl Into<Phrase>) -> Self {
        Self::Refused {
            code: Code::RequestInvalid,
            args: vec![("reason", reason.into())],
            detail: None,
            cause: None,
        }
    }

    /// A refusal because of another error.
    pub fn because(code: Code, cause: impl Into<Cause>) -> Self {
        Self::new(code).caused_by(cause)
    }

    /// The same, with what it comes from.
    #[must_use]
    pub(crate) fn caused_by(self, by: impl Into<Cause>) -> Self {
        match self {
            Self::Refused { code, args, detail, .. } => {
                Self::Refused { code, args, detail, cause: Some(by.into()) }
            }
            other => other,
        }
    }

    /// The same, with the address or place where it happened before its detail.
    #[must_use]
    pub(crate) fn at(self, place: &str) -> Self {
        match self {
            Self::Refused { code, args, detail, cause } => {
                let place = Phrase::from(place);
                let detail = match detail_of(detail.as_ref(), cause.as_ref()) {
                    Some(why) => Text::At.with([("place", place), ("why", why)]),
                    None => place,
                };
                Self::Refused { code, args, detail: Some(detail), cause }
            }
            other => other,
        }
    }

    /// The code.
    pub const fn code(&self) -> Code {
        match self {
            Self::Refused { code, .. } | Self::Unreachable { code, .. } => *code,
            Self::Usage(_) => Code::RequestInvalid,
            Self::Problems(_) => CONFIGURATION,
            Self::Findings(_) => Code::WaysInOpen,
        }
    }

    /// The exit status of the process.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Problems(_)
            | Self::Refused { code: CONFIGURATION, .. }
            | Self::Unreachable { .. } => Exit::Unavailable,
            Self::Refused { .. } | Self::Findings(_) => Exit::Refused,
            Self::Usage(_) => Exit::Usage,
        }
    }

    fn detail(&self) -> Option<Phrase> {
        match self {
            Self::Refused { detail, cause, .. } => {
                let sentence = self.message().to_string().to_lowercase();
                // Some sentences have it in them, as their beginning too.
                detail_of(detail.as_ref(), cause.as_ref())
                    .filter(|detail| !sentence.contains(&detail.to_string().to_lowercase()))
            }
            Self::Unreachable { cause, .. } => detail_of(None, Some(cause)),
            Self::Usage(_) | Self::Problems(_) | Self::Findings(_) => None,
        }
    }

    fn message(&self) -> Phrase {
        match self {
            Self::Usage(what) => what.clone(),
            Self::Refused { code, args, .. } => texts::phrase(*code, args.clone()),
            Self::Unreachable { .. } | Self::Problems(_) | Self::Findings(_) => {
                texts::phrase(self.code(), Vec::new())
            }
        }
    }

    /// The sentence with its code, and the detail on a line of its own.
    pub fn to_text(&self, language: Language) -> String {
        let sentence = format!("{} ({})", self.message().say(language), self.code());
        if let Self::Problems(problems) = self {
            let lines = problems
                .iter()
                .map(|problem| format!("\n  {}", printable(&problem.phrase().say(language), 4096)));
            return lines.fold(sentence, |text, line| text + &line);
        }
        if let Self::Findings(findings) = self {
            return findings
                .iter()
                .fold(sentence, |text, finding| text + "\n" + &finding.in_words(language));
        }
        match self.detail() {
            Some(detail) => {
                format!("{sentence}\n  {}", printable(&detail.say(language), DETAIL_CHARS))
            }
            None => sentence,
        }
    }

    /// `{"error": {"code", "number", "message", "message_ja"}}`, and what there is besides:
    /// `detail`, `problems`, `findings`.
    pub fn to_json(&self) -> Value {
        let mut fields = json::error(self.code(), &self.message());
        if let Some(detail) = self.detail() {
            json::say(&mut fields, "detail", &detail);
        }
        match self {
            Self::Problems(problems) => {
                fields.insert("problems".into(), problems.iter().map(problem_json).collect());
            }
            Self::Findings(findings) => {
                fields.insert("findings".into(), findings.iter().map(Finding::to_json).collect());
            }
            Self::Refused { .. } | Self::Usage(_) | Self::Unreachable { .. } => {}
        }
        json::line(fields)
    }
}

/// What is said besides the sentence: the detail, else the cause.
fn detail_of(detail: Option<&Phrase>, cause: Option<&Cause>) -> Option<Phrase> {
    let said = |cause: &Cause| Chain(cause.as_ref()).to_string().into();
    detail.cloned().or_else(|| cause.map(said))
}

impl From<agent::Refusal> for CliError {
    fn from(refusal: agent::Refusal) -> Self {
        let seconds = refusal.retry_after.map(|seconds| ("seconds", seconds.into()));
        let detail: Option<String> = refusal.detail;
        match refusal.code {
            // Their sentences have the detail in them.
            code @ (Code::RegistrationRefused | Code::RequestInvalid) => {
                let reason = detail.unwrap_or_else(|| "-".into()).into();
                Self::Refused { code, args: vec![("reason", reason)], detail: None, cause: None }
            }
            code @ Code::NotFound => {
                let what = detail.unwrap_or_else(|| "-".into()).into();
                Self::Refused { code, args: vec![("what", what)], detail: None, cause: None }
            }
            code => Self::Refused {
                code,
                args: seconds.into_iter().collect(),
                detail: detail.map(Phrase::from),
                cause: None,
            },
        }
    }
}

impl From<key::KeyFailure> for CliError {
    fn from(failure: key::KeyFailure) -> Self {
        let tries = failure.tries_left.map(|tries| ("tries", tries.to_string().into()));
        // The sentence about a PIN says all; the others may need the cause.
        let detail =
            failure.detail.filter(|_| !matches!(failure.code, Code::PinWrong | Code::PinBlocked));
        Self::Refused {
            code: failure.code,
            args: tries.into_iter().collect(),
            detail: detail.map(Phrase::from),
            cause: None,
        }
    }
}

/// The code of a list of problems.
pub(crate) const CONFIGURATION: Code = Code::Configuration;

/// One problem, for programs.
fn problem_json(problem: &Problem) -> Value {
    let mut fields = Map::new();
    fields.insert("file".into(), problem.file.as_str().into());
    fields.insert("line".into(), problem.line.into());
    fields.insert("key".into(), problem.key.as_deref().into());
    fields.insert("code".into(), CONFIGURATION.to_string().into());
    json::say(&mut fields, "message", &problem.what);
    json::say(&mut fields, "fix", &problem.fix);
    fields.into()
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn refusal(code: Code, detail: Option<&str>, retry_after: Option<u64>) -> CliError {
        CliError::from(agent::Refusal {
            code,
            detail: detail.map(Into::into),
            retry_after,
            record: None,
        })
    }

    #[test]
    fn an_error_keeps_what_it_comes_from_and_says_it_once() {
        let broken = || std::io::Error::other("the disk is gone");
        for error in [
            CliError::because(Code::Internal, broken()),
            CliError::with(Code::Internal, "x: the disk is gone").caused_by(broken()),
            CliError::invalid("x: the disk is gone").caused_by(broken()),
            CliError::Unreachable { code: Code::AgentUnreachable, cause: broken().into() },
            CliError::because(Code::Internal, broken()).at("x"),
        ] {
            let source = error.source().unwrap().downcast_ref::<std::io::Error>();
            assert_eq!(source.unwrap().to_string(), "the disk is gone");
            for language in [Language::En, Language::Ja] {
                let text = error.to_text(language);
                assert_eq!(text.matches("the disk is gone").count(), 1, "{text}");
            }
        }
    }

    #[test]
    fn errors_have_code_sentence_and_detail() {
        let error = refusal(Code::EnrollmentCodeInvalid, None, None);
        assert_eq!(
            error.to_json().to_string(),
            concat!(
                r#"{"error":{"code":"WK-1506","message":"The enrollment code is wrong, used or "#,
                r#"expired. Please ask for a new one.","message_ja":"登録コードが正しくないか、"#,
                r#"使用済みか、期限切れです。新しいコードを申し出てください。","number":1506}}"#
            )
        );
        let said = "the enrollment code is wrong, used or expired";
        let error = refusal(Code::EnrollmentCodeInvalid, Some(said), None);
        assert_eq!(error.to_text(Language::En).lines().count(), 1, "what the server says");
        let error = refusal(Code::TooManyRequests, Some("a\nb"), Some(7));
        assert_eq!(
            error.to_text(Language::En),
            "Too many requests. Please try again in 7 seconds. (WK-1512)\n  a?b"
        );
        assert_eq!(error.to_json()["error"]["detail"], "a?b");
        let error = refusal(Code::RegistrationRefused, Some("attestation"), None);
        assert!(error.to_text(Language::En).contains("(attestation)"));
        assert_eq!(error.exit(), Exit::Refused);
    }

    #[test]
    fn a_configuration_that_cannot_be_used_has_the_status_that_the_table_gives_it() {
        for error in [
            CliError::new(Code::Configuration),
            CliError::Problems(Vec::new()),
            refusal(Code::Configuration, None, None),
        ] {
            assert_eq!(error.exit(), Exit::Unavailable, "{error}");
        }
        assert_eq!(CliError::Findings(Vec::new()).exit(), Exit::Refused);
    }
}
