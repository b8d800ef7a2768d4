//! Bringing back what was saved, within a transaction of ours and on our own connection, so that it
//! lasts or vanishes together with everything else.

use std::path::Path;

use super::archive::{Archive, Part, TocEntry};
use super::save::{CONSTRAINTS, asked, is_relation, read_supplement};
use super::script::{Piece, fit};
use crate::engines::postgres::snapshot::PostgresSnapshot;
use crate::error::{Error, Kind, Result};
use crate::fs::new_file::open_plain;
use crate::model::names::ObjectRef;

impl PostgresSnapshot {
    pub(super) fn bring_back(&mut self, objects: &[ObjectRef], from: &Path) -> Result<()> {
        self.within_transaction()?;
        let mut file = open_plain(from)?;
        let (length, supplement) = read_supplement(&mut file, from)?;
        let sorted = |objects: &[ObjectRef]| {
            let mut objects = objects.to_vec();
            objects.sort();
            objects
        };
        if sorted(objects) != sorted(&supplement.objects) {
            return Err(Error::new(
                Kind::Failed,
                format!("`{}` holds other objects than are asked for", from.display()),
            ));
        }
        if length > 0 {
            let mut archive = Archive::new(file, self.programs()?);
            let entries = archive.entries()?;
            let relations: Vec<ObjectRef> =
                objects.iter().filter(|object| is_relation(object)).cloned().collect();
            let is_apart = |entry: &&TocEntry| {
                entry.class == CONSTRAINTS && supplement.apart.contains(&entry.number)
            };
            let entries: Vec<&TocEntry> = entries.iter().filter(|entry| !is_apart(entry)).collect();
            self.replay(&mut archive, &entries, &relations)?;
        }
        for statement in &supplement.statements {
            self.main.batch(statement.as_str())?;
        }
        Ok(())
    }

    /// Makes what the entries of an archive say: definitions, rows, what rests on rows, privileges.
    /// `relations` are the tables and views among them that get exactly the privileges of the
    /// archive.
    pub(super) fn replay(
        &mut self,
        archive: &mut Archive,
        entries: &[&TocEntry],
        relations: &[ObjectRef],
    ) -> Result<()> {
        let (grants, rest): (Vec<&TocEntry>, Vec<&TocEntry>) =
            entries.iter().partition(|entry| entry.is_grant());
        self.run_script(&archive.script(Part::BeforeData, &rest)?)?;
        self.make_privileges_plain(relations)?;
        self.load(archive, &rest)?;
        self.run_script(&archive.script(Part::AfterData, &rest)?)?;
        // Last, because an owner may have taken the right to write from himself.
        self.run_script(&archive.script(Part::Whole, &grants)?)?;
        self.reset_settings()
    }

    fn run_script(&mut self, script: &str) -> Result<()> {
        if script.is_empty() {
            return Ok(());
        }
        self.main.batch(fit(script)).map(drop)
    }

    /// Streams the rows into their tables; never more than a row and a lump are in memory.
    fn load(&mut self, archive: &mut Archive, entries: &[&TocEntry]) -> Result<()> {
        let main = &mut self.main;
        archive.data(Some(entries), &mut |piece, script| match piece {
            Piece::Statement(sql) => main.batch(sql).map(drop),
            Piece::Copy(copy) => {
                main.copy_in(&copy, &mut |rows| script.rows(rows).map(drop)).map(drop)
            }
        })
    }

    /// Takes from new objects whatever default privileges have given them: an archive says only how
    /// privileges differ from those that an object has without any.
    fn make_privileges_plain(&mut self, relations: &[ObjectRef]) -> Result<()> {
        if relations.is_empty() {
            return Ok(());
        }
        let query = format!("WITH {}, {}", asked(relations), include_str!("sql/plain.sql"));
        let statements: Vec<String> =
            self.read(&query)?.into_iter().flatten().flatten().flatten().collect();
        if statements.is_empty() {
            Ok(())
        } else {
            self.main.batch(statements.join("; ")).map(drop)
        }
    }
}
