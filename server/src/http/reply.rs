//! Errors as answers.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use wardkey_core::code::Code;
use wardkey_core::message::http::ErrorReply;

use crate::error::{Error, TERMINAL_REVOKED};

/// Seconds for which a revoked terminal is asked to stay away: nothing comes of asking, until it
/// joins again.
const REVOKED_PAUSE: u64 = 60;

/// An answer above 399.
#[derive(Clone, Debug)]
pub struct ErrorResponse {
    status: StatusCode,
    code: Code,
    message: String,
    retry_after: Option<u64>,
}

/// The code that an answer carries.
#[derive(Clone, Copy, Debug)]
pub struct ReplyCode(pub Code);

/// Result of a handler.
pub type Answer<T> = Result<Json<T>, ErrorResponse>;

impl ErrorResponse {
    /// A refusal.
    pub fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// The request is not valid: 400.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::RequestInvalid, message)
    }

    /// Too many requests: 429.
    pub fn too_many(seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds.max(1)),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                Code::TooManyRequests,
                format!("try again in {seconds} s"),
            )
        }
    }

    /// The same with a code of its own.
    #[must_use]
    pub const fn coded(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// The same, and nothing comes of asking again sooner.
    #[must_use]
    pub const fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Not now: 503.
    pub fn unavailable(code: Code, message: impl Into<String>) -> Self {
        Self { retry_after: Some(30), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message) }
    }

    /// The code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What is said.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn refused(code: Code, message: String) -> Self {
        match code {
            Code::NotFound => Self::new(StatusCode::NOT_FOUND, code, message),
            Code::RequestInvalid => Self::new(StatusCode::BAD_REQUEST, code, message),
            Code::TooManyKeys | Code::KeyAlreadyRegistered | Code::FormSentBefore => {
                Self::new(StatusCode::CONFLICT, code, message)
            }
            Code::RegistrationRefused | Code::KeyCannotIdentify | Code::PinLengthRefused => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
            }
            Code::ServerBehind | Code::ServerClock => Self::unavailable(code, message),
            Code::TooManyRequests => Self::too_many(60),
            Code::ApiKeyInvalid | Code::NotSignedIn => {
                Self::new(StatusCode::UNAUTHORIZED, code, message)
            }
            Code::ChangedMeanwhile => Self::new(StatusCode::PRECONDITION_FAILED, code, message),
            Code::RepeatedDifferently => Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message),
            _ => Self::new(StatusCode::FORBIDDEN, code, message),
        }
    }
}

impl From<Error> for ErrorResponse {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused { code, message } => Self::refused(code, message.to_string()),
            Error::Because { error, .. } => Self::from(*error),
            Error::TerminalRevoked => {
                Self::new(StatusCode::FORBIDDEN, Code::TerminalDisabled, TERMINAL_REVOKED)
                    .after(REVOKED_PAUSE)
            }
            Error::Usage(message) => Self::invalid(message.to_string()),
            // What went wrong inside is for the log, not for the peer.
            error => {
                tracing::error!(%error, "a request failed");
                match error.code() {
                    code @ Code::StateUnavailable => {
                        Self::unavailable(code, "the store is not available")
                    }
                    code => Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, "internal error"),
                }
            }
        }
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let body = ErrorReply {
            code: self.code.to_string(),
            number: self.code.number(),
            message: self.message.clone(),
        };
        let mut response = (self.status, Json(body)).into_response();
        // For the log of every_request.
        response.extensions_mut().insert(ReplyCode(self.code));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // For those who say it in another form.
        response.extensions_mut().insert(self);
        response
    }
}
