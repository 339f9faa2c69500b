//! The second word of a line: what follows from each answer (`_pam_parse_control`).

use crate::answer::Answer;

/// What libpam does upon an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// As if the module were not there.
    Ignore,
    /// Counts, unless something failed before.
    Ok,
    /// As `Ok`, and the (sub)stack ends.
    Done,
    /// The stack fails.
    Bad,
    /// As `Bad`, and the (sub)stack ends.
    Die,
    /// Back to what was before the (sub)stack.
    Reset,
    /// So many lines are passed over.
    Jump(u32),
}

/// In libpam's order, in which a word is compared with the beginning of each.
const ACTIONS: [(&[u8], Action); 6] = [
    (b"ignore", Action::Ignore),
    (b"ok", Action::Ok),
    (b"done", Action::Done),
    (b"bad", Action::Bad),
    (b"die", Action::Die),
    (b"reset", Action::Reset),
];

/// The action upon each answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control([Action; Answer::COUNT]);

/// A jump too far for libpam's own numbers: what follows is not defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFar;

impl Control {
    /// The same action upon everything.
    pub const fn all(action: Action) -> Self {
        Self([action; Answer::COUNT])
    }

    /// The action upon an answer.
    pub fn action(&self, answer: Answer) -> Action {
        self.0.get(answer.number()).copied().unwrap_or(Action::Bad)
    }

    /// `required`, `requisite`, `optional` and `sufficient`.
    fn word(upon_success: Action, ignore: bool, default: Action) -> Self {
        let mut control = Self::all(default);
        control.set(Answer::SUCCESS, upon_success);
        control.set(Answer::NEW_AUTHTOK_REQD, upon_success);
        if ignore {
            control.set(Answer::IGNORE, Action::Ignore);
        }
        control
    }

    fn set(&mut self, answer: Answer, action: Action) {
        if let Some(slot) = self.0.get_mut(answer.number()) {
            *slot = action;
        }
    }

    /// Reads the word, without its brackets.
    ///
    /// # Errors
    /// [`TooFar`].
    pub fn parse(word: &[u8]) -> Result<Self, TooFar> {
        Ok(match word.to_ascii_lowercase().as_slice() {
            b"required" => Self::word(Action::Ok, true, Action::Bad),
            b"requisite" => Self::word(Action::Ok, true, Action::Die),
            b"optional" => Self::word(Action::Ok, false, Action::Ignore),
            b"sufficient" => Self::word(Action::Done, false, Action::Ignore),
            _ => match Self::pairs(word)? {
                Some(pairs) => Self(pairs.map(|action| action.unwrap_or(Action::Bad))),
                None => Self::all(Action::Bad),
            },
        })
    }

    /// `value=action ...`; `None` when it is not: then libpam takes all of it for bad.
    fn pairs(word: &[u8]) -> Result<Option<[Option<Action>; Answer::COUNT]>, TooFar> {
        let mut actions = [None; Answer::COUNT];
        let mut rest = word;
        loop {
            rest = after_blanks(rest);
            if rest.is_empty() {
                return Ok(Some(actions));
            }
            let named = Answer::all().find_map(|answer| {
                rest.strip_prefix(answer.name().as_bytes()).map(|rest| (Some(answer), rest))
            });
            let Some((answer, after)) =
                named.or_else(|| rest.strip_prefix(b"default").map(|rest| (None, rest)))
            else {
                return Ok(None);
            };
            let Some(after) = after_blanks(after).strip_prefix(b"=") else { return Ok(None) };
            let Some((action, after)) = action(after_blanks(after))? else { return Ok(None) };
            rest = after;
            match answer {
                Some(answer) => {
                    if let Some(slot) = actions.get_mut(answer.number()) {
                        *slot = Some(action);
                    }
                }
                None => actions.iter_mut().for_each(|slot| {
                    slot.get_or_insert(action);
                }),
            }
        }
    }
}

fn action(text: &[u8]) -> Result<Option<(Action, &[u8])>, TooFar> {
    if let Some(found) = ACTIONS
        .iter()
        .find_map(|(name, action)| text.strip_prefix(*name).map(|rest| (*action, rest)))
    {
        return Ok(Some(found));
    }
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    let mut value: u32 = 0;
    for digit in number {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u32::from(digit - b'0')))
            .ok_or(TooFar)?;
    }
    if i32::try_from(value).is_err() {
        return Err(TooFar);
    }
    Ok((value != 0).then_some((Action::Jump(value), rest)))
}

/// C's isspace() in its own locale.
fn after_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    text.get(blanks..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_brackets() {
        let action = |word: &str, answer| Control::parse(word.as_bytes()).unwrap().action(answer);
        let other = Answer::USER_UNKNOWN;
        for (word, success, ignore, unknown) in [
            ("required", Action::Ok, Action::Ignore, Action::Bad),
            ("REQUISITE", Action::Ok, Action::Ignore, Action::Die),
            ("optional", Action::Ok, Action::Ignore, Action::Ignore),
            ("Sufficient", Action::Done, Action::Ignore, Action::Ignore),
            ("success=2 default=ignore", Action::Jump(2), Action::Ignore, Action::Ignore),
            ("success=okuser_unknown = 12 default=die", Action::Ok, Action::Die, Action::Jump(12)),
            ("default=die success=done", Action::Done, Action::Die, Action::Die),
            ("default=die default=ignore", Action::Die, Action::Die, Action::Die),
            ("success=ok", Action::Ok, Action::Bad, Action::Bad),
            ("", Action::Bad, Action::Bad, Action::Bad),
            ("success=ok nonsense=ok", Action::Bad, Action::Bad, Action::Bad),
            ("success=0", Action::Bad, Action::Bad, Action::Bad),
            ("success", Action::Bad, Action::Bad, Action::Bad),
            ("SUCCESS=ok", Action::Bad, Action::Bad, Action::Bad),
            ("success=end", Action::Bad, Action::Bad, Action::Bad),
        ] {
            let all =
                (action(word, Answer::SUCCESS), action(word, Answer::IGNORE), action(word, other));
            assert_eq!(all, (success, ignore, unknown), "{word}");
        }
        assert_eq!(Control::parse(b"success=4294967297"), Err(TooFar));
        assert_eq!(Control::parse(b"success=2147483648"), Err(TooFar));
    }
}
