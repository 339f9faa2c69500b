//! Lines of a file (`_pam_assemble_line`) and the words of a line (`_pam_StrTok`).

/// libpam 1.5 cuts what is longer than its buffer of 1,024 bytes and reads the rest as a line of
/// its own; 1.7 does not. Bytes of all that belongs to one line.
const MAX_LINE: usize = 1000;

/// A line, with what continues it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Logical {
    /// Of its first line, from 1.
    pub(crate) number: usize,
    pub(crate) text: Vec<u8>,
}

/// The lines of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) lines: Vec<Logical>,
    /// The file ends where a line should go on: libpam refuses it, after it has taken the lines
    /// before.
    pub(crate) cut: bool,
}

/// Why the versions of libpam read it differently, and the line.
pub(crate) type Unclear = (usize, &'static str);

/// Splits a file.
pub(crate) fn split(text: &[u8]) -> Result<Lines, Unclear> {
    let mut lines = Vec::new();
    let mut open: Option<Logical> = None;
    let mut length = 0;
    for (index, physical) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        length = if open.is_some() { length + physical.len() } else { physical.len() };
        if length > MAX_LINE {
            return Err((number, "the line is longer than libpam's buffer"));
        }
        if physical.contains(&0) {
            return Err((number, "the line has a NUL byte"));
        }
        let start = physical.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\t')).count();
        let meant = physical.get(start..).unwrap_or_default();
        if meant.is_empty() || meant.starts_with(b"#") {
            if open.is_some() {
                return Err((number, "a continued line is followed by an empty one or a comment"));
            }
            continue;
        }
        let comment = meant.iter().position(|byte| *byte == b'#');
        let meant = comment.and_then(|at| meant.get(..at)).unwrap_or(meant);
        let mut line = open.take().unwrap_or(Logical { number, text: Vec::new() });
        let trimmed = meant.iter().rposition(|byte| !matches!(byte, b' ' | b'\n' | b'\t'));
        let last = trimmed.and_then(|at| meant.get(at));
        if comment.is_none() && last == Some(&b'\\') {
            line.text.extend(meant.iter().take(trimmed.unwrap_or_default()));
            line.text.push(b' ');
            open = Some(line);
        } else {
            line.text.extend(meant);
            lines.push(line);
        }
    }
    Ok(Lines { lines, cut: open.is_some() })
}

/// Takes the words of a line one by one.
#[derive(Clone, Debug)]
pub(crate) struct Words<'t> {
    rest: Option<&'t [u8]>,
}

impl<'t> Words<'t> {
    pub(crate) fn of(text: &'t [u8]) -> Self {
        Self { rest: Some(text) }
    }
}

impl Iterator for Words<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let text = self.rest.take()?;
        let start = text.iter().position(|byte| !blank(*byte))?;
        let text = text.get(start..)?;
        let mut word = Vec::new();
        let rest = if let Some(mut inner) = text.strip_prefix(b"[") {
            loop {
                match inner {
                    [] => break inner,
                    [b']', rest @ ..] => break rest,
                    [b'\\', b']', rest @ ..] => {
                        word.push(b']');
                        inner = rest;
                    }
                    [byte, rest @ ..] => {
                        word.push(*byte);
                        inner = rest;
                    }
                }
            }
        } else {
            let end = text.iter().position(|byte| blank(*byte)).unwrap_or(text.len());
            word.extend(text.iter().take(end));
            // The blank that ends a word is taken with it.
            text.get(end + 1..).unwrap_or_default()
        };
        self.rest = Some(rest).filter(|rest| !rest.is_empty());
        Some(word)
    }
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(usize, String)> {
        let lines = split(text.as_bytes()).unwrap();
        lines
            .lines
            .into_iter()
            .map(|line| (line.number, String::from_utf8(line.text).unwrap()))
            .collect()
    }

    #[test]
    fn comments_and_continuations() {
        assert_eq!(
            lines("# a\n\n  auth x y # z\nauth \\\n  b\\  \n c\n"),
            [(3, "auth x y ".into()), (4, "auth  b c\n".into())]
        );
        // A backslash before a comment continues nothing.
        assert_eq!(lines("a \\ # b\nc"), [(1, "a \\ ".into()), (2, "c".into())]);
        let cut = split(b"a\nb \\\n").unwrap();
        assert!(cut.cut && cut.lines.len() == 1);
    }

    #[test]
    fn what_versions_of_libpam_read_differently_is_not_read() {
        let long = format!("a\n# {}\n", "x".repeat(10_000));
        assert_eq!(split(long.as_bytes()).unwrap_err().0, 2);
        let continued = format!("{}\nb", "x \\\n".repeat(300));
        assert!(split(continued.as_bytes()).is_err());
        for text in [&b"a\0b"[..], b"a \\\n\nb", b"a \\\n# c\nb"] {
            assert!(split(text).is_err());
        }
    }

    #[test]
    fn words_and_brackets() {
        let words = |text: &str| {
            Words::of(text.as_bytes())
                .map(|word| String::from_utf8(word).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            words(" auth\t[a=b  c=d]pam.so [x y\\]] z\n"),
            ["auth", "a=b  c=d", "pam.so", "x y]", "z"]
        );
        assert_eq!(words("a[b c] d"), ["a[b", "c]", "d"]);
        assert_eq!(words("[] x"), ["", "x"]);
        assert_eq!(words("[a b"), ["a b"]);
        assert!(words(" \t ").is_empty());
    }
}
