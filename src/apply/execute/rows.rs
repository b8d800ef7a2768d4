//! Rewrites rows and gives them their old values back. What was there is on disk before the first
//! row changes.

use std::collections::BTreeSet;
use std::path::Path;

use crate::apply::context::RunContext;
use crate::apply::execute::database;
use crate::apply::probe::database::{all, changes};
use crate::artifact::json;
use crate::engines::database::SavedCopy;
use crate::error::{Error, Kind, Result};
use crate::fs::files::{self, Existing};
use crate::model::files::rewriting::{Rewriting, Row, outdated};
use crate::model::names::Digest;
use crate::model::plan::step::{RestoreRows, Step, WriteRows};

/// One rewritten row as it is kept: key, old value, new value.
type Written = (String, String, String);

/// Rewrites exactly the planned rows, inside the open transaction.
pub fn write(ctx: &mut RunContext<'_>, step: &Step, write: &WriteRows) -> Result<()> {
    let changes = changes(ctx.live.database(), &write.rewriting)?;
    let found = outdated(&changes);
    if (found.rows, found.sha256) != (write.rows, write.sha256) {
        let message = format!(
            "the rows of {} to be rewritten are not those that were planned",
            write.rewriting.table
        );
        return Err(Error::new(Kind::Stale, message)
            .code("rows_differ")
            .hint("run `ttplan plan` again and have the new plan signed"));
    }
    let rows: Vec<Written> = changes.into_iter().map(|((key, old), new)| (key, old, new)).collect();
    let text: String = rows.iter().map(|row| json::to_line(row) + "\n").collect();
    let path = ctx.active_run.kept_at(&write.name, None);
    ctx.active_run.make_free(&path)?;
    files::write(&path, text.as_bytes(), 0o600, Existing::Refuse)?;
    let kept = SavedCopy {
        bytes: text.len() as u64,
        sha256: Digest::of(&text),
        tables: vec![(write.rewriting.table.clone(), rows.len() as u64)],
    };
    ctx.active_run.saved(&step.id, &write.name, &kept)?;
    set(ctx, &write.rewriting, rows, false)
}

/// Gives the rows their old values back, inside the open transaction. A row that says something
/// else by now is an error, unless what was written since may be lost: then that row is left as it
/// is.
pub fn restore(ctx: &mut RunContext<'_>, restore: &RestoreRows) -> Result<()> {
    let path = ctx.active_run.checked(&restore.name, None)?;
    let back = read(&path)?.into_iter().map(|(key, old, new)| (key, new, old)).collect();
    let lenient = ctx.options.discard_writes;
    set(ctx, &restore.rewriting, back, lenient)
}

/// Whether every row says what this run wrote, or what it said before.
///
/// Errors: `Kind::Stale` where others have written since, unless that may be lost.
pub fn check_unwritten(ctx: &mut RunContext<'_>, restore: &RestoreRows) -> Result<()> {
    // A step that was cut off before its rows were kept has changed none.
    if !ctx.active_run.standing().saved.contains_key(&restore.name) {
        return Ok(());
    }
    let path = ctx.active_run.checked(&restore.name, None)?;
    if ctx.options.discard_writes {
        return Ok(());
    }
    let now: BTreeSet<Row> = all(ctx.live.database(), &restore.rewriting)?.into_iter().collect();
    for (key, old, new) in read(&path)? {
        let here = |value: &String| now.contains(&(key.clone(), value.clone()));
        if !here(&old) && !here(&new) {
            let (column, table) = (&restore.rewriting.column, &restore.rewriting.table);
            return Err(Error::new(
                Kind::Stale,
                format!("`{column}` of {table} was written to since, in row {key}"),
            )
            .code("changed_since")
            .hint(
                "`ttplan undo --discard-writes` leaves such rows as they are and undoes the rest",
            ));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Written>> {
    let bytes = files::read(path)?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let rows: std::result::Result<_, _> = lines.map(serde_json::from_slice).collect();
    rows.map_err(|error| {
        Error::new(
            Kind::Verification,
            format!("`{}` is not a list of rewritten rows", path.display()),
        )
        .because(error)
    })
}

/// Sets every row from its first value to its second. Equal rows are changed together.
fn set(
    ctx: &mut RunContext<'_>,
    rewriting: &Rewriting,
    mut rows: Vec<Written>,
    lenient: bool,
) -> Result<()> {
    rows.sort();
    for same in rows.chunk_by(|one, next| one == next) {
        let Some((key, from, to)) = same.first() else { continue };
        let sql = database::dialect(ctx)?.update_row(rewriting, key, from, to);
        let changed = ctx.live.change_database().execute(&sql)?;
        if changed != same.len() as u64 && !(lenient && changed == 0) {
            let (column, table) = (&rewriting.column, &rewriting.table);
            return Err(Error::new(
                Kind::Stale,
                format!("`{column}` of {table} was changed by others, in row {key}"),
            )
            .code("rows_differ")
            .because(format!("{changed} rows have the expected value, not {}", same.len())));
        }
    }
    Ok(())
}
