//! No module imports another in a circle: a file can be read with what it stands on, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Rooms without circles.
const ROOMS: [&str; 5] = ["core/src", "core/ipc/src", "core/settings/src", "agent/src", "cli/src"];

/// The modules of a room by their paths (`store::spool`), and the text of each.
fn modules(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let name = if prefix.is_empty() { stem.clone() } else { format!("{prefix}::{stem}") };
        if path.is_dir() {
            modules(&path, &name, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && stem != "tests" {
            let name = if ["lib", "main", "mod"].contains(&stem.as_str()) { prefix.to_owned() } else { name };
            found.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The code without comments and unit tests.
fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    shipped.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join(" ")
}

/// `a::{b, c::{d}}` as `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, out: &mut Vec<String>) {
    let Some((head, rest)) = tree.split_once('{') else {
        out.push(format!("{prefix}{}", tree.split(" as ").next().unwrap_or_default().trim()));
        return;
    };
    let prefix = format!("{prefix}{}", head.trim());
    let body = &rest[..rest.rfind('}').unwrap()];
    let (mut depth, mut from) = (0, 0);
    for (at, c) in body.char_indices().chain([(body.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = body[from..at].trim();
                if !part.is_empty() {
                    expand(&prefix, part, out);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// What a module imports of its own room.
fn imports(name: &str, text: &str, all: &BTreeMap<String, String>) -> BTreeSet<String> {
    let code = code(text);
    let mut paths = Vec::new();
    for part in code.split(" use ").skip(1) {
        expand("", part.split(';').next().unwrap_or_default(), &mut paths);
    }
    // Paths in the middle of the code.
    for part in code.split("crate::").skip(1) {
        let end = part.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(part.len());
        paths.push(format!("crate::{}", &part[..end]));
    }

    let parent = name.rsplit_once("::").map_or("", |(parent, _)| parent);
    let within =
        |module: &str, rest: &str| if module.is_empty() { rest.to_owned() } else { format!("{module}::{rest}") };
    let absolute = paths.iter().map(|path| match path.split_once("::") {
        Some(("crate", rest)) => rest.to_owned(),
        Some(("super", rest)) => within(parent, rest),
        Some(("self", rest)) => within(name, rest),
        _ => within(name, path),
    });
    let module_of = |path: String| {
        let ends = path.match_indices("::").map(|(at, _)| at).chain([path.len()]);
        let beginnings = ends.map(|end| path[..end].to_owned());
        // The longest beginning that is a module.
        beginnings.filter(|beginning| all.contains_key(beginning)).last()
    };
    absolute.filter_map(module_of).filter(|found| found != name && !found.is_empty()).collect()
}

/// A circle through `module`, if there is one.
fn circle(graph: &BTreeMap<String, BTreeSet<String>>, path: &mut Vec<String>, done: &mut BTreeSet<String>) -> bool {
    let module = path.last().unwrap().clone();
    for next in &graph[&module] {
        if let Some(at) = path.iter().position(|known| known == next) {
            path.drain(..at);
            path.push(next.clone());
            return true;
        }
        if !done.contains(next) {
            path.push(next.clone());
            if circle(graph, path, done) {
                return true;
            }
            path.pop();
        }
    }
    done.insert(module);
    false
}

#[test]
fn no_module_imports_another_in_a_circle() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for room in ROOMS {
        let mut all = BTreeMap::new();
        modules(&repository.join(room), "", &mut all);
        let graph: BTreeMap<_, _> = all.iter().map(|(name, text)| (name.clone(), imports(name, text, &all))).collect();
        assert!(graph.values().any(|imports| imports.len() > 1), "{room}: nothing was read");
        let mut done = BTreeSet::new();
        for module in graph.keys() {
            let mut path = vec![module.clone()];
            assert!(!circle(&graph, &mut path, &mut done), "{room}: {}", path.join(" -> "));
        }
    }
}

#[test]
fn a_circle_is_found() {
    let all: BTreeMap<String, String> = [
        ("a", "\n use crate::{b::{Deep, self}, c};"),
        ("b", "\n fn f() { crate::c::g() }"),
        ("c", "\n use super::d::X as Y; // use crate::a;"),
        ("d", "\n use crate::b::Z;\n#[cfg(test)]\nmod tests { use crate::a; }"),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into();
    let graph: BTreeMap<_, _> = all.iter().map(|(name, text)| (name.clone(), imports(name, text, &all))).collect();
    let mut path = vec!["a".to_owned()];
    assert!(circle(&graph, &mut path, &mut BTreeSet::new()));
    assert_eq!(path, ["b", "c", "d", "b"]);
}
