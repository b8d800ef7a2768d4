//! What the engine holds open: a connection, what it learnt when it opened it, and in what kind of
//! transaction it stands. Every read goes through [`PostgresSnapshot::read`], which leaves no trace.

use super::connect::ConnInfo;
use super::connection::Connection;
use super::connection::Set;
use super::programs::Programs;
use crate::engines::postgres::run_lock::RunLock;
use crate::engines::postgres::sql::{WITHIN, settings};
use crate::error::{Error, Kind, Result};
use crate::model::config::Access;
use crate::model::names::Secret;

/// The oldest server whose catalogues we can read.
const OLDEST: u32 = 12;

/// In what transaction the main connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransactionState {
    /// One read-only snapshot for the whole life of the object.
    Snapshot,
    /// None: every read sees the present.
    Idle,
    /// One that changes things, begun by the caller.
    Open,
}

/// What the server said of itself when the connection was opened.
#[derive(Clone, Debug)]
pub(super) struct ServerInfo {
    pub(super) pid: String,
    pub(super) role: String,
    /// The schema that a normal session of the role creates in.
    pub(super) home: String,
    pub(super) version: String,
    pub(super) major: u32,
    pub(super) database: String,
    pub(super) oid: String,
    /// Whether the role may read which system this is.
    pub(super) may_identify: bool,
}

/// A PostgreSQL database that is open for looking, or for looking and changing.
pub struct PostgresSnapshot {
    pub(super) target: ConnInfo,
    /// The URL as the operator gave it.
    pub(super) url: Secret,
    pub(super) state: TransactionState,
    pub(super) facts: ServerInfo,
    /// Constraints that this transaction saved by themselves.
    pub(super) apart: Vec<u32>,
    /// Only where things can be changed.
    pub(super) programs: Option<Programs>,
    // Dropped in this order: what was not committed is forgotten before the lock is let go.
    pub(super) main: Connection,
    pub(super) guard: Option<RunLock>,
}

impl PostgresSnapshot {
    /// Opens a session that can only look: one read-only snapshot. It sets nothing outside its
    /// transaction, so that it may go through any pooler.
    pub(super) fn to_inspect(access: &Access) -> Result<Self> {
        Self::looking_at(ConnInfo::of(access)?, access.url.clone())
    }

    /// Another session beside this one, that can only look.
    pub(super) fn beside(&self) -> Result<Self> {
        Self::looking_at(self.target.clone(), self.url.clone())
    }

    pub(super) fn looking_at(target: ConnInfo, url: Secret) -> Result<Self> {
        let mut main = Connection::open(&target)?;
        let facts =
            ServerInfo::ask(&mut main, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ")?;
        main.batch(settings(facts.major, "SET LOCAL"))?;
        Ok(Self {
            target,
            url,
            state: TransactionState::Snapshot,
            facts,
            apart: Vec::new(),
            programs: None,
            main,
            guard: None,
        })
    }

    /// Runs queries in one round trip, names resolved in `pg_catalog` alone, and puts back
    /// whatever they set. A failed read leaves the transaction as it was.
    pub(super) fn read(&mut self, sql: &str) -> Result<Vec<Set>> {
        const MARK: &str = "ROLLBACK TO SAVEPOINT ttplan_read; RELEASE SAVEPOINT ttplan_read";
        let (before, after, ends) = match self.state {
            TransactionState::Idle => {
                ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "ROLLBACK", 1)
            }
            TransactionState::Snapshot | TransactionState::Open => {
                ("SAVEPOINT ttplan_read", MARK, 2)
            }
        };
        match self
            .main
            .batch(format!("{before}; SET LOCAL search_path = pg_catalog; {sql}; {after}"))
        {
            Ok(mut sets) => {
                sets.truncate(sets.len().saturating_sub(ends));
                Ok(sets.split_off(sets.len().min(2)))
            }
            Err(error) => {
                // Where even this fails the connection is gone, and the first error says so.
                let _ = self.main.batch(after);
                Err(error)
            }
        }
    }

    /// Reads the one value that a query gives; nothing where it gives no row or null.
    pub(super) fn read_value(&mut self, sql: &str) -> Result<Option<String>> {
        Ok(self.read(sql)?.into_iter().flatten().next().and_then(|row| row.into_iter().next()?))
    }

    /// Puts the settings of an open transaction and its session back to ours, whatever a script has
    /// set.
    pub(super) fn reset_settings(&mut self) -> Result<()> {
        self.main
            .batch(format!("RESET ALL; {}; {WITHIN}", settings(self.facts.major, "SET")))
            .map(drop)
    }

    /// The programs that belong to this server. Errors: when the session can only look.
    pub(super) fn programs(&self) -> Result<Programs> {
        self.programs
            .clone()
            .ok_or_else(|| Error::new(Kind::Failed, "this session may only look at the database"))
    }
}

impl ServerInfo {
    pub(super) fn ask(main: &mut Connection, before: &str) -> Result<Self> {
        // No name in here is looked for where a normal session would look.
        let sets = main.batch(format!(
            "{before}SELECT current_schema, current_user, pg_catalog.current_setting('server_version'), \
                pg_catalog.current_setting('server_version_num'); \
             SELECT pg_catalog.pg_backend_pid(), d.datname, d.oid, \
                pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') \
             FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()",
        ))?;
        let mut values = sets.into_iter().flatten().flatten();
        let mut next = || values.next().flatten();
        let home = next().unwrap_or_else(|| "public".to_owned());
        let (role, version, number) = (next(), next(), next());
        let (pid, database, oid, may_identify) = (next(), next(), next(), next());
        let major =
            number.and_then(|text| text.parse::<u32>().ok()).map_or(0, |number| number / 10_000);
        let unclear =
            || Error::new(Kind::Unreachable, "the database server does not say who it is");
        if major < OLDEST {
            return Err(Error::new(
                Kind::Unreachable,
                format!("the database server is older than PostgreSQL {OLDEST}"),
            ));
        }
        Ok(Self {
            pid: pid.ok_or_else(unclear)?,
            role: role.ok_or_else(unclear)?,
            home,
            version: version.ok_or_else(unclear)?,
            major,
            database: database.ok_or_else(unclear)?,
            oid: oid.ok_or_else(unclear)?,
            may_identify: may_identify.as_deref() == Some("t"),
        })
    }
}
