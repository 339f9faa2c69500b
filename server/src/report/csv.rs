//! A table as a spreadsheet reads it: RFC 4180, in UTF-8.

use wardkey_core::name::Language;

use super::sheet::{Cell, Table, decimal};

/// What tells a spreadsheet that the file is UTF-8; programs trip over it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The table, with its columns in the first line.
pub fn csv(table: &Table, language: Language, mark: bool) -> String {
    let mut out = String::new();
    if mark {
        out.push(BYTE_ORDER_MARK);
    }
    line(&mut out, table.head.iter().map(|name| name.say(language)));
    for row in &table.rows {
        line(&mut out, row.iter().map(|cell| value(cell, language)));
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

fn value(cell: &Cell, language: Language) -> String {
    match cell {
        Cell::Nothing => String::new(),
        Cell::Said(phrase) => guarded(phrase.say(language)),
        Cell::Share(share) => decimal(*share),
        Cell::Count(_) | Cell::Time(_) => cell.say(language),
    }
}

/// A spreadsheet takes a text that begins with one of these for a formula, also when it is quoted,
/// and some the full-width ones too: an apostrophe before it makes it a text.
/// Also behind a semicolon or a tab: where these part cells, the rest is a cell of its own.
fn guarded(text: String) -> String {
    const RUNS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let mut guarded = String::with_capacity(text.len());
    let mut begins = true;
    for (at, c) in text.chars().enumerate() {
        if begins && RUNS.contains(&c) {
            guarded.push('\'');
        }
        guarded.push(c);
        let parts = c == ';' || (c == '\t' && at > 0);
        begins = parts || (begins && c == ' ' && at > 0);
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
        let text = csv(&table, Language::En, false);
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
        let with_mark = csv(&table, Language::Ja, true);
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
        let text = csv(&table, Language::En, false);
        assert_eq!(text.lines().nth(1).unwrap(), ",97.5,0,2027-03-31T17:30:00+09:00");
    }
}
