//! Connections: accepted, shaken hands with, counted, and served until they end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::error::{Error, Result};
use crate::gate::{Gate, Handshake};
use crate::http::peer::Peer;
use crate::publish::Publisher;
use crate::texts::Text;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long a terminal may take for the head of a request, also while the connection is idle.
const HEAD: Duration = Duration::from_secs(75);
/// How long anybody else may take for that.
const ANONYMOUS_HEAD: Duration = Duration::from_secs(10);
/// How long a connection without a terminal's certificate lives: also one that never reads its
/// answer.
const ANONYMOUS_LIFE: Duration = Duration::from_secs(60);
/// How long an answer may take that is under way then.
const LAST_ANSWER: Duration = Duration::from_secs(30);
/// How long open requests have when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// Begins to listen.
pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let what = |address: SocketAddr| {
        Error::io(Text::DoingListen.with([("address", address.to_string().into())]))
    };
    match TcpListener::bind(address).await {
        // A machine without IPv6 has no [::]; it means every address.
        Err(_) if address.is_ipv6() && address.ip().is_unspecified() => {
            let address = SocketAddr::from(([0, 0, 0, 0], address.port()));
            TcpListener::bind(address).await.map_err(what(address))
        }
        bound => bound.map_err(what(address)),
    }
}

/// What the connections of a listener are served with.
#[derive(Clone)]
pub(super) struct Serving {
    pub(super) tls: TlsAcceptor,
    pub(super) router: Router,
    pub(super) gate: Arc<Gate>,
    pub(super) publisher: Arc<Publisher>,
    pub(super) stop: watch::Receiver<bool>,
    /// Whether a client certificate can be that of a terminal: only then it says who comes.
    pub(super) for_terminals: bool,
}

impl Serving {
    /// Serves who comes, until the server stops.
    pub(super) async fn accept(mut self, listener: TcpListener) {
        let mut open = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = self.stop.changed() => break,
                Some(_) = open.join_next(), if !open.is_empty() => continue,
            };
            match accepted {
                Ok((stream, address)) => {
                    let handshake = self.gate.enter(address.ip());
                    let (serving, stop) = (self.clone(), self.stop.clone());
                    open.spawn(serving.serve(stream, address, handshake, stop));
                }
                Err(error) => {
                    // Out of descriptors, usually: it passes when connections end.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        let ended =
            tokio::time::timeout(GRACE, async { while open.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            open.shutdown().await;
        }
    }

    async fn serve(
        self,
        stream: TcpStream,
        address: SocketAddr,
        mut handshake: Handshake,
        mut stop: watch::Receiver<bool>,
    ) {
        let Self { tls, router, publisher, for_terminals, .. } = self;
        // Answers are whole and waited for; nothing is gained by holding them back.
        let _ = stream.set_nodelay(true);
        let accepted = tokio::select! {
            accepted = tokio::time::timeout(HANDSHAKE, tls.accept(stream)) => accepted,
            () = handshake.pushed_out() => return,
        };
        let stream = match accepted {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "TLS handshake");
                return;
            }
            Err(_) => return,
        };
        let (_, session) = stream.get_ref();
        let certificate = session
            .peer_certificates()
            .filter(|_| for_terminals)
            .and_then(|chain| chain.first())
            .and_then(|certificate| publisher.read_certificate(certificate));
        let peer = Peer { address, certificate };
        let terminal = certificate.filter(|own| publisher.counts(own)).map(|own| own.terminal);
        // Over the limit the connection is closed at once: a clear sign, and no memory.
        let Some(_inside) = handshake.pass(terminal) else { return };
        let is_terminal = terminal.is_some();
        let mut news = terminal.map(|terminal| publisher.subscribe(&terminal));
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            router.clone().oneshot(Request::from(request.map(axum::body::Body::new)))
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(if is_terminal { HEAD } else { ANONYMOUS_HEAD })
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), service);
        let life = tokio::time::sleep(ANONYMOUS_LIFE);
        tokio::pin!(connection, life);
        let mut ends = false;
        let ended = loop {
            tokio::select! {
                ended = connection.as_mut() => break ended,
                _ = stop.changed() => {
                    connection.as_mut().graceful_shutdown();
                    break connection.await;
                }
                // An answer that is under way is sent: a code is shown once.
                () = life.as_mut(), if !is_terminal => {
                    if ends {
                        return;
                    }
                    connection.as_mut().graceful_shutdown();
                    ends = true;
                    life.as_mut().reset(tokio::time::Instant::now() + LAST_ANSWER);
                }
                // It ends with its certificate, after the answer to what is under way.
                () = changed(&mut news), if !ends => {
                    if certificate.is_some_and(|own| publisher.is_replaced(&own)) {
                        connection.as_mut().graceful_shutdown();
                        ends = true;
                    }
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%address, %error, "connection");
        }
    }
}

/// Waits for news of a terminal; for ever when there is none to hear of.
async fn changed(news: &mut Option<watch::Receiver<u64>>) {
    match news {
        // The publisher lives as long as its connections.
        Some(news) => _ = news.changed().await,
        None => std::future::pending().await,
    }
}
