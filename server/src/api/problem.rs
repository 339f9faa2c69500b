//! Refusals in the form of RFC 9457.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::reply::ErrorResponse;

/// The kind of content.
pub const PROBLEM: &str = "application/problem+json";

/// Why something is not done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// `urn:wardkey:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What HTTP says.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What happened, and what to do.
    pub detail: String,
    /// The stable code: `WK-` and a number.
    pub code: String,
    /// Its number.
    pub number: u16,
}

impl From<&ErrorResponse> for Problem {
    fn from(error: &ErrorResponse) -> Self {
        let (code, status) = (error.code(), error.status());
        Self {
            kind: format!("urn:wardkey:{code}"),
            title: status.canonical_reason().unwrap_or("Refused").to_owned(),
            status: status.as_u16(),
            detail: error.message().to_owned(),
            code: code.to_string(),
            number: code.number(),
        }
    }
}

/// Every refusal as a problem, whoever refused.
pub async fn as_problem(response: Response) -> Response {
    let Some(error) = response.extensions().get::<ErrorResponse>() else { return response };
    let body = Json(Problem::from(error)).into_response().into_body();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    if parts.status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    Response::from_parts(parts, body)
}
