//! Databases of the PostgreSQL beside which the tests run (`tests/postgresql/with`), one per test.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// An empty database; gone when dropped.
#[derive(Debug)]
pub struct TestDatabase {
    folder: String,
    name: String,
}

impl TestDatabase {
    /// A new one, when the tests are to be run over PostgreSQL.
    pub fn wanted() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = std::env::var("WARDKEY_TEST_POSTGRESQL").ok()?;
        let (process, number) = (std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        // A number of a process comes again.
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let name = format!("test_{process}_{number}_{time}");
        let database = Self { folder, name };
        database.ask("postgres", &format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("postgresql:///{}?host={}&user=wardkey", self.name, self.folder)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements in it; what `psql` printed.
    pub fn run(&self, sql: &str) -> String {
        self.ask(&self.name, sql)
    }

    /// The same of one that may be refused; what is said then.
    pub fn try_running(&self, sql: &str) -> Result<String, String> {
        self.psql(&self.name, sql)
    }

    fn ask(&self, database: &str, sql: &str) -> String {
        self.psql(database, sql).unwrap_or_else(|said| panic!("{sql}: {said}"))
    }

    fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let bin = PathBuf::from(std::env::var("WARDKEY_TEST_POSTGRESQL_BIN").unwrap());
        let mut psql = Command::new(bin.join("psql"));
        psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "wardkey", "-h", &self.folder]);
        let output = psql.args(["-d", database, "-c", sql]).output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A server that the test has left running goes on without it.
        self.ask("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
