//! Lists and tables as files for a spreadsheet.
//!
//! ```text
//!   list ─ part ─ part ─ part ─> CSV        each part: who asks then, what they may see then
//!        └ trail: who takes what away
//! ```
//! A list is read and sent in parts, so it takes no more memory however long it is, and whoever
//! reads it slowly holds nothing of the store. That somebody takes it away is in the trail before
//! its first byte; without that there is no file.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::sync::mpsc;
use url::form_urlencoded;

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
use crate::lock::lock;
use crate::report::Cell;
use crate::report::csv::{Lines, Reader};
use crate::store::api_key::ID_LEN;

/// Rows that are read at once.
pub const PART: u32 = 1000;
/// Rows of a file: a spreadsheet shows no more than 1,048,576.
const MOST: usize = 1_000_000;
/// For how long whoever reads a file may take nothing of it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a file may take.
const WHOLE: Duration = Duration::from_secs(600);
/// Files that are written at once.
const FILES: usize = 3;
/// Seconds after which another one may be asked for.
const AGAIN: u64 = 10;

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
    let begun = Instant::now();
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
        let next = part(site, headers, list, Some(after)).await;
        listing = match next.ok().filter(|_| begun.elapsed() < WHOLE) {
            Some(listing) => listing,
            // What is cut off must not look whole: the connection breaks.
            None => {
                let broken = Error::damaged("a file was not written to its end");
                let _ = to.send_timeout(Err(broken), PATIENCE).await;
                return;
            }
        };
    }
}

/// The turn of a file, until it is dropped.
struct Slot {
    files: Arc<Mutex<BTreeSet<[u8; ID_LEN]>>>,
    id: [u8; ID_LEN],
}

impl Slot {
    /// None while the session takes another one, or too many are taken.
    fn take(files: &Arc<Mutex<BTreeSet<[u8; ID_LEN]>>>, id: [u8; ID_LEN]) -> Option<Self> {
        let mut taken = lock(files);
        let is_free = taken.len() < FILES && taken.insert(id);
        is_free.then(|| Self { files: Arc::clone(files), id })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.files).remove(&self.id);
    }
}

/// Counts a file as a change, which its row of the trail is. A session takes one at a time, and
/// there are so many at once.
fn bounded(site: &Site, who: &SignedIn) -> Result<Slot, Refusal> {
    site.app().limiter.take(Counted::ApiKeyChanges(who.known.id))?;
    let slot = Slot::take(&site.files, who.known.id);
    Ok(slot.ok_or_else(|| ErrorResponse::too_many(AGAIN))?)
}

async fn told(site: &Site, who: &SignedIn, (name, asked): (&str, &str)) -> Result<()> {
    let pairs = form_urlencoded::parse(asked.as_bytes());
    let words: Vec<String> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
    let words = words.join(", ");
    let mut tx = site.app().store.write().await?;
    session::take_away(&mut tx, who, (name, &words), site.app().now()).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_takes_one_file_at_a_time_and_leaves_turns_to_others() {
        let files = Arc::default();
        let take = |session: u8| Slot::take(&files, [session; ID_LEN]);
        let first = take(1).unwrap();
        assert!(take(1).is_none());
        let others = (take(2).unwrap(), take(3).unwrap());
        assert!(take(4).is_none());
        // Whoever got none has taken nothing away.
        assert!(take(1).is_none());
        drop(first);
        assert!(take(1).is_some());
        assert!(take(4).is_some());
        drop(others);
    }
}
