//! `[admin]`: where the interface for administration is, and by which certificate.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use wardkey_core::name::GroupName;

use crate::texts::{Phrase, Text};

/// The interface for administration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Where it listens (HTTPS); nowhere when absent.
    pub listen: Option<SocketAddr>,
    /// The address of its pages in a browser, such as `https://wardkey.example.org:8444`; without
    /// it there are none.
    pub pages: Option<String>,
    /// The certificate (PEM), with those that lead to one that browsers know; the server's own when
    /// absent.
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub key: Option<PathBuf>,
    /// Certificates (PEM) of those who issue client certificates: without one of theirs nobody gets
    /// a connection. None is asked for when absent.
    pub client_ca: Option<PathBuf>,
    /// Whether staff without a role sign in to a page of their own, to see their keys and logins
    /// and to report a key lost.
    pub self_service: bool,
    /// Groups whose people are let in, and let into, by an owner of the whole deployment alone.
    #[serde(deserialize_with = "groups")]
    pub protected_groups: BTreeSet<GroupName>,
}

impl Admin {
    /// What can be wrong, and whether it is right.
    pub(super) fn checks(&self) -> [(bool, &'static str, Phrase); 5] {
        let is_path = |path: &Option<PathBuf>| path.as_ref().is_none_or(|path| path.is_absolute());
        let is_pair = self.certificate.is_some() == self.key.is_some();
        [
            (is_path(&self.certificate), "certificate", Text::AbsolutePath.into()),
            (is_path(&self.key), "key", Text::AbsolutePath.into()),
            (is_path(&self.client_ca), "client_ca", Text::AbsolutePath.into()),
            (
                is_pair,
                if self.key.is_some() { "key" } else { "certificate" },
                Text::CertificateAndKey.into(),
            ),
            (self.pages.as_deref().is_none_or(is_said), "pages", Text::HttpsHost.into()),
        ]
    }
}

/// Whether a text is an origin of HTTPS.
pub(super) fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://");
    host.is_some_and(|host| !host.is_empty() && !host.contains('/'))
}

/// Whether it is an origin as browsers write it: without a port that goes without saying.
fn is_said(text: &str) -> bool {
    let origin = url::Url::parse(text).ok().map(|url| url.origin().ascii_serialization());
    is_origin(text) && origin.as_deref() == Some(text)
}

fn groups<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<GroupName>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    names.iter().map(|name| name.parse().map_err(D::Error::custom)).collect()
}
