//! What both programs print with `--json`: one line, a result on standard output, an error on
//! standard error.
//!
//! Names of fields, codes and states are the same in every language. Sentences are in English,
//! whatever the locale; those of an error stand in Japanese beside it, as `message_ja` and the
//! like.

use serde_json::{Map, Value, json};
use wardkey_core::code::Code;
use wardkey_core::name::{Language, printable};
use wardkey_core::phrase::Phrase;

/// Longest sentence in characters.
const SENTENCE_CHARS: usize = 4096;

/// The fields of an error that every error has: `code`, `number`, `message`, `message_ja`.
pub fn error(code: Code, message: &Phrase) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("code".into(), code.to_string().into());
    fields.insert("number".into(), code.number().into());
    say(&mut fields, "message", message);
    fields
}

/// A sentence in English, and beside it in Japanese.
pub fn say(fields: &mut Map<String, Value>, name: &str, phrase: &Phrase) {
    let said = |language| printable(&phrase.say(language), SENTENCE_CHARS);
    fields.insert(name.into(), said(Language::En).into());
    fields.insert(format!("{name}_ja"), said(Language::Ja).into());
}

/// An error as it is printed.
pub fn line(error: Map<String, Value>) -> Value {
    json!({ "error": error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_its_code_and_its_sentence_in_both_languages() {
        let error = error(Code::RequestInvalid, &crate::texts::Text::NoCommand.into());
        assert_eq!(
            line(error).to_string(),
            concat!(
                r#"{"error":{"code":"WK-1516","message":"a command is missing","#,
                r#""message_ja":"コマンドを指定してください","number":1516}}"#
            )
        );
    }
}
