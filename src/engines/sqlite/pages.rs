//! Copies a database page by page with SQLite's own backup interface: the only file of ttplan that
//! talks to SQLite in C. Everything else goes through the driver.
//!
//! The interface: <https://www.sqlite.org/c3ref/backup_finish.html>.

use std::ffi::c_int;
use std::ptr::NonNull;
use std::thread::sleep;
use std::time::Duration;

use libsqlite3_sys::{
    SQLITE_DONE, SQLITE_IOERR, SQLITE_OK, sqlite3, sqlite3_backup, sqlite3_backup_finish,
    sqlite3_backup_init, sqlite3_backup_remaining, sqlite3_backup_step, sqlite3_extended_errcode,
};
use sqlx::sqlite::LockedSqliteHandle;

use crate::engines::sqlite::connection::Connection;
use crate::engines::sqlite::failure;
use crate::error::Result;
use crate::fault;

/// Pages copied before others get their turn.
const PAGES: c_int = 1024;
/// How long others get it.
const PAUSE: Duration = Duration::from_millis(1);
/// How often a copy may start again, because somebody wrote meanwhile, before it locks the others
/// out.
const RESTARTS: u32 = 3;
const ALL: c_int = -1;

/// A copy that is being made. The source is locked only within a step; the destination from
/// the first step on, and what was written to it is forgotten unless the last step was reached.
pub(super) struct Copying<'a> {
    backup: NonNull<sqlite3_backup>,
    to_name: String,
    // The driver's threads stay away from both connections while these live.
    _handles: (LockedSqliteHandle<'a>, LockedSqliteHandle<'a>),
}

impl<'a> Copying<'a> {
    /// Prepares to replace all of `to` by all of `from`. Neither is touched yet.
    pub(super) fn begin(from: &'a mut Connection, to: &'a mut Connection) -> Result<Self> {
        let to_name = to.name().to_owned();
        let mut handles = (from.handle()?, to.handle()?);
        match init(handles.0.as_raw_handle(), handles.1.as_raw_handle()) {
            Ok(backup) => Ok(Self { backup, to_name, _handles: handles }),
            Err(code) => Err(failure::by_code(&to_name, code, "the copy could not be begun")),
        }
    }

    /// Takes the write lock on the destination and copies nothing.
    pub(super) fn lock(&mut self) -> Result<()> {
        self.step(0).map(|_| ())
    }

    /// Copies all that is left and commits, in one step; others wait.
    pub(super) fn finish(&mut self) -> Result<()> {
        failure::patiently(|| self.step(ALL)).map(|_| ())
    }

    /// Copies all in small steps, so that others can write to the source meanwhile.
    pub(super) fn finish_politely(&mut self) -> Result<()> {
        let (mut restarts, mut left) = (0, c_int::MAX);
        while !failure::patiently(|| self.step(PAGES))? {
            let now_left = self.remaining();
            restarts += u32::from(now_left > left);
            left = now_left;
            if restarts > RESTARTS {
                return self.finish();
            }
            sleep(PAUSE);
        }
        Ok(())
    }

    /// Copies up to so many pages; true when all is copied and committed.
    #[expect(unsafe_code, reason = "SQLite's backup interface is C")]
    fn step(&mut self, pages: c_int) -> Result<bool> {
        let failed = |error: std::io::Error| {
            failure::by_code(&self.to_name, SQLITE_IOERR, &error.to_string())
        };
        fault::point("pages: before a copy").map_err(failed)?;
        // SAFETY: `backup` came from sqlite3_backup_init and is only finished in `drop`. Both
        // connections are open and nobody else uses them: `_handles` keeps their guards.
        let code = unsafe { sqlite3_backup_step(self.backup.as_ptr(), pages) };
        match code {
            SQLITE_OK => Ok(false),
            SQLITE_DONE => fault::point("pages: after the copy").map_err(failed).map(|()| true),
            code => Err(failure::by_code(
                &self.to_name,
                code,
                &format!("copying its pages gave code {code}"),
            )),
        }
    }

    /// Pages that were still to be copied after the last step.
    #[expect(unsafe_code, reason = "SQLite's backup interface is C")]
    fn remaining(&self) -> c_int {
        // SAFETY: as in `step`; the call only reads a field.
        unsafe { sqlite3_backup_remaining(self.backup.as_ptr()) }
    }
}

impl Drop for Copying<'_> {
    #[expect(unsafe_code, reason = "SQLite's backup interface is C")]
    fn drop(&mut self) {
        // SAFETY: `backup` is valid and finished here, once; the connections are still guarded,
        // because fields are dropped after this. The result repeats that of the last step.
        unsafe { sqlite3_backup_finish(self.backup.as_ptr()) };
    }
}

/// `main` of one connection over `main` of the other.
#[expect(unsafe_code, reason = "SQLite's backup interface is C")]
fn init(
    from: NonNull<sqlite3>,
    to: NonNull<sqlite3>,
) -> std::result::Result<NonNull<sqlite3_backup>, c_int> {
    // SAFETY: both are handles of open connections whose guards the caller holds, they differ,
    // and the names are C strings that live for ever.
    let backup = unsafe {
        sqlite3_backup_init(to.as_ptr(), c"main".as_ptr(), from.as_ptr(), c"main".as_ptr())
    };
    // SAFETY: the handle is open; by the interface, the reason for a null is kept in the
    // destination.
    NonNull::new(backup).ok_or_else(|| unsafe { sqlite3_extended_errcode(to.as_ptr()) })
}
