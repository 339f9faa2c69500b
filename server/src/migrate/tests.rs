//! A move that is killed at each point, and done again. These tests need PostgreSQL:
//! `tests/postgresql/run`.

use wardkey_testkit::TestDatabase;

use super::*;
use crate::admin::init;
use crate::admin::testing::{config_in, new_deployment};
use crate::store::{Place, setting};

const NOW: UnixTime = UnixTime(1_800_000_000);

/// A deployment in a file, and an empty database of PostgreSQL.
struct Ward {
    _folder: tempfile::TempDir,
    config: Config,
    database: TestDatabase,
    to: Address,
    actor: Actor,
}

impl Ward {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { database: None, ..config_in(folder.path()) };
        init::create(&config, &new_deployment(), &Actor::server(), NOW).await.unwrap();
        let database = TestDatabase::wanted().expect("run by tests/postgresql/run");
        let to: Address = database.url().parse().unwrap();
        Self { _folder: folder, config, database, to, actor: Actor::server() }
    }

    fn asked(&self) -> Asked<'_> {
        Asked { to: &self.to, actor: &self.actor, now: NOW, reason: Some("two servers") }
    }

    async fn migrate(&self) -> Result<Moved> {
        migrate(&self.config, &self.asked(), &mut |_| {}).await
    }

    /// Opens the file as a server does.
    async fn before(&self) -> Result<Store> {
        Store::open(&self.config.store).await
    }

    /// Opens the database as a server does.
    async fn after(&self) -> Result<Store> {
        Store::open(Place::at_server(&self.config.store, self.to.clone())).await
    }

    /// Only what is served from says what happened.
    async fn is_moved(&self) {
        assert_eq!(self.before().await.unwrap_err().code(), Code::StoreMoved);
        let store = self.after().await.unwrap();
        let mut tx = store.read().await.unwrap();
        audit::verify(&mut tx).await.unwrap();
        let last = audit::last(&mut tx).await.unwrap().unwrap();
        assert_eq!(
            (last.action.as_str(), last.reason.as_deref()),
            ("migrate", Some("two servers"))
        );
        assert_eq!(last.object, self.to.to_string());
        setting::roots(&mut tx).await.unwrap();
        drop(tx);
        store.close().await;
    }

    async fn is_not_moved(&self) {
        let store = self.before().await.unwrap();
        let last = audit::last(&mut store.read().await.unwrap()).await.unwrap().unwrap();
        assert_eq!(last.action, "init");
        store.close().await;
    }

    /// Both databases, as a move has them open.
    async fn both(&self) -> (Store, Store) {
        let from = Store::open_to_move(&self.config.store).await.unwrap();
        let to = Store::open_to_fill(from.path(), &self.to).await.unwrap();
        (from, to)
    }
}

/// What is left when a move is killed once the file has its first word.
async fn leaves(from: &Store, asked: &Asked<'_>, tables: &[Copied]) {
    let mut tx = from.write().await.unwrap();
    record(&mut tx, asked, tables).await.unwrap();
    moving::mark_moved(&mut tx, asked.to).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_deployment_is_moved_once_and_the_file_says_where_it_is() {
    let ward = Ward::new().await;
    ward.is_not_moved().await;
    let moved = ward.migrate().await.unwrap();
    assert!(moved.rows > 3 && moved.tables.len() > 30, "{moved:?}");
    ward.is_moved().await;
    let said = ward.before().await.unwrap_err().to_string();
    assert!(said.contains(&ward.to.to_string()), "{said}");

    // Whoever asks again is told that it is done; elsewhere it does not go.
    assert_eq!(ward.migrate().await.unwrap().rows, 0);
    let other = TestDatabase::wanted().unwrap();
    let to = other.url().parse().unwrap();
    let again = migrate(&ward.config, &Asked { to: &to, ..ward.asked() }, &mut |_| {}).await;
    assert_eq!(again.unwrap_err().code(), Code::StoreMoved);
    ward.is_moved().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_is_killed_while_it_copies_leaves_the_deployment_and_an_empty_database() {
    let ward = Ward::new().await;
    for table in ["setting", "scope", "audit"] {
        let config = ward.config.clone();
        let (to, actor) = (ward.to.clone(), Actor::server());
        // On this thread: what is killed there ends there.
        let here = tokio::task::LocalSet::new();
        let killed = here.spawn_local(async move {
            let asked = Asked { to: &to, actor: &actor, now: NOW, reason: None };
            let mut progress = |at: Progress<'_>| assert_ne!(at.table, table, "killed");
            migrate(&config, &asked, &mut progress).await
        });
        assert!(here.run_until(killed).await.unwrap_err().is_panic());
        drop(here);
        ward.is_not_moved().await;
        let rows = "SELECT (SELECT count(*) FROM setting) + (SELECT count(*) FROM scope)
            + (SELECT count(*) FROM root) + (SELECT count(*) FROM audit)";
        assert_eq!(ward.database.run(rows), "0");
    }
    ward.migrate().await.unwrap();
    ward.is_moved().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_is_killed_between_the_commits_is_never_two_deployments_and_is_done_again() {
    let ward = Ward::new().await;
    // All of it is there, and the file does not say so yet.
    let (from, to) = ward.both().await;
    arrive(&from, &to, &ward.asked(), false, &mut |_| {}).await.unwrap();
    from.close().await;
    to.close().await;
    ward.is_not_moved().await;
    assert_eq!(ward.after().await.unwrap_err().code(), Code::MoveUnfinished);
    // The file goes on; what it has since goes along, and what happened in the copy did not.
    let store = ward.before().await.unwrap();
    let mut tx = store.write().await.unwrap();
    audit::record(&mut tx, NOW, &Actor::server(), Act::new("test", "since")).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;

    // Killed again, behind the file's own word.
    let (from, to) = ward.both().await;
    let tables = arrive(&from, &to, &ward.asked(), false, &mut |_| {}).await.unwrap();
    leaves(&from, &ward.asked(), &tables).await;
    from.close().await;
    to.close().await;
    assert_eq!(ward.before().await.unwrap_err().code(), Code::MoveUnfinished);
    assert_eq!(ward.after().await.unwrap_err().code(), Code::MoveUnfinished);

    let moved = ward.migrate().await.unwrap();
    assert_eq!((moved.rows, moved.tables.len()), (0, 0), "only the end was left");
    ward.is_moved().await;
    assert_eq!(ward.database.run("SELECT count(*) FROM audit WHERE object = 'since'"), "1");
    // What happened can be changed no more than before.
    let refused = ward.database.try_running("DELETE FROM audit").unwrap_err();
    assert!(refused.contains("the audit trail is not"), "{refused}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn nobody_changes_anything_while_it_is_moved() {
    let ward = Ward::new().await;
    let (from, to) = ward.both().await;
    // A command that waits for the end finds what the file says then.
    let moves = async {
        let tables = arrive(&from, &to, &ward.asked(), false, &mut |_| {}).await.unwrap();
        leaves(&from, &ward.asked(), &tables).await;
        from.close().await;
    };
    let (waited, ()) = tokio::join!(Store::open(&ward.config.store), moves);
    assert_eq!(waited.unwrap_err().code(), Code::MoveUnfinished);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_was_lost_before_anybody_was_served_from_it_is_moved_again_and_later_not() {
    let ward = Ward::new().await;
    let emptied = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
    let (from, to) = ward.both().await;
    let tables = arrive(&from, &to, &ward.asked(), false, &mut |_| {}).await.unwrap();
    leaves(&from, &ward.asked(), &tables).await;
    from.close().await;
    to.close().await;
    ward.database.run(emptied);
    let moved = ward.migrate().await.unwrap();
    assert!(moved.rows > 3, "{moved:?}");
    ward.is_moved().await;
    assert_eq!(ward.database.run("SELECT count(*) FROM setting WHERE name = 'moved_to'"), "0");

    // It was served from there: what the file has is of before.
    ward.database.run(emptied);
    assert_eq!(ward.migrate().await.unwrap_err().code(), Code::StoreMoved);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_file_says_that_there_is_no_way_back_before_anybody_is_served_from_there() {
    let ward = Ward::new().await;
    let (from, to) = ward.both().await;
    let tables = arrive(&from, &to, &ward.asked(), false, &mut |_| {}).await.unwrap();
    leaves(&from, &ward.asked(), &tables).await;
    // Killed before its last commit there.
    ward.database.run(
        "CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE 'kept'; END $$;
         CREATE TRIGGER kept BEFORE DELETE ON setting FOR EACH ROW EXECUTE FUNCTION kept()",
    );
    let said = Said { told: true, settled: false };
    leave(&from, &to, &ward.asked(), &said, &[]).await.unwrap_err();
    assert!(moving::is_settled(&mut from.read().await.unwrap()).await.unwrap());
    from.close().await;
    to.close().await;
    assert_eq!(ward.after().await.unwrap_err().code(), Code::MoveUnfinished);

    // The same command says it there.
    ward.database.run("DROP TRIGGER kept ON setting");
    assert_eq!(ward.migrate().await.unwrap().rows, 0);
    ward.is_moved().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_older_version_finishes_no_move_of_a_newer_one_and_a_newer_one_makes_no_room() {
    let ward = Ward::new().await;
    let (from, to) = ward.both().await;
    arrive(&from, &to, &ward.asked(), false, &mut |_| {}).await.unwrap();
    from.close().await;
    to.close().await;
    let newest = "(SELECT max(version) FROM _sqlx_migrations)";
    let newer = format!("UPDATE _sqlx_migrations SET version = 9000 WHERE version = {newest}");
    let there = "SELECT (SELECT count(*) FROM audit), max(version) FROM _sqlx_migrations";
    // A newer version has begun it: it is not filled anew by this one.
    let step = ward.database.run("SELECT max(version) FROM _sqlx_migrations");
    ward.database.run(&newer);
    let before = ward.database.run(there);
    let refused = ward.migrate().await.unwrap_err();
    assert!(matches!(refused, Error::Migration(_)), "{refused}");
    assert_eq!(ward.database.run(there), before);
    ward.is_not_moved().await;

    // Of this version it is finished; from then on nobody is told to take another database.
    let same = format!("UPDATE _sqlx_migrations SET version = {step} WHERE version = 9000");
    ward.database.run(&same);
    ward.migrate().await.unwrap();
    ward.is_moved().await;
    ward.database.run(&newer);
    assert_eq!(ward.migrate().await.unwrap_err().code(), Code::StoreMoved);
    ward.database.run(&same);
    ward.is_moved().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_another_deployment_has_begun_to_move_is_not_emptied() {
    let (ward, other) = (Ward::new().await, Ward::new().await);
    let (from, to) = ward.both().await;
    arrive(&from, &to, &ward.asked(), false, &mut |_| {}).await.unwrap();
    from.close().await;
    to.close().await;
    let asked = Asked { to: &ward.to, ..other.asked() };
    let refused = migrate(&other.config, &asked, &mut |_| {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::MoveTarget, "{refused}");
    // Nor what a copy of this one began that has gone on by itself.
    let row = |chain: &str| format!("UPDATE setting SET value = {chain} WHERE name = 'arriving'");
    ward.database.run(&row("overlay(value placing 'zz' from length(value) - 1)"));
    let refused = ward.migrate().await.unwrap_err();
    assert_eq!(refused.code(), Code::MoveTarget, "{refused}");
    let last = ward.database.run("SELECT encode(chain, 'hex') FROM audit WHERE seq = 1");
    ward.database.run(&row(&format!("regexp_replace(value, '[^ ]+$', '{last}')")));
    ward.migrate().await.unwrap();
    ward.is_moved().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn who_opened_the_database_before_neither_serves_from_it_nor_writes_into_it() {
    let ward = Ward::new().await;
    // Of another machine, or a command of this one.
    let early = ward.after().await.unwrap();
    let (from, to) = ward.both().await;

    // A server of another machine that runs over it keeps it.
    let watcher = early.watcher().await.unwrap();
    let kept = arrive(&from, &to, &ward.asked(), false, &mut |_| {}).await.unwrap_err();
    assert_eq!(kept.code(), Code::DatabaseTaken, "{kept}");
    watcher.close().await;

    let tables = arrive(&from, &to, &ward.asked(), false, &mut |_| {}).await.unwrap();
    let refused = early.watcher().await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), Code::MoveUnfinished, "{refused}");
    let refused = early.write().await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), Code::MoveUnfinished, "{refused}");

    // What wrote there all the same, or an older state of it, keeps nobody from the deployment.
    let mut tx = to.write().await.unwrap();
    audit::record(&mut tx, NOW, &Actor::server(), Act::new("test", "stray")).await.unwrap();
    tx.commit().await.unwrap();
    let said = Said { told: false, settled: false };
    let refused = leave(&from, &to, &ward.asked(), &said, &tables).await.unwrap_err();
    assert_eq!(refused.code(), Code::StoreMoved, "{refused}");
    from.close().await;
    to.close().await;
    ward.is_not_moved().await;

    let (from, to) = ward.both().await;
    leaves(&from, &ward.asked(), &tables).await;
    from.close().await;
    to.close().await;
    assert!(ward.migrate().await.unwrap().rows > 3, "copied again");
    ward.is_moved().await;
    assert_eq!(ward.database.run("SELECT count(*) FROM audit WHERE object = 'stray'"), "0");
    early.write().await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_was_never_served_from_a_database_that_is_gone_moves_to_another_one() {
    let ward = Ward::new().await;
    let (from, to) = ward.both().await;
    let tables = arrive(&from, &to, &ward.asked(), false, &mut |_| {}).await.unwrap();
    leaves(&from, &ward.asked(), &tables).await;
    from.close().await;
    to.close().await;

    let other = TestDatabase::wanted().unwrap();
    let ward = Ward { to: other.url().parse().unwrap(), database: other, ..ward };
    assert!(ward.migrate().await.unwrap().rows > 3);
    ward.is_moved().await;
}
