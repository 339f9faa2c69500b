//! New stores for tests: a file, or a database of PostgreSQL when the tests run beside one.

use std::path::Path;

use tempfile::TempDir;
use wardkey_testkit::TestDatabase;

use super::{Place, Store};

/// What a store of a test is in; removed when dropped.
pub struct Home {
    folder: TempDir,
    database: Option<TestDatabase>,
}

impl Home {
    /// In a new folder.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: TestDatabase::wanted() }
    }

    /// In a file, whatever the tests run beside.
    pub fn of_a_file() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: None }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where PostgreSQL has it.
    pub fn url(&self) -> Option<String> {
        self.database.as_ref().map(TestDatabase::url)
    }

    /// Runs statements in PostgreSQL's database, whose name is that of `DB` in them.
    pub fn run(&self, sql: &str) -> String {
        let database = self.database.as_ref().unwrap();
        database.run(&sql.replace("DATABASE DB", &format!("DATABASE {}", database.name())))
    }

    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        self.database.is_none()
    }

    /// Where the store is.
    pub fn place(&self) -> Place {
        let path = self.folder.path().join("wardkey.db");
        match self.url() {
            None => Place::from(&path),
            Some(url) => Place::at_server(&path, url.parse().unwrap()),
        }
    }

    /// Makes a store in it.
    pub async fn store(&self) -> Store {
        Store::create(self.place()).await.unwrap()
    }
}

/// A new store.
pub async fn new_store() -> (Home, Store) {
    let home = Home::new();
    let store = home.store().await;
    (home, store)
}
