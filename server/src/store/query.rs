//! Statements, and rows that are read by name.
//!
//! A statement is text of the program with parameters `$1`, `$2` and so on, which every database
//! takes; what varies is a value. Nothing here knows which database answers: that is the
//! transaction's part.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use wardkey_core::name::ScopeName;

use super::database::{self, Transaction};
use super::value::{Column, Value};
use crate::error::{Error, Result};

/// An open transaction, on which statements run.
pub struct Db {
    pub(super) driver: Transaction,
}

#[cfg(test)]
thread_local! {
    static STATEMENTS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Statements that this thread has run.
#[cfg(test)]
pub fn statements() -> u64 {
    STATEMENTS.get()
}

impl Db {
    async fn execute(&mut self, query: Query) -> Result<u64> {
        #[cfg(test)]
        STATEMENTS.set(STATEMENTS.get() + 1);
        Ok(self.driver.execute(query.sql, query.values).await?)
    }

    /// How many bytes the database takes; `path` is the file of the store.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn bytes(&mut self, path: &Path) -> Result<u64> {
        self.driver.bytes(path).await
    }

    async fn fetch(&mut self, query: Query) -> Result<Vec<database::Row>> {
        #[cfg(test)]
        STATEMENTS.set(STATEMENTS.get() + 1);
        Ok(self.driver.fetch(query.sql, query.values).await?)
    }
}

/// A row of an answer.
pub struct Row(database::Row);

impl Row {
    /// The column of this name.
    ///
    /// # Errors
    /// [`Error::Store`] when the statement has no such column; [`Error::Damaged`] when it does not
    /// fit.
    pub fn get<T: Column>(&self, name: &'static str) -> Result<T> {
        T::from_value(self.0.value(name)?)
            .map_err(|problem| Error::damaged(format!("{name} ({problem})")))
    }
}

/// What a row becomes.
pub trait FromRow: Sized {
    /// Reads the columns by their names.
    ///
    /// # Errors
    /// As of [`Row::get`].
    fn from_row(row: &Row) -> Result<Self>;
}

/// Values of one list or rows; more of them are several statements: SQLite looks for each numbered
/// parameter in a list of all of them, so many short statements are quicker than a long one.
pub const LISTED_AT_ONCE: usize = 100;

/// A statement with its values.
pub struct Query {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

/// A statement.
pub const fn query(sql: &'static str) -> Query {
    Query { sql: Cow::Borrowed(sql), values: Vec::new() }
}

impl Query {
    /// A statement that a test has put together.
    #[cfg(test)]
    pub(super) const fn of_test(sql: String) -> Self {
        Self { sql: Cow::Owned(sql), values: Vec::new() }
    }

    /// Goes on with this text.
    pub fn then(mut self, sql: &'static str) -> Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    /// Binds the next parameter.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds the next parameters.
    pub fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }

    /// Appends `($n, $n+1, ...)` and binds the values to it: a list for IN, or a row for VALUES. An
    /// empty list is one that nothing is in.
    pub fn list<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        let before = self.values.len();
        self.values.extend(values.into_iter().map(Into::into));
        let places: Vec<String> =
            (before + 1..=self.values.len()).map(|number| format!("${number}")).collect();
        let places = if places.is_empty() { "NULL".to_owned() } else { places.join(", ") };
        let sql = self.sql.to_mut();
        sql.push('(');
        sql.push_str(&places);
        sql.push(')');
        self
    }

    /// Appends several rows for VALUES.
    pub fn rows<R: IntoIterator<Item = Value>>(
        mut self,
        rows: impl IntoIterator<Item = R>,
    ) -> Self {
        for (number, row) in rows.into_iter().enumerate() {
            if number > 0 {
                self = self.then(", ");
            }
            self = self.list(row);
        }
        self
    }

    /// Goes on with a condition that some scopes have to meet: `begins`, the list of them, and the
    /// end of the parenthesis. Nothing where no scopes are given. It binds them: what stands before
    /// and after it names parameters that are bound already.
    pub fn within(self, scopes: Option<&BTreeSet<ScopeName>>, begins: &'static str) -> Self {
        match scopes {
            None => self,
            Some(scopes) => self.then(begins).list(scopes).then(")"),
        }
    }

    /// Text and values, for the driver.
    pub(super) fn into_parts(self) -> (Cow<'static, str>, Vec<Value>) {
        (self.sql, self.values)
    }

    /// Runs it; the number of rows that it changed.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn execute(self, db: &mut Db) -> Result<u64> {
        db.execute(self).await
    }

    /// All rows.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Damaged`].
    pub async fn all<T: FromRow>(self, db: &mut Db) -> Result<Vec<T>> {
        let rows = db.fetch(self).await?;
        rows.into_iter().map(|row| T::from_row(&Row(row))).collect()
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Damaged`].
    pub async fn optional<T: FromRow>(self, db: &mut Db) -> Result<Option<T>> {
        let rows = db.fetch(self).await?;
        rows.into_iter().next().map(|row| T::from_row(&Row(row))).transpose()
    }

    /// The first row, which must be there.
    ///
    /// # Errors
    /// [`Error::Store`], also when there is none; [`Error::Damaged`].
    pub async fn one<T: FromRow>(self, db: &mut Db) -> Result<T> {
        self.optional(db).await?.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }
}

/// A row of one column.
pub struct Only<T>(pub T);

impl<T: Column> FromRow for Only<T> {
    fn from_row(row: &Row) -> Result<Self> {
        T::from_value(row.0.only()?).map(Self).map_err(Error::damaged)
    }
}

/// Whether a row of this key is there already.
pub fn is_taken(error: &Error) -> bool {
    matches!(error, Error::Store(sqlx::Error::Database(error)) if error.is_unique_violation())
}

/// Whether a row refers to one that is not there.
pub fn is_missing_reference(error: &Error) -> bool {
    matches!(error, Error::Store(sqlx::Error::Database(error)) if error.is_foreign_key_violation())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_rows_number_their_parameters_on() {
        let built = query("SELECT a FROM b WHERE c = $1 AND d IN ").bind(7i64).list(["x", "y"]);
        assert_eq!(built.sql, "SELECT a FROM b WHERE c = $1 AND d IN ($2, $3)");
        assert_eq!(built.values, [Value::Integer(7), "x".into(), "y".into()]);
        let built = query("INSERT INTO a (b, c) VALUES ")
            .rows([[1i64.into(), "x".into()], [2i64.into(), "y".into()]]);
        assert_eq!(built.sql, "INSERT INTO a (b, c) VALUES ($1, $2), ($3, $4)");
        assert_eq!(
            query("SELECT a FROM b WHERE c IN ").list([0i64; 0]).sql,
            "SELECT a FROM b WHERE c IN (NULL)"
        );
        assert_eq!(built.then(" ON CONFLICT DO NOTHING").sql.rsplit(' ').next(), Some("NOTHING"));
    }

    #[test]
    fn scopes_are_a_condition_where_they_are_given_and_none_of_them_is_no_row() {
        let of = |scopes: Option<&[&str]>| {
            let scopes = scopes.map(|names| {
                names.iter().map(|name| ScopeName::new(*name).unwrap()).collect::<BTreeSet<_>>()
            });
            let built = query("SELECT a FROM b WHERE c = $1")
                .bind(7i64)
                .within(scopes.as_ref(), " AND (d IN ")
                .then(" LIMIT $1");
            (built.sql.into_owned(), built.values.len())
        };
        assert_eq!(of(None), ("SELECT a FROM b WHERE c = $1 LIMIT $1".into(), 1));
        assert_eq!(
            of(Some(&["er", "icu"])),
            ("SELECT a FROM b WHERE c = $1 AND (d IN ($2, $3)) LIMIT $1".into(), 3)
        );
        assert_eq!(
            of(Some(&[])),
            ("SELECT a FROM b WHERE c = $1 AND (d IN (NULL)) LIMIT $1".into(), 1)
        );
    }
}
