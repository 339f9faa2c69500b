//! Errors with what they come from, as people read them.

use std::error::Error;
use std::fmt;

/// Whatever an error comes from.
pub type Cause = Box<dyn Error + Send + Sync>;

/// An error and all that it comes from, each said once: many name their cause already.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.contains(&text) {
                said.push_str(": ");
                said.push_str(&text);
            }
            next = cause.source();
        }
        f.write_str(&said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Why {
        #[error("the page is gone")]
        Page(#[source] std::io::Error),
        #[error("the book is closed: {0}")]
        Book(#[source] Box<Why>),
    }

    #[test]
    fn each_cause_is_said_once() {
        let page = || Why::Page(std::io::Error::other(std::fmt::Error));
        for (error, said) in [
            (page(), format!("the page is gone: {}", std::fmt::Error)),
            (
                Why::Book(Box::new(page())),
                format!("the book is closed: the page is gone: {}", std::fmt::Error),
            ),
        ] {
            assert_eq!(Chain(&error).to_string(), said);
        }
    }
}
