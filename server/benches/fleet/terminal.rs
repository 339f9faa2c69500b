//! A simulated terminal: connects, asks for what is new, fetches what it lacks, and waits. It
//! believes what it is told: what a real one verifies is the terminal's own work.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio_rustls::TlsConnector;
use wardkey_core::capability;
use wardkey_core::document::{Head, TerminalDocument};
use wardkey_core::message::http::{
    Base64, ChangesReply, Program, ScopeState, WaitReply, WaitRequest,
};
use wardkey_core::sign;

use super::deployment::Identity;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a terminal tells the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It has everything, and waits.
    Up,
    /// It has a change of its scope, since then.
    Has(Instant),
}

/// A connection over TLS.
pub struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    pub async fn open(address: SocketAddr, tls: Arc<ClientConfig>) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::IpAddress(address.ip().into());
        let stream = TlsConnector::from(tls).connect(name, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    pub async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, BoxError> {
        let (status, body) = self.send(Method::GET, path, Bytes::new()).await?;
        read(status, &body)
    }

    pub async fn post<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, BoxError> {
        let (status, body) = self.send(Method::POST, path, body.into()).await?;
        read(status, &body)
    }

    /// The status and the body of an answer.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(u16, Bytes), BoxError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .body(Full::new(body))?;
        self.0.ready().await?;
        let answer = self.0.send_request(request).await?;
        let status = answer.status().as_u16();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, BoxError> {
    if status != 200 {
        return Err(format!("{status} {}", String::from_utf8_lossy(body)).into());
    }
    Ok(serde_json::from_slice(body)?)
}

/// A terminal.
pub struct Terminal {
    identity: Identity,
    address: SocketAddr,
    heads: BTreeMap<String, (Head, Vec<u8>)>,
    document: (u64, u64),
    news: UnboundedSender<News>,
}

impl Terminal {
    pub const fn new(identity: Identity, address: SocketAddr, news: UnboundedSender<News>) -> Self {
        Self { identity, address, heads: BTreeMap::new(), document: (0, 0), news }
    }

    /// Connects again whenever the connection ends: as an agent does after a second, and after
    /// twice as long each time, at most a minute, spread so that not all come at once.
    pub async fn live(mut self) {
        let spread = f64::from(self.identity.id.as_bytes()[7]) / 256.0;
        let mut pause = 1.0;
        loop {
            let known = self.document;
            let Err(_) = self.connected().await else { return };
            if self.document != known {
                pause = 1.0;
            }
            tokio::time::sleep(Duration::from_secs_f64(pause * (0.5 + spread))).await;
            pause = (pause * 2.0).min(60.0);
        }
    }

    /// Asks until the connection ends or nobody listens any more.
    async fn connected(&mut self) -> Result<(), BoxError> {
        let tls = Arc::clone(&self.identity.tls);
        let mut connection = Connection::open(self.address, tls).await?;
        let mut hold = 0;
        loop {
            let asked = serde_json::to_vec(&self.request(hold))?;
            let reply: WaitReply = connection.post("/v1/wait", asked).await?;
            self.take(&mut connection, reply).await?;
            if hold == 0 {
                if self.news.send(News::Up).is_err() {
                    return Ok(());
                }
                hold = 55;
            }
        }
    }

    fn request(&self, hold: u64) -> WaitRequest {
        let scope = |(head, signed): &(Head, Vec<u8>)| ScopeState {
            scope: head.scope.to_string(),
            epoch: head.epoch,
            seq: head.seq,
            root: Base64(head.root.as_bytes().to_vec()),
            issued: head.issued.0,
            head: Some(Base64(signed.clone())),
        };
        WaitRequest {
            scopes: self.heads.values().map(scope).collect(),
            root_version: 1,
            terminal_number: self.document.0,
            terminal_issued: self.document.1,
            hold,
            program: Some(Program {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                can: capability::ALL.map(str::to_owned).to_vec(),
            }),
            addresses: None,
        }
    }

    async fn take(
        &mut self,
        connection: &mut Connection,
        reply: WaitReply,
    ) -> Result<(), BoxError> {
        if let Some(document) = &reply.terminal {
            let document: TerminalDocument = sign::peek(&document.0)?;
            self.document = (document.number, document.issued.0);
        }
        for signed in reply.heads {
            let head: Head = sign::peek(&signed.0)?;
            let scope = head.scope.to_string();
            let known = self.heads.get(&scope).map_or(0, |(known, _)| known.seq);
            let came_along = reply.changes.iter().any(|changes| changes.scope == scope);
            let mut latest = signed.0;
            if head.seq != known && !came_along {
                let mut since = Some(known);
                while let Some(from) = since {
                    let path = format!("/v1/scopes/{scope}/changes?since={from}");
                    let page: ChangesReply = connection.get(&path).await?;
                    since = page.next;
                    latest = page.head.0;
                }
            }
            let head: Head = sign::peek(&latest)?;
            if head.seq != known {
                // Whether anybody listens is seen at the next answer.
                let _ = self.news.send(News::Has(Instant::now()));
            }
            self.heads.insert(scope, (head, latest));
        }
        Ok(())
    }
}
