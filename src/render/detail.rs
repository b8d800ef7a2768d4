//! What a move does, to the letter: everything in it that its title does not say. Whatever a plan
//! could hide is in these lines. Not escaped: whoever prints them does that.

use crate::model::files::references::Form;
use crate::model::files::rewriting::Rewriting;
use crate::model::names::FilePath;
use crate::model::plan::step::{Basis, FileList, Move, Risk, Run, SavedCopyRef, Step};
use crate::model::plan::wording;
use crate::model::risk;
use crate::model::text;

/// How many files of a list are shown; the rest are counted. Of what is removed, all.
const FILES_SHOWN: usize = 10;

/// The lines of a step: what is saved, what is done, how it is taken back.
pub fn lines(step: &Step) -> Vec<String> {
    let mut lines: Vec<String> = step.save.iter().chain(&step.moves).flat_map(detail).collect();
    for mv in &step.undo {
        lines.push(format!("undo: {}", wording::phrase(mv, &[])));
        lines.extend(undo_detail(mv).into_iter().map(|line| format!("undo: {line}")));
    }
    if step.undo.is_empty() && risk::of_step(step) != Risk::Safe {
        lines.push("cannot be taken back".to_owned());
    }
    lines
}

fn detail(mv: &Move) -> Vec<String> {
    match mv {
        Move::CreateObject(create) => vec![create.sql.clone()],
        Move::DropObject(drop) => vec![drop.sql.clone()],
        Move::AlterObject(alter) => vec![alter.sql.clone()],
        Move::SetRevisions(set) => {
            let basis = match set.basis {
                Basis::Exact => "exact",
                Basis::Assumed => "assumed",
            };
            let (from, to) = (set.from.join(", "), set.to.join(", "));
            vec![format!("{}, `{}`: [{from}] -> [{to}] ({basis})", set.table, set.column)]
        }
        Move::SaveObjects(save) => {
            vec![format!("{}, first, as `{}`", wording::phrase(mv, &[]), save.name)]
        }
        Move::BackupDatabase(backup) => vec![kept(&backup.name, backup.directory.as_ref())],
        Move::RestoreDatabase(restore) => vec![kept(&restore.name, restore.directory.as_ref())],
        Move::Quarantine(put) => vec![kept(&put.name, None)],
        Move::MakeDirectory(make) => owned(make.mode.as_deref(), make.owner.as_deref()),
        Move::ReplaceFiles(replace) => [
            owned(replace.mode.as_deref(), replace.owner.as_deref()),
            vec!["what is replaced, kept by the run:".to_owned()],
            listed(&replace.replaced, usize::MAX),
            vec!["what it is replaced by:".to_owned()],
            some(&replace.files),
        ]
        .concat(),
        Move::CopyFiles(copy) => {
            [owned(copy.mode.as_deref(), copy.owner.as_deref()), some(&copy.files)].concat()
        }
        Move::SaveFiles(save) => {
            vec![format!("{}, first, as `{}`", wording::phrase(mv, &[]), save.name)]
        }
        Move::ReleaseFiles(release) => listed(&release.files, usize::MAX),
        Move::DiscardKept(discard) => {
            let line = |thing: &SavedCopyRef| {
                format!(
                    "{}, {}",
                    kept(&thing.name, thing.directory.as_ref()),
                    text::bytes(thing.bytes)
                )
            };
            discard.kept.iter().map(line).collect()
        }
        Move::WriteRows(write) => {
            let (from, to) = (&write.rewriting.from, &write.rewriting.to);
            let how = match write.rewriting.form {
                Form::Absolute => "where it begins a value",
                _ => "wherever it names a file, in the spelling of each value",
            };
            let Rewriting { table, key, .. } = &write.rewriting;
            let key = if key.is_empty() {
                String::new()
            } else {
                format!(", rows known by {}", key.join(", "))
            };
            let renamed = write.rewriting.renamed.iter();
            let mut lines = vec![format!("`{}` becomes `{to}`, {how}", from.join("`, `"))];
            lines.extend(renamed.map(|(old, new)| format!("`{old}` there becomes `{new}`")));
            lines.push(format!("in {table}{key}; old values kept as `{}`", write.name));
            lines
        }
        Move::Run(run) => command(run),
        // Their titles say it all.
        Move::RestoreObjects(_)
        | Move::Unquarantine(_)
        | Move::RemoveDirectory(_)
        | Move::RemoveFiles(_)
        | Move::RestoreFiles(_)
        | Move::RestoreRows(_) => Vec::new(),
    }
}

/// SQL stands for itself; all else is what the step's own moves say already.
fn undo_detail(mv: &Move) -> Vec<String> {
    match mv {
        Move::CreateObject(_)
        | Move::DropObject(_)
        | Move::AlterObject(_)
        | Move::SetRevisions(_) => detail(mv),
        _ => Vec::new(),
    }
}

fn kept(name: &str, directory: Option<&FilePath>) -> String {
    match directory {
        Some(directory) => format!("as `{name}` in `{}`", directory.to_text()),
        None => format!("as `{name}` in the run's own folder"),
    }
}

fn owned(mode: Option<&str>, owner: Option<&str>) -> Vec<String> {
    let mode = mode.map(|mode| format!("mode {mode}"));
    let owner = owner.map(|owner| format!("owner {owner}"));
    mode.into_iter().chain(owner).collect()
}

fn command(run: &Run) -> Vec<String> {
    let mut lines = vec![
        format!("$ {}", run.words().join(" ")),
        format!("in {}, as the host's `{}`", run.directory.to_text(), run.command),
    ];
    if let Some(revision) = &run.revision {
        lines.push(format!("host.toml says `{}`, with {revision}", run.argv.join(" ")));
    }
    lines.extend(run.env.iter().map(|(name, value)| format!("{name}={value}")));
    lines.extend(run.url_variable.iter().map(|name| format!("{name}=(the database's URL)")));
    if !run.pass.is_empty() {
        lines.push(format!("passed on: {}", run.pass.join(", ")));
    }
    if let Some(check) = &run.check {
        let (argv, name) = (check.argv.join(" "), &check.command);
        lines.push(format!("checked first by: {argv}, as the host's `{name}`"));
    }
    if !run.stumbles.is_empty() {
        lines.push(format!(
            "run again at most {}",
            text::counted(run.stumbles.len() as u64, "time")
        ));
    }
    lines.push(format!("at most {} s; runs {}", run.timeout_seconds, from_to(&run.revisions)));
    lines
}

/// A long list of revisions by its ends.
fn from_to(revisions: &[String]) -> String {
    match revisions {
        [first, .., last] if revisions.len() > 6 => format!("{first} to {last}"),
        few => few.join(", "),
    }
}

fn some(list: &FileList) -> Vec<String> {
    listed(list, FILES_SHOWN)
}

fn listed(list: &FileList, most: usize) -> Vec<String> {
    match list {
        FileList::Inline(rows) => {
            let line = |row: &crate::model::files::uploads::FileFact| {
                format!(
                    "`{}`, {}, {}",
                    row.path().to_text(),
                    text::bytes(row.size()),
                    row.sha256().short(12)
                )
            };
            let mut lines: Vec<String> = rows.iter().take(most).map(line).collect();
            if rows.len() > most {
                lines.push(format!("and {} more", rows.len() - most));
            }
            lines
        }
        FileList::Sidecar(sidecar) => {
            vec![format!("listed in the file beside the plan, sha256 {}", sidecar.sha256.short(12))]
        }
        FileList::Move(_) | FileList::Replaced(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::Digest;
    use crate::render::{markdown, plan};
    use crate::trust::test_plans;

    /// Every text and number in a document, digests by what is shown of them.
    fn leaves(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text)
                if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {}
            serde_json::Value::String(text) => found.push(text.clone()),
            serde_json::Value::Array(all) => all.iter().for_each(|one| leaves(one, found)),
            serde_json::Value::Object(all) => all.values().for_each(|one| leaves(one, found)),
            _ => {}
        }
    }

    #[test]
    fn whatever_stands_in_a_move_is_shown_to_whoever_signs_it() {
        let planned = test_plans::plan();
        let sha256 = Digest::of("plan");
        let strip = |text: String| anstream::adapter::strip_str(&text).to_string();
        let shown = [plan::plan(&planned, &sha256), plan::to_sign(&planned, &sha256)].map(strip);
        let ticket = markdown::plan(&planned, &sha256);
        for step in &planned.steps {
            for mv in step.save.iter().chain(&step.moves).chain(&step.undo) {
                let mut texts = Vec::new();
                let content = serde_json::to_value(mv).unwrap();
                leaves(&content["with"], &mut texts);
                // Told in words, or by being left away: how a value is read, the usual schema.
                texts.retain(|text| !matches!(text.as_str(), "absolute" | "public"));
                for text in texts {
                    for shown in &shown {
                        assert!(
                            shown.contains(&text),
                            "{}: `{text}` is not shown:\n{shown}",
                            mv.word()
                        );
                    }
                    assert!(
                        ticket.contains(&markdown::inner(&text)),
                        "{}: `{text}`:\n{ticket}",
                        mv.word()
                    );
                }
            }
        }
    }

    #[test]
    fn of_what_is_removed_every_file_is_shown() {
        let mut planned = test_plans::plan();
        let step = planned.steps.iter_mut().find(|step| step.id == "release").unwrap();
        let Move::ReleaseFiles(release) = &mut step.moves[0] else { panic!() };
        release.files =
            FileList::Inline((100..200).map(|n| test_plans::file(&format!("{n}.png"))).collect());
        let text = lines(step).join("\n");
        assert!((100..200).all(|n| text.contains(&format!("{n}.png"))), "{text}");
    }
}
