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
    /// The certificate (PEM), with those that lead to one that browsers know; the server's own when
    /// absent.
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub key: Option<PathBuf>,
    /// Certificates (PEM) of those who issue client certificates: without one of theirs nobody gets
    /// a connection. None is asked for when absent.
    pub client_ca: Option<PathBuf>,
    /// Groups whose people are let in, and let into, by an owner of the whole deployment alone.
    #[serde(deserialize_with = "groups")]
    pub protected_groups: BTreeSet<GroupName>,
}

impl Admin {
    /// What can be wrong, and whether it is right.
    pub(super) fn checks(&self) -> [(bool, &'static str, Phrase); 4] {
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
        ]
    }
}

fn groups<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<GroupName>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    names.iter().map(|name| name.parse().map_err(D::Error::custom)).collect()
}
