//! sshd's own methods, which ask no PAM module who somebody is.

use std::collections::BTreeMap;
use std::path::Path;

use wardkey_core::code::Code;

use crate::finding::{Finding, Level};

use super::text;

/// Methods that let somebody in without PAM's auth phase.
const METHODS: [(&str, &str); 4] = [
    ("pubkeyauthentication", "yes"),
    ("hostbasedauthentication", "no"),
    ("gssapiauthentication", "no"),
    ("kerberosauthentication", "no"),
];

/// `effective`: what `sshd -T` prints, when it could be asked; else the file is read.
pub(crate) fn look(root: &Path, effective: Option<&str>) -> Vec<Finding> {
    let file = root.join("etc/ssh/sshd_config");
    let installed = ["usr/sbin/sshd", "usr/bin/sshd"].iter().any(|name| root.join(name).exists());
    if !installed {
        return Vec::new();
    }
    let mut all = String::new();
    gather(root, &file, &mut all, 0);
    let (general, blocks) = blocks(&all);
    // What sshd prints is said of nobody in particular: its blocks are read from the file all the
    // same.
    let options = keywords(effective.unwrap_or(&general));
    let value =
        |key: &str, default: &str| options.get(key).cloned().unwrap_or_else(|| default.to_owned());
    let mut ways: Vec<String> = Vec::new();
    let pam = value("usepam", if effective.is_some() { "yes" } else { "no" });
    if pam != "yes" {
        ways.push(format!("UsePAM {pam}"));
        if value("passwordauthentication", "yes") == "yes" {
            ways.push("PasswordAuthentication yes".into());
        }
    }
    for (key, default) in METHODS {
        if value(key, default) == "yes" {
            ways.push(format!("{key} yes"));
        }
    }
    if value("permitemptypasswords", "no") == "yes" {
        ways.push("permitemptypasswords yes".into());
    }
    for (condition, lines) in &blocks {
        let options = keywords(lines);
        let opened = METHODS.iter().map(|(key, _)| *key).chain(["permitemptypasswords"]);
        let opened = opened.filter(|key| options.get(*key).is_some_and(|value| value == "yes"));
        ways.extend(opened.map(|key| format!("Match {condition}: {key} yes")));
    }
    if ways.is_empty() {
        return Vec::new();
    }
    // With PAM, the account phase asks the module, which lets no person through without a login of
    // the same handle.
    let level = if pam == "yes" { Level::Warning } else { Level::Open };
    let mut finding = Finding::new(Code::SshOpen, level, "what", "sshd").fix(
        "AllowUsers / AllowGroups for local accounts only, PubkeyAuthentication no, UsePAM yes",
    );
    for way in ways {
        finding = finding.detail(way.clone()).way(way);
    }
    vec![finding]
}

/// The lines for everybody, and each `Match` block with its condition. A block lasts until the next
/// one, or the end of its file, after which [`gather`] writes `Match all`.
fn blocks(text: &str) -> (String, Vec<(String, String)>) {
    let mut general = String::new();
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        let mut words = line.trim().splitn(2, char::is_whitespace);
        let is_match = words.next().is_some_and(|word| word.eq_ignore_ascii_case("match"));
        if is_match {
            let condition = words.next().unwrap_or_default().trim();
            in_block = !condition.eq_ignore_ascii_case("all");
            if in_block {
                blocks.push((condition.to_owned(), String::new()));
            }
            continue;
        }
        let block = blocks.last_mut().filter(|_| in_block);
        let lines = block.map_or(&mut general, |(_, lines)| lines);
        lines.push_str(line);
        lines.push('\n');
    }
    (general, blocks)
}

/// The file with what it includes; the first value of a keyword counts.
fn gather(root: &Path, file: &Path, all: &mut String, depth: usize) {
    for line in text::read(file).lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some(word) if word.eq_ignore_ascii_case("include") && depth < 8 => {
                for pattern in words {
                    let pattern = pattern.trim_matches('"');
                    let path = if pattern.starts_with('/') {
                        root.join(pattern.trim_start_matches('/'))
                    } else {
                        root.join("etc/ssh").join(pattern)
                    };
                    match path
                        .file_name()
                        .and_then(|name| name.to_str())
                        .and_then(|name| name.strip_prefix("*."))
                    {
                        Some(ending) => {
                            for file in text::with_ending(path.parent().unwrap_or(root), ending) {
                                included(root, &file, all, depth + 1);
                            }
                        }
                        None => included(root, &path, all, depth + 1),
                    }
                }
            }
            _ => {
                all.push_str(line);
                all.push('\n');
            }
        }
    }
}

fn included(root: &Path, file: &Path, all: &mut String, depth: usize) {
    gather(root, file, all, depth);
    all.push_str("Match all\n");
}

fn keywords(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        let mut parts = line.splitn(2, |c: char| c.is_whitespace() || c == '=');
        if let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            let value = value
                .trim_start_matches(['=', ' ', '\t'])
                .trim()
                .trim_matches('"')
                .to_ascii_lowercase();
            found.entry(key.to_ascii_lowercase()).or_insert(value);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(config: &str, effective: Option<&str>) -> Option<(Level, Vec<String>)> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("usr/sbin/sshd", ""),
            ("etc/ssh/sshd_config", config),
            ("etc/ssh/sshd_config.d/10.conf", "PubkeyAuthentication no\n"),
        ] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        look(root.path(), effective).pop().map(|finding| {
            (finding.level, finding.details.iter().map(ToString::to_string).collect())
        })
    }

    #[test]
    fn methods_of_sshd_are_told() {
        let closed = "PubkeyAuthentication no\nUsePAM yes\n";
        assert_eq!(ways(closed, None), None);
        assert_eq!(
            ways(
                "Include /etc/ssh/sshd_config.d/*.conf\nPubkeyAuthentication yes\nUsePAM yes\n",
                None
            ),
            None
        );
        assert_eq!(
            ways("UsePAM yes\n#PubkeyAuthentication no\n", None),
            Some((Level::Warning, vec!["pubkeyauthentication yes".into()]))
        );
        assert_eq!(
            ways("usepam no\npubkeyauthentication=no\n", None),
            Some((Level::Open, vec!["UsePAM no".into(), "PasswordAuthentication yes".into()]))
        );
        let printed = "usepam yes\npubkeyauthentication no\ngssapiauthentication yes\n";
        assert_eq!(
            ways("", Some(printed)),
            Some((Level::Warning, vec!["gssapiauthentication yes".into()]))
        );
        // A block opens for some what is closed for all, also where sshd itself was asked.
        let block =
            "UsePAM yes\nPubkeyAuthentication no\nMatch User backup\n  PubkeyAuthentication yes\n";
        let told =
            Some((Level::Warning, vec!["Match User backup: pubkeyauthentication yes".into()]));
        assert_eq!(ways(block, None), told);
        assert_eq!(ways(block, Some("usepam yes\npubkeyauthentication no\n")), told);
        let included =
            "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM no\nPasswordAuthentication no\n";
        assert_eq!(ways(included, None), Some((Level::Open, vec!["UsePAM no".into()])));
        assert!(look(tempfile::tempdir().unwrap().path(), None).is_empty(), "no sshd");
    }
}
