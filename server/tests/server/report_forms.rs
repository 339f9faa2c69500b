//! Every form of every report: names that would break a page, a spreadsheet or a screen change
//! nothing but their own cell, in both languages.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use base64ct::{Base64, Encoding as _};
use roxmltree::{Document, ParsingOptions};
use serde_json::Value;
use wardkey_core::code::Code;
use wardkey_core::codec::sha256;

use super::support::Deployment;
use super::support::now;
use super::support::people::{refused, report};
use super::support::ward::Ward;

const REPORTS: [&str; 5] = ["logins", "exceptions", "inventory", "coverage", "shared-accounts"];

/// Names of two people, a terminal, the reason of a pass and a PAM service.
struct Names {
    yamada: &'static str,
    sato: &'static str,
    terminal: &'static str,
    reason: &'static str,
    service: &'static str,
}

const PLAIN: Names =
    Names { yamada: "N1", sato: "N2", terminal: "N3", reason: "N4", service: "N5" };
const HOSTILE: Names = Names {
    yamada: "=HYPERLINK(\"http://example.org\",\"山田\")",
    sato: "</td><script>alert('1')</script>\"",
    terminal: "@SUM(1)' onload='alert(1)'; \"<b>",
    reason: "+1,2\"&lt;-->]]>",
    service: "-cmd|' /C calc'!A0\u{1b}[31m<i>",
};

/// Noon in Tokyo, the day before: no midnight stands between two events, nor between two wards.
static NOON: LazyLock<u64> = LazyLock::new(|| now() / 86_400 * 86_400 - 86_400 + 3 * 3600);

fn deployment(names: &Names) -> Ward {
    let ward = Ward::with(|_| "time_zone = \"Asia/Tokyo\"".into());
    let Ward { deployment, running, terminal, .. } = &ward;
    deployment.ok(&["person", "set", "yamada", "--name", names.yamada]);
    deployment.ok(&["person", "add", "sato", "--name", names.sato, "--scope", "icu"]);
    deployment.ok(&["scope", "set", "icu", "--passes", "12h"]);
    deployment.ok(&["account", "set", "desk", "--scope", "icu", "--group", "nurses"]);
    let yamada = ward.keeper("yamada");
    deployment.ok(&["pass", "add", "sato", "--reason", names.reason]);
    let other = deployment.join(running, names.terminal, &["icu", "er"]);

    let at = *NOON;
    let mut odd = refused(&other, at, Code::PinWrong);
    odd.service = Some(names.service.into());
    report(&other, &[odd, yamada.login(&other, at)]);
    report(terminal, &[yamada.login_at(terminal, "desk", "gdm-password", at - 60)]);
    ward
}

fn said(deployment: &Deployment, locale: &str, arguments: &[&str]) -> String {
    let output = deployment.cli_in(locale, &[&["report"], arguments].concat());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The page of a report.
fn page(deployment: &Deployment, locale: &str, report: &str) -> String {
    let path = deployment.folder.path().join(format!("{report}.html"));
    let done = said(deployment, locale, &[report, "--html", path.to_str().unwrap()]);
    assert!(done.contains(path.to_str().unwrap()), "{done}");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::read_to_string(path).unwrap()
}

/// Tags with their attributes' names, and what stands in the cells.
type Shape = (Vec<(String, Vec<String>)>, Vec<String>);

fn shape(page: &str) -> Shape {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(page, options).unwrap();
    let elements = || document.descendants().filter(|node| node.is_element());
    let tag = |node: roxmltree::Node<'_, '_>| {
        let attributes = node.attributes().map(|attribute| attribute.name().to_owned());
        (node.tag_name().name().to_owned(), attributes.collect())
    };
    let cells = elements().filter(|node| node.has_tag_name("td"));
    let texts = cells.map(|cell| cell.text().unwrap_or_default().to_owned());
    (elements().map(tag).collect(), texts.collect())
}

/// The tags and cells that a parser of HTML finds, which forgives what one of XML does not.
fn as_html(page: &str) -> (Vec<String>, Vec<String>) {
    const PARSER: &str = r#"
import sys, json
from html.parser import HTMLParser
class Cells(HTMLParser):
    tags, cells, cell = [], [], None
    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == 'td': self.cell = ''
    def handle_endtag(self, tag):
        if tag == 'td': self.cells.append(self.cell); self.cell = None
    def handle_data(self, data):
        if self.cell is not None: self.cell += data
parser = Cells()
parser.feed(sys.stdin.buffer.read().decode('utf-8'))
parser.close()
print(json.dumps([parser.tags, parser.cells]))
"#;
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", PARSER]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = python.spawn().unwrap();
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// As a screen and a page show it.
fn shown(name: &str) -> String {
    name.replace('\u{1b}', "?")
}

/// As a spreadsheet gets it.
fn guarded(name: &str) -> String {
    // Behind a semicolon, too.
    let name = shown(name).replace(";-", ";'-");
    if name.starts_with(['=', '+', '-', '@']) { format!("'{name}") } else { name }
}

fn each_name(names: &Names) -> [&'static str; 5] {
    [names.yamada, names.sato, names.terminal, names.reason, names.service]
}

#[test]
fn names_change_nothing_but_their_own_cell_of_a_page() {
    let (plain, hostile) = (deployment(&PLAIN), deployment(&HOSTILE));
    let mut found = Vec::new();
    for (locale, language) in [("C.UTF-8", "en"), ("ja_JP.UTF-8", "ja")] {
        for report in REPORTS {
            let expected = shape(&page(&plain.deployment, locale, report));
            let page = page(&hostile.deployment, locale, report);
            let (tags, cells) = shape(&page);
            assert_eq!(tags, expected.0, "{report}");
            assert_eq!(cells.len(), expected.1.len(), "{report}");
            for (cell, plain) in cells.iter().zip(&expected.1) {
                let number = each_name(&PLAIN).iter().position(|name| name == plain);
                if let Some(number) = number {
                    assert_eq!(*cell, shown(each_name(&HOSTILE)[number]), "{report}");
                    found.push(number);
                }
            }
            let (html_tags, html_cells) = as_html(&page);
            let names: Vec<&String> = tags.iter().map(|(name, _)| name).collect();
            let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
            assert_eq!((html_tags, html_cells), (lower, cells), "{report}");
            is_self_contained(&page, &tags);
            assert!(page.contains(&format!("<html lang=\"{language}\">")), "{report}");
        }
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, [0, 1, 2, 3, 4], "each name stands in some report");
}

/// Nothing runs, and nothing is loaded.
fn is_self_contained(page: &str, tags: &[(String, Vec<String>)]) {
    for (tag, attributes) in tags {
        let loads = ["script", "link", "iframe", "img", "object", "base", "use", "a"];
        assert!(!loads.contains(&tag.as_str()), "{tag}");
        let is_bad = |name: &&String| {
            name.starts_with("on") || ["src", "href", "style", "srcset"].contains(&name.as_str())
        };
        assert_eq!(attributes.iter().find(is_bad), None, "{tag}");
    }
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = Base64::encode_string(sha256(style.as_bytes()).as_bytes());
    let policy = format!("content=\"default-src 'none'; style-src 'sha256-{hash}'\"");
    assert!(page.contains(&policy), "the policy is that of this style");
    assert!(!style.contains("url(") && page.contains("<svg "));
}

#[test]
fn names_change_nothing_but_their_own_cell_of_a_spreadsheet() {
    let (plain, hostile) = (deployment(&PLAIN), deployment(&HOSTILE));
    let read = |ward: &Ward, arguments: &[&str]| -> Vec<Vec<String>> {
        let text = said(&ward.deployment, "C.UTF-8", arguments);
        assert!(text.ends_with("\r\n"), "{text}");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
        rows.collect()
    };
    let mut found = 0;
    for (report, table) in [
        ("logins", "services"),
        ("logins", "scopes-and-times"),
        ("exceptions", "passes"),
        ("inventory", "keys"),
        ("inventory", "people"),
        ("coverage", "terminals"),
        ("shared-accounts", "uses"),
    ] {
        let arguments = [report, "--csv", "--table", table];
        let (expected, rows) = (read(&plain, &arguments), read(&hostile, &arguments));
        assert_eq!(rows.len(), expected.len(), "{table}");
        assert!(rows.len() > 1, "{table}");
        for (cell, plain) in rows.iter().flatten().zip(expected.iter().flatten()) {
            let number = each_name(&PLAIN).iter().position(|name| name == plain);
            if let Some(number) = number {
                assert_eq!(*cell, guarded(each_name(&HOSTILE)[number]), "{table}");
                found += 1;
            }
            let runs = cell.starts_with(['=', '+', '-', '@']);
            assert!(!runs, "{table}: {cell}");
        }
    }
    assert_eq!(found, 9, "in passes, keys, people, terminals, uses and services");
}

#[test]
fn a_spreadsheet_gets_a_mark_where_it_is_asked_for_and_a_screen_no_escapes() {
    let ward = deployment(&HOSTILE);
    let marked = said(&ward.deployment, "ja_JP.UTF-8", &["coverage", "--csv", "--bom"]);
    assert!(marked.starts_with("\u{feff}端末,スコープ,"), "{marked}");
    let plain = said(&ward.deployment, "ja_JP.UTF-8", &["coverage", "--csv"]);
    assert_eq!(format!("\u{feff}{plain}"), marked);
    for report in REPORTS {
        let text = said(&ward.deployment, "C.UTF-8", &[report]);
        let is_plain = |c: char| c == '\n' || !c.is_control();
        assert!(text.chars().all(is_plain), "{report}: {text}");
        assert!(text.lines().count() > 4, "{report}: {text}");
    }
    for wrong in [
        &["report", "coverage", "--csv", "--json"][..],
        &["report", "coverage", "--bom"],
        &["report", "coverage", "--csv", "--html", "x"],
    ] {
        ward.deployment.refused(2, wrong);
    }
}

#[test]
fn a_page_takes_the_place_of_the_one_before_and_programs_hear_where_it_is() {
    let ward = deployment(&PLAIN);
    let folder = ward.deployment.folder.path();
    let path = folder.join("page.html");
    std::fs::write(&path, "the one before").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let path = path.to_str().unwrap();
    let answer: Value = ward.deployment.json(&["report", "logins", "--html", path]);
    assert_eq!(answer["path"], path);
    assert!(std::fs::read_to_string(path).unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);

    // What is not there stays so, and what was there stays whole.
    ward.deployment.refused(3, &["report", "logins", "--html", "/nowhere/page.html"]);
    std::os::unix::fs::symlink(folder.join("elsewhere"), format!("{path}.partial")).unwrap();
    ward.deployment.ok(&["report", "coverage", "--html", path]);
    assert!(!folder.join("elsewhere").exists(), "a name that others can know is not used");
    assert!(!std::fs::read_to_string(path).unwrap().contains("Logins and refusals"));
    let partial = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().to_string_lossy().contains(".partial")
    };
    let left = std::fs::read_dir(folder).unwrap().map(partial);
    assert_eq!(left.filter(|partial| *partial).count(), 1, "nothing but what was put there");
}
