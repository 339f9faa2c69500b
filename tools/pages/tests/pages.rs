//! The pages against the programs that they describe.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod named;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use wardkey_core::code::AnyCode;
use wardkey_pages::page::{self, Page};
use wardkey_pages::repository::{Repository, changelog};
use wardkey_pages::settings::{self, Entry};
use wardkey_pages::{commands, completions, sheet};

fn repository() -> Repository {
    Repository::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

fn pages() -> Vec<Page> {
    page::all(&repository()).unwrap()
}

fn page(name: &str) -> String {
    pages()
        .into_iter()
        .find(|page| page.path == Path::new(name))
        .unwrap_or_else(|| panic!("no page {name}"))
        .text
}

fn entries(file: &str) -> Vec<Entry> {
    settings::entries(&repository().read(&format!("config/{file}")).unwrap())
}

/// The keys that serde names when it meets one that it does not know: the parser's own list.
fn expected(complaint: &str) -> BTreeSet<String> {
    let (_, list) = complaint
        .split_once("expected one of ")
        .unwrap_or_else(|| panic!("no list in {complaint:?}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The text of the first of these files that is there.
fn source(paths: &[&str]) -> String {
    let repository = repository();
    paths
        .iter()
        .find_map(|path| repository.read(path).ok())
        .unwrap_or_else(|| panic!("none of {paths:?} is there"))
}

/// The keys in the list `KEYS` of a parser's source, or else the fields of its `Raw`.
fn keys_in(source: &str) -> BTreeSet<String> {
    match source.split_once("const KEYS: [&str;") {
        Some((_, list)) => {
            let (list, _) = list.split_once("];").unwrap();
            list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
        }
        None => fields(source, "struct Raw {"),
    }
}

fn fields(source: &str, beginning: &str) -> BTreeSet<String> {
    let (_, rest) = source.split_once(beginning).unwrap_or_else(|| panic!("no {beginning}"));
    let (inside, _) = rest.split_once('}').unwrap();
    inside
        .lines()
        .filter_map(|line| line.trim().split_once(':'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn the_keys_of_the_agent_are_those_of_its_parser() {
    let known = keys_in(&source(&["core/settings/src/agent.rs", "agent/src/config.rs"]));
    assert!(known.len() >= 11, "{known:?}");
    assert_eq!(set(&settings::keys(&entries("agent.toml"), None)), known);
}

#[test]
fn the_keys_of_the_server_are_those_of_its_parser() {
    let entries = entries("server.toml");
    for (table, text) in
        [(None, "no_such_key = 1\n"), (Some("limits"), "[limits]\nno_such_key = 1\n")]
    {
        let complaint = wardkey_server::config::Config::parse(text).unwrap_err();
        let mut known = expected(&complaint.to_string());
        // Tables of their own have a heading instead of a line.
        known.retain(|key| {
            !entries.iter().any(|entry| matches!(entry, Entry::Table { name, .. } if name == key))
        });
        assert_eq!(set(&settings::keys(&entries, table)), known, "{table:?}");
    }
}

#[test]
fn the_keys_of_the_module_are_those_of_its_parser() {
    let known = keys_in(&source(&["core/settings/src/pam.rs", "pam_fido/src/settings.rs"]));
    assert!(known.len() >= 12, "{known:?}");
    assert_eq!(set(&settings::keys(&entries("pam.toml"), None)), known);
}

#[test]
fn every_key_is_in_the_page_with_an_explanation() {
    let all = page("wardkey.toml.5");
    for file in ["agent.toml", "pam.toml", "server.toml"] {
        let entries = entries(file);
        for entry in &entries {
            let Entry::Keys { keys, paragraphs } = entry else { continue };
            assert!(!paragraphs.is_empty(), "{file}: {keys:?} has no explanation");
            for key in keys {
                assert!(all.contains(&format!(".BR {} \" (", key.name)), "{file}: {}", key.name);
            }
        }
        assert!(all.contains(&settings_folded(&entries)), "{file}");
    }
    assert!(page("wardkey-server.toml.5").contains(&settings_folded(&entries("server.toml"))));
    // Written by hand, as they are not for editing.
    let anchor = source(&["core/settings/src/anchor.rs", "pam_fido/src/anchor.rs"]);
    for key in ["root_key", "terminal"] {
        assert!(
            anchor.contains(&format!("\"{key}\"")) && all.contains(&format!(".BR {key} \" (")),
            "{key}"
        );
    }
    let (_, section) = all.split_once("TERMINAL.TOML").unwrap();
    for field in fields(&source(&["agent/src/identity.rs"]), "struct TerminalFile {") {
        assert!(section.contains(&format!(".BR {field} \" (")), "terminal.toml: {field}");
    }
}

fn settings_folded(entries: &[Entry]) -> String {
    wardkey_pages::roff::folded(&settings::list(entries))
}

#[test]
fn every_program_has_a_page_with_all_that_help_says() {
    for command in commands::all() {
        let for_everybody = ["wardkey", "wardkey-verify"].contains(&command.get_name());
        let section = if for_everybody { 1 } else { 8 };
        let text = page(&format!("{}.{section}", command.get_name()));
        for name in commands::names(&command) {
            assert!(
                text.contains(&format!(".SS \"{}\"", name.replace('-', "\\-"))),
                "{}: {name}",
                command.get_name()
            );
        }
        let mut built = command.clone();
        built.build();
        let mut all = vec![built];
        while let Some(command) = all.pop() {
            // Spellings of earlier versions are understood and described nowhere.
            let shown = |sub: &&clap::Command| sub.get_name() != "help" && !sub.is_hide_set();
            all.extend(command.get_subcommands().filter(shown).cloned());
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                if let Some(long) = argument.get_long() {
                    let long = format!("\\-\\-{}", long.replace('-', "\\-"));
                    assert!(text.contains(&long), "{}: {long}", command.get_name());
                }
            }
        }
        assert!(!text.contains("\\-\\-worker"), "a hidden option is in the page");
        assert!(!text.contains(".SS \"scope set\\-offline\""), "a hidden command is in the page");
    }
}

#[test]
fn every_page_has_the_sections_that_readers_look_for() {
    for page in pages().iter().filter(|page| !page.path.starts_with("ja")) {
        let name = page.path.display();
        let mut wanted = vec!["NAME", "SYNOPSIS", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO"];
        let path = page.path.to_string_lossy();
        if !path.ends_with(".5") {
            wanted.extend(["OPTIONS", "DIAGNOSTICS", "SECURITY"]);
            wanted.push(if path.ends_with("pam_fido.8") { "RETURN VALUES" } else { "EXIT STATUS" });
        } else if path == "wardkey.toml.5" {
            wanted.retain(|section| *section != "FILES");
        }
        for section in wanted {
            assert!(page.text.contains(&format!("\n.SH {section}\n")), "{name} has no {section}");
        }
        assert!(!page.text.contains(".\\\" @"), "{name} has a line that was not replaced");
    }
}

#[test]
fn one_version_everywhere() {
    let repository = repository();
    let version = &repository.version;
    assert_eq!(env!("CARGO_PKG_VERSION"), version);
    let (debian, _) = changelog(&repository.root).unwrap();
    let upstream = debian.split(['-', '~', '+']).next().unwrap();
    assert_eq!(upstream, version, "debian/changelog and Cargo.toml differ");
    assert!(
        repository.read("CHANGELOG.md").unwrap().contains(&format!("\n## [{version}]")),
        "CHANGELOG.md has no section for {version}"
    );
    for command in commands::all() {
        assert_eq!(command.render_version().trim(), format!("{} {version}", command.get_name()));
    }
    for page in pages() {
        let title = page.text.lines().find(|line| line.starts_with(".TH ")).unwrap();
        assert!(title.contains(&format!("\"Wardkey {version}\"")), "{title}");
        assert!(title.contains(&repository.day()), "{title}");
    }
}

/// groff and mandoc find nothing to complain about.
#[test]
fn pages_are_sound() {
    let folder = tempfile::tempdir().unwrap();
    for page in pages() {
        let path = folder.path().join(page.path.to_string_lossy().replace('/', "-"));
        std::fs::write(&path, &page.text).unwrap();
        let japanese = page.path.starts_with("ja");
        // Neither knows where a line of Japanese may end.
        let groff = ["-Kutf8", "-man", "-Tutf8", "-ww", "-z"].map(str::to_owned).to_vec();
        let groff = if japanese { [groff, vec!["-Wbreak".into()]].concat() } else { groff };
        let level = if japanese { "warning" } else { "style" };
        complains_not("groff", &groff, &path);
        complains_not("mandoc", &["-T".into(), "lint".into(), "-W".into(), level.into()], &path);
    }
}

/// Each shell takes its completions. bash is everywhere; the others are asked where they are.
#[test]
fn completions_are_sound() {
    let folder = tempfile::tempdir().unwrap();
    let files = completions::all();
    assert_eq!(files.len(), 9);
    for (name, content) in files {
        let path = folder.path().join(&name);
        std::fs::write(&path, &content).unwrap();
        let shell = if name.ends_with(".bash") {
            "bash"
        } else if name.ends_with(".fish") {
            "fish"
        } else {
            "zsh"
        };
        if shell == "bash" || installed(shell) {
            complains_not(shell, &["-n".into()], &path);
        }
        let text = String::from_utf8(content).unwrap();
        let words = if name.contains("server") {
            ["person", "import"]
        } else if name.contains("verify") {
            ["records", "since"]
        } else {
            ["enroll", "change-pin"]
        };
        for word in words {
            assert!(text.contains(word), "{name} does not know {word}");
        }
    }
}

fn installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

fn complains_not(program: &str, arguments: &[String], path: &PathBuf) {
    let output = Command::new(program)
        .args(arguments)
        .arg(path)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; tools/setup installs it"));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success() && said.is_empty(),
        "{program} about {}:\n{said}",
        path.display()
    );
}

#[test]
fn the_sheets_for_staff_have_every_sentence_and_fetch_nothing() {
    let sheets = sheet::all(&repository()).unwrap();
    let names: Vec<_> = sheets.iter().map(|sheet| sheet.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "terminal-sheet.ja.html",
            "terminal-sheet.en.html",
            "terminal-codes.ja.html",
            "terminal-codes.en.html"
        ]
    );
    let codes = |text: &str| -> Vec<u16> {
        let rows = text.split("<tr><th scope=\"row\">WK-").skip(1);
        rows.map(|rest| rest[..4].parse().unwrap()).collect()
    };
    let [hangs, hangs_en, all, all_en] = &sheets[..] else { unreachable!() };
    assert_eq!(codes(&hangs.text), codes(&hangs_en.text));
    assert!(codes(&hangs.text).len() >= 8);
    assert_eq!(codes(&all.text), codes(&all_en.text));
    // Whatever the module may say to a person, once; what only a server says is not there.
    let says = |code: &AnyCode| match code.number() {
        1111 | 1121 => false,
        1001..=1122
        | 1203..=1248
        | 1281..=1282
        | 1301..=1331
        | 1401..=1402
        | 1680
        | 1803..=1813 => !matches!(code, AnyCode::Prompt(_)),
        _ => false,
    };
    let said: Vec<u16> =
        AnyCode::all().into_iter().filter(says).map(|code| code.number()).collect();
    let mut listed = codes(&all.text);
    listed.sort_unstable();
    assert_eq!(listed, said);
    for sheet in &sheets {
        let text = &sheet.text;
        for never in ["<!-- @", "\u{2026}", "src=", "href=", "url(", "@import", "<script", "http"] {
            assert!(!text.contains(never), "{}: {never}", sheet.name);
        }
        let pictures = if sheet.name.contains("sheet") { 4 } else { 0 };
        assert_eq!(text.matches("<svg").count(), pictures, "{}", sheet.name);
        assert!(text.contains("WK-1203</th><td>"), "{}", sheet.name);
    }
}
