//! Tags: words by which administrators tell terminals apart.

use std::collections::BTreeSet;
use std::str::FromStr;

use wardkey_core::id::TerminalId;

use crate::error::Result;
use crate::store::query::{Db, query};
use crate::store::value::{Column, Value};

/// The longest tag in bytes.
const LONGEST: usize = 32;

/// A tag: small letters, digits and `._-`, at most 32 of them. It says nothing to a terminal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(String);

/// The text is no tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tag has 1 to 32 small letters, digits and ._-")]
pub struct NoTag;

impl FromStr for Tag {
    type Err = NoTag;

    fn from_str(text: &str) -> Result<Self, NoTag> {
        let fits =
            |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'.' | b'_' | b'-');
        let is_tag = (1..=LONGEST).contains(&text.len())
            && text.bytes().all(fits)
            && !text.starts_with(['-', '.']);
        if is_tag { Ok(Self(text.to_owned())) } else { Err(NoTag) }
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Column for Tag {
    fn from_value(value: Value) -> Result<Self, String> {
        String::from_value(value)?.parse().map_err(|error: NoTag| error.to_string())
    }
}

impl From<&Tag> for Value {
    fn from(tag: &Tag) -> Self {
        tag.0.as_str().into()
    }
}

/// Adds tags to a terminal; those that it has stay.
pub async fn add_tags(db: &mut Db, id: &TerminalId, tags: &BTreeSet<Tag>) -> Result<()> {
    for tag in tags {
        query("INSERT INTO terminal_tag (terminal, name) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(id)
            .bind(tag)
            .execute(db)
            .await?;
    }
    Ok(())
}

/// Removes tags from a terminal; those that it lacks are passed over.
pub async fn remove_tags(db: &mut Db, id: &TerminalId, tags: &BTreeSet<Tag>) -> Result<()> {
    for tag in tags {
        query("DELETE FROM terminal_tag WHERE terminal = $1 AND name = $2")
            .bind(id)
            .bind(tag)
            .execute(db)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_short_word_in_small_letters() {
        for good in ["a", "rollout-2", "b.1_x", &"x".repeat(32)] {
            assert_eq!(good.parse::<Tag>().unwrap().to_string(), good);
        }
        for bad in ["", "-a", ".a", "A", "a b", "病棟", "a,b", &"x".repeat(33)] {
            assert_eq!(bad.parse::<Tag>(), Err(NoTag), "{bad}");
        }
    }
}
