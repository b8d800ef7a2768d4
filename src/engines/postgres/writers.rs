//! Who else has the database open.

use super::connect::APPLICATION_NAME;
use crate::engines::database::OtherSessions;
use crate::engines::postgres::snapshot::PostgresSnapshot;
use crate::engines::postgres::sql::{WHO, literal};
use crate::error::Result;

/// One line for every session that could write, and whether we may see more of it than its number.
/// A reader of the write-ahead log, a vacuum and a helper of another session write nothing
/// themselves. Prepared transactions belong to nobody and hold their locks all the same. A session
/// of our own that was closed a moment ago may still be ending: under the run's lock, whoever bears
/// our name and has our role can only be that, or somebody who merely looks.
const SESSIONS: &str = "
    SELECT pg_stat_clear_snapshot();
    SELECT a.backend_type IS NOT NULL, WHO
    FROM pg_stat_activity a
    WHERE a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND a.pid NOT IN (OURS) AND a.pid <> pg_backend_pid()
      AND NOT (a.application_name = 'NAME' AND a.usename = current_user)
      AND (a.backend_type IS NULL AND a.usesysid IS NOT NULL
        OR a.backend_type NOT IN ('autovacuum worker', 'parallel worker', 'walsender'))
    UNION ALL
    SELECT true, format('prepared transaction `%s` of `%s`', gid, owner)
    FROM pg_prepared_xacts WHERE database = current_database()
    ORDER BY 2";

impl PostgresSnapshot {
    pub(super) fn other_sessions(&mut self) -> Result<OtherSessions> {
        let mut ours = vec![self.facts.pid.clone()];
        ours.extend(self.guard.iter().map(|guard| guard.pid.clone()));
        let ours: Vec<String> = ours.iter().map(|pid| literal(pid)).collect();
        let rows = self
            .read(
                &SESSIONS
                    .replace("OURS", &ours.join(", "))
                    .replace("WHO", WHO)
                    .replace("NAME", APPLICATION_NAME),
            )?
            .pop()
            .unwrap_or_default();
        let hidden = rows.iter().any(|row| row.first().and_then(Option::as_deref) != Some("t"));
        let seen = rows.iter().any(|row| row.first().and_then(Option::as_deref) == Some("t"));
        let words: Vec<String> =
            rows.into_iter().filter_map(|row| row.into_iter().nth(1).flatten()).collect();
        Ok(match (seen, hidden) {
            (false, false) => OtherSessions::None,
            (true, _) => OtherSessions::Some(words),
            (false, true) => OtherSessions::Unknown(format!(
                "role `{}` may not see what other sessions do: {} (GRANT pg_read_all_stats would let it)",
                self.facts.role,
                words.join(", ")
            )),
        })
    }
}
