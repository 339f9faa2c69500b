//! A file has one subject: one that has grown beyond this length has two. And a line fits: rustfmt
//! breaks neither strings nor comments, and gives up a whole expression that holds a long one.

use crate::rooms;

/// Lines of a file at most.
const LINES: usize = 400;

/// Characters of a line at most, as in `rustfmt.toml`.
const COLUMNS: usize = 100;

#[test]
fn no_file_is_longer_than_one_subject_needs() {
    let mut long = Vec::new();
    let mut seen = 0;
    for room in rooms::all() {
        for (module, text) in &room.modules {
            let lines = text.lines().count();
            if lines > LINES {
                long.push(format!("{} {module}: {lines} lines", room.name));
            }
            seen += 1;
        }
    }

    assert!(seen > 400, "only {seen} files were seen");
    assert!(long.is_empty(), "split by subject:\n{}", long.join("\n"));
}

#[test]
fn no_line_is_wider_than_a_hundred_columns() {
    let mut wide = Vec::new();
    let mut seen = 0;
    for (file, text) in rooms::files() {
        for (number, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS {
                wide.push(format!("{file}:{}: {columns} columns", number + 1));
            }
        }
        seen += 1;
    }

    // Without the workspace of the tests there would be some 750.
    assert!(seen > 800, "only {seen} files were seen");
    assert!(wide.is_empty(), "break these lines:\n{}", wide.join("\n"));
}
