//! Joining and renewing: how a machine gets its certificate.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use wardkey_core::code::Code;
use wardkey_core::id::{Hash, TerminalId, to_hex};
use wardkey_core::message::http::{Base64, JoinReply, JoinRequest, RenewRequest, join_mac_input};
use wardkey_core::name::{DisplayText, ScopeName};

use super::body::Body;
use super::limit::Counted;
use super::peer::{ActiveTerminal, Anyone, Peer};
use super::reply::{Answer, Refusal};
use super::{App, Shared};
use crate::error::{Error, Result};
use crate::secret;
use crate::store::audit::{self, Act, Actor};
use crate::store::terminal::{self, Joining, Terminal, TerminalStatus};
use crate::store::token::{self, Token};

/// The longest certificate request in bytes that is looked at.
const MAX_CSR: usize = 4096;

/// `POST /v1/join`
pub async fn join(
    State(app): Shared,
    Anyone(peer): Anyone,
    Body(request): Body<JoinRequest, 16_384>,
) -> Answer<JoinReply> {
    let asked = Asked::parse(&request)?;
    app.limiter.take(Counted::Token(asked.token))?;
    Ok(Json(app.join(&asked, peer).await?))
}

/// `POST /v1/renew`
pub async fn renew(
    State(app): Shared,
    ActiveTerminal(known): ActiveTerminal,
    Body(request): Body<RenewRequest, 16_384>,
) -> Answer<JoinReply> {
    let now = app.clock.now();
    let id = known.terminal.id;
    let csr = short(&request.csr)?;
    let issued = app.authority.terminal(csr, &id, now, app.config.certificate_days)?;
    let mut tx = app.store.write().await?;
    terminal::renew(&mut tx, &id, &known.certificate.serial, &issued).await?;
    let hex = id.to_hex();
    audit::record(&mut tx, now, &Actor::terminal(&id), Act::new("terminal.renew", &hex)).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(Json(app.joined(&id, issued.certificate).await?))
}

/// A join request whose parts have the right form.
struct Asked {
    token: [u8; 8],
    machine: Hash,
    nonce: Vec<u8>,
    name: DisplayText,
    csr: Vec<u8>,
    mac: Vec<u8>,
    signed: Vec<u8>,
}

impl Asked {
    fn parse(request: &JoinRequest) -> Result<Self, Refusal> {
        let wrong = |field: &str| Refusal::invalid(format!("{field}: wrong length"));
        if request.nonce.0.len() != 32 {
            return Err(wrong("nonce"));
        }
        Ok(Self {
            token: request.token.0.as_slice().try_into().map_err(|_| wrong("token"))?,
            machine: Hash::from_slice(&request.machine.0).map_err(|_| wrong("machine"))?,
            nonce: request.nonce.0.clone(),
            name: DisplayText::new(request.name.as_str())
                .map_err(|error| Refusal::invalid(format!("name: {error}")))?,
            csr: short(&request.csr)?.to_vec(),
            mac: request.mac.0.clone(),
            signed: join_mac_input(&request.nonce.0, &request.machine.0, &request.name, &request.csr.0),
        })
    }
}

fn short(csr: &Base64) -> Result<&[u8], Refusal> {
    if csr.0.len() > MAX_CSR { Err(Refusal::invalid("csr: too long")) } else { Ok(&csr.0) }
}

/// The one refusal of tokens, whatever is wrong.
fn bad_token() -> Error {
    Error::refused(Code::JoinTokenInvalid, "the join token is wrong, used or expired")
}

impl App {
    async fn join(&self, asked: &Asked, peer: Peer) -> Result<JoinReply> {
        let now = self.clock.now();
        let actor = Actor::address(peer.address.ip().to_canonical());
        let mut tx = self.store.write().await?;
        let found = token::find(&mut tx, &asked.token).await?;
        // The same work for a token that is not there.
        let secret = found.as_ref().map_or(&[0u8; 16][..], |token| token.secret.as_slice());
        let holds = secret::mac_holds(secret, &asked.signed, &asked.mac);
        let token =
            found.filter(|token| holds && token.revoked.is_none() && now < token.expires).ok_or_else(bad_token)?;
        let id = to_hex(&asked.token);
        let again = token::was_used_by(&mut tx, &asked.token, &asked.machine).await?;
        if !again && token.used >= token.uses {
            // The secret is right, so this is a second machine with a used token: somebody should know.
            let detail = format!("machine {} named \"{}\"", asked.machine.short(), asked.name);
            audit::record(&mut tx, now, &actor, Act::new("token.reused", &id).with(&detail)).await?;
            tx.commit().await?;
            tracing::warn!(
                code = "WK-1503",
                token = id,
                machine = asked.machine.short(),
                "a used token came from another machine"
            );
            return Err(bad_token());
        }
        if !token::use_once(&mut tx, &asked.token, &asked.machine, &asked.nonce, now).await? {
            return Err(bad_token());
        }
        let before = terminal::of_machine(&mut tx, &asked.machine).await?;
        let id = identity(before.as_ref(), &token)?;
        let scopes: BTreeSet<ScopeName> = token::scopes(&mut tx, &asked.token).await?;
        let issued = self.authority.terminal(&asked.csr, &id, now, self.config.certificate_days)?;
        let status = if token.uses > 1 { TerminalStatus::Pending } else { TerminalStatus::Active };
        let joining =
            Joining { id, name: &asked.name, machine: asked.machine, status, issued: &issued, scopes: &scopes };
        terminal::put(&mut tx, &joining, now).await?;
        let detail = format!(
            "name \"{}\", token {}, {}{}",
            asked.name,
            to_hex(&asked.token),
            status.as_str(),
            if before.is_some() { ", joined before: its earlier certificate no longer counts" } else { "" }
        );
        audit::record(&mut tx, now, &actor, Act::new("terminal.join", &id.to_hex()).with(&detail)).await?;
        tx.commit().await?;
        self.joined(&id, issued.certificate).await
    }

    async fn joined(&self, id: &TerminalId, certificate: Vec<u8>) -> Result<JoinReply> {
        self.publisher.refresh().await?;
        let terminal =
            self.publisher.terminal(id).ok_or_else(|| Error::damaged("the terminal that has just joined"))?;
        let (document, _) = self.publisher.terminal_document(&terminal)?;
        Ok(JoinReply {
            certificate: Base64(certificate),
            terminal: Base64(id.as_bytes().to_vec()),
            document: Base64(document.to_vec()),
            time: self.clock.now().0,
        })
    }
}

/// The same machine keeps its id. One that was revoked needs a token that was made afterwards.
fn identity(before: Option<&Terminal>, token: &Token) -> Result<TerminalId> {
    match before {
        Some(terminal) if terminal.revoked.is_some_and(|revoked| token.created <= revoked) => {
            Err(Error::refused(Code::TerminalDisabled, "this machine was revoked; it needs a new token"))
        }
        Some(terminal) => Ok(terminal.id),
        None => Ok(TerminalId::new(secret::random()?)),
    }
}

impl From<rustls::Error> for Error {
    fn from(error: rustls::Error) -> Self {
        Self::Crypto(format!("TLS: {error}"))
    }
}
