//! A body that is posted to somebody who is not a server of ours: a collector of records.

use std::time::Duration;

use super::{Http, transport_error};
use crate::error::ServerError;

/// The longest answer of a collector that is read, in bytes.
const MAX_SAID: u64 = 1024 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub enum NotSent {
    /// It is not the one that it should be.
    NotTrusted(String),
    /// The connection ended while it was used.
    Broken(std::io::Error),
    /// It does not answer.
    Away(String),
}

fn not_sent(error: ureq::Error) -> NotSent {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        ureq::Error::Io(error)
            if matches!(
                error.kind(),
                BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
            ) =>
        {
            NotSent::Broken(error)
        }
        error => match transport_error(error) {
            ServerError::NotTrusted(why) => NotSent::NotTrusted(why.to_string()),
            error => NotSent::Away(error.to_string()),
        },
    }
}

impl Http {
    /// `POST` of a body of this type, with a word for `Authorization`: status and answer, whatever
    /// they are.
    pub fn post_body(
        &self,
        path: &str,
        (content_type, authorization): (&str, &str),
        body: &[u8],
        timeout: Duration,
    ) -> Result<(u16, Vec<u8>), NotSent> {
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("content-type", content_type)
            .header("authorization", authorization)
            .config()
            .timeout_global(Some(timeout))
            .build();
        let mut response = request.send(body).map_err(not_sent)?;
        let status = response.status().as_u16();
        let said = response.body_mut().with_config().limit(MAX_SAID).read_to_vec();
        Ok((status, said.map_err(not_sent)?))
    }
}
