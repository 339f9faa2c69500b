//! Every link of both editions leads somewhere.

use std::collections::BTreeSet;

use crate::section::all;
use crate::{ENGLISH, JAPANESE, read, root};

fn anchors(text: &str) -> BTreeSet<String> {
    all(text).into_iter().map(|section| section.anchor).collect()
}

/// What is wrong with a link of a file in `docs/`, if anything.
fn fault(link: &str, own: &BTreeSet<String>) -> Option<String> {
    if link.starts_with("https://") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, at)| (file, Some(at)));
    let path = format!("docs/{file}");
    if !file.is_empty() && !root().join(&path).exists() {
        return Some(format!("{link}: there is no {path}"));
    }
    let anchor = anchor?;
    let known = if file.is_empty() { own.clone() } else { anchors(&read(&path)) };
    (!known.contains(anchor)).then(|| format!("{link}: no section has this anchor"))
}

#[test]
fn every_link_leads_to_a_file_and_a_section() {
    for path in [ENGLISH, JAPANESE] {
        let text = read(path);
        let own = anchors(&text);
        let mut wrong = Vec::new();
        let mut seen = 0;
        for section in all(&text) {
            for link in &section.links {
                seen += 1;
                let place = || format!("{path}:{} \"{}\"", section.line, section.title);
                wrong.extend(fault(link, &own).map(|fault| format!("{}: {fault}", place())));
            }
        }
        assert!(seen > 60, "{path}: only {seen} links were seen");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    let own = anchors(&read(JAPANESE));
    for wrong in ["#no-such-section", "NO-SUCH.md", "AUDIT.md#no-such-section"] {
        assert!(fault(wrong, &own).is_some(), "{wrong}");
    }
}
