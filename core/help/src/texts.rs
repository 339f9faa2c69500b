//! What is said of arguments, in both languages, compiled in from `texts/*.ftl`.

include!(concat!(env!("OUT_DIR"), "/texts.rs"));
