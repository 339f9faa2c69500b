//! Just enough JSON: texts into it, and the PIN out of a greeter's answer.
//!
//! Written by hand, as a library for all of JSON would be larger than the rest of the conversation.
//! The reader takes the whole grammar (RFC 8259) strictly, and makes a copy of nothing but the text
//! that is looked for.

use zeroize::Zeroizing;

/// Objects and arrays in one another.
const MAX_DEPTH: usize = 8;

/// Adds a text, in quotation marks.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            // All of them are below 0x20.
            0..0x20 => {
                let low = byte & 0xf;
                let digit = if low < 10 { b'0' + low } else { b'a' + low - 10 };
                out.extend(*b"\\u00");
                out.extend([b'0' + (byte >> 4), digit]);
            }
            byte => out.push(byte),
        }
    }
    out.push(b'"');
}

/// The text at a path of objects, as it is written between its quotation marks, in JSON that is
/// whole and right and where no object names twice what is on the path.
pub fn text_at<'j>(json: &'j [u8], path: &[&str]) -> Option<&'j [u8]> {
    let mut reader = Reader { json, at: 0, found: None };
    reader.value(Some(path), 0)?;
    reader.blanks();
    reader.found.filter(|_| reader.at == json.len())
}

struct Reader<'j> {
    json: &'j [u8],
    at: usize,
    /// What stands between the quotation marks.
    found: Option<&'j [u8]>,
}

impl<'j> Reader<'j> {
    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.peek() == Some(byte);
        self.at += usize::from(takes);
        takes
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes exactly this.
    fn word(&mut self, word: &[u8]) -> Option<()> {
        let all = word.iter().all(|byte| self.next() == Some(*byte));
        all.then_some(())
    }

    /// A value. `path`: what is looked for leads on in it; an empty one: this is what is looked
    /// for.
    fn value(&mut self, path: Option<&[&str]>, depth: usize) -> Option<()> {
        self.blanks();
        match self.peek()? {
            b'{' if depth < MAX_DEPTH => self.members(b'}', path, depth + 1),
            b'[' if depth < MAX_DEPTH => self.members(b']', None, depth + 1),
            b'"' => {
                let text = self.text()?;
                if path.is_some_and(<[&str]>::is_empty) {
                    self.found = Some(text);
                }
                Some(())
            }
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    /// An object or an array.
    fn members(&mut self, end: u8, path: Option<&[&str]>, depth: usize) -> Option<()> {
        self.at += 1;
        self.blanks();
        if self.takes(end) {
            return Some(());
        }
        let mut met = false;
        loop {
            let mut further = None;
            if end == b'}' {
                self.blanks();
                let name = self.text()?;
                self.blanks();
                self.word(b":")?;
                if let Some([next, rest @ ..]) = path
                    && next.as_bytes() == name
                {
                    if std::mem::replace(&mut met, true) {
                        return None;
                    }
                    further = Some(rest);
                }
            }
            self.value(further, depth)?;
            self.blanks();
            match self.next()? {
                b',' => {}
                byte => return (byte == end).then_some(()),
            }
        }
    }

    /// A text, as it is written.
    fn text(&mut self) -> Option<&'j [u8]> {
        self.word(b"\"")?;
        let start = self.at;
        loop {
            match self.next()? {
                b'"' => return self.json.get(start..self.at - 1),
                b'\\' => {
                    let escape = self.next()?;
                    if escape == b'u' {
                        self.at += 4;
                        self.json.get(self.at - 4..self.at).and_then(unit)?;
                    } else if !ESCAPES.iter().any(|(written, _)| *written == escape) {
                        return None;
                    }
                }
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        Some(())
    }

    /// One or more.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

const ESCAPES: [(u8, u8); 8] = [
    (b'"', b'"'),
    (b'\\', b'\\'),
    (b'/', b'/'),
    (b'b', 8),
    (b'f', 12),
    (b'n', b'\n'),
    (b'r', b'\r'),
    (b't', b'\t'),
];

/// Four hexadecimal digits.
fn unit(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// The text that is meant by one that is written, all of whose escapes are right.
pub fn decoded(written: &[u8]) -> Option<Zeroizing<String>> {
    // What is meant is never longer; a vector that grew would leave copies behind.
    let mut meant = Zeroizing::new(Vec::with_capacity(written.len()));
    let mut rest = written;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            meant.push(*first);
            continue;
        }
        let (escape, tail) = rest.split_first()?;
        rest = tail;
        if *escape != b'u' {
            meant.push(ESCAPES.iter().find(|(written, _)| written == escape)?.1);
            continue;
        }
        // A character that needs no such escape: those of half a surrogate pair are none.
        let (digits, tail) = rest.split_at_checked(4)?;
        rest = tail;
        let code = unit(digits)?;
        meant.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
    }
    String::from_utf8(std::mem::take(&mut *meant)).ok().map(Zeroizing::new)
}
