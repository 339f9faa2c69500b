//! Two sections side by side.

use std::collections::{BTreeMap, BTreeSet};

use crate::line::{is_translation, masked};
use crate::section::{Block, Section};
use crate::{ENGLISH, JAPANESE};

/// Programs whose name alone is a command; what has a blank is one anyway.
const PROGRAMS: [&str; 9] = [
    "wardkey",
    "wardkey-server",
    "wardkey-verify",
    "apt",
    "systemctl",
    "journalctl",
    "dpkg",
    "passwd",
    "pg_restore",
];

/// Where a reader finds both sections.
pub fn place(english: &Section, japanese: &Section) -> String {
    let hashes = |section: &Section| "#".repeat(section.level);
    format!(
        "{ENGLISH}:{} \"{} {}\" | {JAPANESE}:{} \"{} {}\"",
        english.line,
        hashes(english),
        english.title,
        japanese.line,
        hashes(japanese),
        japanese.title
    )
}

/// What differs between two guides, as far as the headings go.
pub fn headings(english: &[Section], japanese: &[Section]) -> Vec<String> {
    let known: BTreeSet<&str> = english.iter().map(|section| section.anchor.as_str()).collect();
    let translated: BTreeSet<&str> =
        japanese.iter().skip(1).map(|section| section.anchor.as_str()).collect();
    let mut out = Vec::new();
    for section in english.iter().skip(1) {
        if !translated.contains(section.anchor.as_str()) {
            out.push(format!(
                "{JAPANESE} lacks the section of {ENGLISH}:{} \"{}\": begin it with {} \
                 <a id=\"{}\"></a>",
                section.line,
                section.title,
                "#".repeat(section.level),
                section.anchor
            ));
        }
    }
    for section in japanese.iter().skip(1) {
        if !known.contains(section.anchor.as_str()) {
            out.push(format!(
                "{JAPANESE}:{} \"{}\": no section of {ENGLISH} has the anchor #{}",
                section.line, section.title, section.anchor
            ));
        }
    }
    if !out.is_empty() {
        return out;
    }
    // The titles of the guides themselves have no anchor that anybody links to.
    let order = |sections: &[Section]| -> Vec<(usize, String)> {
        sections.iter().skip(1).map(|one| (one.level, one.anchor.clone())).collect()
    };
    for (at, (one, other)) in order(english).iter().zip(&order(japanese)).enumerate() {
        if one != other {
            let places = place(&english[at + 1], &japanese[at + 1]);
            return vec![format!("{places}: the order or the level of the sections differs")];
        }
    }
    if english.len() != japanese.len() {
        out.push(format!("{JAPANESE} has a section twice"));
    }
    out
}

/// What differs between two sections of the same anchor.
pub fn sections(english: &Section, japanese: &Section) -> Vec<String> {
    let mut out = Vec::new();
    blocks(&english.blocks, &japanese.blocks, &mut out);
    spans(english, japanese, &mut out);
    lacking("the code", &english.codes, &japanese.codes, &mut out);
    tables(english, japanese, &mut out);
    paragraphs(english, japanese, &mut out);
    let links = |section: &Section| -> BTreeSet<String> {
        let editions = ["ADMIN.md", "ADMIN.ja.md"];
        section.links.iter().filter(|to| !editions.contains(&to.as_str())).cloned().collect()
    };
    lacking("a link to", &links(english), &links(japanese), &mut out);
    let places = place(english, japanese);
    out.into_iter().map(|what| format!("{places}: {what}")).collect()
}

fn lacking(
    what: &str,
    english: &BTreeSet<String>,
    japanese: &BTreeSet<String>,
    out: &mut Vec<String>,
) {
    for one in english.difference(japanese) {
        out.push(format!("the Japanese one lacks {what} {one}"));
    }
    for one in japanese.difference(english) {
        out.push(format!("the English one lacks {what} {one}"));
    }
}

fn blocks(english: &[Block], japanese: &[Block], out: &mut Vec<String>) {
    if english.len() != japanese.len() {
        out.push(format!("blocks of code: {} and {}", english.len(), japanese.len()));
    }
    for (one, other) in english.iter().zip(japanese) {
        if one.lines.len() != other.lines.len() {
            out.push(format!(
                "the blocks of code at {ENGLISH}:{} and {JAPANESE}:{} have {} and {} lines",
                one.line,
                other.line,
                one.lines.len(),
                other.lines.len()
            ));
        }
        for (at, (line, translated)) in one.lines.iter().zip(&other.lines).enumerate() {
            if !is_translation(line, translated) {
                out.push(format!(
                    "what is typed or answered differs:\n    {ENGLISH}:{}: {line}\n    \
                     {JAPANESE}:{}: {translated}",
                    one.line + at + 1,
                    other.line + at + 1
                ));
                break;
            }
        }
    }
}

/// Commands as often as in the other one; settings, files and the like once at least.
fn spans(english: &Section, japanese: &Section, out: &mut Vec<String>) {
    let is_command = |span: &String| span.contains(' ') || PROGRAMS.contains(&span.as_str());
    let counted = |section: &Section| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for span in section.spans.iter().filter(|span| is_command(span)) {
            *counts.entry(masked(span)).or_default() += 1;
        }
        counts
    };
    let (one, other) = (counted(english), counted(japanese));
    let all: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for command in all {
        let count = |counts: &BTreeMap<String, usize>| counts.get(command).copied().unwrap_or(0);
        let (here, there) = (count(&one), count(&other));
        if here != there {
            out.push(format!(
                "`{command}` is {here} times in the English one, {there} times in the Japanese one"
            ));
        }
    }
    let others = |section: &Section| -> BTreeSet<String> {
        let quoted = |span: &String| format!("`{span}`");
        section.spans.iter().filter(|span| !is_command(span)).map(quoted).collect()
    };
    lacking("the span", &others(english), &others(japanese), out);
}

/// As many paragraphs and items, in the same order: also one that has no command is translated.
fn paragraphs(english: &Section, japanese: &Section, out: &mut Vec<String>) {
    let (one, other) = (&english.paragraphs, &japanese.paragraphs);
    let kinds = one.iter().zip(other).position(|(one, other)| one.kind != other.kind);
    let at =
        |section: &Section| kinds.and_then(|at| section.paragraphs.get(at)).map(|first| first.line);
    if let (Some(line), Some(there)) = (at(english), at(japanese)) {
        out.push(format!(
            "from {ENGLISH}:{line} and {JAPANESE}:{there} on, paragraphs and items differ"
        ));
    } else if one.len() != other.len() {
        out.push(format!("paragraphs and items: {} and {}", one.len(), other.len()));
    }
}

fn tables(english: &Section, japanese: &Section, out: &mut Vec<String>) {
    if english.tables.len() != japanese.tables.len() {
        out.push(format!("tables: {} and {}", english.tables.len(), japanese.tables.len()));
    }
    for (one, other) in english.tables.iter().zip(&japanese.tables) {
        if one.rows.len() != other.rows.len() {
            out.push(format!(
                "the tables at {ENGLISH}:{} and {JAPANESE}:{} have {} and {} lines",
                one.line,
                other.line,
                one.rows.len(),
                other.rows.len()
            ));
        }
        let rows = one.rows.iter().zip(&other.rows).enumerate();
        if let Some((at, (codes, there))) = rows.into_iter().find(|(_, (one, other))| one != other)
        {
            out.push(format!(
                "the rows at {ENGLISH}:{} and {JAPANESE}:{} have other codes: {codes:?}, {there:?}",
                one.line + at,
                other.line + at
            ));
        }
    }
}
