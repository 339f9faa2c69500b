//! A database whose deployment is moved to another one.

use std::path::Path;
use std::sync::Arc;

use sqlx::Row as _;

use super::in_use::{InUse, Use};
use super::{Database, Moved, Transaction, sidecar};
use crate::error::{Error, Result};
use crate::store::moved::Shape;
use crate::texts::Text;

impl Database {
    /// Opens it while nobody else has it open, nor can open it; also one whose deployment was
    /// moved.
    ///
    /// # Errors
    /// Those of [`Self::open`], and that of a lock when somebody has it open for longer than ten
    /// seconds.
    pub async fn open_alone(path: &Path) -> Result<Self> {
        let in_use = InUse::take(path, Use::Alone).await?;
        sidecar::put_back(path).map_err(Error::at_file(Text::PuttingBack, path))?;
        Self::open_held(path, in_use.map(Arc::new), Moved::Taken).await
    }
}

impl Transaction {
    /// Every table that is ours.
    pub async fn shapes(&mut self) -> Result<Vec<Shape>> {
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'table'
                 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> '_sqlx_migrations'
             ORDER BY name",
        )
        .fetch_all(&mut *self.0)
        .await?;

        let mut shapes = Vec::with_capacity(names.len());
        for name in names {
            let refers: Vec<String> =
                sqlx::query_scalar("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)")
                    .bind(&name)
                    .fetch_all(&mut *self.0)
                    .await?;
            let mut shape = Shape { name, columns: vec![], key: vec![], refers };
            let rows = sqlx::query("SELECT name, pk FROM pragma_table_info($1) ORDER BY cid")
                .bind(&shape.name)
                .fetch_all(&mut *self.0)
                .await?;
            let mut key = Vec::new();
            for row in rows {
                let (column, place): (String, i64) = (row.try_get("name")?, row.try_get("pk")?);
                if place > 0 {
                    key.push((place, column.clone()));
                }
                shape.columns.push(column);
            }
            key.sort();
            shape.key = key.into_iter().map(|(_, column)| column).collect();
            shapes.push(shape);
        }
        Ok(shapes)
    }
}
