//! Commands in a text: where one begins and ends, and which options it has.

/// What somebody is told to type.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// The program, or none where a text leaves it out ("token add").
    pub program: Option<String>,
    pub words: Vec<String>,
}

/// Where in a text programs are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Markdown: in spans and blocks, where a command begins.
    Markdown,
    /// Sentences, such as those of Fluent files: everywhere.
    Sentences,
}

/// Words that follow the name of a program in a sentence that is no command.
const PROSE: [&str; 1] = ["for"];

/// All commands that a text names.
pub fn all(text: &str, form: Form) -> Vec<Named> {
    let mut found = Vec::new();
    match form {
        Form::Sentences => {
            let text = text.replace("\\\"", "\"");
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                found.extend(of_programs(line, form));
                for quoted in between(line, "\"", "\"").chain(between(line, "「", "」")) {
                    found.extend(without_program(quoted));
                }
            }
        }
        Form::Markdown => {
            let mut block = false;
            let text = text.replace("\\\n", " ");
            for line in text.lines() {
                if line.trim_start().starts_with("```") {
                    block = !block;
                } else if block {
                    found.extend(of_programs(line, form));
                } else {
                    for span in between(line, "`", "`") {
                        found.extend(of_programs(span, form));
                        found.extend(without_program(span));
                    }
                }
            }
        }
    }
    found
}

fn between<'a>(line: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let (before, after) = rest.split_once(open)?;
        let (inside, behind) = after.split_once(close)?;
        rest = behind;
        // The value of an option, such as a reason, is what somebody says.
        let last = before.split_whitespace().next_back().unwrap_or_default();
        Some(if before.ends_with(' ') && last.starts_with("--") { "" } else { inside })
    })
}

fn of_programs(line: &str, form: Form) -> Vec<Named> {
    let line = line.replace("/usr/bin/", "").replace("/usr/sbin/", "");
    line.match_indices("wardkey")
        .filter_map(|(at, _)| {
            let before = &line[..at];
            if before.ends_with(|c: char| c.is_ascii_alphanumeric() || "_/.-".contains(c)) {
                return None;
            }
            let begins = before.trim_end().is_empty()
                || before.trim_end().ends_with(['#', '$', '|', '&', ';', '(', '\'', '"', '`'])
                || ["sudo", "exec"].iter().any(|word| before.trim_end().ends_with(word));
            if form == Form::Markdown && !begins {
                return None;
            }
            let (program, rest) = line[at..].split_once(' ')?;
            let part = |c: char| c.is_ascii_lowercase() || c == '-';
            // Columns, as of a table, are no command.
            if !program.chars().all(part) || rest.starts_with(' ') {
                return None;
            }
            let rest = if before.ends_with('"') {
                rest.split_once('"').map_or(rest, |(inside, _)| inside)
            } else {
                rest
            };
            let words = words(rest);
            let prose = words.first().is_some_and(|word| PROSE.contains(&word.as_str()));
            (!prose).then(|| Named { program: Some(program.to_owned()), words })
        })
        .collect()
}

fn without_program(span: &str) -> Option<Named> {
    let words = words(span);
    let first = words.first().is_some_and(|word| is_word(word));
    (first && words.len() > 1 && !span.starts_with("wardkey"))
        .then_some(Named { program: None, words })
}

/// The words of a command until it ends: at a mark of the sentence around it, or of the shell.
fn words(text: &str) -> Vec<String> {
    let ends = |c: char| "`|;；#()（）「」『』。、，,&".contains(c);
    let text = text.split(ends).next().unwrap_or_default();
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let bare = word.trim_end_matches(['.', ':', '"']).trim_matches(['[', ']']);
        words.push(bare.to_owned());
        if bare.len() < word.len() && word.ends_with(['.', ':']) {
            break;
        }
    }
    words
}

/// What can be the name of a command.
pub fn is_word(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

#[test]
fn a_command_ends_where_the_sentence_goes_on() {
    let told = |text, form| -> Vec<String> {
        all(text, form)
            .into_iter()
            .map(|named| {
                format!("{}: {}", named.program.as_deref().unwrap_or("-"), named.words.join(" "))
            })
            .collect()
    };
    for (text, expected) in [
        ("a = run \"wardkey sync\".", &["wardkey: sync"][..]),
        (
            "a = waits: wardkey enable --confirm, or wardkey disable",
            &["wardkey: enable --confirm", "wardkey: disable"],
        ),
        ("a = 先に「wardkey-server log check FILE」を", &["wardkey-server: log check FILE"]),
        ("a = 「key list」に表示される", &["-: key list"]),
        ("a = see the log of wardkey-server for the reason", &[]),
        ("# wardkey what a file is", &[]),
        ("a = \"key list\" and --reason \"key at home\"", &["-: key list"]),
        ("a = wardkey   wardkey-server   wardkey", &[]),
    ] {
        assert_eq!(told(text, Form::Sentences), expected, "{text}");
    }
    for (text, expected) in [
        (
            "The wardkey package has `token add --replace NAME`.",
            &["-: token add --replace NAME"][..],
        ),
        (
            "```\nserver# wardkey-server token add \\\n  --uses=2 # two\n```",
            &["wardkey-server: token add --uses=2"],
        ),
        (
            "`journalctl -u wardkey-server --since today`",
            &["-: journalctl -u wardkey-server --since today"],
        ),
        (
            "`cd /etc/wardkey && sudo wardkey config check`",
            &["-: cd /etc/wardkey", "wardkey: config check"],
        ),
    ] {
        let mut told = told(text, Form::Markdown);
        told.sort_unstable();
        assert_eq!(told, expected, "{text}");
    }
}
