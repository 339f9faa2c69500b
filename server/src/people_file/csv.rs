//! Values separated by commas, semicolons or tabs (RFC 4180, and what Excel makes of it).

use super::header::{self, Column};
use super::line::{People, UncheckedPerson};
use super::problem::{Problem, Wrong};

/// What separates values, in the order of preference.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// One record: the line on which it begins, from 1, and its values without blanks around them.
#[derive(Debug, PartialEq, Eq)]
struct Record {
    line: u64,
    cells: Vec<String>,
}

impl Record {
    fn is_empty(&self) -> bool {
        self.cells.iter().all(String::is_empty)
    }
}

/// Everyone in a text.
pub fn people(text: &str) -> People {
    let mut people = People::default();
    let (separator, first_line, text) = separator(text);
    let records = match records(text, separator, first_line) {
        Ok(records) => records,
        Err(line) => {
            people.problems.push(Problem::at(line, Wrong::Quote));
            return people;
        }
    };
    // Rows that are empty or hold nothing but separators are left over in spreadsheets.
    let mut records = records.into_iter().filter(|record| !record.is_empty());
    let Some(head) = records.next() else { return people };
    let (columns, wrong) = header::read(&head.cells);
    if !wrong.is_empty() {
        people.problems = wrong.into_iter().map(|wrong| Problem::at(head.line, wrong)).collect();
        return people;
    }
    for record in records {
        match line(&columns, record.cells) {
            Ok(line) => people.lines.push((record.line, line)),
            Err(wrong) => people.problems.push(Problem::at(record.line, wrong)),
        }
    }
    people
}

/// By what values are separated, and the text from which on they are: Excel says it in a line of
/// its own (`sep=;`), else the first line shows it.
fn separator(text: &str) -> (char, u64, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let said = first.trim().strip_prefix("sep=").and_then(|said| said.chars().next());
    if let Some(said) = said {
        return (said, 2, rest);
    }
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let count = |separator: &char| head.matches(*separator).count();
    // The last of those that are equal wins in max_by_key.
    let most = SEPARATORS.iter().rev().max_by_key(|separator| count(separator));
    (most.copied().unwrap_or(','), 1, text)
}

/// The records of a text.
///
/// # Errors
/// The line of a quotation mark that is never closed.
fn records(text: &str, separator: char, first_line: u64) -> Result<Vec<Record>, u64> {
    let mut records = Vec::new();
    let mut record = Record { line: first_line, cells: Vec::new() };
    let mut cell = String::new();
    let mut line = first_line;
    let mut opened = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\n' {
            line += 1;
        }
        match c {
            '"' if opened.is_some() => {
                if chars.next_if_eq(&'"').is_some() {
                    cell.push('"');
                } else {
                    opened = None;
                }
            }
            _ if opened.is_some() => cell.push(c),
            '"' if cell.trim().is_empty() => {
                cell.clear();
                opened = Some(line);
            }
            '\n' => {
                record.cells.push(cell.trim().to_owned());
                cell.clear();
                records.push(std::mem::replace(&mut record, Record { line, cells: Vec::new() }));
            }
            c if c == separator => {
                record.cells.push(cell.trim().to_owned());
                cell.clear();
            }
            c => cell.push(c),
        }
    }
    if let Some(opened) = opened {
        return Err(opened);
    }
    if !cell.is_empty() || !record.cells.is_empty() {
        record.cells.push(cell.trim().to_owned());
        records.push(record);
    }
    Ok(records)
}

fn line(columns: &[Column], cells: Vec<String>) -> Result<UncheckedPerson, Wrong> {
    let mut line = UncheckedPerson::default();
    for (at, cell) in cells.into_iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        match columns.get(at) {
            Some(Column::Login) => line.login = cell,
            Some(Column::Name) => line.name = cell,
            Some(Column::LatinName) => line.latin_name = Some(cell),
            Some(Column::Language) => line.language = Some(cell),
            Some(Column::Scopes) => line.scopes = names(&cell),
            Some(Column::Groups) => line.groups = names(&cell),
            Some(Column::ValidFrom) => line.valid_from = Some(cell),
            Some(Column::ValidUntil) => line.valid_until = Some(cell),
            Some(Column::Unnamed) | None => return Err(Wrong::Cells(cell)),
        }
    }
    Ok(line)
}

/// Names in one value, by whatever stands between them: none of it can be in a name.
fn names(text: &str) -> Vec<String> {
    let between = |c: char| c.is_whitespace() || matches!(c, ';' | ',' | '、' | '，' | '；');
    text.split(between).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(people: &People) -> Vec<(u64, &str)> {
        people.lines.iter().map(|(number, line)| (*number, line.login.as_str())).collect()
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts() {
        let text = "login,name\r\na,A\r\n\r\n,,\r\n\"b\",\"B\r\nof two lines\"\r\nc,C";
        let read = people(text);
        assert_eq!(read.problems, []);
        assert_eq!(who(&read), [(2, "a"), (5, "b"), (7, "c")]);
        assert_eq!(read.lines[1].1.name, "B\r\nof two lines");
    }

    #[test]
    fn separators_are_those_of_the_first_line() {
        for text in [
            "login,name,scopes\na,\"A, B\",icu er\n",
            "login;name;scopes\na;A, B;icu er\n",
            "login\tname\tscopes\na\tA, B\ticu;er\n",
            "sep=;\nlogin;name;scopes\na;A, B;\"icu;er\"\n",
            "\n\nlogin;name;scopes\n a ; \"A, B\" ;icu、er;;\n",
        ] {
            let read = people(text);
            assert_eq!(read.problems, [], "{text:?}");
            let line = &read.lines[0].1;
            assert_eq!((line.login.as_str(), line.name.as_str()), ("a", "A, B"), "{text:?}");
            assert_eq!(line.scopes, ["icu", "er"], "{text:?}");
        }
        assert_eq!(people("sep=;\nlogin;name\na;A").lines[0].0, 3);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let text = "login,name\na,A\nb,B,surprise\n\nc,C,,\nd,\"D\n";
        assert_eq!(people(text).problems, [Problem::at(6, Wrong::Quote)]);
        let text = "login,name\na,A\nb,B,surprise\n\nc,C,,\n";
        let read = people(text);
        assert_eq!(read.problems, [Problem::at(3, Wrong::Cells("surprise".into()))]);
        assert_eq!(who(&read), [(2, "a"), (5, "c")]);
        assert_eq!(people("\n\ne1,E,ja,ward3,,,\n").problems, [Problem::at(3, Wrong::NoHeader)]);
    }

    /// The crate csv is the second implementation.
    #[test]
    fn values_are_those_that_another_reader_finds() {
        let mut seed = 7u64;
        let mut next = |most: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % most
        };
        for _ in 0..2_000 {
            let cell = |next: &mut dyn FnMut(u64) -> u64| {
                let length = next(5);
                (0..length)
                    .map(|_| ['a', '"', ',', '\n', '花', ' '][next(6) as usize])
                    .collect::<String>()
            };
            let rows: Vec<Vec<String>> =
                (0..3).map(|_| (0..3).map(|_| cell(&mut next)).collect()).collect();
            let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let read: Vec<Vec<String>> =
                records(&text, ',', 1).unwrap().into_iter().map(|record| record.cells).collect();
            let trimmed: Vec<Vec<String>> = rows
                .iter()
                .map(|row| row.iter().map(|cell| cell.trim().to_owned()).collect())
                .collect();
            assert_eq!(read, trimmed, "{text:?}");
        }
    }
}
