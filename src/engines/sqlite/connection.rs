//! One open SQLite file: statements in, typed rows out. Knows nothing of tables or plans.
//!
//! The driver is asynchronous and keeps a thread per connection; both are hidden here. Values
//! come with their storage class, because to SQLite `1`, `'1'` and `1.0` are three values.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use sqlx::sqlite::{
    LockedSqliteHandle, Sqlite, SqliteConnectOptions, SqliteConnection, SqliteRow, SqliteValueRef,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Decode, Row as _, TypeInfo, ValueRef};
use tokio::runtime::{Builder, Runtime};

use crate::engines::sqlite::failure;
use crate::error::{Error, Kind, Result};
use crate::fault;

/// How long one statement waits for somebody else's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// Memory for the changed pages of a transaction, in KiB, spelled as SQLite wants it.
const CACHE_KIB: &str = "-32768";

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenMode {
    /// The live database, to be read. Makes no file beside it unless it is in WAL mode.
    Look,
    /// A private copy that may still have to recover from its journal before it is read.
    Private,
    /// A finished file of ours that nobody writes: read without locks.
    Sealed,
    /// The live database, to be changed.
    ///
    /// Foreign keys are not enforced: a drop would otherwise delete the table's rows one by one
    /// and act on those that refer to them. What that leaves dangling is checked before a commit.
    /// `synchronous = EXTRA` makes a commit durable when it returns, also in rollback mode.
    /// With a large cache, others can read until the commit: what does not fit is written at once,
    /// under a lock that keeps them out.
    Change,
    /// A new file of ours. It is synced as a whole when it is complete, and removed otherwise.
    New,
}

/// A value with its storage class. Text is bytes, because SQLite does not insist on UTF-8.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SqlValue {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

/// One row of an answer.
#[derive(Clone, Debug)]
pub(super) struct Row(pub(super) Vec<SqlValue>);

/// An open file.
pub(super) struct Connection {
    /// Only `None` while it is being closed.
    inner: Option<SqliteConnection>,
    runtime: Runtime,
    /// What messages call the database.
    name: String,
}

impl Connection {
    /// Opens an existing file. `name` is what messages call it.
    pub(super) fn open(path: &Path, name: &str, way: OpenMode) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            Error::new(Kind::Failed, format!("the database `{name}` cannot be opened"))
                .because(error)
        })?;
        let inner = runtime
            .block_on(options(path, way).connect())
            .map_err(|error| failure::told(name, &error))?;
        Ok(Self { inner: Some(inner), runtime, name: name.to_owned() })
    }

    /// Runs statements; returns how many rows they touched.
    pub(super) fn run(&mut self, sql: &str) -> Result<u64> {
        let (inner, runtime, name) = self.parts()?;
        point(name, "file: before statements")?;
        let done = runtime.block_on(sqlx::raw_sql(AssertSqlSafe(sql)).execute(inner));
        let rows = done
            .map(|result| result.rows_affected())
            .map_err(|error| failure::told(name, &error))?;
        point(name, "file: after statements")?;
        Ok(rows)
    }

    /// Runs one statement with its parameters.
    pub(super) fn run_with(&mut self, sql: &str, values: &[SqlValue]) -> Result<()> {
        let (inner, runtime, name) = self.parts()?;
        point(name, "file: before rows")?;
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in values {
            query = match value {
                SqlValue::Null => query.bind(None::<i64>),
                SqlValue::Integer(number) => query.bind(*number),
                SqlValue::Real(number) => query.bind(*number),
                SqlValue::Text(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => query.bind(text),
                    Err(_) => query.bind(bytes.as_slice()),
                },
                SqlValue::Blob(bytes) => query.bind(bytes.as_slice()),
            };
        }
        runtime
            .block_on(query.execute(inner))
            .map(|_| ())
            .map_err(|error| failure::told(name, &error))
    }

    /// RunContext every row of an answer to `take`, one at a time.
    pub(super) fn each(
        &mut self,
        sql: &str,
        mut take: impl FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        let (inner, runtime, name) = self.parts()?;
        let mut rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch(inner);
        while let Some(row) = runtime.block_on(rows.next()) {
            take(read(&row.map_err(|error| failure::told(name, &error))?)?)?;
        }
        Ok(())
    }

    /// All rows of an answer that is known to be short.
    pub(super) fn rows(&mut self, sql: &str) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.each(sql, |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first value of the first row, as a number; 0 where there is none.
    pub(super) fn number(&mut self, sql: &str) -> Result<i64> {
        Ok(self.rows(sql)?.first().map_or(0, |row| row.integer(0)))
    }

    /// SQLite's own handle, taken away from the driver's thread while the guard lives.
    pub(super) fn handle(&mut self) -> Result<LockedSqliteHandle<'_>> {
        let (inner, runtime, name) = self.parts()?;
        runtime.block_on(inner.lock_handle()).map_err(|error| failure::told(name, &error))
    }

    /// What messages call the database.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn parts(&mut self) -> Result<(&mut SqliteConnection, &Runtime, &str)> {
        let closed = || Error::new(Kind::Failed, format!("the database `{}` is closed", self.name));
        let inner = self.inner.as_mut().ok_or_else(closed)?;
        Ok((inner, &self.runtime, &self.name))
    }
}

impl Drop for Connection {
    /// Waits until the file is closed, so that whoever owns it can remove or unlock it next.
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            // The driver reports nothing but that its thread is gone, and then the file is closed
            // too.
            let _ = self.runtime.block_on(inner.close());
        }
    }
}

fn point(name: &str, what: &str) -> Result<()> {
    fault::point(what).map_err(|error| failure::told(name, &sqlx::Error::Io(error)))
}

fn options(path: &Path, way: OpenMode) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(false)
        .read_only(matches!(way, OpenMode::Look | OpenMode::Sealed))
        .immutable(way == OpenMode::Sealed)
        .disable_statement_logging();
    match way {
        OpenMode::Look | OpenMode::Sealed => wary(options),
        OpenMode::Private => wary(options).pragma("query_only", "ON"),
        OpenMode::Change => options.pragma("cache_size", CACHE_KIB).pragma("synchronous", "EXTRA"),
        OpenMode::New => options
            .pragma("journal_mode", "OFF")
            .pragma("synchronous", "OFF")
            .pragma("ignore_check_constraints", "ON"),
    }
}

/// A schema made by others must not make us call functions that do more than compute, and
/// damage is to be noticed when a page is read, not guessed around.
fn wary(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.pragma("trusted_schema", "OFF").pragma("cell_size_check", "ON")
}

fn read(row: &SqliteRow) -> Result<Row> {
    (0..row.len())
        .map(|index| row.try_get_raw(index).map_err(Into::into).and_then(value))
        .collect::<Result<_, sqlx::error::BoxDynError>>()
        .map(Row)
        .map_err(|error| {
            Error::new(Kind::Failed, "a row of SQLite could not be read").because(error)
        })
}

fn value(raw: SqliteValueRef<'_>) -> Result<SqlValue, sqlx::error::BoxDynError> {
    if raw.is_null() {
        return Ok(SqlValue::Null);
    }
    // The storage class: the declared type only shows where the value is null.
    let class = raw.type_info().name().to_owned();
    Ok(match class.as_str() {
        "INTEGER" => SqlValue::Integer(<i64 as Decode<Sqlite>>::decode(raw)?),
        "REAL" => SqlValue::Real(<f64 as Decode<Sqlite>>::decode(raw)?),
        "TEXT" => SqlValue::Text(<Vec<u8> as Decode<Sqlite>>::decode(raw)?),
        _ => SqlValue::Blob(<Vec<u8> as Decode<Sqlite>>::decode(raw)?),
    })
}

impl SqlValue {
    /// How many bytes it takes, about.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Integer(_) | Self::Real(_) => 8,
            Self::Text(bytes) | Self::Blob(bytes) => bytes.len(),
        }
    }

    /// A text that SQLite itself wrote or that a person reads; empty for null.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(bytes) | Self::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

impl Row {
    /// The text in a column; empty for null.
    pub(super) fn text(&self, index: usize) -> String {
        self.0.get(index).map(SqlValue::to_text).unwrap_or_default()
    }

    /// The text in a column, or `None` for null.
    pub(super) fn optional(&self, index: usize) -> Option<String> {
        self.0.get(index).filter(|value| **value != SqlValue::Null).map(SqlValue::to_text)
    }

    /// The number in a column; 0 for anything else.
    pub(super) fn integer(&self, index: usize) -> i64 {
        match self.0.get(index) {
            Some(SqlValue::Integer(number)) => *number,
            _ => 0,
        }
    }
}

/// A text as a SQL literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
