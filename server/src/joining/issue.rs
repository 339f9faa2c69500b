//! Certificates for machines that join and for terminals that renew.

use std::net::IpAddr;

use wardkey_core::code::Code;
use wardkey_core::id::{TerminalId, to_hex};
use wardkey_core::time::UnixTime;

use super::application::Application;
use super::place::{self, Place};
use super::token::{invalid, proved};
use crate::caller;
use crate::error::{Error, Result};
use crate::pki::{Authority, CertificateRequest, TerminalCertificate};
use crate::store::Tx;
use crate::store::audit::{self, Act, Actor};
use crate::store::terminal::{self, Joining, Terminal, TerminalStatus};
use crate::store::token::{self, Use};
use crate::store::witness;

/// Who issues certificates, when, and for how long.
pub struct Issuer<'a> {
    /// The deployment's authority.
    pub authority: &'a Authority,
    /// Days that a certificate is valid.
    pub days: u64,
    /// The time of signatures: a certificate of 2031 cannot be taken back.
    pub now: UnixTime,
}

/// What a machine that asked is given.
pub enum Joined {
    /// A certificate, as a terminal.
    Terminal {
        /// Its id.
        id: TerminalId,
        /// The certificate (DER).
        certificate: Vec<u8>,
        /// Whether another machine had this place before.
        replaced: bool,
    },
    /// Nothing, and that is recorded: commit it all the same.
    Refused(Error),
}

/// Takes a machine in; `request` is its certificate request, read and verified.
///
/// # Errors
/// [`Code::JoinTokenInvalid`], [`Code::TerminalDisabled`].
pub async fn join(
    tx: &mut Tx,
    issuer: &Issuer<'_>,
    (application, request): (&Application, CertificateRequest),
    address: IpAddr,
) -> Result<Joined> {
    let now = issuer.now;
    let actor = Actor::address(address.to_canonical());
    let token = proved(tx, application, now).await?;
    let key = *request.key();
    let a_use = Use { token: &application.token, machine: &application.machine, key: &key };
    let before = terminal::of_machine(tx, &application.machine).await?;

    if let Some(certificate) = token::given(tx, &a_use).await? {
        // The answer was lost on the way. The same key is given the same again, as long as it
        // counts.
        let same = before.filter(|before| before.revoked.is_none() && is_of(&certificate, before));
        let id = same.ok_or_else(invalid)?.id;
        return Ok(Joined::Terminal { id, certificate, replaced: false });
    }
    if token.used >= token.uses {
        return refuse_reuse(tx, application, (&actor, now)).await;
    }
    let place = match place::find(tx, before, &token, &key).await {
        Err(error @ Error::Refused { code: Code::ReplacementRefused, .. }) => {
            return refuse_replacement(tx, application, (&actor, now), error).await;
        }
        place => place?,
    };

    let id = place.id();
    let scopes = token::scopes(tx, &application.token).await?;
    let issued = issuer.authority.terminal(request, &id, now, issuer.days)?;
    if !token::spend(tx, &a_use, &application.nonce, &issued.certificate, now).await? {
        return Err(invalid());
    }

    let status = if token.uses > 1 { TerminalStatus::Pending } else { TerminalStatus::Active };
    let joining = Joining {
        id,
        name: &application.name,
        machine: application.machine,
        status,
        issued: &issued,
        scopes: &scopes,
    };
    terminal::put(tx, &joining, now).await?;
    // Whoever joins has a witness key of its own.
    witness::forget(tx, &id).await?;

    let (action, note) = place.in_the_trail(&application.machine);
    let token = to_hex(&application.token);
    let detail = format!("name \"{}\", token {token}, {}{note}", application.name, status.as_str());
    audit::record(tx, now, &actor, Act::new(action, &id.to_hex()).with(&detail)).await?;
    let replaced = matches!(place, Place::Of(_));
    Ok(Joined::Terminal { id, certificate: issued.certificate, replaced })
}

/// Gives a terminal its next certificate (DER), of the key that it has: who got hold of a place
/// by the authority's key must not keep it by a key of his own.
///
/// # Errors
/// [`Code::TerminalCertificate`], [`Code::TerminalDisabled`] when the terminal may not come any
/// longer, or asks for another key.
pub async fn renew(
    tx: &mut Tx,
    issuer: &Issuer<'_>,
    used: &TerminalCertificate,
    request: CertificateRequest,
) -> Result<Vec<u8>> {
    caller::still_active(tx, used).await?;
    if *request.key() != used.key {
        return Err(caller::of_another_key());
    }
    let issued = issuer.authority.terminal(request, &used.terminal, issuer.now, issuer.days)?;
    terminal::renew(tx, &used.terminal, &used.serial, &issued).await?;

    let act = "terminal.renew";
    let hex = used.terminal.to_hex();
    audit::record(tx, issuer.now, &Actor::terminal(&used.terminal), Act::new(act, &hex)).await?;
    Ok(issued.certificate)
}

/// The secret is right, so somebody has a token that was used before: somebody else should know.
async fn refuse_reuse(
    tx: &mut Tx,
    application: &Application,
    (actor, now): (&Actor, UnixTime),
) -> Result<Joined> {
    let (token, machine) = (to_hex(&application.token), application.machine.short());
    let detail = format!("machine {machine} named \"{}\"", application.name);
    audit::record(tx, now, actor, Act::new("token.reused", &token).with(&detail)).await?;
    tracing::warn!(code = %Code::JoinTokenInvalid, token, machine, "a used token came again");
    Ok(Joined::Refused(invalid()))
}

async fn refuse_replacement(
    tx: &mut Tx,
    application: &Application,
    (actor, now): (&Actor, UnixTime),
    error: Error,
) -> Result<Joined> {
    let machine = application.machine.short();
    let detail = format!("name \"{}\", token {}", application.name, to_hex(&application.token));
    let act = Act::new("terminal.replace-refused", &machine).with(&detail);
    audit::record(tx, now, actor, act).await?;
    tracing::warn!(
        code = %Code::ReplacementRefused,
        machine,
        %actor,
        "a known machine came with another key"
    );
    Ok(Joined::Refused(error))
}

/// Whether a certificate (DER) is the one that a terminal has now.
fn is_of(certificate: &[u8], terminal: &Terminal) -> bool {
    terminal.key.is_some_and(|key| {
        TerminalCertificate::read(&certificate.into(), key)
            .is_some_and(|read| read.terminal == terminal.id && read.serial == terminal.serial)
    })
}
