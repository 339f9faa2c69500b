//! What a page does not do, and why.

use axum::response::{IntoResponse, Response};
use wardkey_core::phrase::Phrase;

use crate::error::Error;
use crate::http::reply::ErrorResponse;

/// Why something is not done. The frame around it is put there by [`super::routes`], which knows
/// the language.
#[derive(Debug)]
pub enum Refusal {
    /// By what administration found.
    Found(Error),
    /// By a bound of the server.
    Bound(ErrorResponse),
}

/// What is said, in the language of whoever reads it.
#[derive(Clone, Debug)]
pub struct Said(pub Phrase);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Found(error)
    }
}

impl From<ErrorResponse> for Refusal {
    fn from(response: ErrorResponse) -> Self {
        Self::Bound(response)
    }
}

/// What an error says to somebody from outside; nothing of what went wrong inside.
fn said(error: &Error) -> Option<Phrase> {
    match error {
        Error::Refused { message, .. } | Error::Usage(message) => Some(message.clone()),
        Error::Because { error, .. } => said(error),
        _ => None,
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Bound(response) => response.into_response(),
            Self::Found(error) => {
                let phrase = said(&error);
                let mut response = ErrorResponse::from(error).into_response();
                if let Some(phrase) = phrase {
                    response.extensions_mut().insert(Said(phrase));
                }
                response
            }
        }
    }
}
