//! How the program answers: for people in both languages, for programs, and as a page.

use std::process::Command;

use serde_json::Value;

use super::support::{Desk, Log, run};

#[test]
fn what_is_found_is_said_in_both_languages_and_with_json_in_one_line() {
    let (desk, mut log) = (Desk::new(), Log::new(20));
    let mut event = log.event(1);
    event.counter = Some(8);
    log.put(1, &event);
    let folder = desk.exported("log", &log);
    for (language, sentence, all) in [
        ("C.UTF-8", "A login is not proved: the counter is not the signed one.", "Faults: 1."),
        (
            "ja_JP.UTF-8",
            "ログインの証拠が成り立ちません：カウンターが署名の値と違います。",
            "問題：1 件。",
        ),
    ] {
        let output = run(language, &folder, &[]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stdout).unwrap();
        for part in [sentence, all, "2", "hanako", "2027-01-15T08:16:40Z", "(WK-1959)"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(String::from_utf8(output.stderr).unwrap().contains("WK-1952"));
    }

    let output = run("ja_JP.UTF-8", &folder, &["--json"]);
    let (said, wrong) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((said.lines().count(), wrong.lines().count()), (1, 1), "{said}{wrong}");
    let (report, error): (Value, Value) =
        (serde_json::from_str(&said).unwrap(), serde_json::from_str(&wrong).unwrap());
    let finding = &report["findings"][0];
    assert_eq!((&finding["code"], &finding["record"]["number"]), (&"WK-1959".into(), &2.into()));
    assert!(finding["message"].is_string() && finding["message_ja"].is_string());
    assert_eq!(error["error"]["code"], "WK-1952");
}

#[test]
fn what_cannot_be_checked_ends_with_a_status_of_its_own() {
    let desk = Desk::new();
    let folder = desk.exported("log", &Log::new(3));
    for (folder, more, status, code) in [
        (desk.at("nowhere"), vec![], 3, "WK-1953"),
        (folder.clone(), vec!["--since", "/nowhere"], 3, "WK-1953"),
        (folder.clone(), vec!["--since", "/etc/hostname"], 3, "WK-1953"),
        (folder.clone(), vec!["--records", "/nowhere"], 3, "WK-1953"),
        (folder.clone(), vec!["--html", "/nowhere/page"], 3, "WK-1953"),
        (folder.clone(), vec!["--sinse", "x"], 2, "WK-1516"),
        (folder.clone(), vec!["--json", "--sinse", "x"], 2, "WK-1516"),
    ] {
        let output = run("C.UTF-8", &folder, &more);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{more:?}: {said}");
        assert!(said.contains(code), "{more:?}: {said}");
        if more.contains(&"--json") {
            let error: Value = serde_json::from_str(&said).unwrap();
            assert_eq!(error["error"]["code"], code);
        }
    }

    let key = |key: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey-verify"));
        let output = command.env("LC_ALL", "C.UTF-8").arg(&folder).args(["--key", key]).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, said) = key("x");
    assert!(status == Some(2) && said.contains("log show"), "{said}");
    // Of another server: nothing of the folder is believed.
    let name = wardkey_tlog::KeyName::new(super::support::ORIGIN).unwrap();
    let other = wardkey_tlog::Signer::new(name.clone(), &[8; 32]);
    let (status, said) = key(&other.verifier().to_string());
    assert!(status == Some(1) && said.contains("WK-1904"), "{said}");
    // Of this server, for another log.
    let own = wardkey_tlog::Signer::new(name, &[9; 32]);
    let renamed = own.verifier().named(wardkey_tlog::KeyName::new("other/2").unwrap());
    let (status, said) = key(&renamed.to_string());
    assert!(status == Some(1) && said.contains("WK-1908"), "{said}");
}

/// Nobody writes into these pipes, and nothing ends these devices: whoever waits for them waits for
/// ever.
#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let desk = Desk::new();
    let folder = desk.exported("log", &Log::new(3));
    let pipe = desk.at("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let refused = |folder: &std::path::Path, more: &[&str]| {
        let output = run("C.UTF-8", folder, more);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{more:?}: {said}");
        assert!(said.contains("WK-1953") && said.contains("regular file"), "{more:?}: {said}");
    };
    for input in [pipe.to_str().unwrap(), "/dev/zero", "/dev/tty0"] {
        if !std::path::Path::new(input).exists() {
            continue;
        }
        refused(&folder, &["--records", input]);
        refused(&folder, &["--since", input]);
    }
    for name in ["checkpoint", "keys.cbor"] {
        let folder = desk.exported(name, &Log::new(3));
        std::fs::remove_file(folder.join(name)).unwrap();
        std::fs::rename(&pipe, folder.join(name)).unwrap();
        refused(&folder, &[]);
        std::fs::rename(folder.join(name), &pipe).unwrap();
    }
    // One in the place of a tile is a tile that is not there.
    let tile = folder.join("tile/entries/000.p/3");
    std::fs::rename(&pipe, &tile).unwrap();
    let output = run("C.UTF-8", &folder, &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("WK-1905") && said.contains("tile/entries/000.p/3"), "{said}");
}

#[test]
fn a_size_that_the_files_cannot_hold_is_refused_at_once() {
    let desk = Desk::new();
    let folder = desk.exported("log", &Log::new(300));
    // Two bundles, which hold 512 at most.
    for size in [1 << 60, u64::MAX, 1026] {
        let text = super::support::checkpoint_of(size);
        std::fs::write(folder.join("checkpoint"), text).unwrap();
        let output = run("C.UTF-8", &folder, &[]);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(3), "{size}: {said}");
        for part in ["WK-1953", "512", &size.to_string()] {
            assert!(said.contains(part), "{size}, {part}: {said}");
        }
    }
    // Of a log whose files are gone in part each one is named.
    std::fs::write(folder.join("checkpoint"), super::support::checkpoint_of(600)).unwrap();
    let output = run("C.UTF-8", &folder, &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("WK-1905") && said.contains("tile/entries/002.p/88"), "{said}");
}

#[test]
fn the_page_is_whole_without_anything_from_elsewhere() {
    let (desk, log) = (Desk::new(), Log::new(20));
    let folder = desk.exported("log", &log);
    let page = desk.at("report.html");
    let write = |language: &str, folder: &std::path::Path| {
        run(language, folder, &["--html", page.to_str().unwrap()]);
        std::fs::read_to_string(&page).unwrap()
    };
    let whole = write("C.UTF-8", &folder);
    assert!(whole.contains("lang=\"en\"") && whole.contains("Everything that was checked holds"));
    let japanese = write("ja_JP.UTF-8", &folder);
    assert!(japanese.contains("lang=\"ja\"") && japanese.contains("すべて成り立ちます"));

    // Text of somebody's making is text.
    let mut log = log;
    log.entries.remove(3);
    let lines = Log::new(20).lines();
    let copy = desk.lines("<b>.log", &lines);
    let folder = desk.exported("other", &log);
    run(
        "C.UTF-8",
        &folder,
        &["--html", page.to_str().unwrap(), "--records", copy.to_str().unwrap()],
    );
    let page = std::fs::read_to_string(&page).unwrap();
    assert!(page.contains("&lt;b&gt;.log:4") && !page.contains("<b>"), "{page}");
    assert!(page.contains("WK-1955"), "{page}");
    for never in ["<script", "<link", "<img", "http:", "https:", "url(", "@import"] {
        assert!(!page.contains(never), "{never}");
    }
}
