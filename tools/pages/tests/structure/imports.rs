//! No module imports another in a circle: a file can be read with what it stands on, and nothing
//! else. What counts is every path in the code, not only those of `use`.

use std::collections::{BTreeMap, BTreeSet};

use crate::rooms;

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The code on one line, without comments, texts and unit tests.
fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut code = String::from("; ");
    let mut rest = shipped;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = if rest.starts_with("//") {
            after.split_once('\n').map_or("", |(_, next)| next)
        } else if let Some(literal) = rest.strip_prefix("r#\"") {
            literal.split_once("\"#").map_or("", |(_, next)| next)
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\") {
            after[2..].split_once('\'').map_or("", |(_, next)| next)
        } else if c == '"' {
            behind_a_text(after)
        } else {
            code.push(if c == '\n' { ' ' } else { c });
            after
        };
    }
    code
}

/// What follows the quotation mark that closes a text.
fn behind_a_text(text: &str) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return &text[at + 1..],
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    ""
}

/// The code and that of the modules that are written within it, each with its path.
fn with_inner(name: &str, code: &str, out: &mut Vec<(String, String)>) {
    let mut own = String::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once(" mod ") {
        own.push_str(before);
        rest = after;
        let Some((inner, body)) = after.split_once('{').filter(|(inner, _)| !inner.contains(';'))
        else {
            own.push(' ');
            continue;
        };
        let mut depth = 1;
        let end = body.find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let (body, after) = body.split_at(end.unwrap_or(body.len()));
        with_inner(&format!("{name}::{}", inner.trim()), &format!("; {body}"), out);
        rest = after.strip_prefix('}').unwrap_or_default();
    }
    own.push_str(rest);
    out.push((name.to_owned(), own));
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

/// The paths that a module's code names.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();

    // Who may see an item is no import.
    let mut rest = String::new();
    for (n, part) in code.split("pub(in ").enumerate() {
        let part = if n == 0 { part } else { part.split_once(')').map_or("", |(_, after)| after) };
        rest.push_str(part);
    }

    let mut code = String::new();
    for (n, part) in rest.split(" use ").enumerate() {
        match part.split_once(';') {
            Some((tree, after)) if n > 0 => {
                expand("", tree, &mut paths);
                code.push_str(after);
            }
            _ => code.push_str(part),
        }
    }

    let of_a_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    for path in code.split(|c| !of_a_path(c)) {
        let path = path.trim_end_matches(':');
        if path.contains("::") {
            paths.push(path.to_owned());
        }
    }
    paths
}

/// A path from the room's root, by the module that names it.
fn absolute(name: &str, path: &str) -> String {
    let mut base = name.to_owned();
    let mut rest = path;
    while let Some((first, more)) = rest.split_once("::") {
        match first {
            "crate" => base = "crate".to_owned(),
            "super" => base.truncate(base.rfind("::").unwrap_or(base.len())),
            "self" => {}
            _ => break,
        }
        rest = more;
    }
    format!("{base}::{rest}")
}

/// What a module imports of its own room.
fn imports(name: &str, text: &str, all: &BTreeMap<String, String>) -> BTreeSet<String> {
    // The longest beginning that is a module.
    let module_of = |path: String| {
        let ends = path.match_indices("::").map(|(at, _)| at).chain([path.len()]);
        let beginnings = ends.map(|end| path[..end].to_owned());
        beginnings.filter(|beginning| all.contains_key(beginning)).last()
    };

    let mut parts = Vec::new();
    with_inner(name, &code(text), &mut parts);
    let named = parts.iter().flat_map(|(inner, code)| {
        paths(code).into_iter().map(|path| absolute(inner, &path)).collect::<Vec<_>>()
    });
    named.filter_map(module_of).filter(|found| found != name).collect()
}

fn graph(modules: &BTreeMap<String, String>) -> Graph {
    modules.iter().map(|(name, text)| (name.clone(), imports(name, text, modules))).collect()
}

/// What a module stands on, directly and through others.
fn below<'a>(graph: &'a Graph, module: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = graph[module].iter().map(String::as_str).collect();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(graph[next].iter().map(String::as_str));
        }
    }
    found
}

/// The imports that are part of a circle, as `a -> b`.
fn circles(graph: &Graph) -> Vec<String> {
    let mut tied = Vec::new();
    for (module, imports) in graph {
        for import in imports {
            if below(graph, import).contains(module.as_str()) {
                tied.push(format!("{module} -> {import}"));
            }
        }
    }
    tied
}

#[test]
fn no_module_imports_another_in_a_circle() {
    let mut tied = Vec::new();
    let mut seen = 0;
    for room in rooms::all() {
        let graph = graph(&room.modules);
        seen += graph.values().map(BTreeSet::len).sum::<usize>();
        tied.extend(circles(&graph).iter().map(|import| format!("{}: {import}", room.name)));
    }

    assert!(seen > 500, "only {seen} imports were seen");
    assert!(tied.is_empty(), "move what both need below both:\n{}", tied.join("\n"));
}

#[test]
fn a_circle_is_found() {
    let found = |texts: &[(&str, &str)]| {
        let modules =
            texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        circles(&graph(&modules))
    };

    let long = [
        ("crate", "//! Root.\nmod a;"),
        ("crate::a", "\nuse crate::{b::{Deep, self}, c};"),
        ("crate::b", "\nfn f() { crate::c::g() }"),
        ("crate::c", "\nuse super::d::X as Y; // use crate::a;"),
        ("crate::d", "\nuse crate::b::Z;\n#[cfg(test)]\nmod tests { use crate::a; }"),
    ];
    let expected = ["crate::b -> crate::c", "crate::c -> crate::d", "crate::d -> crate::b"];
    assert_eq!(found(&long), expected);

    let by_a_reexport = [("crate", "pub mod a;\npub use a::A;"), ("crate::a", "use crate::Other;")];
    assert_eq!(found(&by_a_reexport), ["crate -> crate::a", "crate::a -> crate"]);

    let without_use = [
        ("crate::x", "fn f() { y::z::g() }"),
        ("crate::x::y", ""),
        ("crate::x::y::z", "pub fn g() -> super::super::F {}"),
    ];
    let expected = ["crate::x -> crate::x::y::z", "crate::x::y::z -> crate::x"];
    assert_eq!(found(&without_use), expected);

    let none = [
        ("crate::x", "mod y; pub struct F;"),
        ("crate::x::y", "use super::F; pub(in crate::x::z) struct G;"),
        ("crate::x::z", "use super::y; mod raw { use super::super::y; } mod w;"),
    ];
    assert!(found(&none).is_empty());
}
