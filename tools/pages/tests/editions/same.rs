//! ADMIN.md beside ADMIN.ja.md.

use crate::section::{Section, all};
use crate::{ENGLISH, JAPANESE, compare, read, root};

/// Everything that differs, section by section.
fn differences(english: &str, japanese: &str) -> Vec<String> {
    let (english, japanese) = (all(english), all(japanese));
    let mut out = compare::headings(&english, &japanese);
    let same = |one: &Section| {
        let number = japanese.iter().skip(1).position(|other| other.anchor == one.anchor)?;
        japanese.get(number + 1)
    };
    for (at, one) in english.iter().enumerate() {
        let other = if at == 0 { japanese.first() } else { same(one) };
        out.extend(other.map(|other| compare::sections(one, other)).unwrap_or_default());
    }
    out
}

#[test]
fn both_editions_have_the_same_sections_commands_codes_and_tables() {
    let (english, japanese) = (read(ENGLISH), read(JAPANESE));
    let sections = all(&english);
    let sum = |count: fn(&Section) -> usize| sections.iter().map(count).sum::<usize>();
    let seen = (sections.len(), sum(|one| one.blocks.len()), sum(|one| one.spans.len()));
    assert!(seen.0 > 40 && seen.1 > 50 && seen.2 > 700, "only {seen:?} were seen");

    let differences = differences(&english, &japanese);
    assert!(
        differences.is_empty(),
        "{} differences; translate these places:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn what_is_written_is_shown_as_it_is_meant() {
    for path in [ENGLISH, JAPANESE] {
        let broken: Vec<String> = all(&read(path))
            .iter()
            .flat_map(|section| section.broken.clone())
            .map(|line| format!("{path}:{line}"))
            .collect();
        assert!(
            broken.is_empty(),
            "bold text that is not shown as bold, or a backtick alone:\n{}",
            broken.join("\n")
        );
    }
}

/// (what is replaced, by what, the section that is named, what is said of it)
const BREAKS: [(&str, &str, &str, &str); 8] = [
    ("`systemctl reload wardkey-server`", "再読み込み", "The server", "systemctl reload"),
    ("server# wardkey-server publish-key show\n", "", "Keys of the deployment", "lines"),
    ("--for 365d --reason", "--for 36d --reason", "Break-glass", "typed or answered"),
    ("| WK-1313 |", "| WK-1314 |", "When something is broken", "WK-1313"),
    ("`spool_events`", "設定", "Watching", "`spool_events`"),
    ("## <a id=\"offline\"></a>", "## <a id=\"off\"></a>", "Offline", "lacks the section"),
    ("再起動しても直りません。対処は 2 つに分かれます。", "", "Clock", "paragraphs"),
    ("[STAGES.md](STAGES.md)", "STAGES.md", "Offline", "a link to STAGES.md"),
];

#[test]
fn a_place_that_was_not_translated_is_named() {
    let (english, japanese) = (read(ENGLISH), read(JAPANESE));
    for (from, to, section, said) in BREAKS {
        assert!(japanese.contains(from), "{from}");
        let found = differences(&english, &japanese.replacen(from, to, 1)).join("\n");
        assert!(found.contains(section) && found.contains(said), "{from}: {found:?}");
    }
    let row = english.lines().find(|line| line.starts_with("| WK-1605 |")).unwrap();
    let found = differences(&english.replace(&format!("\n{row}"), ""), &japanese).join("\n");
    assert!(found.contains("When something is broken") && found.contains("WK-1605"), "{found:?}");
}

#[test]
fn each_edition_names_the_other_at_its_top_and_the_readme_names_both() {
    for (path, other) in [(ENGLISH, "ADMIN.ja.md"), (JAPANESE, "ADMIN.md")] {
        let text = read(path);
        assert!(all(&text)[0].links.iter().any(|link| link == other), "{path}: no link to {other}");
    }
    let readme = read("README.md");
    for path in [ENGLISH, JAPANESE] {
        assert!(readme.contains(&format!("({path})")), "README.md: no link to {path}");
    }
}

#[test]
fn a_package_that_has_one_edition_has_both() {
    let mut with = 0;
    for entry in std::fs::read_dir(root().join("debian")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "docs") {
            continue;
        }
        let list = std::fs::read_to_string(&path).unwrap();
        let has = |edition: &str| list.lines().any(|line| line == edition);
        assert_eq!(has(ENGLISH), has(JAPANESE), "{}", path.display());
        with += usize::from(has(JAPANESE));
    }
    assert!(with >= 2, "{with} packages have the guide");
}
