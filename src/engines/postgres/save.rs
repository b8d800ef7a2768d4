//! Saving single objects, so that a drop can be taken back.
//!
//! The file is an archive of `pg_dump`, which anybody can restore by hand, followed by what no
//! archive of single tables can hold: statements for constraints, indexes, triggers and policies
//! saved by themselves, for extended statistics and for memberships in publications. Behind the
//! statements stand their length and a mark.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::archive::Archive;
use super::look::{ATTACHED, for_server};
use crate::engines::database::SavedCopy;
use crate::engines::postgres::snapshot::PostgresSnapshot;
use crate::engines::postgres::sql::literal;
use crate::error::{Error, Kind, Result};
use crate::fs::new_file::{NewFile, measure, open_plain};
use crate::model::database::names::qualified;
use crate::model::names::{ObjectKind, ObjectRef};

/// The last bytes of every such file.
const MARK: &[u8; 16] = b"\nttplan saved 1\n";

/// More than the statements of any real save; a longer one is no file of ours.
const MOST_STATEMENTS: u64 = 64 << 20;

/// How long `pg_dump` waits for a lock. It asks only for what we already keep others from having.
const DUMP_LOCK_WAIT_MS: u32 = 5_000;

/// What stands behind the archive.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Supplement {
    pub(super) objects: Vec<ObjectRef>,
    /// Run in this order after the archive was restored.
    pub(super) statements: Vec<String>,
    /// Constraints (their numbers in `pg_constraint`) that the same transaction saved by themselves
    /// before: they are brought back from there, when all the tables that they need are.
    pub(super) apart: Vec<u32>,
}

impl PostgresSnapshot {
    /// Saves objects as the transaction found them. All that a transaction saves has to be saved
    /// before it changes anything: the copy is made by another session, which sees none of it.
    pub(super) fn save(&mut self, objects: &[ObjectRef], to: &Path) -> Result<SavedCopy> {
        self.within_transaction()?;
        if let Some(object) =
            objects.iter().find(|object| !is_relation(object) && !is_piece(object))
        {
            return Err(Error::new(Kind::Failed, format!("{object} cannot be saved by itself")));
        }
        self.hold(objects)?;
        let relations: Vec<&ObjectRef> =
            objects.iter().filter(|object| is_relation(object)).collect();
        let numbers = self.numbers(&relations)?;
        let statements = self.statements(objects)?;
        let apart = self.apart.clone();
        let mut new = NewFile::create(to)?;
        let tables = if relations.is_empty() {
            Vec::new()
        } else {
            self.dump_relations(&relations, &numbers, &new)?
        };
        let supplement =
            serde_json::to_vec(&Supplement { objects: objects.to_vec(), statements, apart })
                .map_err(|cause| {
                    Error::new(Kind::Failed, "the saved statements cannot be written")
                        .because(cause)
                })?;
        new.append(&supplement)?;
        new.append(&(supplement.len() as u64).to_be_bytes())?;
        new.append(MARK)?;
        new.sync()?;
        let mut file = open_plain(to)?;
        read_supplement(&mut file, to)?;
        self.note_constraints(objects)?;
        let (bytes, sha256) = measure(&mut file, to)?;
        new.keep();
        Ok(SavedCopy { bytes, sha256, tables })
    }

    /// Remembers until the end of the transaction which constraints were saved by themselves.
    fn note_constraints(&mut self, objects: &[ObjectRef]) -> Result<()> {
        if !objects.iter().any(|object| object.kind == ObjectKind::Constraint) {
            return Ok(());
        }
        let rows = self.read(&format!(
            "WITH {} SELECT k.oid FROM asked a JOIN pg_namespace n ON n.nspname = a.schema \
             JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = a.relation \
             JOIN pg_constraint k ON k.conrelid = c.oid AND k.conname = a.name WHERE a.kind = 'constraint'",
            asked(objects)
        ))?;
        self.apart.extend(
            rows.iter().flatten().filter_map(|row| row.first()?.as_deref()?.parse::<u32>().ok()),
        );
        Ok(())
    }

    /// Keeps others from writing to the tables concerned until the transaction ends.
    fn hold(&mut self, objects: &[ObjectRef]) -> Result<()> {
        let began = self.read_value("SELECT txid_current_if_assigned()")?;
        if began.is_some() {
            return Err(Error::new(
                Kind::Failed,
                "objects are to be saved after the transaction changed something",
            )
            .because("their copy would show them as they were before"));
        }
        let found = self.read(&format!(
            "WITH {} SELECT DISTINCT a.schema, a.relation FROM asked a JOIN pg_namespace n ON n.nspname = a.schema \
             JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = a.relation AND c.relkind IN ('r', 'p') ORDER BY 1, 2",
            asked(objects)
        ))?;
        let names: Vec<String> = found
            .into_iter()
            .flatten()
            .filter_map(|row| Some(qualified(row.first()?.as_deref()?, row.get(1)?.as_deref()?)))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        self.main.batch(format!("LOCK TABLE {} IN SHARE MODE", names.join(", "))).map(drop)
    }

    /// The numbers of relations in `pg_class`. Errors: when one is missing, of another kind, or
    /// such that we could not make it again.
    fn numbers(&mut self, relations: &[&ObjectRef]) -> Result<Vec<u32>> {
        if relations.is_empty() {
            return Ok(Vec::new());
        }
        let relations: Vec<ObjectRef> = relations.iter().map(|object| (*object).clone()).collect();
        let obstacle = format!("WITH {} {}", asked(&relations), include_str!("sql/obstacles.sql"));
        if let Some(words) = self.read_value(&obstacle)? {
            return Err(Error::new(Kind::Blocked, "an object could not be restored as it is")
                .because(words));
        }
        let rows = self.read(&format!(
            "WITH {} SELECT a.place, c.oid FROM asked a JOIN pg_namespace n ON n.nspname = a.schema \
             JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = a.relation \
               AND a.kind = CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' \
                 WHEN 'm' THEN 'materialized_view' WHEN 'S' THEN 'sequence' END \
             ORDER BY a.place",
            asked(&relations)
        ))?;
        let numbers: Vec<u32> =
            rows.iter().flatten().filter_map(|row| row.get(1)?.as_deref()?.parse().ok()).collect();
        if numbers.len() != relations.len() {
            return Err(Error::new(Kind::Stale, "an object that is to be saved is not there"));
        }
        Ok(numbers)
    }

    /// The statements that make what no archive holds.
    fn statements(&mut self, objects: &[ObjectRef]) -> Result<Vec<String>> {
        let pieces: Vec<ObjectRef> =
            objects.iter().filter(|object| is_piece(object)).cloned().collect();
        let tables: Vec<ObjectRef> =
            objects.iter().filter(|o| o.kind == ObjectKind::Table).cloned().collect();
        let mut statements = Vec::new();
        if !tables.is_empty() {
            let query = [ATTACHED, include_str!("sql/extras.sql")].concat();
            let query = for_server(query, self.facts.major);
            let rows = self.read(&format!("WITH {}, {query}", asked(&tables)))?;
            statements.extend(rows.into_iter().flatten().flatten().flatten());
        }
        if !pieces.is_empty() {
            let query = [ATTACHED, include_str!("sql/pieces.sql")].concat();
            let query = for_server(query, self.facts.major);
            let mut found = vec![false; pieces.len()];
            for row in
                self.read(&format!("WITH {}, {query}", asked(&pieces)))?.into_iter().flatten()
            {
                let mut values = row.into_iter().flatten();
                let place = values.next().and_then(|place| place.parse::<usize>().ok());
                if let Some(found) = place.and_then(|place| found.get_mut(place)) {
                    *found = true;
                }
                statements.extend(values.next());
            }
            if let Some((piece, _)) = pieces.iter().zip(found).find(|(_, found)| !found) {
                return Err(Error::new(
                    Kind::Stale,
                    format!("{piece} is to be saved and is not there"),
                ));
            }
        }
        Ok(statements)
    }

    /// Writes the archive, reads it back, and holds it against what the transaction sees.
    fn dump_relations(
        &mut self,
        relations: &[&ObjectRef],
        numbers: &[u32],
        new: &NewFile,
    ) -> Result<Vec<(ObjectRef, u64)>> {
        let snapshot = self.export_snapshot()?;
        let programs = self.programs()?;
        let mut dump = programs.dump(&self.target)?;
        dump.arg("--strict-names").arg(format!("--snapshot={snapshot}"));
        dump.arg(format!("--lock-wait-timeout={DUMP_LOCK_WAIT_MS}"));
        for object in relations {
            dump.arg(format!("--table={}", pattern(object)));
        }
        dump.run_into(new.handle()?)?;
        let mut archive = Archive::new(new.handle()?, programs);
        let entries = archive.entries()?;
        let missing = relations.iter().zip(numbers).find(|(_, number)| {
            !entries.iter().any(|entry| entry.class == RELATIONS && entry.number == **number)
        });
        if let Some((object, _)) = missing {
            return Err(Error::new(Kind::Failed, format!("`pg_dump` left out {object}")));
        }
        let rows = archive.rows()?;
        let tables = relations.iter().filter(|object| object.kind == ObjectKind::Table);
        self.compare(&rows, &tables.map(|table| (*table).clone()).collect::<Vec<_>>())?;
        Ok(rows)
    }

    /// Makes what this transaction sees visible to a client program.
    pub(super) fn export_snapshot(&mut self) -> Result<String> {
        let sets = self.main.batch("SELECT pg_catalog.pg_export_snapshot()")?;
        let snapshot = sets.into_iter().flatten().flatten().flatten().next();
        snapshot.ok_or_else(|| Error::new(Kind::Failed, "the database gave no snapshot"))
    }

    /// Holds the rows that were counted in a copy, sorted by table, against those of the tables.
    pub(super) fn compare(
        &mut self,
        rows: &[(ObjectRef, u64)],
        tables: &[ObjectRef],
    ) -> Result<()> {
        let counts = self.count(tables)?;
        for (table, count) in tables.iter().zip(counts) {
            let found = rows.binary_search_by(|(copied, _)| copied.cmp(table)).ok();
            let copied = found.and_then(|at| rows.get(at)).map_or(0, |(_, rows)| *rows);
            if copied != count {
                return Err(Error::new(
                    Kind::Failed,
                    format!("the copy does not hold all rows of {table}"),
                )
                .because(format!("{copied} of {count}")));
            }
        }
        Ok(())
    }
}

/// Number of `pg_class` itself.
const RELATIONS: u32 = 1259;

/// Number of `pg_constraint`.
pub(super) const CONSTRAINTS: u32 = 2606;

/// What `pg_dump` can dump by itself.
pub(super) fn is_relation(object: &ObjectRef) -> bool {
    use ObjectKind::{MaterializedView, Sequence, Table, View};
    object.table.is_none() && matches!(object.kind, Table | View | MaterializedView | Sequence)
}

/// What is saved as statements.
fn is_piece(object: &ObjectRef) -> bool {
    use ObjectKind::{Constraint, Index, Policy, Trigger};
    object.table.is_some() && matches!(object.kind, Constraint | Index | Policy | Trigger)
}

/// Objects as a common table expression, in their order.
pub(super) fn asked(objects: &[ObjectRef]) -> String {
    let rows: Vec<String> = objects
        .iter()
        .enumerate()
        .map(|(place, object)| {
            let kind = object.kind.words().replace(' ', "_");
            let relation = object.table.as_ref().unwrap_or(&object.name);
            let [kind, schema, relation, name] =
                [&kind, &object.schema, relation, &object.name].map(|text| literal(text));
            format!("({place}, {kind}, {schema}, {relation}, {name})")
        })
        .collect();
    format!("asked (place, kind, schema, relation, name) AS (VALUES {})", rows.join(", "))
}

/// The name as a pattern of `pg_dump` that matches nothing else: all is literal between quotation
/// marks.
fn pattern(object: &ObjectRef) -> String {
    qualified(&object.schema, &object.name)
}

/// Reads what stands behind the archive of a saved file, and how long the archive is.
pub(super) fn read_supplement(file: &mut File, path: &Path) -> Result<(u64, Supplement)> {
    let foreign = || {
        Error::new(
            Kind::Failed,
            format!("`{}` is no file of saved objects, or is torn", path.display()),
        )
    };
    let read = |file: &mut File| -> std::io::Result<Option<(u64, Vec<u8>)>> {
        let size = file.metadata()?.len();
        let Some(end) = size.checked_sub(24) else { return Ok(None) };
        let mut tail = [0; 24];
        file.seek(SeekFrom::Start(end))?;
        file.read_exact(&mut tail)?;
        let (length, mark) = tail.split_at(8);
        let length = length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
        let Some(start) =
            end.checked_sub(length).filter(|_| mark == MARK && length <= MOST_STATEMENTS)
        else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.take(length).read_to_end(&mut bytes)?;
        Ok(Some((start, bytes)))
    };
    let (archive, bytes) =
        read(file).map_err(|cause| foreign().because(cause))?.ok_or_else(foreign)?;
    let supplement = serde_json::from_slice(&bytes).map_err(|cause| foreign().because(cause))?;
    Ok((archive, supplement))
}
