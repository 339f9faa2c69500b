//! What a form of a page sends.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::refusal::Refusal;
use crate::http::body::bytes_of;
use crate::http::reply::ErrorResponse;

/// The longest form in bytes.
const MAX_FORM: usize = 16_384;

/// The field that says that a form is one of this session.
pub const TOKEN: &str = "form";

/// The field that tells a form from every other one.
pub const ONCE: &str = "once";

/// What was filled in.
pub struct Form {
    /// Of the request.
    pub headers: HeaderMap,
    fields: BTreeMap<String, String>,
}

impl Form {
    /// A field without white space around it; none when it is empty.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// The same, owned.
    pub fn text(&self, name: &str) -> Option<String> {
        self.field(name).map(str::to_owned)
    }

    /// What stands in each form of a session.
    pub fn token(&self) -> &str {
        self.field(TOKEN).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let headers = request.headers().clone();
        let kind = "application/x-www-form-urlencoded";
        let bytes = Zeroizing::new(bytes_of(request, kind, MAX_FORM).await?);
        let fields: BTreeMap<String, String> =
            form_urlencoded::parse(&bytes).into_owned().collect();
        // No name and no text has one, and PostgreSQL takes none.
        if fields.values().any(|text| text.contains('\0')) {
            return Err(ErrorResponse::invalid("a field has a NUL").into());
        }
        Ok(Self { headers, fields })
    }
}

/// Where to go on after signing in: a path of ours, whatever was written there.
pub fn path_of_ours(text: Option<&str>) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_.~?=&%-+@$,:!*".contains(c);
    let is_ours = |path: &&str| {
        path.starts_with('/') && !path.starts_with("//") && path.chars().all(is_plain)
    };
    text.filter(is_ours).unwrap_or("/")
}

/// A value as it stands in a query.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The path and query of a request, for `next`.
pub fn asked_for(request: &Request) -> String {
    request.uri().path_and_query().map_or_else(|| "/".into(), |path| path.as_str().to_owned())
}

/// Whether whoever asks wants a page, and not what programs read.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|kinds| kinds.contains("text/html"))
}

/// A path with what is asked of it.
pub fn asked_of(path: &str, asked: &[(&str, Option<&str>)]) -> String {
    let query = query_of(asked);
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// What a list is asked, but for which part of it: the names that have a value.
pub fn query_of(asked: &[(&str, Option<&str>)]) -> String {
    let given = asked.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
}

/// What a browser says of where a request comes from: `Origin`.
pub fn origin(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(header::ORIGIN).map(|value| value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_nobody_is_sent_elsewhere() {
        for good in ["/", "/people/yamada?done=1", "/events?person=sato%20x"] {
            assert_eq!(path_of_ours(Some(good)), good);
        }
        for bad in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "\\\\evil",
            "evil",
            "",
            "/a\r\nSet-Cookie: x",
            "/a b",
            "javascript:alert(1)",
        ] {
            assert_eq!(path_of_ours(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(path_of_ours(None), "/");
    }
}
