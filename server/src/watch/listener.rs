//! The listener of those who run the server: plain HTTP, three pages to read, and no more at once
//! than a few.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::status::Readiness;
use super::watched::Watched;

/// Connections at once; another one waits.
const MOST: usize = 16;
/// How long somebody may take for the head of a request.
const HEAD: Duration = Duration::from_secs(5);
/// How long a connection lives: also one that never reads its answer.
const LIFE: Duration = Duration::from_secs(10);

/// What OpenMetrics calls its text format.
const MEASURES: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

type Answer = Response<Full<Bytes>>;

/// Answers until told to stop.
pub async fn serve(watched: Arc<Watched>, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(MOST));
    let mut open = JoinSet::new();
    while !*stop.borrow() {
        let inside = tokio::select! {
            inside = Arc::clone(&room).acquire_owned() => inside,
            _ = stop.changed() => break,
        };
        // It is never closed.
        let Ok(inside) = inside else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let watched = Arc::clone(&watched);
                open.spawn(async move {
                    // Whoever is slower has had its time.
                    let _ = tokio::time::timeout(LIFE, one(stream, watched)).await;
                    drop(inside);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection for measures could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while open.try_join_next().is_some() {}
    }
    open.shutdown().await;
}

/// One connection with one request.
async fn one(stream: TcpStream, watched: Arc<Watched>) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let watched = Arc::clone(&watched);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        async move { Ok::<_, Infallible>(answer(&watched, &method, &path).await) }
    });
    let done = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(8 * 1024)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = done {
        tracing::debug!(%error, "connection for measures");
    }
}

async fn answer(watched: &Watched, method: &Method, path: &str) -> Answer {
    if *method != Method::GET {
        return page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".into());
    }
    match path {
        "/healthz" => page(StatusCode::OK, TEXT, "ok\n".into()),
        "/readyz" => ready(watched).await,
        "/metrics" => match watched.measures().await {
            Ok(text) => page(StatusCode::OK, MEASURES, text),
            Err(error) => {
                tracing::error!(%error, "measures");
                page(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "internal error\n".into())
            }
        },
        _ => page(StatusCode::NOT_FOUND, TEXT, "/metrics, /healthz, /readyz\n".into()),
    }
}

async fn ready(watched: &Watched) -> Answer {
    let readiness = Readiness::of(&watched.reasons().await);
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    match serde_json::to_string(&readiness) {
        Ok(body) => page(status, JSON, body),
        Err(error) => {
            tracing::error!(%error, "readiness");
            page(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "internal error\n".into())
        }
    }
}

fn page(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
