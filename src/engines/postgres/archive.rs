//! An archive of `pg_dump` in its custom format: what it holds, its scripts, its rows.
//!
//! `pg_restore` reads it and says what it would do; it never connects to a server.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom, Write};
use std::process::ChildStdout;

use tempfile::NamedTempFile;

use super::programs::{Program, Programs, Running};
use super::script::{Piece, Script, table_of};
use crate::error::{Error, Kind, Result};
use crate::model::names::ObjectRef;

/// One line of an archive's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TocEntry {
    line: String,
    /// Number of the catalogue that the object stood in, 0 for what has none of its own.
    pub(super) class: u32,
    /// The object's number in that catalogue.
    pub(super) number: u32,
    /// Kind, schema, name and owner, parted by blanks.
    pub(super) words: String,
}

impl TocEntry {
    /// Whether this is about privileges, which come last.
    pub(super) fn is_grant(&self) -> bool {
        self.class == 0 && self.words.starts_with("ACL ") || self.is_default_grant()
    }

    /// Whether this is about privileges of objects that are still to be made.
    pub(super) fn is_default_grant(&self) -> bool {
        self.words.starts_with("DEFAULT ACL ")
    }

    fn is_table_data(&self) -> bool {
        self.class == 0 && self.words.starts_with("TABLE DATA ")
    }
}

/// An open archive.
pub(super) struct Archive {
    file: File,
    programs: Programs,
}

/// A part of an archive's script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything that is selected.
    Whole,
    BeforeData,
    Data,
    AfterData,
}

impl Archive {
    /// An archive at the beginning of this file; what follows it does not matter.
    pub(super) fn new(file: File, programs: Programs) -> Self {
        Self { file, programs }
    }

    /// Everything that it holds. Errors: when it is damaged or something else.
    pub(super) fn entries(&mut self) -> Result<Vec<TocEntry>> {
        let mut program = self.program()?;
        program.arg("--list");
        Ok(program.read()?.lines().filter_map(entry).collect())
    }

    /// The text that makes the selected entries.
    pub(super) fn script(&mut self, part: Part, entries: &[&TocEntry]) -> Result<String> {
        if entries.is_empty() {
            return Ok(String::new());
        }
        let list = list_of(entries)?;
        let mut program = self.program()?;
        program.arg("--file=-").args(part.argument()).arg("--use-list").arg(list.path());
        program.read()
    }

    /// Every table it holds rows of, with their number, sorted; reads all of it.
    pub(super) fn rows(&mut self) -> Result<Vec<(ObjectRef, u64)>> {
        let expected = self.entries()?.iter().filter(|entry| entry.is_table_data()).count();
        let mut tables = Vec::new();
        self.data(None, &mut |piece, script| {
            if let Piece::Copy(copy) = piece {
                tables.push((filled(&copy)?, count(script)?));
            }
            Ok(())
        })?;
        if tables.len() != expected {
            let found = tables.len();
            return Err(Error::new(
                Kind::Failed,
                "the archive does not hold all the rows that it lists",
            )
            .because(format!("it lists {expected} tables and has rows of {found}")));
        }
        tables.sort();
        Ok(tables)
    }

    /// Streams the rows of the selected entries, or of all: `each` is given every statement, and
    /// reads the rows that follow a `COPY`.
    pub(super) fn data(
        &mut self,
        entries: Option<&[&TocEntry]>,
        each: &mut dyn FnMut(Piece, &mut Rows) -> Result<()>,
    ) -> Result<()> {
        let list = entries.map(list_of).transpose()?;
        let mut program = self.program()?;
        program.arg("--file=-").args(Part::Data.argument());
        if let Some(list) = &list {
            program.arg("--use-list").arg(list.path());
        }
        let (running, output) = program.start_reading()?;
        let mut script = Script::new(BufReader::with_capacity(1 << 16, output));
        let read = loop {
            match script.next() {
                Ok(None) => break Ok(()),
                Ok(Some(piece)) => {
                    if let Err(error) = each(piece, &mut script) {
                        break Err(error);
                    }
                }
                Err(error) => break Err(error),
            }
        };
        let torn = script.torn;
        // Closes the pipe, so that a program that still writes does not wait for ever.
        drop(script);
        match read {
            Ok(()) => running.end(),
            // What broke off is explained by whoever broke it off.
            Err(error) if torn => Running::end(running).and(Err(error)),
            Err(error) => Err(error),
        }
    }

    fn program(&mut self) -> Result<Program> {
        let from_start = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.try_clone());
        let file = from_start.map_err(|cause| {
            Error::new(Kind::Failed, "the archive cannot be read").because(cause)
        })?;
        let mut program = self.programs.restore();
        program.arg("--format=custom").input(file);
        Ok(program)
    }
}

/// The rows that `pg_restore` is writing.
pub(super) type Rows = Script<BufReader<ChildStdout>>;

impl Part {
    fn argument(self) -> Option<&'static str> {
        match self {
            Self::Whole => None,
            Self::BeforeData => Some("--section=pre-data"),
            Self::Data => Some("--section=data"),
            Self::AfterData => Some("--section=post-data"),
        }
    }
}

/// The table that a `COPY` fills.
pub(super) fn filled(copy: &str) -> Result<ObjectRef> {
    table_of(copy).ok_or_else(|| {
        Error::new(Kind::Failed, "the archive fills a table whose name cannot be read")
    })
}

fn count(script: &mut Rows) -> Result<u64> {
    let (mut total, mut rows) = (0_u64, Vec::new());
    loop {
        rows.clear();
        match script.rows(&mut rows)? {
            0 => return Ok(total),
            count => total = total.saturating_add(count),
        }
    }
}

/// Reads `215; 1259 16389 TABLE public test owner`.
fn entry(line: &str) -> Option<TocEntry> {
    let (_, rest) = line.split_once("; ").filter(|(id, _)| id.parse::<u32>().is_ok())?;
    let mut fields = rest.splitn(3, ' ');
    let (class, number) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(TocEntry { line: line.to_owned(), class, number, words: fields.next()?.to_owned() })
}

/// The entries in a file for `pg_restore` to choose by.
fn list_of(entries: &[&TocEntry]) -> Result<NamedTempFile> {
    let write = || {
        let mut file = NamedTempFile::new()?;
        for entry in entries {
            writeln!(file, "{}", entry.line)?;
        }
        Ok(file)
    };
    write().map_err(|cause: std::io::Error| {
        Error::new(Kind::Failed, "a list for `pg_restore` cannot be written").because(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_pg_restore_lists_them() {
        let table = entry("215; 1259 16389 TABLE public My Table owner").unwrap();
        assert_eq!(
            (table.class, table.number, table.words.as_str()),
            (1259, 16389, "TABLE public My Table owner")
        );
        assert!(!table.is_grant());
        assert!(entry("3333; 0 0 ACL public TABLE test owner").unwrap().is_grant());
        assert!(
            entry("2035; 826 16400 DEFAULT ACL - DEFAULT PRIVILEGES FOR TABLES x")
                .unwrap()
                .is_default_grant()
        );
        assert!(entry("3346; 0 16389 TABLE DATA public t postgres").unwrap().is_table_data());
        assert_eq!(entry(";     dbname: x"), None);
        assert_eq!(entry(""), None);
    }
}
