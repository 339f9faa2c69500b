//! Joining and renewing: how a machine gets its certificate.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use wardkey_core::code::Code;
use wardkey_core::id::{Hash, TerminalId, to_hex};
use wardkey_core::message::http::{Base64, JoinReply, JoinRequest, RenewRequest, join_mac_input};
use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::time::UnixTime;

use super::body::Body;
use super::limit::Counted;
use super::peer::{ActiveTerminal, Anyone, Peer};
use super::reply::{Answer, Refusal};
use super::{App, Shared};
use crate::error::{Error, Result};
use crate::pki::{Request, TerminalCertificate};
use crate::secret;
use crate::store::audit::{self, Act, Actor};
use crate::store::terminal::{self, Joining, Terminal, TerminalStatus};
use crate::store::token::{self, Token, Use};
use crate::store::{Db, Tx};

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
    let now = app.publisher.sure_time()?;
    let id = known.terminal.id;
    let csr = Request::read(short(&request.csr)?)?;
    let issued = app.authority.terminal(csr, &id, now, app.config.certificate_days)?;
    let mut tx = app.store.write().await?;
    known.still_active(&mut tx).await?;
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
    match csr.0.len() {
        0 => Err(Refusal::invalid("csr: empty")),
        length if length > MAX_CSR => Err(Refusal::invalid("csr: too long")),
        _ => Ok(&csr.0),
    }
}

/// The one refusal of tokens, whatever is wrong.
fn bad_token() -> Error {
    Error::refused(Code::JoinTokenInvalid, "the join token is wrong, used or expired")
}

/// In whose place a machine comes.
enum Place {
    /// Nobody's: a new terminal.
    New(TerminalId),
    /// Its own: the same machine with the same key.
    Own(Terminal),
    /// A terminal's whose key so far ends.
    Of(Terminal),
}

impl App {
    async fn join(&self, asked: &Asked, peer: Peer) -> Result<JoinReply> {
        // A certificate of 2031 cannot be taken back.
        let now = self.publisher.sure_time()?;
        // First without the write lock: who has no token must not keep those waiting who have one.
        token_of(&mut *self.store.read().await?, asked, now).await?;
        let request = Request::read(&asked.csr)?;
        let key = *request.key();
        let a_use = Use { token: &asked.token, machine: &asked.machine, key: &key };

        let mut tx = self.store.write().await?;
        let token = token_of(&mut tx, asked, now).await?;
        let before = terminal::of_machine(&mut tx, &asked.machine).await?;
        if let Some(certificate) = token::given(&mut tx, &a_use).await? {
            // The answer was lost on the way. The same key is given the same again, as long as it counts.
            let id = before.filter(|before| before.revoked.is_none() && is_of(&certificate, before));
            let id = id.ok_or_else(bad_token)?.id;
            drop(tx);
            return self.joined(&id, certificate).await;
        }
        if token.used >= token.uses {
            return self.refuse_reuse(tx, asked, peer, now).await;
        }
        let place = match place(&mut tx, before, &token, &key).await {
            Err(error @ Error::Refused { code: Code::ReplacementRefused, .. }) => {
                return self.refuse_replacement(tx, asked, peer, now, error).await;
            }
            place => place?,
        };
        let id = match &place {
            Place::New(id) => *id,
            Place::Own(terminal) | Place::Of(terminal) => terminal.id,
        };
        let scopes: BTreeSet<ScopeName> = token::scopes(&mut tx, &asked.token).await?;
        let issued = self.authority.terminal(request, &id, now, self.config.certificate_days)?;
        if !token::spend(&mut tx, &a_use, &asked.nonce, &issued.certificate, now).await? {
            return Err(bad_token());
        }
        let status = if token.uses > 1 { TerminalStatus::Pending } else { TerminalStatus::Active };
        let joining =
            Joining { id, name: &asked.name, machine: asked.machine, status, issued: &issued, scopes: &scopes };
        terminal::put(&mut tx, &joining, now).await?;
        let (action, note) = match &place {
            Place::New(_) => ("terminal.join", String::new()),
            Place::Own(_) => ("terminal.join", ", joined before with the same key".into()),
            Place::Of(before) => ("terminal.replace", in_place_of(before, &asked.machine)),
        };
        let detail = format!("name \"{}\", token {}, {}{note}", asked.name, to_hex(&asked.token), status.as_str());
        audit::record(&mut tx, now, &address(peer), Act::new(action, &id.to_hex()).with(&detail)).await?;
        tx.commit().await?;
        if matches!(place, Place::Of(_)) {
            tracing::warn!(terminal = %id, address = %peer.address.ip(), "a terminal was replaced");
        }
        self.joined(&id, issued.certificate).await
    }

    /// The secret is right, so somebody has a token that was used before: somebody else should know.
    async fn refuse_reuse(&self, mut tx: Tx, asked: &Asked, peer: Peer, now: UnixTime) -> Result<JoinReply> {
        let id = to_hex(&asked.token);
        let detail = format!("machine {} named \"{}\"", asked.machine.short(), asked.name);
        audit::record(&mut tx, now, &address(peer), Act::new("token.reused", &id).with(&detail)).await?;
        tx.commit().await?;
        tracing::warn!(code = "WK-1503", token = id, machine = asked.machine.short(), "a used token came again");
        Err(bad_token())
    }

    /// A machine id can be read by everybody on the machine, and copied: it is no proof of identity.
    async fn refuse_replacement(
        &self,
        mut tx: Tx,
        asked: &Asked,
        peer: Peer,
        now: UnixTime,
        error: Error,
    ) -> Result<JoinReply> {
        let machine = asked.machine.short();
        let detail = format!("name \"{}\", token {}", asked.name, to_hex(&asked.token));
        let act = Act::new("terminal.replace-refused", &machine).with(&detail);
        audit::record(&mut tx, now, &address(peer), act).await?;
        tx.commit().await?;
        tracing::warn!(code = "WK-1521", machine, address = %peer.address.ip(), "a known machine came with another key");
        Err(error)
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

fn address(peer: Peer) -> Actor {
    Actor::address(peer.address.ip().to_canonical())
}

/// The token that a request proves to have; the same refusal whatever is wrong, after the same work.
async fn token_of(db: &mut Db, asked: &Asked, now: UnixTime) -> Result<Token> {
    let found = token::find(db, &asked.token).await?;
    let secret = found.as_ref().map_or(&[0u8; 16][..], |token| token.secret.as_slice());
    let holds = secret::mac_holds(secret, &asked.signed, &asked.mac);
    found.filter(|token| holds && token.revoked.is_none() && now < token.expires).ok_or_else(bad_token)
}

/// Whose place a machine takes. Its id alone gives none: with another key it needs a token that was
/// made for that, and one that was revoked a token that was made afterwards.
async fn place(db: &mut Db, before: Option<Terminal>, token: &Token, key: &Hash) -> Result<Place> {
    let refuse = |message: &str| Err(Error::refused(Code::ReplacementRefused, message));
    let terminal = match (token.replaces, before) {
        (None, None) => return Ok(Place::New(TerminalId::new(secret::random()?))),
        (Some(replaced), Some(before)) if before.id != replaced => {
            return refuse("this machine is another terminal than the one that the token replaces");
        }
        (_, Some(before)) => before,
        (Some(replaced), None) => terminal::by_id(db, &replaced).await?,
    };
    if terminal.revoked.is_some_and(|revoked| token.created <= revoked) {
        return Err(Error::refused(Code::TerminalDisabled, "this machine was revoked; it needs a new token"));
    }
    match (token.replaces, terminal.key == Some(*key)) {
        (_, true) => Ok(Place::Own(terminal)),
        (Some(_), false) => Ok(Place::Of(terminal)),
        (None, false) => refuse(
            "this machine has joined before with another key; make a token by \"wardkey-server terminal token \
             --replace TERMINAL\"",
        ),
    }
}

fn in_place_of(before: &Terminal, machine: &Hash) -> String {
    let moved = if before.machine == *machine {
        String::new()
    } else {
        format!(", machine {} instead of {}", machine.short(), before.machine.short())
    };
    let name = &before.name;
    format!(", in the place of \"{name}\", whose certificate {} counts no longer{moved}", to_hex(&before.serial))
}

/// Whether a certificate (DER) is the one that a terminal has now.
fn is_of(certificate: &[u8], terminal: &Terminal) -> bool {
    TerminalCertificate::read(&certificate.into())
        .is_some_and(|read| read.terminal == terminal.id && read.serial == terminal.serial)
}

impl From<rustls::Error> for Error {
    fn from(error: rustls::Error) -> Self {
        Self::Crypto(format!("TLS: {error}"))
    }
}
