//! Pages of lists: whoever lists gets so many rows, and where to go on.

use std::collections::BTreeSet;

use wardkey_core::name::ScopeName;

use crate::error::{Error, Result};
use crate::texts::Text;

/// The most rows of one page.
pub const MAX_ROWS: u32 = 10_000;

/// Which part of a list is asked for.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// What the page before gave as [`Page::next`]; none for the first page.
    pub after: Option<String>,
    /// Rows of the page, 1 to [`MAX_ROWS`]; what is outside counts as the nearest of these.
    pub limit: u32,
    /// Only rows in which this text stands; case of ASCII letters does not matter.
    pub search: Option<String>,
    /// Only rows that lie in one of these scopes; all of them without. A list of what lies in no
    /// scope does not look at it.
    pub within: Option<BTreeSet<ScopeName>>,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { after: None, limit: MAX_ROWS, search: None, within: None }
    }
}

impl PageRequest {
    /// One row more than the page has: it says whether another page follows.
    pub(super) fn rows(&self) -> i64 {
        i64::from(self.limit.clamp(1, MAX_ROWS)) + 1
    }

    /// The number after which the page begins; `first` for the first page.
    ///
    /// # Errors
    /// [`Error::Refused`] when no page gave this.
    pub(super) fn after_number(&self, first: i64) -> Result<i64> {
        let Some(after) = &self.after else { return Ok(first) };
        after.parse().map_err(|_| Error::invalid(Text::NoSuchPage))
    }

    /// The searched text as a pattern of LIKE with `\` as the escape.
    pub(super) fn pattern(&self) -> Option<String> {
        let text = self.search.as_deref().filter(|text| !text.is_empty())?;
        let mut pattern = String::from("%");
        for c in text.chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c.to_ascii_lowercase());
        }
        pattern.push('%');
        Some(pattern)
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows, in the order of the list.
    pub rows: Vec<T>,
    /// What to ask for as [`PageRequest::after`]; none when this is the last page.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// From one row more than was asked for, if there are as many; `cursor` names a row.
    pub(super) fn new(
        mut rows: Vec<T>,
        request: &PageRequest,
        cursor: impl FnOnce(&T) -> String,
    ) -> Self {
        let most = request.limit.clamp(1, MAX_ROWS) as usize;
        let more = rows.len() > most;
        rows.truncate(most);
        let next = if more { rows.last().map(cursor) } else { None };
        Self { rows, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_to_go_on_only_when_more_follows() {
        let request = PageRequest { limit: 2, ..PageRequest::default() };
        assert_eq!(request.rows(), 3);
        let page = Page::new(vec![1, 2, 3], &request, ToString::to_string);
        assert_eq!((page.rows, page.next.as_deref()), (vec![1, 2], Some("2")));
        let page = Page::new(vec![1, 2], &request, ToString::to_string);
        assert_eq!((page.rows, page.next), (vec![1, 2], None));
    }

    #[test]
    fn limits_are_bounded_and_patterns_mean_what_was_typed() {
        let rows = |limit| PageRequest { limit, ..PageRequest::default() }.rows();
        assert_eq!((rows(0), rows(1), rows(u32::MAX)), (2, 2, 10_001));
        let pattern = |text: &str| {
            PageRequest { search: Some(text.into()), ..PageRequest::default() }.pattern()
        };
        assert_eq!(pattern(r"50%_A\").as_deref(), Some(r"%50\%\_a\\%"));
        assert_eq!(pattern(""), None);
        let after = |text: &str| {
            PageRequest { after: Some(text.into()), ..PageRequest::default() }.after_number(0)
        };
        assert_eq!(after("12").unwrap(), 12);
        assert!(after("x").is_err());
    }
}
