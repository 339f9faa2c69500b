//! What the command line says beside the sentences that have a code, in both languages, compiled in
//! from `texts/*.ftl`, and the Japanese `--help`. Peers over HTTP get the English ones.

pub use wardkey_core::phrase::Phrase;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));
