//! Who is at the other end: the address, and the terminal of a verified certificate.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use wardkey_core::code::Code;
use wardkey_core::name::ServerAddress;

use super::app::App;
use super::limit::Counted;
use super::reply::ErrorResponse;
use crate::caller;
use crate::error::{Error, Result};
use crate::pki::TerminalCertificate;
use crate::publish::ShownTerminal;
use crate::store::audit::{self, Act, Actor};
use crate::store::terminal;

/// One connection's other end, put into each of its requests.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Address and port.
    pub address: SocketAddr,
    /// What the certificate says that TLS verified; none without one.
    pub certificate: Option<TerminalCertificate>,
}

/// A peer without regard of its certificate; counted by its address.
pub struct Anyone(pub Peer);

/// A terminal with a certificate that counts, of whatever status.
pub struct KnownTerminal {
    /// The terminal.
    pub terminal: Arc<ShownTerminal>,
    /// The certificate that it used.
    pub certificate: TerminalCertificate,
}

/// A terminal that may come.
pub struct ActiveTerminal(pub KnownTerminal);

fn peer(parts: &Parts) -> Result<Peer, ErrorResponse> {
    parts.extensions.get::<Peer>().copied().ok_or_else(|| {
        ErrorResponse::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, "internal error")
    })
}

/// The address of the server that the client called, as lists of addresses have it.
fn called(parts: &Parts) -> Option<ServerAddress> {
    let host = parts.headers.get(header::HOST)?.to_str().ok()?;
    Some(ServerAddress::new(format!("https://{host}")).ok()?.canonical())
}

impl FromRequestParts<Arc<App>> for Anyone {
    type Rejection = ErrorResponse;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ErrorResponse> {
        let peer = peer(parts)?;
        app.limiter.take(Counted::address(peer.address.ip()))?;
        Ok(Self(peer))
    }
}

impl FromRequestParts<Arc<App>> for KnownTerminal {
    type Rejection = ErrorResponse;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ErrorResponse> {
        let peer = peer(parts)?;
        let Some(certificate) = peer.certificate else {
            app.limiter.take(Counted::address(peer.address.ip()))?;
            return Err(ErrorResponse::new(
                StatusCode::UNAUTHORIZED,
                Code::TerminalCertificate,
                "this needs the certificate of a terminal",
            ));
        };
        // Not by what it says it is: a replaced or revoked certificate must not use up what the
        // rightful one has.
        app.limiter.take(if app.publisher.counts(&certificate) {
            Counted::Terminal(certificate.terminal)
        } else {
            Counted::address(peer.address.ip())
        })?;
        let unknown = || {
            ErrorResponse::new(
                StatusCode::FORBIDDEN,
                Code::TerminalCertificate,
                "this certificate is not of a known terminal",
            )
        };
        let terminal = match app.publisher.terminal(&certificate.terminal) {
            Some(terminal) => terminal,
            None => {
                // Joined a moment ago, perhaps.
                app.refresh().await?;
                app.publisher.terminal(&certificate.terminal).ok_or_else(unknown)?
            }
        };
        // TLS judged it when the connection began, and that may be long ago.
        if app.publisher.time() >= certificate.expires {
            return Err(ErrorResponse::new(
                StatusCode::FORBIDDEN,
                Code::TerminalCertificate,
                "this certificate has expired",
            ));
        }
        if !app.publisher.is_of_authority(&terminal, &certificate) {
            app.refused_of_former(&terminal, &certificate, peer.address.ip()).await?;
            return Err(caller::of_former_authority().into());
        }
        let terminal = match app.publisher.is_behind(&terminal, &certificate) {
            true => app.renewed_since(terminal, &certificate).await?,
            false => terminal,
        };
        if !terminal.takes(&certificate) {
            app.superseded(&terminal, peer.address.ip()).await?;
            return Err(caller::replaced().into());
        }
        if terminal.serial == certificate.serial && terminal.previous_serial.is_some() {
            let mut tx = app.store.write().await?;
            terminal::forget_previous_serial(&mut tx, &terminal.id, &certificate.serial).await?;
            tx.commit().await.map_err(Error::from)?;
        }
        app.seen.note(terminal.id, app.clock.now(), peer.address.ip());
        if let Some(address) = called(parts) {
            app.seen.note_came_by(terminal.id, address);
        }
        Ok(Self { terminal, certificate })
    }
}

impl FromRequestParts<Arc<App>> for ActiveTerminal {
    type Rejection = ErrorResponse;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ErrorResponse> {
        let known = KnownTerminal::from_request_parts(parts, app).await?;
        known.must_be_active()?;
        Ok(Self(known))
    }
}

impl KnownTerminal {
    /// Refuses what may not come.
    ///
    /// # Errors
    /// 403 with [`Code::TerminalDisabled`].
    pub fn must_be_active(&self) -> Result<(), ErrorResponse> {
        Ok(caller::must_be_active(self.terminal.status)?)
    }
}

impl App {
    /// A terminal has renewed its certificate since the state that this server was restored from.
    async fn renewed_since(
        &self,
        terminal: Arc<ShownTerminal>,
        certificate: &TerminalCertificate,
    ) -> Result<Arc<ShownTerminal>> {
        let mut tx = self.store.write().await?;
        if terminal::take_newer(&mut tx, &terminal, certificate).await? {
            let actor = Actor::terminal(&terminal.id);
            let id = terminal.id.to_hex();
            let act = Act::new("terminal.renewed-since", &id);
            audit::record(&mut tx, self.clock.now(), &actor, act).await?;
        }
        tx.commit().await?;
        self.refresh().await?;
        Ok(self.publisher.terminal(&terminal.id).unwrap_or(terminal))
    }

    /// A certificate of a CA that counts no longer came: of a terminal that has to join again, or,
    /// of another key, of somebody who has the key of that CA.
    async fn refused_of_former(
        &self,
        terminal: &ShownTerminal,
        certificate: &TerminalCertificate,
        address: IpAddr,
    ) -> Result<()> {
        if terminal.key.is_some_and(|key| key != certificate.key) {
            return self.superseded(terminal, address).await;
        }
        let what = "a certificate of a CA that was exchanged";
        self.note_refused("terminal.former-ca", what, terminal, address).await
    }

    /// A certificate that was replaced came: a copied machine, or a stolen one.
    async fn superseded(&self, terminal: &ShownTerminal, address: IpAddr) -> Result<()> {
        let what = "a replaced certificate";
        self.note_refused("terminal.conflict", what, terminal, address).await
    }

    /// A certificate was refused. Noted once an hour.
    async fn note_refused(
        &self,
        act: &'static str,
        what: &str,
        terminal: &ShownTerminal,
        address: IpAddr,
    ) -> Result<()> {
        if !self.seen.first_in_an_hour(act, terminal.id, self.clock.now()) {
            return Ok(());
        }
        let detail = format!("{what} of {} was used from {address}", terminal.name);
        tracing::warn!(code = "WK-1514", terminal = %terminal.id, %address, "{what} was used");
        let mut tx = self.store.write().await?;
        let id = terminal.id.to_hex();
        let act = Act::new(act, &id).with(&detail);
        audit::record(&mut tx, self.clock.now(), &Actor::address(address), act).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn the_address_that_a_client_called_is_written_as_in_a_list() {
        for (host, expected) in [
            ("Ward.test:8443", Some("https://ward.test:8443")),
            ("ward.test", Some("https://ward.test")),
            ("ward.test:443", Some("https://ward.test")),
            ("[2001:DB8::1]:8443", Some("https://[2001:db8::1]:8443")),
            ("ward.test/x", None),
            ("someone@ward.test", None),
            ("", None),
        ] {
            let request = Request::get("/").header(header::HOST, host).body(()).unwrap();
            let called = called(&request.into_parts().0);
            assert_eq!(called.as_ref().map(ServerAddress::as_str), expected, "{host}");
        }
        assert_eq!(called(&Request::get("/").body(()).unwrap().into_parts().0), None);
    }
}
