//! A guide as its sections.

use std::collections::{BTreeMap, BTreeSet};

/// A heading, and what stands below it until the next one.
#[derive(Clone, Debug, Default)]
pub struct Section {
    pub level: usize,
    pub title: String,
    /// By this, links find it: its own `<a id>`, or what GitHub makes of the title.
    pub anchor: String,
    /// The line of the heading.
    pub line: usize,
    pub blocks: Vec<Block>,
    /// What stands between backticks, outside blocks.
    pub spans: Vec<String>,
    /// `WK-1203`, outside blocks.
    pub codes: BTreeSet<String>,
    pub tables: Vec<Table>,
    /// Where paragraphs and items of lists begin.
    pub paragraphs: Vec<Paragraph>,
    /// What links name.
    pub links: Vec<String>,
    /// Lines whose bold text no program shows as bold, or whose backticks have no partner.
    pub broken: Vec<usize>,
}

/// Lines between fences.
#[derive(Clone, Debug, Default)]
pub struct Block {
    pub line: usize,
    pub lines: Vec<String>,
}

/// A paragraph, or an item of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Paragraph {
    pub line: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Text,
    Item,
    Numbered,
}

/// Rows that follow each other, with their codes.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub line: usize,
    pub rows: Vec<BTreeSet<String>>,
}

/// All sections of a guide, in their order.
pub fn all(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut taken = BTreeMap::new();
    let mut fence: Option<usize> = None;
    let (mut in_table, mut in_text) = (false, false);
    for (line, text) in (1..).zip(text.lines()) {
        let trimmed = text.trim_start();
        if trimmed.starts_with("```") {
            fence = match fence {
                Some(_) => None,
                None => {
                    last(&mut sections).blocks.push(Block { line, lines: Vec::new() });
                    Some(text.len() - trimmed.len())
                }
            };
            (in_table, in_text) = (false, false);
        } else if let Some(indent) = fence {
            let inner = text.get(indent..).unwrap_or_default();
            last(&mut sections).blocks.last_mut().unwrap().lines.push(inner.to_owned());
        } else if let Some((level, title)) = heading(text) {
            sections.push(begun(level, title, line, &mut taken));
            (in_table, in_text) = (false, false);
        } else {
            let section = last(&mut sections);
            if trimmed.starts_with('|') {
                if !in_table {
                    section.tables.push(Table { line, rows: Vec::new() });
                }
                section.tables.last_mut().unwrap().rows.push(codes(text));
            }
            in_table = trimmed.starts_with('|');
            let kind = kind(trimmed).filter(|kind| !(in_text && *kind == Kind::Text));
            section.paragraphs.extend(kind.map(|kind| Paragraph { line, kind }));
            in_text = !trimmed.is_empty() && !in_table;
            take_prose(section, line, text);
        }
    }
    assert!(fence.is_none(), "a block of code has no end");
    sections
}

fn last(sections: &mut [Section]) -> &mut Section {
    sections.last_mut().expect("a guide begins with its heading")
}

/// The level and the text of a heading.
fn heading(text: &str) -> Option<(usize, &str)> {
    let level = text.len() - text.trim_start_matches('#').len();
    let title = text.get(level..)?.strip_prefix(' ')?;
    (1..=6).contains(&level).then_some((level, title.trim()))
}

/// What a line begins, unless it goes on with a paragraph.
fn kind(text: &str) -> Option<Kind> {
    let numbered = text.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    match text {
        "" => None,
        _ if text.starts_with('|') => None,
        _ if text.starts_with("- ") => Some(Kind::Item),
        _ if numbered => Some(Kind::Numbered),
        _ => Some(Kind::Text),
    }
}

fn begun(level: usize, title: &str, line: usize, taken: &mut BTreeMap<String, usize>) -> Section {
    let own = title.strip_prefix("<a id=\"").and_then(|rest| rest.split_once("\"></a>"));
    let (anchor, title) = match own {
        Some((anchor, title)) => (anchor.to_owned(), title),
        None => (slug(title, taken), title),
    };
    Section { level, title: title.to_owned(), anchor, line, ..Section::default() }
}

/// What GitHub makes of a heading: small letters, a dash for a blank, a number where it is taken.
fn slug(title: &str, taken: &mut BTreeMap<String, usize>) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let slug: String = title.to_lowercase().chars().filter(kept).collect();
    let slug = slug.replace(' ', "-");
    let count = taken.entry(slug.clone()).or_default();
    *count += 1;
    if *count > 1 { format!("{slug}-{}", *count - 1) } else { slug }
}

fn take_prose(section: &mut Section, line: usize, text: &str) {
    let mut prose = String::new();
    let pieces: Vec<&str> = text.split('`').collect();
    for (at, piece) in pieces.iter().enumerate() {
        if at % 2 == 0 {
            prose.push_str(piece);
        } else {
            section.spans.push((*piece).to_owned());
            prose.push('`');
        }
    }
    if pieces.len().is_multiple_of(2) || !bold_is_shown(&prose) {
        section.broken.push(line);
    }
    section.codes.extend(codes(text));
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    section.links.extend(targets.map(|(target, _)| target.to_owned()));
}

/// Every `WK-` with its four digits.
pub fn codes(text: &str) -> BTreeSet<String> {
    text.match_indices("WK-")
        .filter_map(|(at, _)| text.get(at..at + 7))
        .filter(|code| code[3..].bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

/// Whether each `**` opens or closes as it is meant. Beside a mark such as `。` or `）` within, it
/// does so only when a blank or another mark is on the other side, which Japanese seldom has.
fn bold_is_shown(prose: &str) -> bool {
    let mark = |c: char| !c.is_alphanumeric() && !c.is_whitespace();
    let letter = |c: char| c.is_alphanumeric();
    let pieces: Vec<&str> = prose.split("**").collect();
    let shown = pieces.windows(2).enumerate().all(|(at, sides)| {
        let (before, after) = (sides[0].chars().next_back(), sides[1].chars().next());
        let (inner, outer) = if at % 2 == 0 { (after, before) } else { (before, after) };
        inner.is_some_and(|inner| letter(inner) || (mark(inner) && !outer.is_some_and(letter)))
    });
    shown && pieces.len() % 2 == 1
}

#[test]
fn sections_are_found_with_what_they_hold() {
    let guide = "# Guide\n\n[x](#two) `a b`\n\n## Two: it's\n```\nserver# ls\n```\n\
                 | a |\n|---|\n| WK-1203, `c` |\n\n## <a id=\"own\"></a>三\n## Two its\n";
    let sections = all(guide);
    let anchors: Vec<&str> = sections.iter().map(|section| section.anchor.as_str()).collect();
    assert_eq!(anchors, ["guide", "two-its", "own", "two-its-1"]);
    assert_eq!(
        (&sections[0].spans, &sections[0].links),
        (&vec!["a b".into()], &vec!["#two".into()])
    );
    assert_eq!(sections[1].blocks[0].lines, ["server# ls"]);
    assert_eq!(sections[1].tables[0].rows.len(), 3);
    assert_eq!(sections[1].tables[0].rows[2], BTreeSet::from(["WK-1203".to_owned()]));
    assert_eq!(sections[2].title, "三");

    let kinds: Vec<Kind> = all("# G\na\nb\n\nc\n- d\n  e\n1. f\n|g|\n")
        .remove(0)
        .paragraphs
        .iter()
        .map(|p| p.kind)
        .collect();
    assert_eq!(kinds, [Kind::Text, Kind::Text, Kind::Item, Kind::Numbered]);
}

#[test]
fn bold_text_beside_japanese_marks_is_looked_at() {
    for shown in ["**そうです。** 次", "**そう**です", "a **b** c", "**そう（これ）**：次", "なし"]
    {
        assert!(bold_is_shown(shown), "{shown}");
    }
    for not_shown in ["**そうです。**次", "**そう（これ）**は", "は**「これ」** ", "** x**", "**x"]
    {
        assert!(!bold_is_shown(not_shown), "{not_shown}");
    }
}
