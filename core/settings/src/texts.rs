//! What is said of the files, compiled in from `texts/*.ftl`: in both languages where
//! administrators read it, in English alone in the PAM module.

include!(concat!(env!("OUT_DIR"), "/texts.rs"));
