//! The sentences for people, by code and language. Compiled in from `texts/*.ftl`.
//!
//! Sentences come without line ends. The prompts ([`Prompt::PinPrompt`],
//! [`Prompt::PinPromptNamed`], [`Prompt::PinTriesLeft`], [`Prompt::InsertThenEnter`],
//! [`Prompt::WaitThenEnter`], [`Prompt::PassPrompt`], [`Prompt::PassPromptShared`],
//! [`Prompt::NamePrompt`], [`Prompt::PinOldPrompt`], [`Prompt::PinNewPrompt`],
//! [`Prompt::PinAgainPrompt`], [`Prompt::PinPromptAfterWrong`], and those of vouches) end with
//! `": "`; [`pin_prompt`] puts the PIN's together.

use crate::code::{AnyCode, Code, Notice, Prompt};
use crate::name::Language;
use crate::phrase::{Phrase, Sentence, render};
use crate::width::{columns, fitted};

/// What a prompt ends with.
const PROMPT_END: &str = ": ";
/// Columns that a name takes in the question at most: fourteen Japanese letters.
const NAME_COLUMNS: usize = 28;
/// Columns that the question takes at most. A screen 1,024 pixels wide shows that many in one line
/// with the letters that greeters have by default.
pub const QUESTION_COLUMNS: usize = 120;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// The sentence of a code. `args` are names and values, such as `("tries", "3")`; the names are the
/// `$names` in the documentation of [`Code`], [`Prompt`] and [`Notice`]. Unprintable characters of
/// a value become `?`, a value ends after [`crate::phrase::ARGUMENT_CHARS`], one that the sentence
/// does not use is ignored, and where one is not known [`render`] says less.
pub fn message(code: impl Into<AnyCode>, language: Language, args: &[(&str, &str)]) -> String {
    render(sentence(code.into(), language), args)
}

/// The sentence of a code, to be said later.
pub fn phrase(code: impl Into<AnyCode>, args: Vec<(&'static str, Phrase)>) -> Phrase {
    let code = code.into();
    Phrase::new(sentence(code, Language::Ja), sentence(code, Language::En), args)
}

const fn sentence(code: AnyCode, language: Language) -> Sentence {
    match language {
        Language::Ja => ja(code),
        Language::En => en(code),
    }
}

/// The sentence of a code followed by the code: `Wrong PIN. Tries left: 3. (WK-1203)`.
pub fn with_code(code: impl Into<AnyCode>, language: Language, args: &[(&str, &str)]) -> String {
    let code = code.into();
    format!("{} ({code})", message(code, language, args))
}

/// The one question of a login: whose key it is, when that is known; PIN, then touch; that the PIN
/// was wrong and how many tries are left, when they are fewer than all. One line of at most
/// [`QUESTION_COLUMNS`], so that a screen reader reads it whole and no greeter cuts it. Ends with
/// `": "`.
pub fn pin_prompt(language: Language, name: Option<&str>, tries_left: Option<u32>) -> String {
    pin_question(Prompt::PinPromptNamed, language, name, tries_left)
}

/// The same with another question than [`Prompt::PinPromptNamed`] where a name is known.
pub fn pin_question(
    named: Prompt,
    language: Language,
    name: Option<&str>,
    tries_left: Option<u32>,
) -> String {
    let name = name.map(|name| fitted(name, NAME_COLUMNS));
    if let (Prompt::PinPromptNamed, Some(name), Some(tries)) = (named, &name, tries_left) {
        let args = [("name", name.as_str()), ("tries", &*tries.to_string())];
        return message(Prompt::PinPromptAfterWrong, language, &args);
    }

    let prompt = match &name {
        Some(name) => message(named, language, &[("name", name)]),
        None => message(Prompt::PinPrompt, language, &[]),
    };
    with_tries(prompt, language, tries_left)
}

/// A question to a colleague who vouches, for the person's name or the PIN: for whom and how long
/// stands there whole, of the colleague's own name what there is room for. As wide as
/// [`pin_question`] at most.
pub fn vouch_question(
    prompt: Prompt,
    language: Language,
    name: &str,
    (person, hours): (&str, &str),
    tries_left: Option<u32>,
) -> String {
    let question = |name: &str| {
        let args = [("name", name), ("person", person), ("hours", hours)];
        with_tries(message(prompt, language, &args), language, tries_left)
    };
    let room = QUESTION_COLUMNS.saturating_sub(columns(&question("-")) - 1);
    question(&fitted(name, room.min(NAME_COLUMNS)))
}

/// A question for a PIN, with the tries left when they are fewer than all.
fn with_tries(mut prompt: String, language: Language, tries_left: Option<u32>) -> String {
    if let Some(tries) = tries_left {
        prompt.truncate(prompt.trim_end_matches(PROMPT_END).len());
        if language == Language::En {
            prompt.push(' ');
        }
        prompt.push_str(&message(
            Prompt::PinTriesLeft,
            language,
            &[("tries", &*tries.to_string())],
        ));
    }
    prompt
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::is_printable;
    use crate::phrase::{ARGUMENT_CHARS, MISSING};

    const LANGUAGES: [Language; 2] = [Language::Ja, Language::En];

    fn arguments(code: impl Into<AnyCode>, language: Language) -> Vec<&'static str> {
        sentence(code.into(), language).arguments().collect()
    }

    #[test]
    fn every_code_has_one_printable_line_in_both_languages() {
        for language in LANGUAGES {
            for code in AnyCode::all() {
                let text = message(code, language, &[]);
                assert!(text.chars().all(is_printable), "{code} {language}");
                assert!(text.chars().count() > 3, "{code} {language}");
                let prompt = matches!(
                    code,
                    AnyCode::Prompt(
                        Prompt::PinPrompt
                            | Prompt::PinPromptNamed
                            | Prompt::PinTriesLeft
                            | Prompt::NamePrompt
                            | Prompt::PinOldPrompt
                            | Prompt::PinNewPrompt
                            | Prompt::PinAgainPrompt
                            | Prompt::InsertThenEnter
                            | Prompt::WaitThenEnter
                            | Prompt::PassPrompt
                            | Prompt::PassPromptShared
                            | Prompt::PinPromptAfterWrong
                            | Prompt::VouchPrompt
                            | Prompt::VouchPromptShared
                            | Prompt::VouchCodePrompt
                            | Prompt::VouchCodeAgain
                            | Prompt::VouchReasonPrompt
                            | Prompt::VoucherPrompt
                            | Prompt::VouchPinPrompt
                            | Prompt::VouchNamePrompt
                            | Prompt::FingerOrPin
                            | Prompt::PinAfterFinger
                            | Prompt::PinFingerBlocked
                    )
                );
                assert_eq!(text.ends_with(PROMPT_END), prompt, "{code} {language}");
                assert_eq!(text.trim_end() == text, !prompt, "{code} {language}");
                assert!(prompt || text.ends_with(['.', '。']), "{code} {language}: {text}");
                assert!(
                    text.chars().count() <= if language == Language::Ja { 56 } else { 110 },
                    "{text}"
                );
            }
        }
        let japanese = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}');
        for code in AnyCode::all() {
            assert!(message(code, Language::Ja, &[]).chars().any(japanese), "{code}");
            assert!(!message(code, Language::En, &[]).chars().any(japanese), "{code}");
        }
    }

    #[test]
    fn codes_have_the_arguments_that_their_documentation_names() {
        let source = concat!(
            include_str!("code/refusal.rs"),
            include_str!("code/refusal/administration.rs"),
            include_str!("code/refusal/operation.rs"),
            include_str!("code/prompt.rs"),
            include_str!("code/notice.rs")
        );
        let mut documented = String::new();
        for line in source.lines().map(str::trim) {
            if let Some(comment) = line.strip_prefix("///") {
                documented.push_str(comment);
            } else if let Some(number) =
                line.strip_suffix(',').and_then(|line| line.split_once(" = "))
            {
                let Some(code) = number.1.parse().ok().and_then(AnyCode::from_number) else {
                    continue;
                };
                let mut given: Vec<_> = documented.split('$').skip(1).collect();
                given.iter_mut().for_each(|name| {
                    *name = name.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap()
                });
                for language in LANGUAGES {
                    assert_eq!(arguments(code, language), given, "{code} {language}");
                }
                documented.clear();
            } else {
                documented.clear();
            }
        }
    }

    #[test]
    fn arguments_are_rendered() {
        for language in LANGUAGES {
            for code in AnyCode::all() {
                for name in arguments(code, language) {
                    let others =
                        arguments(code, language).into_iter().filter(|other| *other != name);
                    let mut args: Vec<_> = others.map(|other| (other, "x")).collect();
                    args.extend([("other", "no"), (name, "<value>")]);
                    let text = message(code, language, &args);
                    assert!(text.contains("<value>") && !text.contains(MISSING), "{text}");
                    let less = message(code, language, &[]);
                    assert!(less.contains(MISSING) || text.starts_with(&less), "{less}");
                }
            }
        }
        assert_eq!(
            with_code(Code::PinWrong, Language::En, &[("tries", "3")]),
            "Wrong PIN. Tries left: 3. (WK-1203)"
        );
        assert_eq!(
            with_code(Code::PinWrong, Language::Ja, &[("tries", "3")]),
            "暗証番号（PIN）が違います。あと 3 回お試しいただけます。 (WK-1203)"
        );
    }

    /// Who reports may not know them: the key, an agent, or a server that says no more.
    #[test]
    fn a_count_that_is_not_known_leaves_no_gap() {
        for (code, ja, en) in [
            (Code::PinWrong, "暗証番号（PIN）が違います。", "Wrong PIN."),
            (Code::LockedOut, "失敗が続いたため、受け付けを停止しています。", "Too many failures."),
            (Code::TooManyRequests, "操作の回数が多すぎます。", "Too many requests."),
            (
                Code::PassWait,
                "この端末で誤ったコードが続きました。",
                "Too many wrong codes at this terminal.",
            ),
        ] {
            assert_eq!(message(code, Language::Ja, &[]), ja);
            assert_eq!(message(code, Language::En, &[]), en);
        }
    }

    /// himmelblau GHSA-x259-23ph-65m5, control characters in names reached what people read.
    #[test]
    fn control_characters_in_arguments_are_made_printable() {
        let hostile = "a\nb\u{1b}[31mc\u{202e}d\u{0}";
        for language in LANGUAGES {
            let text = message(Prompt::PinPromptNamed, language, &[("name", hostile)]);
            assert!(text.contains("a?b?[31mc?d?"), "{text:?}");
            let text = message(Notice::Enrolled, language, &[("name", &"x".repeat(10_000))]);
            assert!(text.chars().count() < ARGUMENT_CHARS + 60);
        }
    }

    #[test]
    fn the_question_says_whose_key_and_how_many_tries() {
        for (name, tries, ja, en) in [
            (
                None,
                None,
                "暗証番号（PIN）を入力し、続けてキーに触れてください: ",
                "Enter the PIN, then touch the key: ",
            ),
            (
                None,
                Some(3),
                "暗証番号（PIN）を入力し、続けてキーに触れてください（あと 3 回）: ",
                "Enter the PIN, then touch the key (tries left: 3): ",
            ),
            (
                Some("山田 花子"),
                None,
                "山田 花子 さんのキーです。暗証番号（PIN）を入力し、続けてキーに触れてください: ",
                "Key of 山田 花子. Enter the PIN, then touch the key: ",
            ),
            (
                Some("山田 花子"),
                Some(1),
                "山田 花子 さんのキー：暗証番号が違いました（WK-1203、あと 1 回）。入力し直し、キーに触れてください: ",
                "Key of 山田 花子: wrong PIN (WK-1203), tries left: 1. Enter the PIN, \
                 then touch the key: ",
            ),
        ] {
            assert_eq!(pin_prompt(Language::Ja, name, tries), ja);
            assert_eq!(pin_prompt(Language::En, name, tries), en);
        }
    }

    /// A greeter may show nothing but the question, and a screen reader reads the field's label.
    #[test]
    fn the_question_is_one_line_that_fits_whatever_the_name_is() {
        let names = ["漢".repeat(128), "W".repeat(128), "山田 花子".to_owned()];
        let mut asked = Vec::new();
        for name in names.iter().map(|name| Some(name.as_str())).chain([None]) {
            for tries in [Some(7), None] {
                for prompt in [
                    Prompt::PinPromptNamed,
                    Prompt::PinOldPrompt,
                    Prompt::FingerNow,
                    Prompt::FingerOrPin,
                    Prompt::PinAfterFinger,
                    Prompt::PinFingerBlocked,
                ] {
                    asked.extend(LANGUAGES.map(|of| pin_question(prompt, of, name, tries)));
                }
                let (person, name) = ("w".repeat(32), name.unwrap_or_default());
                for prompt in [Prompt::VouchNamePrompt, Prompt::VouchPinPrompt] {
                    let signs = (&*person, "24");
                    let vouch = LANGUAGES.map(|of| vouch_question(prompt, of, name, signs, tries));
                    assert!(vouch.iter().all(|asked| asked.contains(&person)), "{vouch:?}");
                    assert!(vouch.iter().all(|asked| asked.contains("24")), "{vouch:?}");
                    asked.extend(vouch);
                }
            }
        }
        for question in asked {
            let wide = crate::width::columns(&question);
            assert!(wide <= QUESTION_COLUMNS, "{wide}: {question}");
            assert!(question.chars().all(is_printable), "one line: {question}");
        }
    }

    /// A failure does not reveal whether the name exists.
    #[test]
    fn a_wrong_key_and_an_unknown_name_read_the_same() {
        for (language, words) in [
            (Language::Ja, ["存在", "未登録", "登録されて", "利用者がい"]),
            (Language::En, ["exist", "unknown", "registered", "no such"]),
        ] {
            let text = message(Code::KeyAndNameDoNotMatch, language, &[]);
            assert!(words.iter().all(|word| !text.contains(word)), "{text}");
            assert!(arguments(Code::KeyAndNameDoNotMatch, language).is_empty());
        }
    }

    /// `docs/CODES.md` lists what is said. `UPDATE_DOCS=1 cargo test -p wardkey-core codes_md`
    /// writes it anew.
    #[test]
    fn codes_md_has_every_text() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/CODES.md");
        let mut table =
            String::from("| code | kind | name | 日本語 | English |\n|---|---|---|---|---|\n");
        for code in AnyCode::all() {
            let text = |language| {
                let names = arguments(code, language);
                let shown: Vec<_> = names.iter().map(|name| (*name, format!("‹{name}›"))).collect();
                let args: Vec<_> =
                    shown.iter().map(|(name, value)| (*name, value.as_str())).collect();
                message(code, language, &args).trim_end().to_owned()
            };
            let (kind, name) = match code {
                AnyCode::Refusal(code) => ("refusal", format!("{code:?}")),
                AnyCode::Prompt(prompt) => ("prompt", format!("{prompt:?}")),
                AnyCode::Notice(notice) => ("notice", format!("{notice:?}")),
            };
            table += &format!(
                "| {code} | {kind} | {name} | {} | {} |\n",
                text(Language::Ja),
                text(Language::En)
            );
        }
        let file = std::fs::read_to_string(path).unwrap();
        let (head, _) = file.split_once("| code |").expect("docs/CODES.md has its table");
        let wanted = format!("{head}{table}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &wanted).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            wanted,
            "UPDATE_DOCS=1 writes docs/CODES.md anew"
        );
    }
}
