//! The one lock that every run takes on a database: an advisory lock of the server, held by a
//! connection of its own that does nothing else.
//!
//! A pooler that hands out server connections by transaction would let the lock, and every setting,
//! fall into other hands. It is recognised before anything is set or locked.

use std::time::{Duration, Instant};

use super::connect::ConnInfo;
use super::connection::Connection;
use super::connection::Set;
use crate::error::{Error, Kind, Result};

/// The lock's number: `ttplan` as bytes. The server keeps such numbers apart by database.
pub(super) const KEY: i64 = i64::from_be_bytes(*b"\0\0ttplan");

/// How long to wait between two tries; doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The connection that holds the lock.
pub(super) struct RunLock {
    connection: Connection,
    pub(super) pid: String,
    locked: bool,
}

impl RunLock {
    /// Opens the connection beside the main one. Errors: when a pooler stands between.
    pub(super) fn beside(main: &mut Connection, main_pid: &str, target: &ConnInfo) -> Result<Self> {
        let mut connection = Connection::open(target)?;
        let pooled = || {
            Error::new(Kind::Config, "the database is reached through a pooler that shares its connections")
                .because("locks and settings of one transaction would not hold for the next")
                .hint("give a direct connection: TTPLAN_MIGRATION_DATABASE_URL=postgresql://user@host:5432/name")
        };
        let pid = first_text(&connection.batch("SELECT pg_catalog.pg_backend_pid()")?);
        let pid = pid.filter(|pid| pid != main_pid).ok_or_else(pooled)?;
        // While one session sits in a transaction the other has to be served by somebody else; who
        // is not served by one and the same process throughout shares processes with others.
        let inside = first_text(&connection.batch("BEGIN; SELECT pg_catalog.pg_backend_pid()")?);
        let main_now = first_text(&main.batch("SELECT pg_catalog.pg_backend_pid()")?);
        let after = first_text(&connection.batch("SELECT pg_catalog.pg_backend_pid(); COMMIT")?);
        if inside.as_ref() == Some(&pid)
            && after.as_ref() == Some(&pid)
            && main_now.as_deref() == Some(main_pid)
        {
            return Ok(Self { connection, pid, locked: false });
        }
        Err(pooled())
    }

    /// Takes the lock, trying again until `wait` is over; whether it is held then.
    pub(super) fn take(&mut self, wait: Duration) -> Result<bool> {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            if self.locked || self.try_lock()? {
                return Ok(true);
            }
            let left = wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            self.connection.pause(pause.min(left));
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    fn try_lock(&mut self) -> Result<bool> {
        let answer =
            self.connection.batch(format!("SELECT pg_catalog.pg_try_advisory_lock({KEY})"))?;
        self.locked = first_text(&answer).as_deref() == Some("t");
        Ok(self.locked)
    }

    /// Makes sure that a lock once taken is still held: it is while its connection lives.
    pub(super) fn is_well(&mut self) -> Result<()> {
        if !self.locked {
            return Ok(());
        }
        self.connection
            .batch("SELECT 1")
            .map(drop)
            .map_err(|error| error.under("the lock on the database was lost"))
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // The server lets go when it notices that the session ended, a moment later; the next run
        // need not wait for that. Where this fails, that is what happens.
        if self.locked {
            let _ = self.connection.batch(format!("SELECT pg_catalog.pg_advisory_unlock({KEY})"));
        }
    }
}

/// The first value of the first statement that gave rows.
fn first_text(sets: &[Set]) -> Option<String> {
    sets.iter().flatten().next()?.first()?.clone()
}
