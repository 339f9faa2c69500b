//! Joining and renewing.

use axum::Json;
use axum::extract::State;
use wardkey_core::id::TerminalId;
use wardkey_core::message::http::{Base64, JoinReply, JoinRequest, RenewRequest};

use super::app::{App, Shared};
use super::body::Body;
use super::limit::Counted;
use super::peer::{ActiveTerminal, Anyone};
use super::reply::Answer;
use crate::error::{Error, Result};
use crate::joining::{self, Application, Issuer, Joined};
use crate::publish::Keys;

/// `POST /v1/join`
pub async fn join(
    State(app): Shared,
    Anyone(peer): Anyone,
    Body(request): Body<JoinRequest, 16_384>,
) -> Answer<JoinReply> {
    let application = Application::parse(&request)?;
    app.limiter.take(Counted::Token(application.token))?;
    let keys = app.publisher.keys();
    let issuer = app.issuer(&keys)?;
    joining::check(&mut app.store.read().await?, &application, issuer.now).await?;
    let request = joining::certificate_request(&application.csr)?;

    let mut tx = app.store.write().await?;
    let joined =
        joining::join(&mut tx, &issuer, (&application, request), peer.address.ip()).await?;
    tx.commit().await.map_err(Error::from)?;

    match joined {
        Joined::Refused(error) => Err(error.into()),
        Joined::Terminal { id, certificate, replaced } => {
            if replaced {
                tracing::warn!(
                    terminal = %id,
                    address = %peer.address.ip(),
                    "a terminal was replaced"
                );
            }
            Ok(Json(app.joined(&id, certificate).await?))
        }
    }
}

/// `POST /v1/renew`
pub async fn renew(
    State(app): Shared,
    ActiveTerminal(known): ActiveTerminal,
    Body(request): Body<RenewRequest, 16_384>,
) -> Answer<JoinReply> {
    let keys = app.publisher.keys();
    let issuer = app.issuer(&keys)?;
    let request = joining::certificate_request(&request.csr.0)?;

    let mut tx = app.store.write().await?;
    let certificate = joining::renew(&mut tx, &issuer, &known.certificate, request).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(Json(app.joined(&known.terminal.id, certificate).await?))
}

impl App {
    fn issuer<'k>(&self, keys: &'k Keys) -> Result<Issuer<'k>> {
        let now = self.publisher.sure_time()?;
        Ok(Issuer { authority: keys.authority(), days: self.config.certificate_days, now })
    }

    async fn joined(&self, id: &TerminalId, certificate: Vec<u8>) -> Result<JoinReply> {
        let document = joining::document(&self.publisher, id).await?;
        Ok(JoinReply {
            certificate: Base64(certificate),
            terminal: Base64(id.as_bytes().to_vec()),
            document: Base64(document.to_vec()),
            time: self.clock.now().0,
        })
    }
}
