//! What staff does about a code, taken out of its sentence: the first half says what happened, the
//! rest what to do, and in it stands whom to call. So the table says what the screen says.

use wardkey_core::code::AnyCode;
use wardkey_core::name::Language;
use wardkey_core::texts;

/// A code for staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The code.
    pub code: AnyCode,
    /// What the screen says happened.
    pub says: String,
    /// What to do; empty where there is nothing.
    pub does: String,
    /// Whom to call.
    pub calls: Whom,
}

/// Whom staff calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Nobody: they can go on themselves.
    Nobody,
    /// Who issues temporary codes.
    HelpDesk,
    /// Who administers the terminals.
    Administrator,
    /// The same, without delay: somebody may be attacking.
    AdministratorAtOnce,
}

impl Whom {
    /// In the words of a table.
    pub const fn say(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Nobody, Language::En) => "Nobody",
            (Self::Nobody, Language::Ja) => "連絡は不要",
            (Self::HelpDesk, Language::En) => "Help desk",
            (Self::HelpDesk, Language::Ja) => "ヘルプデスク",
            (Self::Administrator, Language::En) => "Administrator",
            (Self::Administrator, Language::Ja) => "管理者",
            (Self::AdministratorAtOnce, Language::En) => "Administrator, at once",
            (Self::AdministratorAtOnce, Language::Ja) => "管理者（すぐに）",
        }
    }

    /// Whom a sentence names.
    fn named_in(sentence: &str, language: Language) -> Self {
        let (help_desk, administrator, at_once) = match language {
            Language::En => ("help desk", "dministrator", "at once"),
            Language::Ja => ("ヘルプデスク", "管理者", "すぐに"),
        };
        if sentence.contains(help_desk) {
            Self::HelpDesk
        } else if !sentence.contains(administrator) {
            Self::Nobody
        } else if sentence.contains(at_once) {
            Self::AdministratorAtOnce
        } else {
            Self::Administrator
        }
    }
}

/// What to do about a code.
pub fn advice(code: AnyCode, language: Language) -> Advice {
    // What the screen fills in: a number, here a circle, as forms have it.
    let args = [("tries", "○"), ("seconds", "○"), ("hours", "○")];
    let sentence = texts::message(code, language, &args);
    let calls = Whom::named_in(&sentence, language);
    let end = match language {
        Language::En => ". ",
        Language::Ja => "。",
    };
    let first = sentence.find(end).map_or(sentence.len(), |at| at + end.len());
    let (says, does) = sentence.split_at(first);
    Advice { code, says: says.trim().to_owned(), does: does.trim().to_owned(), calls }
}

/// The codes of `1203-1209 1240`: what refuses or tells, not what asks.
///
/// # Errors
/// What is neither a number nor a range, or a range without a code.
pub fn codes(ranges: &str) -> Result<Vec<AnyCode>, String> {
    let mut found = Vec::new();
    for range in ranges.split(' ') {
        let number = |text: &str| text.parse::<u16>().map_err(|error| format!("{range}: {error}"));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let numbers = number(first)?..=number(last)?;
        let before = found.len();
        found.extend(AnyCode::all().into_iter().filter(|code| {
            numbers.contains(&code.number()) && !matches!(code, AnyCode::Prompt(_))
        }));
        if found.len() == before {
            return Err(format!("there is no code {range} that tells something"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use wardkey_core::code::Code;

    use super::*;

    fn about(code: Code) -> [(String, String, Whom); 2] {
        [Language::En, Language::Ja].map(|language| {
            let Advice { says, does, calls, .. } = advice(AnyCode::Refusal(code), language);
            (says, does, calls)
        })
    }

    #[test]
    fn a_sentence_is_what_happened_what_to_do_and_whom_to_call() {
        let text = |says: &str, does: &str, whom| (says.to_owned(), does.to_owned(), whom);
        assert_eq!(
            about(Code::Rollback),
            [
                text(
                    "The directory is older than one received before.",
                    "Please contact your administrator at once.",
                    Whom::AdministratorAtOnce,
                ),
                text(
                    "前に受け取ったものより古い名簿を受け取りました。",
                    "すぐに管理者に連絡してください。",
                    Whom::AdministratorAtOnce,
                ),
            ]
        );
        let [en, ja] = about(Code::LockedOut);
        assert_eq!(en, text("Too many failures.", "Please try again in ○ seconds.", Whom::Nobody));
        assert!(ja.1.contains("○ 秒") && ja.2 == Whom::Nobody, "{ja:?}");
        assert_eq!(about(Code::Cancelled)[0], text("Cancelled.", "", Whom::Nobody));
    }

    /// Else staff of two languages would call different people about the same.
    #[test]
    fn both_languages_name_the_same_people_to_call() {
        for code in AnyCode::all() {
            let [ja, en] = [Language::Ja, Language::En].map(|language| advice(code, language));
            // Above these are texts for administrators only.
            if code.number() < 1400 || (1800..1850).contains(&code.number()) {
                assert_eq!(ja.calls, en.calls, "{code}: {ja:?} {en:?}");
            }
        }
    }

    #[test]
    fn ranges_are_codes_that_tell_something() {
        let numbers = |ranges: &str| {
            codes(ranges).map(|found| found.iter().map(|code| code.number()).collect::<Vec<_>>())
        };
        assert_eq!(numbers("1201-1204").unwrap(), [1203, 1204]);
        assert_eq!(numbers("1240 1008").unwrap(), [1240, 1008]);
        for wrong in ["", "x", "1-", "9-10", "1202", "1203,1204"] {
            assert!(numbers(wrong).is_err(), "{wrong}");
        }
    }
}
