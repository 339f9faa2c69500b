//! The publisher behind TLS on the loopback interface.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use sha2::Sha256;
use wardkey_agent::sync::upstream::Upstream;
use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::id::Hash;
use wardkey_core::message::http::*;
use wardkey_core::token::JoinToken;

use super::*;

pub struct Authority {
    pub issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    pub der: Vec<u8>,
}

pub fn authority() -> Authority {
    authority_of("Demo CA")
}

fn authority_of(name: &str) -> Authority {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = params_of(name);
    let der = params.self_signed(&key).unwrap().der().to_vec();
    Authority { issuer: rcgen::Issuer::new(params, key), der }
}

fn params_of(name: &str) -> rcgen::CertificateParams {
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params
}

/// An authority, and its certificate by the one before.
pub fn authority_after(before: &Authority, name: &str) -> (Authority, Vec<u8>) {
    let next = authority_of(name);
    let link = params_of(name).signed_by(next.issuer.key(), &before.issuer).unwrap();
    (next, link.der().to_vec())
}

/// Status line and body.
pub type Answer = (&'static str, Vec<u8>);

/// The publisher behind TLS. Knows one join token.
pub struct Server {
    pub ward: Arc<Ward>,
    pub ca: Authority,
    pub token: JoinToken,
    pub token_text: String,
    pub address: String,
    /// Seen `/v1/join`.
    pub joined: AtomicBool,
    /// Everything that needs a terminal is answered by 429 and this Retry-After.
    pub too_many: Mutex<Option<u64>>,
    /// What terminals asked for, and when.
    pub asked: Mutex<Vec<(Instant, String)>>,
    /// Everything is answered by this status line and body: another program is there.
    pub strange: Mutex<Option<Answer>>,
    /// Of a version that knows no addresses.
    pub is_older: AtomicBool,
    /// Issues certificates to terminals.
    pub issues: Mutex<Authority>,
    /// The certificate of the terminal that asked for news last.
    pub shown: Mutex<Vec<u8>>,
    config: Mutex<Arc<ServerConfig>>,
}

impl Server {
    /// An impostor has the root document, which is public, and a certificate of its own making.
    pub fn start(ward: &Arc<Ward>, impostor: bool) -> Arc<Self> {
        let ca = authority();
        ward.change(|state| state.root.tls_ca = Bytes::new(ca.der.clone()).unwrap());
        let issuer = if impostor { authority() } else { same(&ca) };
        Self::with(ward, ca, &issuer)
    }

    /// Another one with the keys of this one.
    pub fn beside(&self, ward: &Arc<Ward>) -> Arc<Self> {
        Self::with(ward, same(&self.ca), &self.ca)
    }

    fn with(ward: &Arc<Ward>, ca: Authority, issuer: &Authority) -> Arc<Self> {
        let config = config(issuer, &[], &[&ca.der]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let (token, token_text) = JoinToken::make([2; 10], &signing(100).public()).unwrap();
        let issues = Mutex::new(same(&ca));
        let server = Arc::new(Self {
            ward: Arc::clone(ward),
            ca,
            token,
            token_text,
            address,
            joined: AtomicBool::new(false),
            too_many: Mutex::default(),
            asked: Mutex::default(),
            strange: Mutex::default(),
            is_older: AtomicBool::new(false),
            issues,
            shown: Mutex::default(),
            config: Mutex::new(config),
        });

        let shared = Arc::clone(&server);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                let config = Arc::clone(&shared.config.lock().unwrap());
                std::thread::spawn(move || {
                    let connection = ServerConnection::new(config).unwrap();
                    let _ = shared.serve(StreamOwned::new(connection, stream.unwrap()));
                });
            }
        });
        server
    }

    pub fn ca_again(&self) -> Authority {
        same(&self.ca)
    }

    /// From the next connection on it shows itself by this authority, with these certificates that
    /// lead to it, issues by it, and takes the certificates of these.
    pub fn exchange(&self, own: &Authority, links: &[Vec<u8>], taken: &[&[u8]]) {
        *self.config.lock().unwrap() = config(own, links, taken);
        *self.issues.lock().unwrap() = same(own);
    }

    fn serve(
        &self,
        stream: StreamOwned<ServerConnection, std::net::TcpStream>,
    ) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let mut first = String::new();
            if reader.read_line(&mut first)? == 0 {
                return Ok(());
            }
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line)?;
                if line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let certificates = reader.get_ref().conn.peer_certificates();
            let known = certificates.is_some();
            if let Some([own, ..]) = certificates {
                *self.shown.lock().unwrap() = own.to_vec();
            }
            let path = first.split(' ').nth(1).unwrap();
            let busy = self.too_many.lock().unwrap().filter(|_| known);
            if known {
                self.asked.lock().unwrap().push((Instant::now(), path.to_owned()));
            }
            let strange = self.strange.lock().unwrap().clone();
            let (status, reply) = match (busy, strange) {
                (Some(_), _) => refuse("429 Too Many Requests", Code::TooManyRequests),
                (None, Some(answer)) => answer,
                (None, None) => self.answer(path, &body, known),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nRetry-After: {}\r\n\
                    Content-Length: {}\r\n\r\n",
                busy.unwrap_or(7),
                reply.len()
            );
            reader.get_mut().write_all(head.as_bytes())?;
            reader.get_mut().write_all(&reply)?;
            reader.get_mut().flush()?;
        }
    }

    fn answer(&self, path: &str, body: &[u8], known: bool) -> Answer {
        let json = |value: serde_json::Value| ("200 OK", value.to_string().into_bytes());
        let refuse = |code| refuse("403 Forbidden", code);
        match path.split('?').next().unwrap() {
            "/v1/root" => {
                let later = self.ward.change(|state| state.extra_roots.clone());
                let roots = [self.ward.signed_root()].into_iter().chain(later);
                let reply = RootReply {
                    roots: roots.map(|root| RootJson::from(&root)).collect(),
                    time: T0,
                };
                json(serde_json::to_value(reply).unwrap())
            }
            "/v1/join" => {
                let request: JoinRequest = serde_json::from_slice(body).unwrap();
                let mut mac = Hmac::<Sha256>::new_from_slice(&self.token.secret).unwrap();
                mac.update(&join_mac_input(
                    &request.nonce.0,
                    &request.machine.0,
                    &request.name,
                    &request.csr.0,
                ));
                if mac.verify_slice(&request.mac.0).is_err() || request.token.0 != self.token.id {
                    return refuse(Code::JoinTokenInvalid);
                }
                self.joined.store(true, Ordering::SeqCst);
                json(serde_json::to_value(self.certified(request.csr)).unwrap())
            }
            _ if !known => refuse(Code::TerminalCertificate),
            "/v1/wait" => {
                let request: WaitRequest = serde_json::from_slice(body).unwrap();
                let is_older = self.is_older.load(Ordering::SeqCst);
                if is_older && request.addresses.is_some() {
                    return self::refuse("400 Bad Request", Code::RequestInvalid);
                }
                let mut reply = self.ward.wait(&request).unwrap();
                reply.addresses = reply.addresses.filter(|_| !is_older);
                json(serde_json::to_value(reply).unwrap())
            }
            "/v1/renew" => {
                let request: RenewRequest = serde_json::from_slice(body).unwrap();
                json(serde_json::to_value(self.certified(request.csr)).unwrap())
            }
            "/v1/events" => {
                let request: EventsRequest = serde_json::from_slice(body).unwrap();
                json(
                    serde_json::to_value(Upstream::events(&*self.ward, &request).unwrap()).unwrap(),
                )
            }
            changes if changes.starts_with("/v1/scopes/") => {
                let name = changes.split('/').nth(3).unwrap();
                let since = path.split("since=").nth(1).unwrap().parse().unwrap();
                json(serde_json::to_value(self.ward.changes(&scope(name), since).unwrap()).unwrap())
            }
            policy if policy.starts_with("/v1/policies/") => {
                let hash = Hash::from_hex(policy.split('/').nth(3).unwrap()).unwrap();
                json(
                    serde_json::to_value(PolicyReply {
                        policy: Base64(Upstream::policy(&*self.ward, &hash).unwrap()),
                    })
                    .unwrap(),
                )
            }
            "/v1/log/checkpoint" => match self.ward.checkpoint(0) {
                Ok(reply) => json(serde_json::to_value(reply).unwrap()),
                Err(_) => self::refuse("404 Not Found", Code::NotFound),
            },
            "/v1/log/cosignature" => {
                let reply = self.ward.cosignature(&serde_json::from_slice(body).unwrap()).unwrap();
                json(serde_json::to_value(reply).unwrap())
            }
            other => panic!("{other}"),
        }
    }
}

impl Server {
    fn certified(&self, csr: Base64) -> JoinReply {
        let csr = rcgen::CertificateSigningRequestParams::from_der(&csr.0.into()).unwrap();
        let certificate = csr.signed_by(&self.issues.lock().unwrap().issuer).unwrap();
        let document = self.ward.change(|state| state.sign(&state.terminal.clone()));
        JoinReply {
            certificate: Base64(certificate.der().to_vec()),
            terminal: Base64(TERMINAL.as_bytes().to_vec()),
            document: Base64(document),
            time: T0,
        }
    }
}

/// TLS of a server that an authority certifies, and that takes the certificates of these.
fn config(issuer: &Authority, links: &[Vec<u8>], taken: &[&[u8]]) -> Arc<ServerConfig> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2027, 1, 1);
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
    let certificate = params.signed_by(&key, &issuer.issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for one in taken {
        roots.add(CertificateDer::from(one.to_vec())).unwrap();
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let links = links.iter().map(|one| CertificateDer::from(one.clone()));
    let chain = std::iter::once(certificate.der().clone()).chain(links).collect();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// A refusal.
pub fn refuse(status: &'static str, code: Code) -> Answer {
    let reply = ErrorReply { code: code.to_string(), number: code.number(), message: "no".into() };
    (status, serde_json::to_vec(&reply).unwrap())
}

fn same(ca: &Authority) -> Authority {
    let key = rcgen::KeyPair::from_pem(&ca.issuer.key().serialize_pem()).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_der(&ca.der.clone().into(), key).unwrap();
    Authority { issuer, der: ca.der.clone() }
}
