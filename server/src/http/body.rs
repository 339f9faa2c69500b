//! Bodies: JSON only, within a length and a time, nothing unknown in them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use wardkey_core::code::Code;

use super::reply::ErrorResponse;

/// How long a peer may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(20);

/// Bytes over the limit that are still read, and thrown away as they come: they cost no memory, and
/// the client gets its answer. Whoever sends more is cut off.
const THROWN_AWAY: usize = 96 * 1024 * 1024;

/// The JSON body of a request, of at most `MAX` bytes.
pub struct Body<T, const MAX: usize>(pub T);

impl<T: DeserializeOwned, S: Send + Sync, const MAX: usize> FromRequest<S> for Body<T, MAX> {
    type Rejection = ErrorResponse;

    async fn from_request(request: Request, _: &S) -> Result<Self, ErrorResponse> {
        let bytes = bytes_of(request, "application/json", MAX).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            ErrorResponse::invalid(format!(
                "line {}, column {}: {}",
                error.line(),
                error.column(),
                kind_of(&error)
            ))
        })
    }
}

/// The bytes of a body of this kind, at most `max` of them.
///
/// # Errors
/// 415, 413, 408, or 400 when it ends early.
pub async fn bytes_of(
    request: Request,
    wanted: &'static str,
    max: usize,
) -> Result<Vec<u8>, ErrorResponse> {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case(wanted) {
        return Err(ErrorResponse::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::RequestInvalid,
            format!("the body must be {wanted}"),
        ));
    }
    let too_large = || {
        ErrorResponse::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            Code::RequestInvalid,
            format!("at most {max} bytes"),
        )
    };
    // Who asks before it sends need not send at all.
    if asks_first(&request) && announced(&request) > max as u64 {
        return Err(too_large());
    }
    tokio::time::timeout(BODY_TIME, read(request.into_body(), max))
        .await
        .map_err(|_| {
            ErrorResponse::new(
                StatusCode::REQUEST_TIMEOUT,
                Code::RequestInvalid,
                "the body took too long",
            )
        })?
        .map_err(|_| ErrorResponse::invalid("the body ended early"))?
        .ok_or_else(too_large)
}

/// Whether the client waits for `100 Continue` before it sends its body (RFC 9110, 10.1.1).
fn asks_first(request: &Request) -> bool {
    request
        .headers()
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// The length that was announced; 0 when none was.
fn announced(request: &Request) -> u64 {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

/// Bytes that are read of a body when the answer is known before it: more than any body may have.
const UNREAD: usize = 8 * 1024 * 1024;

/// The body of a request, which comes back when it was not read to its end.
struct Lent {
    body: Option<axum::body::Body>,
    back: Option<oneshot::Sender<axum::body::Body>>,
}

/// What is left of a body after its request was answered.
pub struct Unread(oneshot::Receiver<axum::body::Body>);

/// Lends the body of a request to whoever answers it. Nothing, when the client asks before it
/// sends.
pub fn lend(request: Request) -> (Request, Option<Unread>) {
    if asks_first(&request) {
        return (request, None);
    }
    let (back, unread) = oneshot::channel();
    let request =
        request.map(|body| axum::body::Body::new(Lent { body: Some(body), back: Some(back) }));
    (request, Some(Unread(unread)))
}

impl Unread {
    /// Reads what nobody wanted and throws it away: see [`read`].
    pub async fn throw_away(mut self) {
        let Ok(body) = self.0.try_recv() else { return };
        let mut body = http_body_util::Limited::new(body, UNREAD);
        let all = async { while let Some(Ok(_)) = body.frame().await {} };
        let _ = tokio::time::timeout(BODY_TIME, all).await;
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let unread = self.body.take().filter(|body| !body.is_end_stream());
        if let Some((body, back)) = unread.zip(self.back.take()) {
            // Nobody waits for it when the connection is gone.
            let _ = back.send(body);
        }
    }
}

/// A body of at most `max` bytes; `None` for a longer one. What is over it is read and thrown away:
/// a client that still sends when the connection is closed never sees the answer.
async fn read(mut body: axum::body::Body, max: usize) -> Result<Option<Vec<u8>>, axum::Error> {
    let (mut bytes, mut total) = (Vec::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        total = total.saturating_add(data.len());
        if total <= max {
            bytes.extend_from_slice(&data);
        } else {
            bytes = Vec::new();
        }
        if total > max.saturating_add(THROWN_AWAY) {
            break;
        }
    }
    Ok((total <= max).then_some(bytes))
}

/// What is wrong, without any value of the body: it may hold a code.
pub fn kind_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match error.classify() {
        serde_json::error::Category::Data
            if text.starts_with("unknown field") || text.starts_with("missing field") =>
        {
            text.chars().take(128).collect()
        }
        serde_json::error::Category::Data => "a field has a value of the wrong kind".into(),
        _ => "not JSON".into(),
    }
}
