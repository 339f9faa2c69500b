//! Text as the macros of manual pages take it.

use std::fmt::Write;

/// Escapes a line of text: nothing in it is a request or an escape any longer.
pub fn text(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 8);
    if line.starts_with(['.', '\'']) {
        out.push_str("\\&");
    }
    for c in line.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            c => out.push(c),
        }
    }
    out
}

/// Escapes one argument of a macro, with the quotes around it.
pub fn argument(value: &str) -> String {
    format!("\"{}\"", text(value).replace('"', "\\(dq"))
}

/// Writes paragraphs inside a tagged list: the first follows the tag, the others keep its indent.
pub fn tagged(out: &mut String, paragraphs: &[String]) {
    for (number, paragraph) in paragraphs.iter().enumerate() {
        if number > 0 {
            out.push_str(".IP\n");
        }
        let _ = writeln!(out, "{}", text(paragraph));
    }
}

/// Folds long lines of text, as tools that look at pages line by line ask for. What is shown stays
/// the same: macros and unfilled text are left as they are.
pub fn folded(page: &str) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 64);
    let mut filled = true;
    for line in page.lines() {
        match line {
            ".nf" => filled = false,
            ".fi" => filled = true,
            _ => {}
        }
        if !filled || line.starts_with('.') || line.len() <= LINE {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let mut length = 0;
        for word in line.split(' ') {
            let starts_request = word.starts_with(['.', '\'']);
            if length > 0 && length + 1 + word.len() > LINE && !word.is_empty() && !starts_request {
                out.push('\n');
                length = 0;
            } else if length > 0 {
                out.push(' ');
                length += 1;
            }
            out.push_str(word);
            length += word.len();
        }
        out.push('\n');
    }
    out
}

/// Bytes of a line of text.
const LINE: usize = 78;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_and_nothing_else() {
        let long = "word ".repeat(40);
        let page = format!(".SH {long}\n{long}.nf \n.nf\n{long}\n.fi\nshort\n");
        let folded = folded(&page);
        assert_eq!(
            folded.split_whitespace().collect::<Vec<_>>(),
            page.split_whitespace().collect::<Vec<_>>()
        );
        assert_eq!(folded.lines().filter(|line| line.len() > LINE).count(), 2);
        assert!(!folded.contains("\n.nf "), "a word became a request");
    }

    #[test]
    fn text_cannot_become_a_request() {
        for (plain, escaped) in [
            (".so /etc/shadow", "\\&.so /etc/shadow"),
            ("'br", "\\&\\(aqbr"),
            ("a\\b --c", "a\\eb \\-\\-c"),
            ("~^`", "\\(ti\\(ha\\(ga"),
            ("日本語", "日本語"),
        ] {
            assert_eq!(text(plain), escaped);
        }
        assert_eq!(argument("say \"x\""), "\"say \\(dqx\\(dq\"");
    }
}
