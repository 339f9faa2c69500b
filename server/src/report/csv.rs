//! A table as a spreadsheet reads it: RFC 4180, in UTF-8.

use wardkey_core::name::Language;

use super::sheet::{Cell, Table, decimal};

/// What tells a spreadsheet that the file is UTF-8; programs trip over it.
const BYTE_ORDER_MARK: char = '\u{feff}';
/// Letters of `2027-03-31T17:30:00`.
const SECONDS: usize = 19;
/// Digits of a number that a spreadsheet shows as it is.
const SHORT: usize = 11;

/// What reads the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A program; or a spreadsheet that is told that the file is UTF-8.
    Program {
        /// Whether the file begins with a byte order mark.
        mark: bool,
    },
    /// A spreadsheet that opens the file as it is: it sees by the mark that it is UTF-8, takes
    /// times for times, and changes no name that looks like a number.
    Spreadsheet,
}

/// Lines of a table.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    /// The language of what is not a name.
    pub language: Language,
    /// What reads them.
    pub reader: Reader,
}

impl Lines {
    /// The first line: the columns.
    pub fn head(self, names: impl Iterator<Item = String>) -> String {
        let mut out = String::new();
        if self.reader != (Reader::Program { mark: false }) {
            out.push(BYTE_ORDER_MARK);
        }
        line(&mut out, names);
        out
    }

    /// The line of a row.
    pub fn row(self, row: &[Cell]) -> String {
        let mut out = String::new();
        line(&mut out, row.iter().map(|cell| self.value(cell)));
        out
    }

    fn value(self, cell: &Cell) -> String {
        let is_opened = self.reader == Reader::Spreadsheet;
        match cell {
            Cell::Nothing => String::new(),
            Cell::Said(phrase) => {
                let text = guarded(phrase.say(self.language));
                if is_opened && is_changed(&text) { format!("'{text}") } else { text }
            }
            Cell::Share(share) => decimal(*share),
            // `2027-03-31 17:30:00`, of the deployment's zone.
            Cell::Time(time) if is_opened => {
                time.chars().take(SECONDS).collect::<String>().replace('T', " ")
            }
            Cell::Count(_) | Cell::Time(_) => cell.say(self.language),
        }
    }
}

/// The table, with its columns in the first line.
pub fn csv(table: &Table, lines: Lines) -> String {
    let mut out = lines.head(table.head.iter().map(|name| name.say(lines.language)));
    for row in &table.rows {
        out.push_str(&lines.row(row));
    }
    out
}

fn line(out: &mut String, cells: impl Iterator<Item = String>) {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            out.push(',');
        }
        quote(out, &cell);
    }
    out.push_str("\r\n");
}

/// Whether a spreadsheet would make another number of a name, or a day: `0012`, `12e4`, `1-2`. A
/// short number stays as it is.
fn is_changed(text: &str) -> bool {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || ".,:/-+eE".contains(c));
    let stays = text.len() <= SHORT
        && (text == "0" || !text.starts_with('0'))
        && text.chars().all(|c| c.is_ascii_digit());
    is_number && !stays
}

/// A spreadsheet takes a text that begins with one of these for a formula, also when it is quoted,
/// and some the full-width ones too: an apostrophe before it makes it a text.
/// Also behind a semicolon or a tab: where these part cells, the rest is a cell of its own.
fn guarded(text: String) -> String {
    const RUNS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let mut guarded = String::with_capacity(text.len());
    let mut begins = true;
    for (at, c) in text.chars().enumerate() {
        let runs = begins && RUNS.contains(&c);
        if runs {
            guarded.push('\'');
        }
        guarded.push(c);
        let parts = c == ';' || (c == '\t' && at > 0);
        // Also behind white space, and behind a quotation mark, which may be taken away.
        begins = parts || (begins && !runs && (c.is_whitespace() || c == '"'));
    }
    guarded
}

/// RFC 4180, 2, rules 5 to 7.
fn quote(out: &mut String, cell: &str) {
    if !cell.contains([',', '"', '\r', '\n']) {
        out.push_str(cell);
        return;
    }
    out.push('"');
    out.push_str(&cell.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Text;

    const PLAIN: Lines = Lines { language: Language::En, reader: Reader::Program { mark: false } };
    const OPENED: Lines = Lines { language: Language::Ja, reader: Reader::Spreadsheet };

    #[test]
    fn what_somebody_is_called_stays_one_cell_and_is_no_formula() {
        let names = [
            "=cmd|' /C calc'!A0",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "＝1",
            "a,b",
            "\"quoted\"",
            "two\r\nlines",
            "'plain",
            "",
            "x; =1;y",
        ];
        let row = |name: &&str| vec![Cell::Said((*name).into()), Cell::Count(7)];
        let table = Table {
            name: "people",
            title: Text::HeadName,
            head: vec![Text::HeadName, Text::HeadKeys],
            rows: names.iter().map(row).collect(),
            is_long: false,
        };
        let text = csv(&table, PLAIN);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let read: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(read.len(), names.len());
        for (record, name) in read.iter().zip(names) {
            let is_formula = "=+-@\t＝".chars().any(|c| name.starts_with(c));
            let expected = if is_formula { format!("'{name}") } else { name.to_owned() };
            // Where semicolons part cells, the second one would be a formula.
            let expected = expected.replace("; =1", "; '=1");
            assert_eq!((&record[0], &record[1], record.len()), (expected.as_str(), "7", 2));
        }
        let marked = Lines { language: Language::Ja, reader: Reader::Program { mark: true } };
        let with_mark = csv(&table, marked);
        assert!(with_mark.starts_with("\u{feff}名前,キー\r\n"), "{with_mark}");
        assert!(with_mark.lines().count() > names.len() && with_mark.ends_with(",7\r\n"));
    }

    #[test]
    fn numbers_are_numbers_and_nothing_is_empty() {
        let table = Table {
            name: "shares",
            title: Text::HeadName,
            head: vec![Text::HeadName; 4],
            rows: vec![vec![
                Cell::Nothing,
                Cell::Share(975),
                Cell::Count(0),
                Cell::Time("2027-03-31T17:30:00+09:00".into()),
            ]],
            is_long: false,
        };
        let text = csv(&table, PLAIN);
        assert_eq!(text.lines().nth(1).unwrap(), ",97.5,0,2027-03-31T17:30:00+09:00");
    }

    #[test]
    fn what_stands_before_a_formula_hides_it_from_nobody() {
        let said = |text: &str| OPENED.row(&[Cell::Said(text.into())]);
        for before in [" ", "\u{3000}", "\u{a0}", "\"", " \"", "x;", "x; ", "x;\"", "x;\u{3000}\""]
        {
            for run in ["=", "+", "-", "@", "＝", "＋", "－", "＠"] {
                let line = said(&format!("{before}{run}1"));
                assert!(line.contains(&format!("'{run}1")), "{before:?} {run}: {line}");
            }
            assert!(!said(&format!("{before}a=1")).contains('\''), "{before:?}");
        }
    }

    #[test]
    fn a_spreadsheet_takes_times_for_times_and_names_for_names() {
        let said = |text: &str| OPENED.row(&[Cell::Said(text.into())]);
        for name in ["0012", "00", "123456789012", "12e45678", "1-2", "3/4", "1.5", "10:30"] {
            assert_eq!(said(name), format!("'{name}\r\n"), "{name}");
        }
        for name in ["0", "12", "99999999999", "12a", "e12", "山田", "icu-1", "", "2-a"] {
            assert_eq!(said(name), format!("{name}\r\n"), "{name}");
        }
        // One apostrophe is enough.
        assert_eq!(said("-1"), "'-1\r\n");
        let time = Cell::Time("2027-03-31T17:30:00+09:00".into());
        assert_eq!(OPENED.row(&[time, Cell::Count(7)]), "2027-03-31 17:30:00,7\r\n");
        let head = OPENED.head(["名前".to_owned()].into_iter());
        assert_eq!(head, "\u{feff}名前\r\n");
    }
}
