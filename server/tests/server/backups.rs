//! Making backups, and what is no backup.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wardkey_core::codec::sha256;
use wardkey_server::backup::Seal;
use wardkey_server::keyring::{Keyring, Secret};
use wardkey_server::store::{Store, setting};

use super::support::backups::{Recipient, tree};
use super::support::{Deployment, Stops, until};

/// Writes into a store from another connection until told to stop; how often it could.
fn write_on(database: &Path, stop: &AtomicBool, written: &AtomicU64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(database).await.unwrap();
        while !stop.load(Ordering::SeqCst) {
            let mut tx = store.write().await.unwrap();
            let value = written.fetch_add(1, Ordering::SeqCst).to_string();
            // Two rows that are the same in every state of the store.
            setting::put(&mut tx, "one", &value).await.unwrap();
            setting::put(&mut tx, "two", &value).await.unwrap();
            tx.commit().await.unwrap();
        }
        store.close().await;
    });
}

fn setting_in(database: &Path, name: &str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let opening = wardkey_server::store::Opening::Copy;
        let store = Store::open_as_it_is(database, opening).await.unwrap();
        let found = setting::find(&mut store.read().await.unwrap(), name).await.unwrap();
        store.close().await;
        found
    })
}

#[test]
fn a_backup_ends_while_others_write_without_pause_and_holds_one_state() {
    let deployment = Deployment::new();
    deployment.ok(&["person", "add", "hanako", "--name", "Hanako", "--scope", "icu"]);
    let _running = deployment.start();
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| write_on(&deployment.database(), &stop, &written));
        scope.spawn(|| write_on(&deployment.database(), &stop, &written));
        let _stops = Stops(&stop);
        until("writers", || written.load(Ordering::SeqCst) > 50);
        for name in ["first", "second"] {
            let before = written.load(Ordering::SeqCst);
            let (path, _) = deployment.backup(name);
            assert!(written.load(Ordering::SeqCst) > before, "nobody could write meanwhile");
            let database = path.join("wardkey.db");
            let one = setting_in(&database, "one");
            assert!(one.is_some() && one == setting_in(&database, "two"), "{one:?}");
        }
    });
}

#[test]
fn a_backup_is_private_complete_and_never_in_the_place_of_another() {
    let deployment = Deployment::new();
    deployment.ok(&["person", "add", "hanako", "--name", "Hanako", "--scope", "icu"]);
    let folder = deployment.folder.path();
    let to = folder.join("monday");
    let path = to.to_str().unwrap();
    // Without a word about the keys nothing is made.
    assert!(deployment.refused(1, &["backup", path]).contains("WK-1850"));
    assert!(!to.exists());
    assert!(deployment.refused(2, &["backup", path, "--recipient", "x"]).contains("age-keygen"));

    let recipient = Recipient::new(folder);
    let list = folder.join("recipients");
    std::fs::write(&list, format!("# safe\n{}\n", recipient.text)).unwrap();
    let made = deployment.json(&["backup", path, "--recipients-file", list.to_str().unwrap()]);
    assert_eq!((&made["keys"], &made["contents"]["counts"]["people"]), (&true.into(), &1.into()));
    let scopes = made["contents"]["scopes"].as_array().unwrap();
    assert_eq!((&scopes[1]["name"], &scopes[1]["seq"]), (&"icu".into(), &3.into()));

    let files = tree(&to);
    let names: Vec<&str> =
        files.keys().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let all = ["keys.age", "manifest.json", "manifest.sig", "trail.jsonl", "wardkey.db"];
    assert_eq!(names, all);
    assert!(files.values().all(|(mode, _)| *mode == 0o600), "{files:?}");
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&to.metadata().unwrap()) & 0o777, 0o700);
    let keys = std::fs::read(to.join("keys.age")).unwrap();
    assert!(keys.starts_with(b"age-encryption.org/v1"));
    assert!(deployment.actions().contains(&"backup.make".into()));

    // Neither over a backup, nor over anything else.
    let args = ["backup", path, "--recipient", &recipient.text];
    assert!(deployment.refused(1, &args).contains("WK-1851"));
    assert_eq!(tree(&to), files);

    let other = folder.join("tuesday");
    let output = deployment.cli(&["backup", other.to_str().unwrap(), "--without-keys"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("the keys are not in this backup"));
    assert!(!other.join("keys.age").exists());
}

#[test]
fn a_backup_that_is_killed_is_none_and_is_in_nobodys_way() {
    let deployment = Deployment::new();
    let recipient = Recipient::new(deployment.folder.path());
    let to = deployment.folder.path().join("monday");
    let left = deployment.folder.path().join(".monday.partial");
    let mark = left.join("mark");
    let mut halves = 0;
    for after in (0..60).map(Duration::from_millis) {
        // What was left is emptied when the next one begins.
        if left.exists() {
            std::fs::write(&mark, "").unwrap();
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_wardkey-server"))
            .arg("--config")
            .arg(deployment.path())
            .args(["backup", to.to_str().unwrap(), "--recipient", &recipient.text])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut has_begun = || {
            to.exists() || (left.exists() && !mark.exists()) || child.try_wait().unwrap().is_some()
        };
        while !has_begun() {
            std::thread::yield_now();
        }
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
        if to.exists() {
            // It was quicker: then all of it is there.
            let check = ["restore", to.to_str().unwrap(), "--check"];
            deployment.ok(&check);
            std::fs::remove_dir_all(&to).unwrap();
        } else {
            halves += u32::from(left.exists());
        }
    }
    assert!(halves > 0, "none was killed in the middle");
    deployment.ok(&["audit", "verify"]);
    deployment.ok(&["backup", to.to_str().unwrap(), "--recipient", &recipient.text]);
    assert!(to.exists() && !left.exists());
}

#[test]
fn of_a_database_that_is_damaged_there_is_no_backup() {
    let deployment = Deployment::new();
    deployment.ok(&["person", "add", "hanako", "--name", "Hanako", "--scope", "icu"]);
    sql(
        &deployment.database(),
        &["DROP TRIGGER audit_is_fixed", "UPDATE audit SET actor = 'nobody' WHERE seq = 1"],
    );
    let to = deployment.folder.path().join("monday");
    let said = deployment.refused(1, &["backup", to.to_str().unwrap(), "--without-keys"]);
    assert!(said.contains("WK-1852") && said.contains("audit trail"), "{said}");
    assert_eq!(std::fs::read_dir(deployment.folder.path()).unwrap().count(), 2, "nothing is left");
}

/// Runs statements on a database.
pub fn sql(database: &Path, statements: &'static [&'static str]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::{ConnectOptions as _, Connection as _};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
        let mut connection = options.connect().await.unwrap();
        for &statement in statements {
            sqlx::query(statement).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
    });
}

/// Changes the manifest and signs it again, as whoever has the publish key could.
pub fn rewrite(deployment: &Deployment, backup: &Path, change: impl FnOnce(&mut Value)) {
    let path = backup.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    for file in manifest["files"].as_array_mut().unwrap() {
        let bytes = std::fs::read(backup.join(file["name"].as_str().unwrap())).unwrap();
        file["bytes"] = bytes.len().into();
        file["sha256"] = sha256(&bytes).to_hex().into();
    }
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let key = Keyring::at(deployment.config().keys).signing(Secret::Publish).unwrap();
    let seal = key.sign(&Seal { manifest: sha256(&bytes) });
    std::fs::write(path, bytes).unwrap();
    std::fs::write(backup.join("manifest.sig"), seal).unwrap();
}

/// A copy of a backup.
pub fn copy_of(backup: &Path, name: &str) -> PathBuf {
    let to = backup.with_file_name(name);
    std::fs::create_dir(&to).unwrap();
    for file in std::fs::read_dir(backup).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    to
}

#[test]
fn what_is_truncated_changed_missing_or_newer_is_refused_and_nothing_is_touched() {
    let deployment = Deployment::new();
    deployment.ok(&["person", "add", "hanako", "--name", "Hanako", "--scope", "icu"]);
    let (good, recipient) = deployment.backup("good");
    let data = deployment.folder.path().join("data");
    let before = tree(&data);
    let refused = |backup: &Path, code: &str| {
        for more in [&["--check"][..], &["--replace", "--yes"]] {
            let from = backup.to_str().unwrap();
            let identity = recipient.file.to_str().unwrap();
            let args = [&["restore", from, "--identity", identity][..], more].concat();
            let said = deployment.refused(1, &args);
            assert!(said.contains(code), "{}: {said}", backup.display());
            assert!(!said.contains("was put aside"), "{said}");
        }
        assert_eq!(
            tree(&data).keys().filter(|p| !p.ends_with("wardkey.running")).count(),
            before.keys().filter(|p| !p.ends_with("wardkey.running")).count()
        );
        for (path, file) in &before {
            assert_eq!(tree(&data).get(path), Some(file), "{}", path.display());
        }
    };

    for name in ["keys.age", "manifest.json", "manifest.sig", "trail.jsonl", "wardkey.db"] {
        let bytes = std::fs::read(good.join(name)).unwrap();
        let mut flipped = bytes.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        for (kind, content) in
            [("cut", Some(&bytes[..bytes.len() / 2])), ("flip", Some(&flipped)), ("gone", None)]
        {
            let bad = copy_of(&good, &format!("{kind}-{name}"));
            match content {
                Some(content) => std::fs::write(bad.join(name), content).unwrap(),
                None => std::fs::remove_file(bad.join(name)).unwrap(),
            }
            refused(&bad, "WK-1853");
        }
    }

    // Signed again over what does not hold: the manifest says another state.
    let bad = copy_of(&good, "another-state");
    rewrite(&deployment, &bad, |manifest| manifest["contents"]["scopes"][1]["seq"] = 7.into());
    refused(&bad, "WK-1853");
    // Signed again over a record that was changed.
    let bad = copy_of(&good, "another-record");
    sql(&bad.join("wardkey.db"), &["UPDATE state SET record = x'00'"]);
    rewrite(&deployment, &bad, |_| {});
    refused(&bad, "WK-1853");
    // A name that leads elsewhere.
    let bad = copy_of(&good, "elsewhere");
    rewrite(&deployment, &bad, |manifest| {
        let mut file = manifest["files"][0].clone();
        file["name"] = "../server.toml".into();
        manifest["files"].as_array_mut().unwrap().push(file);
    });
    refused(&bad, "WK-1853");
    // Not one at all.
    refused(&data, "WK-1853");

    let newer = copy_of(&good, "newer-form");
    rewrite(&deployment, &newer, |manifest| manifest["format"] = 2.into());
    refused(&newer, "WK-1854");
    let newer = copy_of(&good, "newer-schema");
    rewrite(&deployment, &newer, |manifest| manifest["contents"]["schema"] = 99.into());
    refused(&newer, "WK-1854");
}

/// The longest that a writer had to wait while `act` ran, and how often it could write.
fn longest_wait(database: &Path, act: impl FnOnce()) -> (Duration, u64) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let store = Store::open(database).await.unwrap();
                let (mut longest, mut times) = (Duration::ZERO, 0);
                while !stop.load(Ordering::SeqCst) {
                    let begun = Instant::now();
                    let mut tx = store.write().await.unwrap();
                    setting::put(&mut tx, "one", &times.to_string()).await.unwrap();
                    tx.commit().await.unwrap();
                    longest = longest.max(begun.elapsed());
                    times += 1;
                }
                store.close().await;
                (longest, times)
            })
        });
        act();
        stop.store(true, Ordering::SeqCst);
        writing.join().unwrap()
    })
}

/// Printed and not judged.
#[test]
#[ignore = "measures"]
fn how_long_a_backup_takes_and_a_writer_waits() {
    // Any valid key: ES256 with the generator of P-256.
    let key = concat!(
        "pQECAyYgASFYIGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW",
        "IlggT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
    );
    for people in [2_000, 20_000] {
        let deployment = Deployment::new();
        let file = deployment.folder.path().join("people.jsonl");
        let line = |i: u32| {
            let person = json!({
                "login": format!("p{i}"), "name": format!("Person {i}"),
                "scopes": ["icu"], "groups": ["staff"],
                "credentials": [{ "id": format!("{i:064}"), "public_key": key }],
            });
            format!("{person}\n")
        };
        std::fs::write(&file, (0..people).map(line).collect::<String>()).unwrap();
        deployment.ok(&["person", "import", file.to_str().unwrap()]);

        let (alone, _) =
            longest_wait(&deployment.database(), || std::thread::sleep(Duration::from_secs(3)));
        let mut took = Duration::ZERO;
        let (longest, times) = longest_wait(&deployment.database(), || {
            let begun = Instant::now();
            deployment.backup("monday");
            took = begun.elapsed();
        });
        let begun = Instant::now();
        let from = deployment.folder.path().join("monday");
        deployment.ok(&["restore", from.to_str().unwrap(), "--replace", "--yes"]);
        println!(
            "{people} people: backup {took:?}; longest wait of a writer {longest:?} ({times} \
                writes), without a backup {alone:?}; restore {:?}",
            begun.elapsed()
        );
    }
}
