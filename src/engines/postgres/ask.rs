//! Reading rows: the answers to questions, exact counts, and fingerprints of whole tables.

use super::connection::Set;
use crate::engines::database::RowQuery;
use crate::engines::database::Rows;
use crate::engines::database::TableContent;
use crate::engines::postgres::snapshot::PostgresSnapshot;
use crate::engines::postgres::sql::literal;
use crate::error::{Error, Kind, Result};
use crate::model::database::names::qualified;
use crate::model::database::names::quote;
use crate::model::names::{Digest, ObjectRef};

/// How many tables one query reads; more would only make its text long.
const TABLES_AT_ONCE: usize = 200;

/// Every table that keeps rows of its own: no views of other tables' rows, nothing on other
/// servers.
const TABLES_WITH_ROWS: &str = "
    SELECT n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'ttplan_quarantine')";

impl PostgresSnapshot {
    pub(super) fn answers(&mut self, questions: &[RowQuery]) -> Result<Vec<Rows>> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let queries: Vec<String> = questions.iter().map(query).collect();
        let sets = self.read(&queries.join("; "))?;
        Ok(sets.into_iter().map(sorted).collect())
    }

    /// Exact numbers of rows, in the order of the tables; rows of child tables are not counted.
    pub(super) fn count(&mut self, tables: &[ObjectRef]) -> Result<Vec<u64>> {
        let mut counts = Vec::with_capacity(tables.len());
        for some in tables.chunks(TABLES_AT_ONCE) {
            let queries: Vec<String> = some
                .iter()
                .enumerate()
                .map(|(i, table)| {
                    format!("SELECT {i} AS place, count(*) FROM ONLY {}", name_of(table))
                })
                .collect();
            let query = format!(
                "SET LOCAL statement_timeout = 0; {} ORDER BY place",
                queries.join(" UNION ALL ")
            );
            for row in self.read(&query)?.into_iter().flatten() {
                counts.push(number(row.get(1))?);
            }
        }
        Ok(counts)
    }

    pub(super) fn fingerprints(&mut self) -> Result<Vec<TableContent>> {
        let mut tables: Vec<ObjectRef> =
            self.read(TABLES_WITH_ROWS)?.into_iter().flatten().filter_map(table_named).collect();
        tables.sort();
        let mut contents = Vec::with_capacity(tables.len());
        for some in tables.chunks(TABLES_AT_ONCE) {
            let queries: Vec<String> =
                some.iter().enumerate().map(|(i, table)| fingerprint(i, table)).collect();
            let query = format!(
                "SET LOCAL statement_timeout = 0; {} ORDER BY place",
                queries.join(" UNION ALL ")
            );
            let rows = self.read(&query)?.into_iter().flatten();
            for (table, row) in some.iter().zip(rows) {
                let texts: Vec<&str> = row.iter().filter_map(Option::as_deref).collect();
                let digest = Digest::of(texts.get(1..).unwrap_or_default().join(":")).to_string();
                contents.push(TableContent {
                    table: table.clone(),
                    rows: number(row.get(1))?,
                    digest,
                });
            }
        }
        Ok(contents)
    }
}

/// The sum over all rows of both halves of each row's hash: the order of the rows does not matter,
/// the number of equal rows does. The text of a row is the same everywhere under our settings.
fn fingerprint(place: usize, table: &ObjectRef) -> String {
    format!(
        "SELECT {place} AS place, count(*), \
            coalesce(sum(('x' || substr(h, 1, 16))::bit(64)::bigint), 0), \
            coalesce(sum(('x' || substr(h, 17, 16))::bit(64)::bigint), 0) \
         FROM (SELECT encode(sha256(textsend((t.*)::text)), 'hex') AS h FROM ONLY {} t) r",
        name_of(table)
    )
}

fn query(question: &RowQuery) -> String {
    match question {
        RowQuery::Count(table) => format!("SELECT count(*) FROM {}", name_of(table)),
        RowQuery::Column { table, column } => {
            let column = format!("t.{}", quote(column));
            format!("SELECT {column}::text FROM {} t WHERE {column} IS NOT NULL", name_of(table))
        }
        RowQuery::Keyed { table, key, column, containing } => {
            let column = format!("t.{}", quote(column));
            let key: Vec<String> =
                key.iter().map(|part| format!("coalesce(t.{}::text, '')", quote(part))).collect();
            let key = if key.is_empty() { "''".to_owned() } else { key.join(" || ',' || ") };
            let filter = match containing.as_str() {
                "" => String::new(),
                word => format!(" AND position({} in {column}::text) > 0", literal(word)),
            };
            format!(
                "SELECT {key}, {column}::text FROM {} t WHERE {column}::text <> ''{filter}",
                name_of(table)
            )
        }
    }
}

/// Sorted here, because what the server takes for sorted depends on its collations.
fn sorted(set: Set) -> Rows {
    let mut rows: Rows = set.into_iter().map(|row| row.into_iter().flatten().collect()).collect();
    rows.sort();
    rows
}

fn name_of(table: &ObjectRef) -> String {
    qualified(&table.schema, &table.name)
}

fn table_named(row: Vec<Option<String>>) -> Option<ObjectRef> {
    let mut row = row.into_iter().flatten();
    Some(ObjectRef::table(row.next()?, row.next()?))
}

fn number(text: Option<&Option<String>>) -> Result<u64> {
    let number = text.and_then(Option::as_deref).and_then(|text| text.parse().ok());
    number.ok_or_else(|| {
        Error::new(Kind::Failed, "the database gave no number where it always gives one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_questions_stay_names() {
        let table = ObjectRef::table("public", "My Table; drop");
        let text = query(&RowQuery::Keyed {
            table,
            key: vec!["a\"b".into(), "c".into()],
            column: "d".into(),
            containing: "e'".into(),
        });
        assert_eq!(
            text,
            "SELECT coalesce(t.\"a\"\"b\"::text, '') || ',' || coalesce(t.\"c\"::text, ''), t.\"d\"::text \
             FROM \"public\".\"My Table; drop\" t WHERE t.\"d\"::text <> '' AND position('e''' in t.\"d\"::text) > 0"
        );
    }

    #[test]
    fn rows_are_sorted_bytewise() {
        let row = |text: &str| vec![Some(text.to_owned())];
        assert_eq!(
            sorted(vec![row("é"), row("z"), row("B"), row("a")]),
            [["B"], ["a"], ["z"], ["é"]]
        );
    }
}
