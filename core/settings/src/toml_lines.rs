//! The part of TOML that our two files need: `key = value` lines with strings, whole numbers and
//! lists of these, and comments. Tables, dotted and quoted keys, multi-line strings, booleans,
//! fractions and dates are valid TOML, but nothing that a key of ours takes: they are refused with
//! their line.
//!
//! A whole TOML library is an eighth of the module's size, and code that runs in every login
//! program. The tests hold this reader against that library.

use crate::texts::Text;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A whole number that is not negative.
    Number(u64),
    /// Something else in one word (`true`, `-1`, `1.5`, or no TOML at all): no key takes it.
    Other,
    /// A list, each item with its line.
    List(Vec<(usize, Value)>),
}

/// One `key = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line of the key, from 1.
    pub line: usize,
    /// The key.
    pub key: String,
    /// The line of the value.
    pub value_line: usize,
    /// The value.
    pub value: Value,
}

/// What is wrong, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: Text,
}

/// Lists in lists.
const MAX_DEPTH: usize = 4;

/// Reads a text.
///
/// # Errors
/// A [`Fault`] for what is no TOML, what is more than is needed here, and a key that comes twice.
pub fn read(text: &str) -> Result<Vec<Entry>, Fault> {
    let mut reader = Reader { rest: text, line: 1 };
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        reader.skip_to_content()?;
        if reader.rest.is_empty() {
            return Ok(entries);
        }
        let line = reader.line;
        let key = reader.key()?;
        if entries.iter().any(|entry| entry.key == key) {
            return Err(reader.fault(Text::DuplicateKey));
        }
        reader.skip_blanks();
        if !reader.take('=') {
            return Err(reader.fault(Text::NoEquals));
        }
        reader.skip_blanks();
        let value_line = reader.line;
        let value = reader.value(0)?;
        reader.end_of_line()?;
        entries.push(Entry { line, key, value_line, value });
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn fault(&self, what: Text) -> Fault {
        Fault { line: self.line, what }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(c) = self.peek().filter(|c| wanted(*c)) {
            taken.push(c);
            self.next();
        }
        taken
    }

    fn skip_blanks(&mut self) {
        while self.take(' ') || self.take('\t') {}
    }

    /// To the next thing that is neither blank, line end nor comment.
    fn skip_to_content(&mut self) -> Result<(), Fault> {
        loop {
            self.skip_blanks();
            match self.peek() {
                Some('#' | '\n' | '\r') => self.end_of_line()?,
                _ => return Ok(()),
            }
        }
    }

    /// Blanks, a comment, and the end of the line or of the text.
    fn end_of_line(&mut self) -> Result<(), Fault> {
        self.skip_blanks();
        if self.take('#') {
            self.take_while(|c| c == '\t' || !c.is_control());
        }
        match self.next() {
            None | Some('\n') => Ok(()),
            Some('\r') if self.take('\n') => Ok(()),
            Some(_) => Err(self.fault(Text::AfterValue)),
        }
    }

    fn key(&mut self) -> Result<String, Fault> {
        let key = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if key.is_empty() {
            return Err(self.fault(Text::NotALine));
        }
        Ok(key)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        match self.peek() {
            Some('"') => self.basic_string().map(Value::Text),
            Some('\'') => self.literal_string().map(Value::Text),
            Some('[') if depth < MAX_DEPTH => self.list(depth),
            _ => self.word(),
        }
    }

    fn literal_string(&mut self) -> Result<String, Fault> {
        self.next();
        let text = self.take_while(|c| c != '\'' && (c == '\t' || !c.is_control()));
        if self.take('\'') && !self.rest.starts_with('\'') {
            Ok(text)
        } else {
            Err(self.fault(Text::UnclosedLiteral))
        }
    }

    fn basic_string(&mut self) -> Result<String, Fault> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') if text.is_empty() && self.rest.starts_with('"') => {
                    return Err(self.fault(Text::TextOnOneLine));
                }
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) if c == '\t' || !c.is_control() => text.push(c),
                _ => return Err(self.fault(Text::UnclosedText)),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let digits = match self.next() {
            Some('b') => return Ok('\u{8}'),
            Some('t') => return Ok('\t'),
            Some('n') => return Ok('\n'),
            Some('f') => return Ok('\u{c}'),
            Some('r') => return Ok('\r'),
            Some(c @ ('"' | '\\')) => return Ok(c),
            Some('u') => 4,
            Some('U') => 8,
            _ => return Err(self.fault(Text::UnknownEscape)),
        };
        let mut code = 0u32;
        for _ in 0..digits {
            let digit = self.next().and_then(|c| c.to_digit(16));
            code = digit
                .and_then(|digit| code.checked_mul(16)?.checked_add(digit))
                .ok_or_else(|| self.fault(Text::EscapeDigits))?;
        }
        char::from_u32(code).ok_or_else(|| self.fault(Text::EscapeNoCharacter))
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        self.next();
        let mut items = Vec::new();
        loop {
            self.skip_to_content()?;
            if self.take(']') {
                return Ok(Value::List(items));
            }
            let line = self.line;
            items.push((line, self.value(depth + 1)?));
            self.skip_to_content()?;
            if !self.take(',') && self.peek() != Some(']') {
                return Err(self.fault(Text::ListComma));
            }
        }
    }

    fn word(&mut self) -> Result<Value, Fault> {
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || "_.+-:".contains(c));
        if word.is_empty() {
            return Err(self.fault(Text::ValueKinds));
        }
        Ok(number(&word).map_or(Value::Other, Value::Number))
    }
}

fn number(word: &str) -> Option<u64> {
    let (digits, radix) = match word.split_at_checked(2) {
        Some(("0x", digits)) => (digits, 16),
        Some(("0o", digits)) => (digits, 8),
        Some(("0b", digits)) => (digits, 2),
        _ => (word.strip_prefix('+').unwrap_or(word), 10),
    };
    let zeros = radix == 10 && digits.len() > 1 && digits.starts_with('0');
    let lonely = digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    // The last check is for a second sign, which the standard library would take.
    if zeros || lonely || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(&digits, radix).ok()
}

#[cfg(test)]
mod tests;
