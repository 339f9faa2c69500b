//! What the program says beside the sentences that have a code, in both languages, compiled in from
//! `texts/*.ftl`, and the Japanese `--help`.

pub(crate) use wardkey_core::phrase::Phrase;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));
