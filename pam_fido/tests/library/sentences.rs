//! What the library can say.

use std::path::Path;

use wardkey_core::code::AnyCode;
use wardkey_core::name::Language;
use wardkey_core::texts;

use super::library;

/// What is said, and by which programs, stands in tables: a sentence that the module lacks comes
/// out as an internal error.
#[test]
fn has_every_sentence_that_it_may_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = String::new();
    for from in ["pam_fido/src", "core/src/decide.rs", "core/src/policy", "core/src/snapshot.rs"] {
        read_sources(&root.join(from), &mut sources);
    }
    let library = std::fs::read(library()).unwrap();
    let (mut named, mut missing) = (0, Vec::new());
    for code in AnyCode::all() {
        let name = format!("{code:?}").replace("Refusal(", "Code::");
        let name = name.replace('(', "::").replace(')', "");
        let is_named = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
        // Of these the journal speaks, by their number.
        let is_said = ![1111, 1121, 1218, 1221, 1310, 1330, 1331, 1414].contains(&code.number());
        if !is_said || !sources.split(name.as_str()).skip(1).any(is_named) {
            continue;
        }
        named += 1;
        for language in [Language::Ja, Language::En] {
            let sentence = texts::message(code, language, &[]);
            let part = sentence.split('…').max_by_key(|part| part.len()).unwrap();
            let is_there = library.windows(part.len()).any(|bytes| bytes == part.as_bytes());
            if !is_there {
                missing.push(format!("{} {name}: {part}", code.number()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(named > 100, "{named}");
}

fn read_sources(at: &Path, into: &mut String) {
    if at.is_file() {
        into.push_str(&std::fs::read_to_string(at).unwrap());
        return;
    }
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name() != Some("tests".as_ref()) {
            read_sources(&path, into);
        }
    }
}
