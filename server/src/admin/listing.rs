//! Lists: a page of views, and where to go on.

use schemars::JsonSchema;
use serde::Serialize;

use crate::store::{Page, PageRequest};

/// A page of a list.
#[derive(Debug, JsonSchema, Serialize)]
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
    pub(crate) fn new<R>(page: Page<R>, view: impl FnMut(R) -> T) -> Self {
        Self {
            items: page.rows.into_iter().map(view).collect(),
            more: page.next.is_some(),
            next: page.next,
        }
    }

    /// A part of a short list that is in memory; `cursor` names a row and the list is in its order,
    /// `text` is what is searched.
    pub(super) fn part_of(
        all: Vec<T>,
        request: &PageRequest,
        cursor: impl Fn(&T) -> String,
        text: impl Fn(&T) -> String,
    ) -> Self {
        let searched = request.search.as_deref().unwrap_or("").to_lowercase();
        let is_wanted = |row: &T| {
            let is_later = request.after.as_ref().is_none_or(|after| cursor(row) > *after);
            is_later && text(row).to_lowercase().contains(&searched)
        };
        let mut items: Vec<T> = all.into_iter().filter(is_wanted).collect();

        let more = items.len() > request.limit as usize;
        items.truncate(request.limit as usize);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, more, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_list_is_searched_and_given_in_pages() {
        let part = |after: Option<&str>, search: Option<&str>, limit| {
            let (after, search) = (after.map(Into::into), search.map(Into::into));
            let request = PageRequest { after, limit, search, within: None };
            let all = ["east1", "east2", "west"].map(str::to_owned).to_vec();
            let part = Listing::part_of(all, &request, Clone::clone, Clone::clone);
            (part.items, part.next)
        };
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(part(None, None, 2), (of(&["east1", "east2"]), Some("east2".into())));
        assert_eq!(part(Some("east2"), None, 2), (of(&["west"]), None));
        assert_eq!(part(None, Some("EAST"), 9), (of(&["east1", "east2"]), None));
    }
}
