//! Joining: from a token to a terminal with an identity, trusting nothing on the way but the hash
//! of the root key in the token.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wardkey_core::code::{Code, Denial};
use wardkey_core::codec::{Bytes, List};
use wardkey_core::document::{MAX_ROOTS, RootDocument, SignedRoot, TerminalDocument};
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::{SigningPublicKey, TerminalId};
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Join, Joined};
use wardkey_core::message::http::{Base64, JoinReply, JoinRequest, RootReply, join_mac_input};
use wardkey_core::sign::{self, Verified};
use wardkey_core::snapshot::{Anchor, verify_roots, verify_terminal};
use wardkey_core::token::JoinToken;
use zeroize::Zeroizing;

use crate::agent::Agent;
use crate::clock::Clock;
use crate::error::{AgentError, ServerError};
use crate::identity::Identity;
use crate::lock::lock;
use crate::random::random;
use crate::sync::http::{Http, server_name};
use crate::sync::tls;
use crate::witness;

/// Root documents, the current one of them, and the root key of the first.
type Roots = (List<SignedRoot, MAX_ROOTS>, Verified<RootDocument>, SigningPublicKey);

/// Joins this terminal to a deployment. A terminal that has joined may join the same deployment
/// again, and another one when root says that it leaves the first.
///
/// # Errors
/// [`AgentError`] with the code for the administrator; nothing is changed then.
pub fn join(agent: &Agent, request: &Join) -> Result<Joined, AgentError> {
    let token =
        JoinToken::from_text(&request.token).map_err(|error| Denial::new(error.code(), error))?;
    let before = agent.identity();
    let is_for = |key: &SigningPublicKey| {
        let known = token.is_for(key).map_err(|error| Denial::new(error.code(), error))?;
        Ok::<bool, AgentError>(known)
    };
    // The deployment's root key may be another one than when this terminal joined.
    let followed = agent.directory.view().root.as_ref().map(|root| root.root_key);
    let elsewhere = match &before {
        Some(identity) => {
            !is_for(&identity.root_key)? && !followed.map_or(Ok(false), |key| is_for(&key))?
        }
        None => false,
    };
    if elsewhere && request.replace != Some(true) {
        return Err(Denial::new(
            Code::AlreadyJoined,
            "joined to another deployment; --leave-deployment leaves it",
        )
        .into());
    }
    let _one_at_a_time = lock(&agent.applying);
    let marks = Marks::default();
    let (roots, root, root_key) = first_contact(&request.server, &agent.clock, &marks, is_for)?;

    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
        .map_err(std::io::Error::other)?;
    let key = Zeroizing::new(key.serialize_pem());
    let http = Http::new(
        &request.server,
        tls::trusting(root.tls_ca.as_slice(), None, Arc::clone(&agent.clock))?,
    )?;
    let reply: JoinReply =
        http.post("/v1/join", &join_request(request, &token, &key)?, Duration::from_secs(30))?;

    let terminal = TerminalId::from_slice(&reply.terminal.0)?;
    let anchor = Anchor { root_key, terminal };
    let document = verify_terminal(&reply.document.0, &root, &anchor, &marks)?;
    let identity =
        Identity::new(request.server.clone(), terminal, root_key, reply.certificate.0, key)?;
    let taken = (roots.clone(), root);
    take(agent, before.as_deref(), identity, taken, (&reply.document.0, document))?;

    let mut event = agent.event(EventName::Joined, Outcome::Success);
    event.detail = Some(format!("{} {}", request.name, request.server));
    agent.record(vec![event]);
    agent.wake_sync.wake();
    Ok(Joined { terminal, roots, document: Bytes::new(reply.document.0)? })
}

fn take(
    agent: &Agent,
    before: Option<&Identity>,
    identity: Identity,
    (roots, root): (List<SignedRoot, MAX_ROOTS>, Verified<RootDocument>),
    (signed, document): (&[u8], Verified<TerminalDocument>),
) -> Result<(), AgentError> {
    // Another terminal number line or another deployment: what was seen before does not apply.
    if before.is_none_or(|before| before.anchor() != identity.anchor()) {
        agent.directory.clear()?;
        agent.forget_marks()?;
    }
    agent.directory.update(|update| {
        update.roots(roots, root)?;
        update.terminal(signed, document)
    })?;
    // The server learns the next one.
    witness::forget_key(&agent.config.state_dir)?;
    identity.write(&agent.config.state_dir)?;
    agent.set_identity(Arc::new(identity));
    agent.raise_marks()
}

/// Gets the root documents again when the directory was lost: the key is known from the join.
///
/// # Errors
/// [`AgentError`].
pub fn recover_roots(agent: &Agent, identity: &Identity) -> Result<Vec<u8>, AgentError> {
    let (roots, root, _) = from_anywhere(agent, identity)?;
    let ca = root.tls_ca.as_slice().to_vec();
    agent.directory.update(|update| update.roots(roots, root))?;
    Ok(ca)
}

/// The root documents from the first of the server's places where somebody has them. A stranger may
/// be in front of it, or somebody who shows what was true once: they are passed over.
fn from_anywhere(agent: &Agent, identity: &Identity) -> Result<Roots, AgentError> {
    let is_anchor = |key: &SigningPublicKey| Ok(*key == identity.root_key);
    let mut failed = None;
    for place in identity.places() {
        match first_contact(&place, &agent.clock, &agent.marks(), is_anchor) {
            Ok(roots) => return Ok(roots),
            Err(error) => {
                if let AgentError::Denied(denial) = &error {
                    agent.record_refused(denial);
                }
                failed = failed.or(Some(error));
            }
        }
    }
    Err(failed.unwrap_or_else(|| ServerError::Malformed("no address".into()).into()))
}

/// Fetches the root documents from a peer that is not believed, and believes it when one of them is
/// of the right root key, the others follow on it and on the marks, and its certificate is of the
/// CA that the last one names. Those before it are of keys that this terminal never rests on.
fn first_contact(
    server: &str,
    clock: &Arc<Clock>,
    marks: &Marks,
    is_right: impl Fn(&SigningPublicKey) -> Result<bool, AgentError>,
) -> Result<Roots, AgentError> {
    let name = server_name(server)?;
    let (config, capture) = tls::capturing()?;
    let reply: RootReply = Http::new(server, config)?.get("/v1/root")?;
    let roots = reply.roots.into_iter().map(SignedRoot::try_from).collect::<Result<Vec<_>, _>>()?;
    let (roots, key) = from_right_one(roots, is_right)?;
    let roots = List::new(roots)?;
    let root = verify_roots(&roots, &key, marks)?;
    clock.raise(root.issued);
    tls::verify_chain(&capture.chain(), root.tls_ca.as_slice(), &name, clock)?;
    Ok((roots, root, key))
}

/// The root documents from the first one of the right key on. At most as many are looked at as
/// there can be: it may cost a hash that is slow on purpose.
fn from_right_one(
    mut roots: Vec<SignedRoot>,
    is_right: impl Fn(&SigningPublicKey) -> Result<bool, AgentError>,
) -> Result<(Vec<SignedRoot>, SigningPublicKey), AgentError> {
    if roots.is_empty() {
        return Err(ServerError::Malformed("no root document".into()).into());
    }
    let mut before = None;
    for (at, root) in roots.iter().enumerate().take(MAX_ROOTS) {
        let key = sign::peek::<RootDocument>(root.by_itself.as_slice())?.root_key;
        if before != Some(key) && is_right(&key)? {
            return Ok((roots.split_off(at), key));
        }
        before = Some(key);
    }
    Err(ServerError::NotTrusted("its root key is not the deployment's".into()).into())
}

fn join_request(request: &Join, token: &JoinToken, key: &str) -> Result<JoinRequest, AgentError> {
    let csr = signing_request(key, request.name.as_str())?;
    let nonce = random::<32>()?;
    let machine = request.machine.as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(&token.secret).map_err(std::io::Error::other)?;
    mac.update(&join_mac_input(&nonce, machine, request.name.as_str(), &csr));
    Ok(JoinRequest {
        token: Base64(token.id.to_vec()),
        csr: Base64(csr),
        nonce: Base64(nonce.to_vec()),
        machine: Base64(machine.to_vec()),
        name: request.name.as_str().to_owned(),
        mac: Base64(mac.finalize().into_bytes().to_vec()),
    })
}

/// A signing request (PKCS #10, DER) for a key in PEM.
///
/// # Errors
/// [`AgentError::Denied`] when the key cannot be used.
pub fn signing_request(key: &str, name: &str) -> Result<Vec<u8>, AgentError> {
    let failed = |error: rcgen::Error| Denial::new(Code::TerminalCertificate, error);
    let pair = rcgen::KeyPair::from_pem(key).map_err(failed)?;
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    Ok(params.serialize_request(&pair).map_err(failed)?.der().to_vec())
}
