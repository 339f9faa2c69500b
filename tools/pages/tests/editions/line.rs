//! One line of a block of code, or one span, beside its translation.

/// A command as it is typed, or none: it begins with a prompt such as `server#`, or with one of the
/// programs.
fn is_command(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let prompt = first.strip_suffix(['#', '$']).unwrap_or_default();
    first.starts_with("wardkey")
        || (!prompt.is_empty() && prompt.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// A command with `"…"` for each name and reason in it: these are in the reader's language.
pub fn masked(text: &str) -> String {
    if !is_command(text) {
        return text.to_owned();
    }
    let mut out = String::new();
    for (at, piece) in text.split('"').enumerate() {
        let quoted = at % 2 == 1;
        let words = quoted && !piece.contains(['$', '/', ':', '=', '%']);
        out.push_str(if at == 0 { "" } else { "\"" });
        out.push_str(if words { "…" } else { piece });
    }
    out
}

/// What is typed, and the comment behind it.
fn parts(text: &str) -> (&str, Option<&str>) {
    match text.split_once(" # ") {
        Some((typed, comment)) => (typed.trim_end(), Some(comment.trim())),
        None => (text.trim_end(), None),
    }
}

/// Numbers, paths and codes: what an output has in every language.
fn facts(text: &str) -> Vec<&str> {
    let part = |c: char| c.is_ascii_alphanumeric() || "_./:=-".contains(c);
    let mut facts: Vec<&str> = text
        .split(|c| !part(c))
        .map(|word| word.trim_matches(['.', ':', '-']))
        .filter(|word| word.contains('/') || word.contains(|c: char| c.is_ascii_digit()))
        .collect();
    facts.sort_unstable();
    facts
}

/// Whether a line of a block is the other's translation. What is typed is the same, but for names
/// and reasons; comments, and what a program answers, are in the reader's language.
pub fn is_translation(english: &str, japanese: &str) -> bool {
    let (typed, comment) = parts(english);
    let (typed_too, comment_too) = parts(japanese);
    let comments = match (comment, comment_too) {
        (None, None) => true,
        (Some(one), Some(other)) => one == other || !other.is_ascii(),
        _ => false,
    };
    let answers = || {
        !is_command(english)
            && !is_command(japanese)
            && !typed_too.is_ascii()
            && facts(typed) == facts(typed_too)
    };
    comments && (masked(typed) == masked(typed_too) || answers())
}

#[test]
fn what_is_typed_is_the_same_and_what_is_read_is_not() {
    for (english, japanese) in [
        ("server# ls", "server# ls"),
        (
            "server# wardkey-server x --reason \"lost\"",
            "server# wardkey-server x --reason \"紛失\"",
        ),
        ("server# ls   # all files", "server# ls # すべて"),
        ("[ok] Clock: 10:03; at /etc/a:17", "［可］時計: /etc/a:17 は 10:03"),
    ] {
        assert!(is_translation(english, japanese), "{english} | {japanese}");
    }
    for (english, japanese) in [
        ("server# ls", "server# ls -l"),
        ("server# ls", "terminal# ls"),
        ("server# ls   # all files", "server# ls"),
        ("server# ls   # all files", "server# ls   # others"),
        ("pc$ printf \"$(cat)\"", "pc$ printf \"$(ls)\""),
        ("local_accounts = [\"admin\"]", "local_accounts = [\"root\"]"),
        ("listen = \"192.0.2.10:8444\"", "listen = \"192.0.2.10:8443\""),
        ("server# wardkey-server x --reason \"a\"", "server# wardkey-server y --reason \"あ\""),
        ("Key 1 is in. (WK-1005)", "キー 1 です。 (WK-1006)"),
        ("Key 1 is in. (WK-1005)", "Key 2 is in. (WK-1005)"),
    ] {
        assert!(!is_translation(english, japanese), "{english} | {japanese}");
    }
}
