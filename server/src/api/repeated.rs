//! Requests that may come twice (`Idempotency-Key`): what was done is said again, and not done
//! again.

use axum::http::HeaderMap;
use serde_json::Value;
use wardkey_core::code::Code;
use wardkey_core::codec::sha256;
use wardkey_core::id::Hash;
use wardkey_core::texts;

use super::call::Call;
use super::seal::Seal;
use crate::error::{Error, Result};
use crate::store::api_answer::{self, Given};

/// The header that names a request.
pub const HEADER: &str = "idempotency-key";
/// The header of an answer that was given before.
pub const REPLAYED: &str = "idempotency-replayed";
/// The longest name of a request.
const MAX_NAME: usize = 64;

/// A request that has a name.
pub struct Named {
    name: String,
    request: Hash,
}

impl Named {
    /// By its header, and by all that it says beside; `None` without one.
    ///
    /// # Errors
    /// [`Error::Refused`] for a name that is none.
    pub fn of(headers: &HeaderMap, says: &[&str], body: &Value) -> Result<Option<Self>> {
        let Some(given) = headers.get(HEADER) else { return Ok(None) };
        let name = given.to_str().ok().map(str::trim);
        let is_name = |name: &&str| (1..=MAX_NAME).contains(&name.len());
        let name = name.filter(is_name).ok_or_else(|| {
            Error::invalid(format!("Idempotency-Key: 1 to {MAX_NAME} printable characters"))
        })?;
        // Each on a line of its own: none of them can have an end of a line.
        let all = [says.join("\n"), body.to_string()].join("\n");
        Ok(Some(Self { name: name.to_owned(), request: sha256(all.as_bytes()) }))
    }

    /// What was answered before, if anything.
    ///
    /// # Errors
    /// [`Code::RepeatedDifferently`] when that was to another request.
    pub async fn answered(&self, call: &mut Call<'_>) -> Result<Option<Vec<u8>>> {
        let place = (&call.known.id, self.name.as_str());
        let Some(given) = api_answer::find(&mut call.tx, place, call.now).await? else {
            return Ok(None);
        };
        if given.request != self.request {
            let message = texts::phrase(Code::RepeatedDifferently, vec![]);
            return Err(Error::refused(Code::RepeatedDifferently, message));
        }
        let answer = seal(call)?.open(&self.name, &given.answer);
        answer.map(Some).ok_or_else(|| Error::damaged("an answer that was kept"))
    }

    /// Keeps an answer, in the transaction of what was done.
    pub async fn keep(&self, call: &mut Call<'_>, answer: &[u8]) -> Result<()> {
        let answer = seal(call)?.close(&self.name, answer)?;
        let given = Given { request: self.request, answer };
        let place = (&call.known.id, self.name.as_str());
        api_answer::add(&mut call.tx, place, &given, call.now).await
    }
}

/// By the secret of who asks: it is in the request, and not in the store.
fn seal(call: &Call<'_>) -> Result<Seal> {
    Seal::new(call.known.secret.as_slice(), "wardkey/api-answer/1")
}
