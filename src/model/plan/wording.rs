//! How moves are called in words: the titles of steps, and the line that sums a plan up.
//!
//! Pure text from moves alone; part of what readers recompute. Not escaped: names in it come
//! from outside, and `render` escapes before anything reaches a person.

use crate::model::names::ObjectRef;
use crate::model::plan::Summary;
use crate::model::plan::step::{Move, Probe, Step};
use crate::model::text::{bytes, counted};

/// The title of a step: what its moves do, one after the other.
pub fn title(step: &Step) -> String {
    let phrases: Vec<String> = step.moves.iter().map(|mv| phrase(mv, &step.ready)).collect();
    phrases.join(", ")
}

fn rows_of(table: &ObjectRef, ready: &[Probe]) -> String {
    ready
        .iter()
        .find_map(|probe| match probe {
            Probe::Rows { table: of, count } if of == table => {
                Some(format!(" ({})", counted(*count, "row")))
            }
            _ => None,
        })
        .unwrap_or_default()
}

fn list(words: &[String]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// One move in words.
pub fn phrase(mv: &Move, ready: &[Probe]) -> String {
    match mv {
        Move::CreateObject(create) => format!("create {}", create.object),
        Move::DropObject(drop) => format!("drop {}{}", drop.object, rows_of(&drop.object, ready)),
        Move::AlterObject(alter) => format!("alter {}", alter.object),
        Move::SetRevisions(set) if set.to.is_empty() => format!("clear {}", set.table),
        Move::SetRevisions(set) => format!("stamp {}", list(&set.to)),
        Move::SaveObjects(save) => format!("save {}", objects(&save.objects)),
        Move::RestoreObjects(restore) => format!("bring back {}", objects(&restore.objects)),
        Move::BackupDatabase(_) => "back up the database".to_owned(),
        Move::RestoreDatabase(_) => "put the database back to its backup".to_owned(),
        Move::Quarantine(put) => {
            format!("quarantine {}{}", put.object, rows_of(&put.object, ready))
        }
        Move::Unquarantine(back) => format!("bring {} back from quarantine", back.object),
        Move::MakeDirectory(make) => format!("make directory `{}`", make.path.to_text()),
        Move::RemoveDirectory(remove) => format!("remove directory `{}`", remove.path.to_text()),
        Move::CopyFiles(copy) => {
            let (files, size) = copy.files.totals();
            let (from, to) = (copy.from.to_text(), copy.to.to_text());
            let named = if copy.renamed { ", named by their content" } else { "" };
            format!(
                "copy {} ({}) from `{from}` to `{to}`{named}",
                counted(files, "file"),
                bytes(size)
            )
        }
        Move::ReplaceFiles(replace) => {
            let (files, size) = replace.files.totals();
            let (from, to) = (replace.from.to_text(), replace.to.to_text());
            format!(
                "replace {} of `{to}` by those of `{from}` ({})",
                counted(files, "file"),
                bytes(size)
            )
        }
        Move::RemoveFiles(remove) => {
            format!("remove this run's copies from `{}`", remove.root.to_text())
        }
        Move::SaveFiles(save) => format!("save the files of `{}`", save.from.to_text()),
        Move::ReleaseFiles(release) => {
            let (files, size) = release.files.totals();
            let (from, to) = (release.from.to_text(), release.to.to_text());
            format!(
                "remove {} ({}) from `{from}`, copied to `{to}`",
                counted(files, "file"),
                bytes(size)
            )
        }
        Move::RestoreFiles(restore) => {
            format!("bring the files of `{}` back", restore.root.to_text())
        }
        Move::DiscardKept(discard) => {
            let size = discard.kept.iter().map(|thing| thing.bytes).fold(0, u64::saturating_add);
            let things = counted(discard.kept.len() as u64, "thing");
            format!("remove what run `{}` kept ({things}, {})", discard.run, bytes(size))
        }
        Move::WriteRows(write) => {
            let (column, table) = (&write.rewriting.column, &write.rewriting.table);
            format!("rewrite {} in `{column}` of {table}", counted(write.rows, "reference"))
        }
        Move::RestoreRows(restore) => {
            let (column, table) = (&restore.rewriting.column, &restore.rewriting.table);
            format!("give `{column}` of {table} its old values back")
        }
        Move::Run(run) => {
            let words = run.words();
            let program = words.first().map_or("", String::as_str);
            let name = program.rsplit('/').next().unwrap_or(program);
            let words: Vec<&str> =
                std::iter::once(name).chain(words.iter().skip(1).map(String::as_str)).collect();
            format!(
                "run `{}` ({})",
                words.join(" "),
                counted(run.revisions.len() as u64, "migration")
            )
        }
    }
}

fn objects(objects: &[ObjectRef]) -> String {
    objects.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The summary line: destructive things first, nothing left out, `no changes` when there are none.
pub fn summary_line(summary: &Summary, steps: usize) -> String {
    let s = summary;
    let mut parts = Vec::new();
    let mut add = |n: u64, text: String| {
        if n > 0 {
            parts.push(text);
        }
    };
    add(s.destructive_steps, counted(s.destructive_steps, "destructive step"));
    add(s.tables_to_drop, format!("{} to drop", counted(s.tables_to_drop, "table")));
    add(
        s.tables_to_quarantine,
        format!("{} to quarantine", counted(s.tables_to_quarantine, "table")),
    );
    add(s.revisions_to_stamp, format!("{} to stamp", counted(s.revisions_to_stamp, "revision")));
    add(s.migrations_to_run, format!("{} to run", counted(s.migrations_to_run, "migration")));
    add(
        s.files_to_move,
        format!("{} ({}) to move", counted(s.files_to_move, "file"), bytes(s.bytes_to_move)),
    );
    add(
        s.references_to_rewrite,
        format!("{} to rewrite", counted(s.references_to_rewrite, "reference")),
    );
    match (parts.is_empty(), steps) {
        (true, 0) => "no changes".to_owned(),
        (true, n) => counted(n as u64, "step"),
        (false, n) => format!("{}, in {}", parts.join(", "), counted(n as u64, "step")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_line_puts_destruction_first_and_knows_nothing() {
        assert_eq!(summary_line(&Summary::default(), 0), "no changes");
        let summary = Summary {
            destructive_steps: 1,
            tables_to_drop: 2,
            files_to_move: 1,
            ..Summary::default()
        };
        assert_eq!(
            summary_line(&summary, 4),
            "1 destructive step, 2 tables to drop, 1 file (0 B) to move, in 4 steps"
        );
    }
}
