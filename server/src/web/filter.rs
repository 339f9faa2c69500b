//! What stands behind the question mark of a page.

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::refusal::Refusal;
use crate::error::{Error, Result};

/// What is asked of a page. A form sends what was left empty, too: that is not asked.
pub struct Filter<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Filter<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(read(query).map(Self)?)
    }
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let given = pairs.filter(|(_, value)| !value.trim().is_empty());
    let text = form_urlencoded::Serializer::new(String::from("/?")).extend_pairs(given).finish();
    let uri: Uri = text.parse().map_err(|_| Error::invalid("the query is too long"))?;
    let Query(asked) =
        Query::try_from_uri(&uri).map_err(|error| Error::invalid(error.body_text()))?;
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use wardkey_core::code::Code;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        name: Option<String>,
        count: Option<u32>,
    }

    #[test]
    fn what_was_left_empty_is_not_asked_and_what_no_page_asks_is_refused() {
        let asked = |name: Option<&str>, count| Asked { name: name.map(Into::into), count };
        for (query, expected) in [
            ("", asked(None, None)),
            ("name=&count=", asked(None, None)),
            ("name=+&count=7", asked(None, Some(7))),
            ("name=%E5%B1%B1%26%3D&count=", asked(Some("山&="), None)),
        ] {
            assert_eq!(read::<Asked>(query).unwrap(), expected, "{query}");
        }
        for query in ["count=x", "other=1", "name=a&name=b"] {
            assert_eq!(read::<Asked>(query).unwrap_err().code(), Code::RequestInvalid, "{query}");
        }
    }
}
