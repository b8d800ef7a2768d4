//! Restoring a backup into a database of its own beside the one it is of, to see what it gives
//! back.

use std::path::Path;

use super::connect::ConnInfo;
use crate::engines::database::Looking;
use crate::engines::postgres::snapshot::{PostgresSnapshot, TransactionState};
use crate::error::{Error, Kind, Result};
use crate::fs::new_file::open_plain;
use crate::model::database::names::quote;
use crate::model::names::Digest;

/// As our own is: what a backup holds is spelled and sorted by it. Newer servers have more columns.
const LIKE_OURS: &str = "
    SELECT format('TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
                  pg_encoding_to_char(d.encoding), d.datcollate, d.datctype)
        || CASE j ->> 'datlocprovider'
               WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(j ->> 'datlocale', j ->> 'daticulocale'))
               WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', j ->> 'datlocale')
               ELSE '' END
    FROM pg_database d, to_jsonb(d) j WHERE d.datname = current_database()";

impl PostgresSnapshot {
    /// Errors: when the role may not create databases, and where the backup cannot be restored as
    /// it stands.
    pub(super) fn restore_beside(&mut self, from: &Path, look: &mut Looking<'_>) -> Result<()> {
        if self.state != TransactionState::Idle {
            return Err(Error::new(
                Kind::Failed,
                "a backup is to be restored inside a transaction",
            ));
        }
        // The same after a crash: what was left then goes now.
        let name =
            format!("ttplan_proof_{}", Digest::of(from.as_os_str().as_encoded_bytes()).short(16));
        self.drop_beside(&name)?;
        let like_ours = self.read_value(LIKE_OURS)?.unwrap_or_default();
        self.main.batch(format!("CREATE DATABASE {} {like_ours}", quote(&name))).map_err(
            |error| {
                error.under("there is no database to restore the backup into").hint(format!(
                    "let the role create databases: ALTER ROLE {} CREATEDB",
                    quote(&self.facts.role)
                ))
            },
        )?;
        let outcome = self.fill(&self.target.beside(&name), from, look);
        let dropped = self.drop_beside(&name);
        outcome.and(dropped)
    }

    fn fill(&self, target: &ConnInfo, from: &Path, look: &mut Looking<'_>) -> Result<()> {
        let mut restore = self.programs()?.restore_into(target)?;
        restore.input(open_plain(from)?);
        let shown = from.display();
        restore
            .read()
            .map_err(|error| error.under(format!("the backup `{shown}` cannot be restored")))?;
        let mut restored = Self::looking_at(target.clone(), self.url.clone())?;
        // Settings of a database are no part of a backup.
        restored.facts.home.clone_from(&self.facts.home);
        look(&mut restored)
    }

    /// Only one that is ours.
    fn drop_beside(&mut self, name: &str) -> Result<()> {
        let ours = format!(
            "SELECT 1 FROM pg_database WHERE datname = '{name}' AND pg_get_userbyid(datdba) = current_user"
        );
        match self.read_value(&ours)? {
            Some(_) => self.main.batch(format!("DROP DATABASE {}", quote(name))).map(drop),
            None => Ok(()),
        }
    }
}
