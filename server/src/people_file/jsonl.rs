//! A JSON object a line.

use serde_json::error::Category;

use super::line::People;
use super::problem::{Problem, Wrong};
use crate::texts::Text;

/// Everyone in a text.
pub fn people(text: &str) -> People {
    let mut people = People::default();
    for (at, text) in text.split('\n').enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let number = at as u64 + 1;
        match serde_json::from_str(text) {
            Ok(line) => people.lines.push((number, line)),
            Err(error) => people.problems.push(Problem::at(number, wrong(&error))),
        }
    }
    people
}

/// What is wrong, without the words of the reader.
fn wrong(error: &serde_json::Error) -> Wrong {
    let text = error.to_string();
    let named = |kind: &str| text.strip_prefix(kind)?.split('`').nth(1);
    if error.classify() != Category::Data {
        return Wrong::Json(error.column());
    }
    if let Some(name) = named("unknown field ") {
        return Wrong::Column(name.to_owned());
    }
    match named("missing field ") {
        Some("login") => Wrong::Missing("login"),
        Some("name") => Wrong::Missing("name"),
        Some(member) => Wrong::Key(Text::KeyLacks.with([("member", member.into())])),
        None => Wrong::Kind(text.split(" at line ").next().unwrap_or_default().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_says_what_is_wrong_with_it() {
        let text = "{\"login\":\"a\",\"name\":\"A\"}\n\n{\"login\":\"b\",\"nmae\":\"B\"}\n\
            {\"login\":\"c\"}\n[\n\
                    {\"login\":\"d\",\"name\":5}\n\
                    {\"login\":\"e\",\"name\":\"E\",\"credentials\":[{\"id\":\"x\"}]}\n";
        let read = people(text);
        assert_eq!(
            read.lines
                .iter()
                .map(|(number, line)| (*number, line.login.as_str()))
                .collect::<Vec<_>>(),
            [(1, "a")]
        );
        let wrong: Vec<_> =
            read.problems.into_iter().map(|problem| (problem.line, problem.wrong)).collect();
        assert_eq!(wrong[0], (3, Wrong::Column("nmae".into())));
        assert_eq!(wrong[1], (4, Wrong::Missing("name")));
        assert_eq!(wrong[2], (5, Wrong::Json(1)));
        assert!(matches!(&wrong[3], (6, Wrong::Kind(what)) if what.contains('5')), "{wrong:?}");
        let lacking = Text::KeyLacks.with([("member", "public_key".into())]);
        assert_eq!(wrong[4], (7, Wrong::Key(lacking)));
    }
}
