//! What SQLite's result codes mean to the person who reads them. One sentence per code, and
//! never a value out of a table.
//!
//! The codes: <https://www.sqlite.org/rescode.html>.

use std::thread::sleep;
use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// How often a call is repeated that met somebody else's lock. Each of them already waits as
/// long as the connection's busy timeout.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const IO: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const NOT_A_DATABASE: i32 = 26;
/// The database file was moved or replaced while it was open.
const MOVED: i32 = READONLY | 4 << 8;

/// Tells an error of the driver about the file `database`.
pub(super) fn told(database: &str, error: &sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(said) => {
            let code = said.code().and_then(|code| code.parse().ok()).unwrap_or_default();
            by_code(database, code, said.message())
        }
        other => Error::new(Kind::Failed, format!("SQLite could not work on `{database}`"))
            .because(other),
    }
}

/// Tells a result code about the file `database`; `said` is SQLite's own text for it.
pub(super) fn by_code(database: &str, code: i32, said: &str) -> Error {
    let error = |kind, message: String| Error::new(kind, message).because(said);
    match (code, code & 0xff) {
        (MOVED, _) => {
            error(Kind::Stale, format!("`{database}` was moved or replaced while it was open"))
                .hint("stop the application, then run the command again")
        }
        (_, BUSY | LOCKED) => error(
            Kind::Locked,
            format!("the database `{database}` is locked by another program or connection"),
        )
        .hint(format!("see who has it open: fuser -v '{database}'"))
        .transient(),
        (_, READONLY) => error(
            Kind::Failed,
            format!("the database `{database}` cannot be written to by this user"),
        )
        .hint(format!("see its owner and mode: ls -l '{database}'")),
        (_, IO) => {
            error(Kind::Unreachable, format!("the database `{database}` cannot be read or written"))
                .hint("look for errors of the disk: dmesg | tail")
        }
        (_, CORRUPT) => error(Kind::Unreachable, format!("the database `{database}` is damaged"))
            .hint(format!(
                "see how far it can be read: sqlite3 '{database}' 'PRAGMA integrity_check'"
            )),
        (_, FULL) => error(Kind::Failed, format!("there is no space left to write `{database}`"))
            .hint(format!("see the free space: df -h '{database}'")),
        (_, CANNOT_OPEN) => {
            error(Kind::Unreachable, format!("the database `{database}` cannot be opened"))
                .hint(format!("see its owner and mode: ls -l '{database}'"))
        }
        (_, NOT_A_DATABASE) => error(
            Kind::Unreachable,
            format!("`{database}` is not a SQLite database, or it is encrypted"),
        )
        .hint(format!("see what it is: file '{database}'")),
        _ => error(Kind::Failed, format!("SQLite refused a statement on `{database}`")),
    }
}

/// The error of whoever may only read the file.
pub(super) fn read_only(database: &str) -> Error {
    by_code(database, READONLY, "its mode, its owner or its file system forbids it")
}

/// Repeats a call that met somebody else's lock: a few times, then gives its error.
pub(super) fn patiently<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..TRIES {
        match call() {
            Err(error) if error.is_transient() => sleep(PAUSE),
            done => return done,
        }
    }
    call()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extended_code_means_what_its_primary_code_means() {
        let busy_snapshot = by_code("/x.db", BUSY | 2 << 8, "database is locked");
        assert_eq!(busy_snapshot.kind(), Kind::Locked);
        assert!(busy_snapshot.is_transient());
        assert_eq!(by_code("/x.db", 1032, "").kind(), Kind::Stale);
        assert!(!by_code("/x.db", READONLY, "").is_transient());
    }

    #[test]
    fn patience_ends() {
        let mut calls = 0;
        let gave_up = patiently(|| -> Result<()> {
            calls += 1;
            Err(by_code("/x.db", BUSY, ""))
        });
        assert_eq!((gave_up.is_err(), calls), (true, TRIES));
        let mut calls = 0;
        let refused = patiently(|| -> Result<()> {
            calls += 1;
            Err(by_code("/x.db", FULL, ""))
        });
        assert_eq!((refused.is_err(), calls), (true, 1));
    }
}
