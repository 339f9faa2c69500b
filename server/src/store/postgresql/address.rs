//! How PostgreSQL is reached: `postgresql://USER@HOST:PORT/DATABASE`, over a Unix socket or the
//! loopback. Nothing else is taken: what goes over a network unencrypted, anybody there can read
//! and change.

use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;
use zeroize::Zeroizing;

use super::connection::settings;
use crate::texts::{Phrase, Text};

/// The folder of the socket, where nothing else is said.
const SOCKET: &str = "/run/postgresql";
/// The port, which is also part of the socket's name.
const PORT: u16 = 5432;
/// The database's user: that of the service.
const USER: &str = "wardkey-server";

/// How PostgreSQL is reached.
#[derive(Clone)]
pub struct Address {
    host: String,
    port: u16,
    user: String,
    database: String,
    password: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl std::fmt::Display for Address {
    /// As it is shown to people, without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, user, database, .. } = self;
        if host.starts_with('/') {
            write!(f, "postgresql:///{database}?host={host}&port={port}&user={user}")
        } else if host.contains(':') {
            write!(f, "postgresql://{user}@[{host}]:{port}/{database}")
        } else {
            write!(f, "postgresql://{user}@{host}:{port}/{database}")
        }
    }
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is none, or says something that is not known.
    Form,
    /// A password stands in it: everybody who reads the configuration would know it.
    Password,
    /// It leads over a network.
    Network,
}

impl Wrong {
    /// What would be right.
    pub fn phrase(self) -> Phrase {
        match self {
            Self::Form => Text::DatabaseForm.into(),
            Self::Password => Text::DatabasePassword.into(),
            Self::Network => Text::DatabaseNetwork.into(),
        }
    }
}

impl FromStr for Address {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let url = Url::parse(text).map_err(|_| Wrong::Form)?;
        if !matches!(url.scheme(), "postgresql" | "postgres") || url.fragment().is_some() {
            return Err(Wrong::Form);
        }
        if url.password().is_some() {
            return Err(Wrong::Password);
        }
        let decoded = |text: &str| {
            let text = percent_encoding::percent_decode_str(text).decode_utf8();
            text.map(|text| text.into_owned()).map_err(|_| Wrong::Form)
        };
        let mut host = decoded(url.host_str().unwrap_or(""))?;
        let mut port = url.port();
        let mut user = decoded(url.username())?;
        let database = decoded(url.path().trim_start_matches('/'))?;
        for (key, value) in url.query_pairs() {
            match &*key {
                "host" if host.is_empty() => host = value.into_owned(),
                "port" if port.is_none() => {
                    port = Some(value.parse().map_err(|_| Wrong::Form)?);
                }
                "user" if user.is_empty() => user = value.into_owned(),
                "password" => return Err(Wrong::Password),
                _ => return Err(Wrong::Form),
            }
        }
        if database.is_empty() || database.contains('/') {
            return Err(Wrong::Form);
        }

        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        let host = or(host, SOCKET);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_here = Path::new(&host).is_absolute()
            || host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !is_here {
            return Err(Wrong::Network);
        }
        let (port, user) = (port.unwrap_or(PORT), or(user, USER));
        Ok(Self { host, port, user, database, password: None })
    }
}

impl Address {
    /// The same with a password.
    #[must_use]
    pub fn with_password(self, password: Zeroizing<String>) -> Self {
        Self { password: Some(password), ..self }
    }

    /// As it is shown to people.
    pub fn phrase(&self) -> Phrase {
        self.to_string().into()
    }

    /// What a connection is opened with. Where it leads comes from nowhere else: of the environment
    /// sqlx keeps PGOPTIONS alone, and what those make of commits is looked at when it is opened.
    pub(super) fn options(&self) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass()
            .port(self.port)
            .username(&self.user)
            .database(&self.database)
            .password(self.password.as_ref().map_or("", |password| password.as_str()))
            // Over a socket and the loopback there is nobody between.
            .ssl_mode(PgSslMode::Disable);
        let options = if self.host.starts_with('/') {
            options.socket(&self.host)
        } else {
            options.host(&self.host)
        };
        settings(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, Wrong> {
        text.parse::<Address>().map(|address| address.to_string())
    }

    #[test]
    fn an_address_says_what_it_leaves_out() {
        for (text, whole) in [
            (
                "postgresql:///wardkey",
                "postgresql:///wardkey?host=/run/postgresql&port=5432&user=wardkey-server",
            ),
            (
                "postgresql:///a%20b?host=/tmp/x&port=5433&user=me",
                "postgresql:///a b?host=/tmp/x&port=5433&user=me",
            ),
            ("postgresql://me@%2Ftmp%2Fx/w", "postgresql:///w?host=/tmp/x&port=5432&user=me"),
            ("postgres://localhost/w", "postgresql://wardkey-server@localhost:5432/w"),
            ("postgresql://me@127.0.0.1:5433/w", "postgresql://me@127.0.0.1:5433/w"),
            ("postgresql://me@[::1]/w", "postgresql://me@[::1]:5432/w"),
            ("postgresql:///w?host=127.0.0.2", "postgresql://wardkey-server@127.0.0.2:5432/w"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(whole), "{text}");
        }
    }

    #[test]
    fn what_leads_over_a_network_or_holds_a_password_or_says_more_is_refused() {
        for (text, wrong) in [
            ("postgresql://db.example/w", Wrong::Network),
            ("postgresql://10.0.0.1/w", Wrong::Network),
            ("postgresql://[fd00::1]/w", Wrong::Network),
            ("postgresql:///w?host=db.example", Wrong::Network),
            ("postgresql:///w?host=127.0.0.1.example", Wrong::Network),
            ("postgresql:///w?host=localhost.", Wrong::Network),
            ("postgresql:///w?host=relative/path", Wrong::Network),
            ("postgresql://me:secret@localhost/w", Wrong::Password),
            ("postgresql://:@localhost/w?password=x", Wrong::Password),
            ("postgresql:///w?sslmode=disable", Wrong::Form),
            ("postgresql:///w?options=-c%20fsync%3Doff", Wrong::Form),
            ("postgresql://localhost/w?host=db.example", Wrong::Form),
            ("postgresql:///", Wrong::Form),
            ("postgresql:///a/b", Wrong::Form),
            ("postgresql:///w#x", Wrong::Form),
            ("postgresql:///w?port=x", Wrong::Form),
            ("mysql:///w", Wrong::Form),
            ("/var/lib/wardkey-server/wardkey.db", Wrong::Form),
            ("", Wrong::Form),
        ] {
            assert_eq!(shown(text), Err(wrong), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let address: Address = "postgresql:///w".parse().unwrap();
        let address = address.with_password(Zeroizing::new("secret".to_owned()));
        assert!(!format!("{address:?} {address}").contains("secret"));
    }
}
