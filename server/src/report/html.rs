//! A report as one page that needs nothing else: no script, no other file, for a screen and for A4.
//! Its markup is well-formed XML too.

use std::fmt::Write as _;

use base64ct::{Base64, Encoding as _};
use wardkey_core::codec::sha256;
use wardkey_core::name::Language;

use super::escape::escaped;
use super::sheet::{Cell, Sheet, Table};
use crate::texts::{Phrase, Text};

/// Letters of `2027-03-31T17:30`.
const MINUTES: usize = 16;

const STYLE: &str = include_str!("style.css");

/// The page; `foot` says whose it is and when it was made.
pub fn html(sheet: &Sheet, foot: &Phrase, language: Language) -> String {
    let title = escaped(&sheet.title.say(language));
    // This style is all that the page may load, whatever stands in it.
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'",
        Base64::encode_string(sha256(STYLE.as_bytes()).as_bytes())
    );
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width\"/>\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<ul>\n"
    );
    for line in &sheet.lines {
        let _ = writeln!(out, "<li>{}</li>", escaped(&line.say(language)));
    }
    out.push_str("</ul>\n");

    for plot in sheet.plots.iter().filter(|plot| !plot.is_empty()) {
        let caption = escaped(&plot.title.say(language));
        let svg = plot.svg(language);
        let _ = writeln!(out, "<figure>\n<figcaption>{caption}</figcaption>\n{svg}\n</figure>");
    }
    // What is long stands at the end: the figures of the first page are those that are looked at.
    for is_long in [false, true] {
        for part in sheet.tables.iter().filter(|part| part.is_long == is_long) {
            table(&mut out, part, language);
        }
    }
    let foot = escaped(&foot.say(language));
    let _ = write!(out, "<footer>{foot}</footer>\n</body>\n</html>\n");
    out
}

fn table(out: &mut String, table: &Table, language: Language) {
    let title = escaped(&table.title.say(language));
    let _ = write!(out, "<section id=\"{}\">\n<h2>{title}</h2>\n", table.name);
    if table.rows.is_empty() {
        let _ = write!(out, "<p>{}</p>\n</section>\n", escaped(&Text::ReportEmpty.say(language)));
        return;
    }
    out.push_str("<table>\n<thead><tr>");
    for name in &table.head {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(&name.say(language)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for cell in row {
            let class = if cell.is_number() { " class=\"n\"" } else { class_of(cell) };
            let _ = write!(out, "<td{class}>{}</td>", escaped(&value(cell, language)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
}

/// A moment to the minute: the first line of the page says the zone.
fn value(cell: &Cell, language: Language) -> String {
    match cell {
        Cell::Time(time) => time.chars().take(MINUTES).collect::<String>().replace('T', " "),
        cell => cell.say(language),
    }
}

const fn class_of(cell: &Cell) -> &'static str {
    match cell {
        Cell::Time(_) => " class=\"t\"",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Plot, Shape};

    const HOSTILE: &str = "<script>alert(1)</script>\"'&amp;</td>\u{0}\u{ffff}]]>";

    #[test]
    fn names_change_nothing_but_their_own_cell() {
        let sheet = |name: &str| Sheet {
            title: Text::HeadName,
            lines: vec![name.into()],
            plots: vec![Plot {
                title: Text::HeadKeys,
                shape: Shape::Bars,
                series: vec![Text::HeadKeys, Text::HeadName],
                points: vec![(name.into(), vec![1, 2])],
            }],
            tables: vec![Table {
                name: "people",
                title: Text::HeadName,
                head: vec![Text::HeadName, Text::HeadKeys],
                rows: vec![vec![Cell::Said(name.into()), Cell::Count(7)]],
                is_long: false,
            }],
        };
        let shape = |name: &str| {
            let page = html(&sheet(name), &name.into(), Language::Ja);
            let document = roxmltree::Document::parse_with_options(
                &page,
                roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() },
            )
            .unwrap();
            let cells = document.descendants().filter(|node| node.has_tag_name("td"));
            let cells: Vec<String> =
                cells.map(|cell| cell.text().unwrap_or_default().to_owned()).collect();
            let tags = document.descendants().filter(|node| node.is_element());
            let tags =
                tags.map(|node| (node.tag_name().name().to_owned(), node.attributes().len()));
            (tags.collect::<Vec<_>>(), cells)
        };
        let (tags, cells) = shape("plain");
        assert_eq!(cells, ["plain", "7"]);
        let (hostile_tags, cells) = shape(HOSTILE);
        assert_eq!(hostile_tags, tags);
        assert_eq!(cells, ["<script>alert(1)</script>\"'&amp;</td>??]]>", "7"]);
    }

    #[test]
    fn the_policy_allows_the_style_of_the_page_and_nothing_else() {
        assert!(!STYLE.contains(['<', '&']), "it stands in the page as it is");
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
