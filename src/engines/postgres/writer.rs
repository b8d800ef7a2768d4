//! A session for a run: how it is opened, and how it takes the run's lock. What it changes stands
//! in the files beside this one.

use std::time::Duration;

use super::connect::ConnInfo;
use super::connection::Connection;
use super::programs::Programs;
use super::run_lock::{KEY, RunLock};
use super::snapshot::{PostgresSnapshot, ServerInfo, TransactionState};
use super::sql::{WHO, settings};
use crate::error::{Error, Kind, Result};
use crate::model::config::Access;

impl PostgresSnapshot {
    /// Opens a session for a run. Errors before anything begins where the client programs that a
    /// run needs are missing, or where a pooler would mix our session with others.
    pub(super) fn to_change(access: &Access) -> Result<Self> {
        let target = ConnInfo::of(access)?;
        let mut main = Connection::open(&target)?;
        let facts = ServerInfo::ask(&mut main, "")?;
        let programs = Some(Programs::find(&access.programs, facts.major)?);
        let guard = Some(RunLock::beside(&mut main, &facts.pid, &target)?);
        main.batch(settings(facts.major, "SET"))?;
        Ok(Self {
            target,
            url: access.url.clone(),
            state: TransactionState::Idle,
            facts,
            apart: Vec::new(),
            programs,
            main,
            guard,
        })
    }

    pub(super) fn take_lock(&mut self, wait: Duration) -> Result<()> {
        let Some(guard) = &mut self.guard else {
            return Err(Error::new(Kind::Failed, "this session may only look at the database"));
        };
        if guard.take(wait)? {
            return Ok(());
        }
        let error = Error::new(Kind::Locked, "another run of ttplan is at work on this database");
        Err(match self.holder()? {
            Some(holder) => error.because(format!("the lock is held by {holder}")),
            // It was let go just now, or we may not see who it is.
            None => error,
        })
    }

    /// Who holds the lock, in words.
    fn holder(&mut self) -> Result<Option<String>> {
        let (high, low) = (KEY >> 32, KEY & 0xffff_ffff);
        let rows = self.read(&format!(
            "SELECT pg_stat_clear_snapshot(); \
             SELECT {WHO} FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
             WHERE l.locktype = 'advisory' AND l.classid = {high} AND l.objid = {low} AND l.objsubid = 1 AND l.granted \
               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ))?;
        Ok(rows.last().and_then(|rows| rows.first()?.first()?.clone()))
    }
}
