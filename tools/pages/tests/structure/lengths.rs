//! A file has one subject. One that has grown beyond this length has two.

use crate::rooms;

/// Lines of a file at most.
const LINES: usize = 400;

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
