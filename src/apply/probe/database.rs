//! Questions about the database, also asked of a migrated copy before it is adopted.

use std::collections::BTreeMap;

use crate::apply::probe::answer::{listed, same};
use crate::engines::database::{InspectedDatabase, OtherSessions, ReadDatabase, RowQuery};
use crate::error::Result;
use crate::model::database::column_type::ColumnType;
use crate::model::database::shape::{NORMALISER, Shape};
use crate::model::database::version_table::{VersionRow, VersionTable};
use crate::model::files::rewriting::{Rewriting, Row, outdated};
use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::step::Answer;

/// Whether the object is there with this definition.
pub fn object_is(inspected: &InspectedDatabase, object: &ObjectRef, sha256: &Digest) -> Answer {
    match inspected.schema.digest_of(object) {
        None => Answer::No(format!("{object} is not there")),
        Some(digest) => same(digest == *sha256, || format!("{object} is not defined as it was")),
    }
}

/// Whether nothing has the name.
pub fn object_absent(inspected: &InspectedDatabase, object: &ObjectRef) -> Answer {
    same(inspected.schema.digest_of(object).is_none(), || format!("{object} is there"))
}

/// Whether the table has exactly so many rows.
pub fn rows_are(
    inspected: &InspectedDatabase,
    database: &mut dyn ReadDatabase,
    table: &ObjectRef,
    count: u64,
) -> Result<Answer> {
    if inspected.schema.digest_of(table).is_none() {
        return Ok(Answer::No(format!("{table} is not there")));
    }
    let answers = database.ask(&[RowQuery::Count(table.clone())])?;
    Ok(match answers.first().and_then(|rows| rows.first()?.first()?.parse::<u64>().ok()) {
        Some(now) => same(now == count, || format!("{table} has {now} rows, not {count}")),
        None => Answer::Unknown(format!("the rows of {table} could not be counted")),
    })
}

/// Whether nothing depends on the object but these.
pub fn no_dependents_but(
    inspected: &InspectedDatabase,
    object: &ObjectRef,
    dependents: &[ObjectRef],
) -> Answer {
    let mut found = inspected.schema.dependents_of(object).into_iter();
    found
        .find(|dependent| !dependents.contains(dependent))
        .map_or(Answer::Yes, |more| Answer::No(format!("{more} depends on {object}")))
}

/// Whether exactly these rows are recorded.
pub fn revisions_are(
    inspected: &InspectedDatabase,
    database: &mut dyn ReadDatabase,
    versions: &VersionTable,
    rows: Option<&[VersionRow]>,
) -> Result<Answer> {
    let table = &versions.table;
    let [column] = versions.columns.as_slice() else {
        let why = format!("{table} records a revision in several columns");
        return Ok(Answer::Unknown(why));
    };
    let now = recorded_in(inspected, table, column, database)?;
    let mut recorded = rows.map(|rows| versions.ids(rows));
    if let Some(ids) = &mut recorded {
        ids.sort();
    }
    Ok(same(now == recorded, || match &now {
        None => format!("{table} is not there"),
        Some(ids) if ids.is_empty() => format!("{table} records nothing"),
        Some(ids) => format!("{table} records {}", listed(ids)),
    }))
}

/// Whether the column has this type, or is not there.
pub fn column_is(
    inspected: &InspectedDatabase,
    table: &ObjectRef,
    column: &str,
    data_type: Option<ColumnType>,
) -> Answer {
    let found = inspected.schema.table(&table.schema, &table.name);
    let Some(found) = found else { return Answer::No(format!("{table} is not there")) };
    match (found.column(column), data_type) {
        (None, None) => Answer::Yes,
        (None, Some(_)) => Answer::No(format!("column `{column}` of {table} is not there")),
        (Some(_), None) => Answer::No(format!("column `{column}` of {table} is there")),
        (Some(now), Some(wanted)) => match ColumnType::parse(&now.data_type) {
            Some(known) => same(known == wanted, || {
                format!("column `{column}` of {table} is `{}`", now.data_type)
            }),
            None => Answer::Unknown(format!(
                "whether `{}`, the type of `{column}` of {table}, is {wanted}",
                now.data_type
            )),
        },
    }
}

/// Whether a write to the table does no more than it says.
pub fn no_triggers(inspected: &InspectedDatabase, table: &ObjectRef) -> Answer {
    let Some(found) = inspected.schema.table(&table.schema, &table.name) else {
        return Answer::No(format!("{table} is not there"));
    };
    found.acting().next().map_or(Answer::Yes, |one| {
        Answer::No(format!("{} `{}` acts when {table} is written", one.kind.words(), one.name))
    })
}

/// Whether all definitions but those of `except` have this digest.
pub fn schema_is(inspected: &InspectedDatabase, sha256: &Digest, except: &[ObjectRef]) -> Answer {
    let now = inspected.schema.digest_without(except);
    same(now == *sha256, || "the schema is not as it was".to_owned())
}

/// Whether the home schema has the shape with this digest.
pub fn shape_is(
    inspected: &InspectedDatabase,
    sha256: &Digest,
    normaliser: u32,
    except: &[String],
) -> Answer {
    if normaliser != NORMALISER {
        return Answer::Unknown(format!(
            "shapes in words of version {normaliser} are not known to this ttplan"
        ));
    }
    let now = Shape::of(&inspected.schema, None).without(except).digest();
    same(now == *sha256, || {
        "the schema is not the one that is catalogued for that revision".to_owned()
    })
}

/// Whether these tables are there with at least these columns.
pub fn core_present(
    inspected: &InspectedDatabase,
    tables: &BTreeMap<String, Vec<String>>,
) -> Answer {
    let missing = tables.iter().find(|(name, columns)| {
        let table = inspected.schema.home_table(name);
        !table.is_some_and(|table| columns.iter().all(|column| table.column(column).is_some()))
    });
    missing.map_or(Answer::Yes, |(name, _)| {
        Answer::No(format!("core table `{name}` is not there with its columns"))
    })
}

/// Whether exactly so many rows spell a reference as of old, with these keys and values.
pub fn outdated_are(
    inspected: &InspectedDatabase,
    database: &mut dyn ReadDatabase,
    rewriting: &Rewriting,
    rows: u64,
    sha256: &Digest,
) -> Result<Answer> {
    let (table, columns) = (&rewriting.table, rewriting.key.iter().chain([&rewriting.column]));
    let found = inspected.schema.table(&table.schema, &table.name);
    let missing = |column: &&String| found.is_none_or(|table| table.column(column).is_none());
    if let Some(column) = columns.clone().find(missing) {
        return Ok(Answer::No(format!("column `{column}` of {table} is not there")));
    }
    let now = outdated(&changes(database, rewriting)?);
    Ok(same((now.rows, now.sha256) == (rows, *sha256), || {
        format!(
            "{} rows of {table} are to be rewritten, not the {rows} that were planned",
            now.rows
        )
    }))
}

/// Whether nobody else has the database open.
pub fn no_other_writer(database: &mut dyn ReadDatabase) -> Result<Answer> {
    Ok(match database.writers()? {
        OtherSessions::None => Answer::Yes,
        OtherSessions::Some(who) => {
            Answer::No(format!("others have the database open: {}", who.join("; ")))
        }
        OtherSessions::Unknown(why) => {
            Answer::Unknown(format!("whether others have the database open: {why}"))
        }
    })
}

/// The ids that a framework's table records, sorted; `None` where there is no such table.
fn recorded_in(
    sight: &InspectedDatabase,
    table: &ObjectRef,
    column: &str,
    database: &mut dyn ReadDatabase,
) -> Result<Option<Vec<String>>> {
    match sight.schema.table(&table.schema, &table.name) {
        Some(found) if found.column(column).is_some() => {}
        _ => return Ok(None),
    }
    let question = RowQuery::Column { table: table.clone(), column: column.to_owned() };
    let rows = database.ask(&[question])?.into_iter().next().unwrap_or_default();
    Ok(Some(rows.into_iter().filter_map(|row| row.into_iter().next()).collect()))
}

/// The rows that a rewriting would change now, each with its new value.
pub fn changes(
    database: &mut dyn ReadDatabase,
    rewriting: &Rewriting,
) -> Result<Vec<(Row, String)>> {
    all(database, rewriting).map(|rows| rewriting.changes(rows))
}

/// Every row of the column that says anything.
pub(in crate::apply) fn all(
    database: &mut dyn ReadDatabase,
    rewriting: &Rewriting,
) -> Result<Vec<Row>> {
    let question = RowQuery::Keyed {
        table: rewriting.table.clone(),
        key: rewriting.key.clone(),
        column: rewriting.column.clone(),
        containing: String::new(),
    };
    let rows = database.ask(&[question])?.into_iter().next().unwrap_or_default();
    let pair = |row: Vec<String>| {
        let mut row = row.into_iter();
        Some((row.next()?, row.next()?))
    };
    Ok(rows.into_iter().filter_map(pair).collect())
}

/// A fingerprint of everything the database holds: what is defined in it, and every row.
pub fn content_digest(database: &mut dyn ReadDatabase) -> Result<Digest> {
    let schema = database.look()?.schema.digest_without(&[]);
    let tables = database.content()?;
    let plain: Vec<_> =
        tables.iter().map(|content| (&content.table, content.rows, &content.digest)).collect();
    Ok(Digest::of_json(&(schema, plain)))
}
