//! Lists and tables as files for a spreadsheet.
//!
//! ```text
//!   list ─ part ─ part ─ part ─> CSV        each part: who asks then, what they may see then
//!        └ trail: who takes what away
//! ```
//! A list is read and sent in parts, so it takes no more memory however long it is, and whoever
//! reads it slowly holds nothing of the store. That somebody takes it away is in the trail before
//! its first byte; without that there is no file.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::refusal::Refusal;
use super::say::Say;
use super::site::Site;
use super::texts::Text;
use crate::admin::Listing;
use crate::admin::session::{self, SignedIn};
use crate::api::endpoint::{Asked, Endpoint, Nothing, Route};
use crate::api::perform::perform;
use crate::error::{Error, Result};
use crate::http::limit::Counted;
use crate::http::reply::ErrorResponse;
use crate::report::Cell;
use crate::report::csv::{Lines, Reader};

/// Rows that are read at once.
pub const PART: u32 = 1000;
/// Rows of a file: a spreadsheet shows no more than 1,048,576.
const MOST: usize = 1_000_000;
/// For how long whoever reads a file may take nothing of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What reads a part of a list: after a place in it.
type Part<E> = Box<dyn Fn(Option<String>) -> <E as Route>::Query + Send + Sync>;

/// A list that is a file.
pub struct List<E: Route, T> {
    /// Its name, which that of the file has.
    pub name: &'static str,
    /// What is asked of it, for the trail.
    pub asked: String,
    /// Its columns.
    pub head: &'static [Text],
    /// Asks for a part of at most [`PART`] rows.
    pub part: Part<E>,
    /// A row.
    pub row: fn(&Say, &T) -> Vec<Cell>,
}

/// Sends all of a list.
///
/// # Errors
/// Those of its first part; 429; those of the trail.
pub async fn list<E, T>(
    site: Arc<Site>,
    say: Say,
    (headers, who): (HeaderMap, SignedIn),
    list: List<E, T>,
) -> Result<Response, Refusal>
where
    E: Endpoint + Route<Target = Nothing, Body = Nothing, View = Listing<T>>,
    T: Send + 'static,
{
    let slot = bounded(&site, &who)?;
    let first = part(&site, &headers, &list, None).await?;
    told(&site, &who, (list.name, &list.asked)).await?;

    let name = named(&site, &say, list.name);
    let (rows, body) = mpsc::channel(1);
    tokio::spawn(async move {
        // Until the last byte is taken, or nobody takes any.
        let _slot = slot;
        write(&site, &say, (&headers, &list), first, &rows).await;
    });
    Ok(file(&name, Body::new(Rows(body))))
}

/// Sends what is in memory.
///
/// # Errors
/// 429; those of the trail.
pub async fn table(
    site: &Site,
    say: &Say,
    who: &SignedIn,
    (name, asked): (&str, &str),
    text: String,
) -> Result<Response, Refusal> {
    let _slot = bounded(site, who)?;
    told(site, who, (name, asked)).await?;
    Ok(file(&named(site, say, name), Body::from(text)))
}

/// Lines of files in the language of whoever takes them.
pub const fn lines(say: &Say) -> Lines {
    Lines { language: say.language, reader: Reader::Spreadsheet }
}

/// The first line.
pub fn head(say: &Say, names: &[Text]) -> String {
    lines(say).head(names.iter().map(|name| say.text(*name)))
}

async fn part<E, T>(
    site: &Site,
    headers: &HeaderMap,
    list: &List<E, T>,
    after: Option<String>,
) -> Result<Listing<T>, Refusal>
where
    E: Endpoint + Route<Target = Nothing, Body = Nothing, View = Listing<T>>,
{
    // Whoever is switched off meanwhile gets nothing more.
    let who = site.signed_in(headers).await?;
    let mut look = site.look(&who, format!("{}.csv\n{}", list.name, list.asked)).await?;
    let asked = Asked::<E> { target: Nothing {}, query: (list.part)(after), body: Nothing {} };
    Ok(perform(&mut look.call, asked, None).await?)
}

async fn write<E, T>(
    site: &Site,
    say: &Say,
    (headers, list): (&HeaderMap, &List<E, T>),
    first: Listing<T>,
    to: &mpsc::Sender<Result<Bytes, Error>>,
) where
    E: Endpoint + Route<Target = Nothing, Body = Nothing, View = Listing<T>>,
{
    let mut text = head(say, list.head);
    let mut listing = first;
    let mut written = 0;
    loop {
        for row in &listing.items {
            text.push_str(&lines(say).row(&(list.row)(say, row)));
        }
        written += listing.items.len();
        let after = listing.next.take();
        if after.is_some() && written >= MOST {
            let cut = say.with(Text::FileCut, &[("count", &MOST.to_string())]);
            text.push_str(&lines(say).row(&[cut.as_str().into()]));
        }
        let taken = to.send_timeout(Ok(std::mem::take(&mut text).into()), PATIENCE).await;
        let Some(after) = after.filter(|_| taken.is_ok() && written < MOST) else { return };
        listing = match part(site, headers, list, Some(after)).await {
            Ok(listing) => listing,
            // What is cut off must not look whole: the connection breaks.
            Err(_) => {
                let broken = Error::damaged("a file was not written to its end");
                let _ = to.send_timeout(Err(broken), PATIENCE).await;
                return;
            }
        };
    }
}

/// Counts a file as a change, which its row of the trail is; there are so many at once.
fn bounded(site: &Site, who: &SignedIn) -> Result<OwnedSemaphorePermit, Refusal> {
    site.app().limiter.take(Counted::ApiKeyChanges(who.known.id))?;
    let slot = Arc::clone(&site.files).try_acquire_owned();
    Ok(slot.map_err(|_| ErrorResponse::too_many(10))?)
}

async fn told(site: &Site, who: &SignedIn, what: (&str, &str)) -> Result<()> {
    let mut tx = site.app().store.write().await?;
    session::take_away(&mut tx, who, what, site.app().now()).await?;
    tx.commit().await.map_err(Error::from)
}

/// `wardkey-people-20270331-1730.csv`
fn named(site: &Site, say: &Say, name: &str) -> String {
    let time = say.time(site.app().now().0).replace(['-', ':'], "").replace(' ', "-");
    format!("wardkey-{name}-{time}.csv")
}

fn file(name: &str, body: Body) -> Response {
    let mut response = body.into_response();
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    // No name of ours needs an escape.
    if let Ok(place) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, place);
    }
    response
}

/// What was written, as it comes.
struct Rows(mpsc::Receiver<Result<Bytes, Error>>);

impl HttpBody for Rows {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.0.poll_recv(context).map(|next| next.map(|rows| rows.map(Frame::data)))
    }
}
