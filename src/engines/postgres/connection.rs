//! One connection to the server, made synchronous: batches of statements, one statement, rows
//! streamed in. Knows nothing of what the statements are for.

use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnection, PgDatabaseError};
use sqlx::{AssertSqlSafe, Connection as _, Either, Executor, Row, ValueRef};
use tokio::runtime::{Builder, Runtime};

use super::connect::ConnInfo;
use crate::error::{Error, Kind, Result};
use crate::fault;

/// How long the end of a connection may take; after that it is simply let go.
const FAREWELL: Duration = Duration::from_secs(1);

/// The rows that one statement gave; every value as the server's own text for it.
pub(super) type Set = Vec<Vec<Option<String>>>;

/// A connection with the runtime that drives it.
pub(super) struct Connection {
    runtime: Runtime,
    /// Only empty while it is being dropped.
    inner: Option<PgConnection>,
}

impl Connection {
    /// Opens a connection in one attempt.
    pub(super) fn open(target: &ConnInfo) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| {
            Error::new(Kind::Failed, "no event loop could be made").because(cause)
        })?;
        let inner = Some(runtime.block_on(target.connect())?);
        Ok(Self { runtime, inner })
    }

    /// Runs statements in one round trip; gives one set per statement.
    pub(super) fn batch(&mut self, sql: impl Into<String>) -> Result<Vec<Set>> {
        self.point("server: before statements")?;
        let inner = self.inner.as_mut().ok_or_else(closed)?;
        let run = async {
            let mut answers = sqlx::raw_sql(AssertSqlSafe(sql.into())).fetch_many(inner);
            let (mut sets, mut rows) = (Vec::new(), Set::new());
            while let Some(answer) = answers.try_next().await? {
                match answer {
                    Either::Left(_) => sets.push(std::mem::take(&mut rows)),
                    Either::Right(row) => rows.push(texts(&row)?),
                }
            }
            Ok(sets)
        };
        let sets = self.runtime.block_on(run).map_err(|error: sqlx::Error| refusal(&error))?;
        self.point("server: after statements")?;
        Ok(sets)
    }

    /// Runs exactly one statement; the server refuses two. Returns the number of rows it touched.
    pub(super) fn execute(&mut self, sql: &str) -> Result<u64> {
        self.point("server: before a change")?;
        let inner = self.inner.as_mut().ok_or_else(closed)?;
        let query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false);
        let done = self.runtime.block_on(inner.execute(query)).map_err(|error| refusal(&error))?;
        self.point("server: after a change")?;
        Ok(done.rows_affected())
    }

    /// Runs a `COPY ... FROM stdin` and feeds it what `fill` puts into the buffer, until that
    /// puts nothing there. Returns the number of rows.
    pub(super) fn copy_in(
        &mut self,
        copy: &str,
        fill: &mut dyn FnMut(&mut Vec<u8>) -> Result<()>,
    ) -> Result<u64> {
        self.point("server: before rows")?;
        let inner = self.inner.as_mut().ok_or_else(closed)?;
        self.runtime.block_on(async {
            let mut sink = inner.copy_in_raw(copy).await.map_err(|error| refusal(&error))?;
            let mut buffer = Vec::new();
            loop {
                buffer.clear();
                if let Err(error) = fill(&mut buffer) {
                    // The server confirms that it forgot the rows; the reader's error matters more.
                    let _ = sink.abort("the rows could not be read").await;
                    return Err(error);
                }
                if buffer.is_empty() {
                    return sink.finish().await.map_err(|error| refusal(&error));
                }
                sink.send(buffer.as_slice()).await.map_err(|error| refusal(&error))?;
            }
        })
    }

    /// A point at which the connection may be lost: the server forgets what was not committed.
    fn point(&mut self, what: &str) -> Result<()> {
        fault::point(what).map_err(|error| {
            self.inner = None;
            refusal(&sqlx::Error::Io(error))
        })
    }

    /// Lets time pass.
    pub(super) fn pause(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            // A connection that cannot say good-bye is gone all the same.
            let _ = self
                .runtime
                .block_on(async { tokio::time::timeout(FAREWELL, inner.close()).await });
        }
    }
}

fn closed() -> Error {
    Error::new(Kind::Unreachable, "the connection to the database is closed")
}

fn texts(row: &sqlx::postgres::PgRow) -> Result<Vec<Option<String>>, sqlx::Error> {
    let mut texts = Vec::with_capacity(row.len());
    for index in 0..row.len() {
        let value = row.try_get_raw(index)?;
        let text = if value.is_null() {
            None
        } else {
            Some(value.as_str().map_err(sqlx::Error::Decode)?.to_owned())
        };
        texts.push(text);
    }
    Ok(texts)
}

/// The server's no in our words. Lock trouble may pass; nothing else does.
fn refusal(error: &sqlx::Error) -> Error {
    let sqlx::Error::Database(database) = error else {
        return match error {
            sqlx::Error::Io(_) => {
                Error::new(Kind::Unreachable, "the connection to the database was lost")
            }
            _ => Error::new(Kind::Failed, "the database gave an answer that cannot be read"),
        }
        .because(error);
    };
    let code = database.code();
    let told = match code.as_deref() {
        Some("55P03" | "40P01" | "40001") => {
            Error::new(Kind::Locked, "another session of the database holds a lock that is needed")
                .transient()
        }
        Some("57P01" | "57P02" | "57P03" | "25P03" | "57P05") => {
            Error::new(Kind::Unreachable, "the database server ended the connection")
        }
        Some("53100") => Error::new(Kind::Failed, "the database server's disk is full"),
        Some("42501") => Error::new(Kind::Failed, "the database refuses this role a statement"),
        _ => Error::new(Kind::Failed, "the database refuses a statement"),
    }
    .because(database.message());
    let details = database.try_downcast_ref::<PgDatabaseError>();
    let told = match details.and_then(PgDatabaseError::detail) {
        Some(detail) => told.because(detail),
        None => told,
    };
    match code.as_deref() {
        Some("57014") => told.hint("the statement ran into a time limit, or somebody cancelled it"),
        Some("53200") => told.hint("the server may need a larger `max_locks_per_transaction`"),
        _ => told,
    }
}
