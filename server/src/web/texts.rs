//! What the pages say, in both languages, compiled in from `texts/pages.*.ftl`.

include!(concat!(env!("OUT_DIR"), "/pages.rs"));
