//! HTTPS with JSON bodies, by ureq over the connector of `wardkey-sinks`, which takes our TLS.
//!
//! Errors of this module are [`ServerError`].

pub mod places;

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wardkey_core::code::Code;
use wardkey_core::id::Hash;
use wardkey_core::message::http::{
    ChangesReply, CheckpointReply, CosignatureReply, CosignatureRequest, EnrollBeginReply,
    EnrollBeginRequest, EnrollFinishReply, EnrollFinishRequest, ErrorReply, EventsReply,
    EventsRequest, JoinReply, PolicyReply, RenewRequest, TimeReply, TimeRequest, WaitReply,
    WaitRequest,
};
use wardkey_core::name::{ScopeName, printable};
use wardkey_sinks::https::{connecting, host_of, untrusted};

use crate::error::ServerError;
use crate::sync::upstream::Upstream;

/// The longest answer that is read, in bytes: a page of changes has 4 MB before base64url and JSON.
const MAX_BODY: u64 = 10 * 1024 * 1024;
/// For requests that the server does not hold.
const ANSWER: Duration = Duration::from_secs(30);
/// For the time, for which somebody waits at the login: less than a module waits for an agent.
const TIME: Duration = Duration::from_secs(3);

/// An HTTPS server.
#[derive(Debug)]
pub struct Http {
    agent: ureq::Agent,
    base: String,
}

impl Http {
    /// A server at `https://host:port`, by this TLS.
    ///
    /// # Errors
    /// [`ServerError::Malformed`] when the address is not one.
    pub fn new(server: &str, tls: Arc<ClientConfig>) -> Result<Self, ServerError> {
        server_name(server)?;
        let agent = connecting(tls, concat!("wardkey-agent/", env!("CARGO_PKG_VERSION")));
        Ok(Self { agent, base: server.trim_end_matches('/').to_owned() })
    }

    /// `GET`
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ServerError> {
        let request = self
            .agent
            .get(format!("{}{path}", self.base))
            .config()
            .timeout_global(Some(ANSWER))
            .build();
        Self::answer(request.call())
    }

    /// `POST` of a JSON body.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        timeout: Duration,
    ) -> Result<T, ServerError> {
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .config()
            .timeout_global(Some(timeout))
            .build();
        Self::answer(request.send_json(body))
    }

    fn answer<T: DeserializeOwned>(
        result: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, ServerError> {
        let mut response = result.map_err(transport_error)?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok())
            .and_then(seconds);
        let body = response
            .body_mut()
            .with_config()
            .limit(MAX_BODY)
            .read_to_vec()
            .map_err(transport_error)?;
        if status >= 300 {
            let reply: Option<ErrorReply> = serde_json::from_slice(&body).ok();
            let code =
                reply.as_ref().and_then(ErrorReply::known_code).unwrap_or(Code::ServerUnreachable);
            let message = reply.map_or_else(
                || "no reason given".to_owned(),
                |reply| printable(&reply.message, 200),
            );
            return Err(ServerError::Refused { status, code, message, retry_after });
        }
        serde_json::from_slice(&body).map_err(|error| ServerError::Malformed(error.into()))
    }
}

/// Retry-After in seconds (RFC 9110, 10.2.3; our servers give no dates). A number that is too large
/// is a long time, not none.
fn seconds(value: &str) -> Option<u64> {
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| value.parse().unwrap_or(u64::MAX))
}

/// The name in a server's address, as its certificate must have it.
///
/// # Errors
/// [`ServerError::Malformed`] when the address is not `https://host:port`.
pub fn server_name(server: &str) -> Result<ServerName<'static>, ServerError> {
    let bad = || {
        let text = format!("not an address like https://host:port: {}", printable(server, 100));
        ServerError::Malformed(text.into())
    };
    let uri: ureq::http::Uri = server.parse().map_err(|_| bad())?;
    if uri.scheme_str() != Some("https") || !matches!(uri.path(), "" | "/") || uri.query().is_some()
    {
        return Err(bad());
    }
    host_of(&uri).ok_or_else(bad)
}

fn transport_error(error: ureq::Error) -> ServerError {
    match untrusted(&error) {
        Some(why) => ServerError::NotTrusted(why.into()),
        None => ServerError::Unreachable(error.into()),
    }
}

impl Upstream for Http {
    fn wait(&self, request: &WaitRequest) -> Result<WaitReply, ServerError> {
        self.post("/v1/wait", request, Duration::from_secs(request.hold.saturating_add(15)))
    }

    fn changes(&self, scope: &ScopeName, since: u64) -> Result<ChangesReply, ServerError> {
        self.get(&format!("/v1/scopes/{scope}/changes?since={since}"))
    }

    fn policy(&self, hash: &Hash) -> Result<Vec<u8>, ServerError> {
        self.get::<PolicyReply>(&format!("/v1/policies/{hash}")).map(|reply| reply.policy.0)
    }

    fn events(&self, request: &EventsRequest) -> Result<EventsReply, ServerError> {
        self.post("/v1/events", request, ANSWER)
    }

    fn checkpoint(&self, since: u64) -> Result<CheckpointReply, ServerError> {
        self.get(&format!("/v1/log/checkpoint?since={since}"))
    }

    fn cosignature(&self, request: &CosignatureRequest) -> Result<CosignatureReply, ServerError> {
        self.post("/v1/log/cosignature", request, ANSWER)
    }

    fn renew(&self, request: &RenewRequest) -> Result<JoinReply, ServerError> {
        self.post("/v1/renew", request, ANSWER)
    }

    fn time(&self, request: &TimeRequest) -> Result<TimeReply, ServerError> {
        self.post("/v1/time", request, TIME)
    }

    fn enroll_begin(&self, request: &EnrollBeginRequest) -> Result<EnrollBeginReply, ServerError> {
        self.post("/v1/enroll/begin", request, ANSWER)
    }

    fn enroll_finish(
        &self,
        request: &EnrollFinishRequest,
    ) -> Result<EnrollFinishReply, ServerError> {
        self.post("/v1/enroll/finish", request, ANSWER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_of_seconds() {
        let huge = "9".repeat(40);
        for (text, expected) in [
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("0", Some(0)),
            (huge.as_str(), Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("soon", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn an_address_is_https_with_a_host_and_nothing_else() {
        for good in [
            "https://wardkey.example:8443",
            "https://10.0.0.1:8443/",
            "https://[::1]:443",
            "https://a",
        ] {
            assert!(server_name(good).is_ok(), "{good}");
        }
        for bad in [
            "http://a:1",
            "a:1",
            "https://",
            "https://a/b",
            "https://a?x",
            "",
            "file:///etc/passwd",
            "https://a b",
        ] {
            assert!(server_name(bad).is_err(), "{bad}");
        }
    }
}
