use jiff::tz::TimeZone;
use wardkey_core::code::Code;

use super::*;
use crate::admin::init;
use crate::admin::testing::{NOW, config_in, login, new_deployment, someone};
use crate::admin::{Operation, person};
use crate::backup::{KeysFor, Making, make};
use crate::restore::{Asked, Where};
use crate::store::Store;
use crate::store::audit::Actor;
use crate::store::person::PersonStatus;

/// A deployment, and a backup of it in which nobody is disabled yet.
struct Monday {
    folder: tempfile::TempDir,
    config: Config,
}

impl Monday {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config_in(folder.path());
        init::create(&config, &new_deployment(), &Actor::server(), NOW).await.unwrap();
        let monday = Self { folder, config };
        monday.act(async |op| person::add(op, someone("hanako")).await.map(drop)).await;
        let store = Store::open(&monday.config.store).await.unwrap();
        let making = Making {
            store: &store,
            keyring: &Keyring::at(&monday.config.keys),
            keys: KeysFor::Nobody,
            actor: &Actor::server(),
            now: NOW,
        };
        make(&making, &monday.backup(), |_, _| {}).await.unwrap();
        store.close().await;
        monday
    }

    fn backup(&self) -> PathBuf {
        self.folder.path().join("monday")
    }

    async fn act(&self, act: impl AsyncFnOnce(&mut Operation<'_>) -> Result<()>) {
        let store = Store::open(&self.config.store).await.unwrap();
        let mut tx = store.write().await.unwrap();
        let (actor, zone) = (Actor::server(), TimeZone::UTC);
        let mut op = Operation { tx: &mut tx, actor: &actor, now: NOW, reason: None, zone: &zone };
        act(&mut op).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    }

    async fn disable(&self) {
        let hanako = login("hanako");
        self.act(async |op| person::switch(op, &hanako, PersonStatus::Disabled).await.map(drop))
            .await;
    }

    async fn prepared(&self, now: UnixTime) -> Prepared {
        let backup = self.backup();
        let asked = Asked {
            from: &backup,
            identity: None,
            trail: None,
            root: None,
            replace: true,
            actor: &Actor::server(),
            now,
            reason: None,
            zone: &TimeZone::UTC,
        };
        Prepared::make(&self.config, &asked, Where::NextToStore).await.unwrap()
    }
}

#[tokio::test]
async fn whatever_step_it_ends_after_the_next_restore_knows_what_was_disabled() {
    for steps in 0..=STEPS.len() {
        let monday = Monday::new().await;
        // A server that was killed leaves what it wrote last in the log beside the database.
        let open = Store::open(&monday.config.store).await.unwrap();
        monday.disable().await;
        let kept = monday.folder.path().join("kept");
        for end in ["", "-wal"] {
            std::fs::copy(with_end(&monday.config.store, end), with_end(&kept, end)).unwrap();
        }
        open.close().await;
        for end in ["", "-wal"] {
            std::fs::copy(with_end(&kept, end), with_end(&monday.config.store, end)).unwrap();
        }

        let prepared = monday.prepared(NOW).await;
        prepared.place_until(&monday.config, NOW, steps).await.unwrap();
        let again = monday.prepared(NOW).await;
        let replayed = again.report.replayed.as_ref().unwrap();
        assert_eq!(replayed.people, ["hanako"], "after {steps} steps");
        again.place(&monday.config, NOW).await.unwrap();
        let store = Store::open(&monday.config.store).await.unwrap();
        let shown = person::show(&mut store.read().await.unwrap(), &login("hanako")).await.unwrap();
        assert_eq!(shown.status, "disabled", "after {steps} steps");
        store.close().await;
    }
}

#[tokio::test]
async fn nothing_is_placed_over_what_somebody_uses_or_wrote_meanwhile() {
    let monday = Monday::new().await;
    let prepared = monday.prepared(NOW).await;
    monday.disable().await;
    let refused = prepared.place(&monday.config, NOW).await.unwrap_err();
    assert_eq!(refused.code(), Code::RestoreDisturbed);

    let prepared = monday.prepared(NOW).await;
    std::fs::remove_file(&monday.config.store).unwrap();
    let refused = prepared.place(&monday.config, NOW).await.unwrap_err();
    assert_eq!(refused.code(), Code::RestoreDisturbed);
}

#[tokio::test]
async fn a_clock_that_is_years_behind_lowers_no_number() {
    let monday = Monday::new().await;
    let prepared = monday.prepared(UnixTime(1000)).await;
    assert!(prepared.report.epoch >= NOW.0, "{}", prepared.report.epoch);
}

/// A database that cannot be read any more, and what was in its log.
async fn damaged(monday: &Monday) -> Prepared {
    std::fs::write(&monday.config.store, "no database").unwrap();
    std::fs::write(with_end(&monday.config.store, "-wal"), "its log").unwrap();
    let mut prepared = monday.prepared(NOW).await;
    assert!(prepared.needs_root(), "a damaged database says nothing");
    let root = prepared.backup.root.root_key;
    prepared.of_root(&root).unwrap();
    prepared
}

#[tokio::test]
async fn a_database_that_cannot_be_read_keeps_its_log_whatever_step_it_ends_after() {
    let log = |path: &Path| std::fs::read_to_string(with_end(path, "-wal")).unwrap_or_default();
    for steps in 0..=STEPS.len() {
        let monday = Monday::new().await;
        let store = &monday.config.store;
        let prepared = damaged(&monday).await;
        let placed = prepared.place_until(&monday.config, NOW, steps).await.unwrap();
        if steps < STEPS.len() {
            // Whoever comes next finds it as it was.
            Store::put_back(store).await.unwrap();
            assert_eq!(std::fs::read(store).unwrap(), b"no database", "after {steps} steps");
            assert_eq!(log(store), "its log", "after {steps} steps");
            let names = std::fs::read_dir(folder_of(store)).unwrap();
            let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            assert!(!names.into_iter().any(|name| name.contains("replaced")), "{steps}");
        } else {
            let aside = placed.aside.unwrap();
            assert_eq!(std::fs::read(&aside).unwrap(), b"no database");
            assert_eq!((log(&aside), log(store)), ("its log".into(), String::new()));
            Store::open(store).await.unwrap().close().await;
        }
    }
}

#[tokio::test]
async fn whoever_opens_a_database_that_was_not_replaced_takes_its_second_name_away() {
    let monday = Monday::new().await;
    let store = &monday.config.store;
    let prepared = monday.prepared(NOW).await;
    let placed = prepared.place_until(&monday.config, NOW, STEPS.len() - 1).await.unwrap();
    let aside = placed.aside.unwrap();
    assert!(aside.exists());
    Store::open(store).await.unwrap().close().await;
    assert!(!aside.exists() && store.exists());
}

#[tokio::test]
async fn what_was_exchanged_while_the_question_waited_is_not_replaced() {
    let monday = Monday::new().await;
    let sound = std::fs::read(&monday.config.store).unwrap();
    // Somebody put the right database back meanwhile.
    let prepared = damaged(&monday).await;
    std::fs::write(&monday.config.store, &sound).unwrap();
    let refused = prepared.place(&monday.config, NOW).await.unwrap_err();
    assert_eq!(refused.code(), Code::RestoreDisturbed);
    assert_eq!(std::fs::read(&monday.config.store).unwrap(), sound);

    // The keys that were said to fit are others now.
    std::fs::remove_file(with_end(&monday.config.store, "-wal")).unwrap();
    let prepared = monday.prepared(NOW).await;
    let key = monday.config.keys.join("publish.key");
    std::fs::write(&key, "11".repeat(32)).unwrap();
    let refused = prepared.place(&monday.config, NOW).await.unwrap_err();
    assert_eq!(refused.code(), Code::RestoreDisturbed);
}
