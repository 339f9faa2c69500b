//! Labels, questions and details of the command line, in both languages, compiled in from
//! `texts/*.ftl`. Sentences that have a code are in [`wardkey_core::texts`].

pub use wardkey_core::phrase::Phrase;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

#[cfg(test)]
mod tests {
    use wardkey_core::name::Language;

    use super::*;

    #[test]
    fn a_phrase_is_said_in_both_languages() {
        let why = Text::ClosedNoShell.with([("shell", "/bin/false".into())]);
        let phrase = Text::At.with([("place", "taro".into()), ("why", why)]);
        assert_eq!(phrase.to_string(), "taro: has no login shell (/bin/false)");
        assert_eq!(phrase.say(Language::Ja), "taro: ログインシェルがありません（/bin/false）");
        assert_eq!(
            Phrase::joined(vec!["a".into(), Text::None.into()], "; ").say(Language::Ja),
            "a; なし"
        );
    }

    #[test]
    fn every_module_that_is_known_has_a_text() {
        use wardkey_stacks::{Proof, known_modules, proof};
        for module in
            known_modules().filter(|name| proof(format!("{name}.so").as_bytes()) != Proof::Unknown)
        {
            assert!(proof_of(module).is_some(), "{module}");
        }
    }
}
