//! Lists: a page of views, and where to go on.

use serde::Serialize;

use crate::store::Page;

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Listing<T> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// Whether another page follows.
    pub more: bool,
    /// After what it begins; none when this is the last page.
    pub next: Option<String>,
}

impl<T> Listing<T> {
    /// A page of the store, each row as a view.
    pub(super) fn new<R>(page: Page<R>, view: impl FnMut(R) -> T) -> Self {
        Self { items: page.rows.into_iter().map(view).collect(), more: page.next.is_some(), next: page.next }
    }
}
