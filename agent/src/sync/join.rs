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
use wardkey_core::snapshot::{Anchor, verify_terminal};
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

/// Root documents and the current one of them.
type Roots = (List<SignedRoot, MAX_ROOTS>, Verified<RootDocument>);

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
    let elsewhere = match &before {
        Some(identity) => !is_for(&identity.root_key)?,
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
    let (roots, root) = first_contact(&request.server, &agent.clock, is_for)?;
    let root_key = first_key(&roots)?;

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
    let document = verify_terminal(&reply.document.0, &root, &anchor, &Marks::default())?;
    let identity =
        Identity::new(request.server.clone(), terminal, root_key, reply.certificate.0, key)?;
    take(agent, before.as_deref(), identity, (roots.clone(), root), (&reply.document.0, document))?;

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
    (roots, root): Roots,
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
    let (roots, root) =
        first_contact(&identity.server, &agent.clock, |key| Ok(*key == identity.root_key))?;
    if root.version < agent.marks().root_version {
        let detail = format!("root document {} < {}", root.version, agent.marks().root_version);
        return Err(Denial::new(Code::Rollback, detail).into());
    }
    let ca = root.tls_ca.as_slice().to_vec();
    agent.directory.update(|update| update.roots(roots, root))?;
    Ok(ca)
}

/// Fetches the root documents from a peer that is not believed, and believes it when its first root
/// key is the right one and its certificate is of the CA that the current root document names.
fn first_contact(
    server: &str,
    clock: &Arc<Clock>,
    is_right: impl Fn(&SigningPublicKey) -> Result<bool, AgentError>,
) -> Result<Roots, AgentError> {
    let name = server_name(server)?;
    let (config, capture) = tls::capturing()?;
    let reply: RootReply = Http::new(server, config)?.get("/v1/root")?;
    let roots = reply.roots.into_iter().map(SignedRoot::try_from).collect::<Result<Vec<_>, _>>()?;
    let roots = List::new(roots)?;
    let key = first_key(&roots)?;
    if !is_right(&key)? {
        return Err(ServerError::NotTrusted("its root key is not the deployment's".into()).into());
    }
    let root = SignedRoot::verify_chain(&roots, &key)?;
    clock.raise(root.issued);
    tls::verify_chain(&capture.chain(), root.tls_ca.as_slice(), &name, clock)?;
    Ok((roots, root))
}

fn first_key(roots: &[SignedRoot]) -> Result<SigningPublicKey, AgentError> {
    let first = roots.first().ok_or_else(|| ServerError::Malformed("no root document".into()))?;
    Ok(sign::peek::<RootDocument>(first.by_itself.as_slice())?.root_key)
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
