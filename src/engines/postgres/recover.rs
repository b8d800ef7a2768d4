//! Putting the whole database back to what a backup holds, in one transaction.
//!
//! What stands in the user's schemas is dropped, object by object and never by cascade, and made
//! again from the backup. What stands in no schema (extensions, languages, publications, foreign
//! servers) stays where the backup knows it and nothing that is dropped is needed for it; where the
//! backup does not know it, it goes. Roles and settings of the database are no part of a backup.
//!
//! The quarantine is treated like everything else: what was put there since the backup was made is
//! back in its place afterwards. Only where it holds something that the backup knows nowhere is
//! nothing done, because that would be the last copy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::archive::{Archive, TocEntry};
use super::connection::Set;
use super::look::for_server;
use crate::engines::postgres::snapshot::PostgresSnapshot;
use crate::error::{Error, Kind, Result};
use crate::fs::new_file::open_plain;
use crate::model::database::names::quote;
use crate::model::database::schema::QUARANTINE_SCHEMA;

/// Catalogue and number: what an object is for the server and for an archive.
type Number = (u32, u32);

/// The catalogue of schemas.
const SCHEMAS: u32 = 2615;

/// The catalogue of tables, views, indexes and sequences.
const RELATIONS: u32 = 1259;

/// What takes schemas out of publications, which may stay themselves; the archive puts them back.
const PUBLISHED_SCHEMAS: &str = "
    SELECT format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA %I', p.pubname, n.nspname)
    FROM pg_publication_namespace m JOIN pg_publication p ON p.oid = m.pnpubid JOIN pg_namespace n ON n.oid = m.pnnspid
    WHERE pg_has_role(p.pubowner, 'USAGE')";

/// An object that may have to go.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    number: Number,
    /// Whether it stands in a schema of the user's.
    inside: bool,
    drop: String,
}

/// A schema as it now is.
struct SequencePosition {
    number: u32,
    name: String,
    ours: bool,
    /// What makes its privileges and its comment the usual ones.
    plain: Option<String>,
}

impl PostgresSnapshot {
    pub(super) fn recover(&mut self, from: &Path) -> Result<()> {
        let mut archive = Archive::new(open_plain(from)?, self.programs()?);
        let entries = archive.entries()?;
        self.begin_transaction()?;
        let recovered = self.clear(&entries).and_then(|()| {
            let chosen = self.still_to_make(&entries)?;
            self.replay(&mut archive, &chosen, &[])
        });
        match recovered {
            Ok(()) => self.commit_transaction(),
            Err(error) => {
                self.forget_transaction()?;
                Err(error.under("the backup was not restored, and the database is as it was"))
            }
        }
    }

    /// Drops everything that the backup will make.
    fn clear(&mut self, entries: &[TocEntry]) -> Result<()> {
        let known: BTreeSet<Number> =
            entries.iter().map(|entry| (entry.class, entry.number)).collect();
        self.spare_the_quarantined(entries)?;
        let shared = [
            include_str!("sql/members.sql"),
            ", ",
            include_str!("sql/parts.sql"),
            ", ",
            include_str!("sql/outside.sql"),
            ", ",
            include_str!("sql/clear.sql"),
        ]
        .concat();
        let selects = [
            include_str!("sql/clear_nodes.sql"),
            include_str!("sql/clear_edges.sql"),
            include_str!("sql/clear_holds.sql"),
            include_str!("sql/clear_rest.sql"),
        ];
        let queries: Vec<String> =
            selects.iter().map(|select| format!("WITH {shared} {select}")).collect();
        let sets = self.read(&for_server(queries.join("; "), self.facts.major))?;
        let [nodes, edges, holds, rest] = sets.as_slice() else {
            return Err(Error::new(Kind::Failed, "the database does not say what it holds"));
        };
        let nodes: Vec<Node> = nodes.iter().filter_map(|row| node(row)).collect();
        let edges: Vec<(Number, Number)> = edges.iter().filter_map(|row| edge(row)).collect();
        let mut statements: Vec<String> = texts(rest);
        if self.facts.major >= 15 {
            statements.extend(texts(&self.read(PUBLISHED_SCHEMAS)?.concat()));
        }
        statements.extend(texts(holds));
        statements.extend(drops(&nodes, &edges, &known)?);
        self.run(&statements)?;
        self.clear_schemas(&known)
    }

    fn clear_schemas(&mut self, known: &BTreeSet<Number>) -> Result<()> {
        let mut statements = Vec::new();
        for place in self.places()? {
            let stays = known.contains(&(SCHEMAS, place.number)) || place.name == "public";
            match place.plain {
                _ if !stays => statements.push(format!("DROP SCHEMA {}", quote(&place.name))),
                Some(plain) if place.ours => statements.push(plain),
                _ => {}
            }
        }
        self.run(&statements)
    }

    fn run(&mut self, statements: &[String]) -> Result<()> {
        if statements.is_empty() {
            return Ok(());
        }
        self.main.batch(statements.join("; ")).map(drop)
    }

    fn places(&mut self) -> Result<Vec<SequencePosition>> {
        let rows = self.read(include_str!("sql/clear_schemas.sql"))?.into_iter().flatten();
        let place = |row: Vec<Option<String>>| {
            let mut values = row.into_iter();
            let mut next = || values.next().flatten();
            let (number, name, ours) = (next()?.parse().ok()?, next()?, next()? == "t");
            Some(SequencePosition { number, name, ours, plain: next() })
        };
        Ok(rows.filter_map(place).collect())
    }

    /// Errors when something in quarantine is not in the backup: not by its number, which it keeps
    /// when it is moved, and not by its name.
    fn spare_the_quarantined(&mut self, entries: &[TocEntry]) -> Result<()> {
        let rows = self.read(&format!(
            "SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = '{QUARANTINE_SCHEMA}' AND c.relkind IN ('r', 'p', 'm')"
        ))?;
        for row in rows.into_iter().flatten() {
            let mut values = row.into_iter().flatten();
            let number = values.next().and_then(|number| number.parse().ok()).unwrap_or_default();
            let name = values.next().unwrap_or_default();
            if !entries.iter().any(|entry| {
                (entry.class, entry.number) == (RELATIONS, number) || names_table(entry, &name)
            }) {
                return Err(Error::new(Kind::Blocked, format!("`{name}` is in quarantine and not in the backup"))
                    .because("restoring the backup would destroy the last copy of it")
                    .hint(format!("restore it first: `ttplan quarantine list` says from which run, `ttplan quarantine restore RUN {name}` does it")));
            }
        }
        Ok(())
    }

    /// The entries whose objects are not there any more.
    fn still_to_make<'a>(&mut self, entries: &'a [TocEntry]) -> Result<Vec<&'a TocEntry>> {
        let more = if self.facts.major >= 15 {
            "UNION ALL SELECT 'pg_publication_namespace'::regclass, oid FROM pg_publication_namespace"
        } else {
            ""
        };
        let sets = self.read(&format!(
            "WITH {} SELECT classid, objid FROM outside \
             UNION ALL SELECT 'pg_namespace'::regclass, oid FROM pg_namespace \
             UNION ALL SELECT 'pg_default_acl'::regclass, oid FROM pg_default_acl \
             UNION ALL SELECT 'pg_subscription'::regclass, oid FROM pg_subscription {more}; \
             SELECT extname FROM pg_extension",
            include_str!("sql/outside.sql")
        ))?;
        let there: BTreeSet<Number> =
            sets.iter().take(1).flatten().filter_map(|row| number(row, 0)).collect();
        let extensions = sets.get(1).map(texts).unwrap_or_default();
        let foreign: Vec<String> = self
            .places()?
            .into_iter()
            .filter(|place| !place.ours)
            .map(|place| place.name)
            .collect();
        let about = |entry: &TocEntry, what: &str, names: &[String]| {
            names.iter().any(|name| entry.words.starts_with(&format!("{what} {name} ")))
        };
        Ok(entries
            .iter()
            .filter(|entry| !there.contains(&(entry.class, entry.number)))
            .filter(|entry| !about(entry, "COMMENT - EXTENSION", &extensions))
            .filter(|entry| {
                !about(entry, "COMMENT - SCHEMA", &foreign)
                    && !about(entry, "ACL - SCHEMA", &foreign)
            })
            .collect())
    }
}

/// The statements that drop what has to go, dependents before what they need. What stands in no
/// schema has to go when the backup does not know it, or when it needs something that goes.
fn drops(
    nodes: &[Node],
    edges: &[(Number, Number)],
    known: &BTreeSet<Number>,
) -> Result<Vec<String>> {
    let goes_by_itself = |node: &&Node| node.inside || !known.contains(&node.number);
    let all: BTreeMap<Number, &Node> = nodes.iter().map(|node| (node.number, node)).collect();
    let mut going: BTreeSet<Number> =
        nodes.iter().filter(goes_by_itself).map(|node| node.number).collect();
    loop {
        let more: Vec<Number> = edges
            .iter()
            .filter(|(dependent, needed)| {
                going.contains(needed) && !going.contains(dependent) && all.contains_key(dependent)
            })
            .map(|(dependent, _)| *dependent)
            .collect();
        if more.is_empty() {
            break;
        }
        going.extend(more);
    }
    let mut statements = Vec::with_capacity(going.len());
    let mut edges: Vec<&(Number, Number)> = edges
        .iter()
        .filter(|(dependent, needed)| going.contains(dependent) && going.contains(needed))
        .collect();
    while !going.is_empty() {
        let needed: BTreeSet<Number> = edges.iter().map(|(_, needed)| *needed).collect();
        let free: BTreeSet<Number> = going.difference(&needed).copied().collect();
        if free.is_empty() {
            let names: Vec<&str> =
                going.iter().filter_map(|number| Some(all.get(number)?.drop.as_str())).collect();
            return Err(Error::new(
                Kind::Blocked,
                "the database holds objects that need each other in a circle",
            )
            .because(names.join("; ")));
        }
        statements.extend(free.iter().filter_map(|number| Some(all.get(number)?.drop.clone())));
        edges.retain(|(dependent, _)| !free.contains(dependent));
        going.retain(|number| !free.contains(number));
    }
    Ok(statements)
}

/// Whether an entry makes a table of that name. Only read where no part of the line holds a blank.
fn names_table(entry: &TocEntry, name: &str) -> bool {
    matches!(entry.words.split(' ').collect::<Vec<_>>().as_slice(), ["TABLE", _, table, _] if *table == name)
}

fn texts(rows: &Set) -> Vec<String> {
    rows.iter().filter_map(|row| row.first()?.clone()).collect()
}

/// The number that stands in two neighbouring columns.
fn number(row: &[Option<String>], column: usize) -> Option<Number> {
    let part = |column: usize| row.get(column)?.as_deref()?.parse().ok();
    Some((part(column)?, part(column + 1)?))
}

fn node(row: &[Option<String>]) -> Option<Node> {
    let inside = row.get(2)?.as_deref()? == "t";
    Some(Node { number: number(row, 0)?, inside, drop: row.get(3)?.clone()? })
}

fn edge(row: &[Option<String>]) -> Option<(Number, Number)> {
    Some((number(row, 0)?, number(row, 2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node_at(number: u32, inside: bool) -> Node {
        Node { number: (1, number), inside, drop: format!("DROP {number}") }
    }

    fn order(nodes: &[Node], edges: &[(u32, u32)], known: &[u32]) -> Result<Vec<String>> {
        let edges: Vec<(Number, Number)> = edges.iter().map(|(a, b)| ((1, *a), (1, *b))).collect();
        drops(nodes, &edges, &known.iter().map(|number| (1, *number)).collect())
    }

    #[test]
    fn dependents_go_before_what_they_need() {
        let nodes = [node_at(1, true), node_at(2, true), node_at(3, true)];
        assert_eq!(order(&nodes, &[(2, 1), (3, 2)], &[]).unwrap(), ["DROP 3", "DROP 2", "DROP 1"]);
    }

    #[test]
    fn what_stands_outside_stays_where_the_backup_knows_it_and_it_needs_nothing_that_goes() {
        let nodes = [node_at(1, true), node_at(2, false), node_at(3, false), node_at(4, false)];
        // 2 is known and stays, 3 is unknown and goes, 4 is known but needs 1.
        assert_eq!(order(&nodes, &[(4, 1)], &[2, 4]).unwrap(), ["DROP 3", "DROP 4", "DROP 1"]);
    }

    #[test]
    fn a_circle_is_refused() {
        let nodes = [node_at(1, true), node_at(2, true)];
        assert_eq!(order(&nodes, &[(1, 2), (2, 1)], &[]).unwrap_err().kind(), Kind::Blocked);
    }
}
