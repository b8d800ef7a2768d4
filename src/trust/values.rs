//! The rules about single values of a plan: names, paths, numbers, commands.

use std::collections::BTreeSet;

use crate::model::files::references::Form;
use crate::model::files::rewriting::Rewriting;
use crate::model::files::uploads::FileFact;
use crate::model::names::{Digest, FilePath, ObjectKind, ObjectRef};
use crate::model::plan::step::{FileList, Move, Probe, Run, Sidecar};
use crate::model::text::is_printable;
use crate::trust::validation::StepContext;

/// As long as a file name may be nearly everywhere, with room for what the runner adds.
const LONGEST_NAME: usize = 200;

/// The name under which a move puts something into keeping or takes it out, and what for.
fn copy_name(mv: &Move) -> Option<(&str, Option<&FilePath>, bool)> {
    match mv {
        Move::SaveObjects(save) => Some((&save.name, None, true)),
        Move::BackupDatabase(backup) => Some((&backup.name, backup.directory.as_ref(), true)),
        Move::Quarantine(put) => Some((&put.name, None, true)),
        Move::SaveFiles(save) => Some((&save.name, None, true)),
        Move::WriteRows(write) => Some((&write.name, None, true)),
        Move::RestoreFiles(restore) => Some((&restore.name, None, false)),
        Move::RestoreRows(restore) => Some((&restore.name, None, false)),
        Move::RestoreObjects(restore) => Some((&restore.name, None, false)),
        Move::RestoreDatabase(restore) => Some((&restore.name, restore.directory.as_ref(), false)),
        Move::Unquarantine(back) => Some((&back.name, None, false)),
        _ => None,
    }
}

/// Two copies under one name would overwrite each other, or undo would bring back the wrong one.
pub(in crate::trust) fn copies_have_names_of_their_own(
    place: &StepContext<'_>,
) -> Result<(), String> {
    let step = place.step;
    for (name, ..) in step.save.iter().chain(&step.moves).chain(&step.undo).filter_map(copy_name) {
        if !is_file_name(name) {
            return Err(format!("`{name}` is not a plain file name"));
        }
    }
    let earlier = place.plan.steps.iter().take(place.at);
    let earlier =
        earlier.flat_map(|step| step.save.iter().chain(&step.moves)).filter_map(copy_name);
    let mut taken: BTreeSet<_> = earlier.filter(|(.., puts)| *puts).collect();
    for copy in step.save.iter().chain(&step.moves).filter_map(copy_name).filter(|(.., puts)| *puts)
    {
        if !taken.insert(copy) {
            return Err(format!("the name `{}` is used for another copy already", copy.0));
        }
    }
    let asked = step.ready.iter().chain(&step.done).find_map(|probe| match probe {
        Probe::BackupReads { name, .. } if !is_file_name(name) => Some(name),
        _ => None,
    });
    match asked {
        Some(name) => Err(format!("`{name}` is not a plain file name")),
        None => Ok(()),
    }
}

/// A purge names one other run, and things that can only be that run's own.
pub(in crate::trust) fn purges_name_what_goes(place: &StepContext<'_>) -> Result<(), String> {
    let step = place.step;
    let is_id = |run: &str| {
        run.len() == 16 && run.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    for mv in &step.moves {
        let Move::DiscardKept(discard) = mv else { continue };
        if !is_id(&discard.run) {
            return Err(format!("`{}` is no run", discard.run));
        }
        if let Some(thing) = discard.kept.iter().find(|thing| !is_file_name(&thing.name)) {
            return Err(format!("`{}` is not a plain file name", thing.name));
        }
        if discard.kept.is_empty() || !discard.kept.is_sorted_by(|one, next| one < next) {
            return Err("what is to be removed is not listed, or not sorted".to_owned());
        }
        if !step.ready.contains(&Probe::RunTakenBack { run: discard.run.clone() }) {
            return Err(format!("nobody looks whether run `{}` is taken back", discard.run));
        }
    }
    let asked = step.ready.iter().chain(&step.done).find_map(|probe| match probe {
        Probe::RunTakenBack { run } if !is_id(run) => Some(run),
        _ => None,
    });
    asked.map_or(Ok(()), |run| Err(format!("`{run}` is no run")))
}

fn is_file_name(name: &str) -> bool {
    !name.contains('/')
        && name.len() <= LONGEST_NAME
        && !name.chars().any(char::is_control)
        && FilePath::new(name).is_plain_relative()
}

/// The absolute paths that a move names.
pub(in crate::trust) fn paths_of(mv: &Move) -> Vec<&FilePath> {
    match mv {
        Move::MakeDirectory(make) => vec![&make.path],
        Move::RemoveDirectory(remove) => vec![&remove.path],
        Move::CopyFiles(copy) => vec![&copy.from, &copy.to],
        Move::ReplaceFiles(replace) => vec![&replace.from, &replace.to],
        Move::RemoveFiles(remove) => vec![&remove.root],
        Move::SaveFiles(save) => vec![&save.from],
        Move::ReleaseFiles(release) => vec![&release.from, &release.to],
        Move::RestoreFiles(restore) => vec![&restore.root],
        Move::DiscardKept(discard) => {
            discard.kept.iter().filter_map(|thing| thing.directory.as_ref()).collect()
        }
        Move::BackupDatabase(backup) => backup.directory.iter().collect(),
        Move::RestoreDatabase(restore) => restore.directory.iter().collect(),
        Move::Run(run) => vec![&run.directory],
        _ => Vec::new(),
    }
}

fn path_of(probe: &Probe) -> Option<&FilePath> {
    match probe {
        Probe::DirectoryIs { path, .. } => Some(path),
        Probe::ScriptsAre { directory, .. } => Some(directory),
        Probe::BackupReads { directory, .. } => directory.as_ref(),
        _ => None,
    }
}

fn lists_of(mv: &Move) -> Vec<&FileList> {
    match mv {
        Move::CopyFiles(copy) => vec![&copy.files],
        Move::ReplaceFiles(replace) => vec![&replace.files, &replace.replaced],
        Move::RemoveFiles(remove) => vec![&remove.files],
        Move::SaveFiles(save) => vec![&save.files],
        Move::ReleaseFiles(release) => vec![&release.files],
        Move::RestoreFiles(restore) => {
            std::iter::once(&restore.files).chain(&restore.replacing).collect()
        }
        _ => Vec::new(),
    }
}

pub(in crate::trust) fn paths_are_plain(place: &StepContext<'_>) -> Result<(), String> {
    let step = place.step;
    let acts = || step.save.iter().chain(&step.moves).chain(&step.undo);
    let probed = step.ready.iter().chain(&step.done).filter_map(path_of);
    if let Some(path) =
        acts().flat_map(paths_of).chain(probed).find(|path| !path.is_plain_absolute())
    {
        return Err(format!("`{}` is not a plain absolute path", path.to_text()));
    }
    for list in acts().flat_map(lists_of) {
        let FileList::Inline(files) = list else { continue };
        if let Some(file) = files.iter().find(|file| !file.path().is_plain_relative()) {
            return Err(format!(
                "the listed file `{}` is not below its root",
                file.path().to_text()
            ));
        }
        if !files.is_sorted_by(|one, next| one.path() < next.path()) {
            return Err("a list of files is not sorted, or names a file twice".to_owned());
        }
    }
    Ok(())
}

/// A reference names a place, before and after. Whatever else stands in a column, such as a role or
/// a password, is not what these moves are for.
pub(in crate::trust) fn rewritings_make_sense(place: &StepContext<'_>) -> Result<(), String> {
    let step = place.step;
    let acts = step.moves.iter().chain(&step.undo);
    acts.filter_map(rewriting_of).try_for_each(|rewriting| {
        let Rewriting { table, column, form, from, to, renamed, .. } = rewriting;
        let has_places = form.takes_prefix() || *form == Form::Absolute;
        if table.kind != ObjectKind::Table || !has_places {
            return Err(format!("`{column}` of {table} holds nothing that could be rewritten"));
        }
        let is_place = |text: &&String| match form {
            Form::Absolute => {
                text.strip_suffix('/').is_some_and(|path| FilePath::new(path).is_plain_absolute())
            }
            _ => text.contains('/') && text.chars().all(is_printable),
        };
        if let Some(text) = std::iter::once(to).chain(from).find(|text| !is_place(text)) {
            return Err(format!("`{text}` in `{column}` of {table} names no place"));
        }
        if let Some((old, _)) = renamed.iter().find(|(old, new)| !is_by_content(old, new)) {
            return Err(format!(
                "`{old}` in `{column}` of {table} gets another name than a copy may get"
            ));
        }
        match from.is_empty() || from.contains(to) {
            true => Err(format!("`{column}` of {table} is rewritten to what it says")),
            false => Ok(()),
        }
    })
}

/// Whether a path is that of a copy of the other, named by its content.
fn is_by_content(old: &str, new: &str) -> bool {
    let (old, new) = (FilePath::new(old), FilePath::new(new));
    let digits = |part: &[u8]| part.len() == 8 && part.iter().all(u8::is_ascii_hexdigit);
    let mut named = new.as_bytes().split(|byte| *byte == b'.').filter(|part| digits(part));
    let is_named = |part: &[u8]| {
        // Only the digits count of what the name is made from.
        let digest = Digest::parse(&format!("{}{}", String::from_utf8_lossy(part), "0".repeat(56)));
        digest.is_some_and(|digest| *FileFact(old.clone(), 0, digest).by_content().path() == new)
    };
    old.is_plain_relative() && named.any(is_named)
}

/// The rewriting that a move carries.
pub(in crate::trust) fn rewriting_of(mv: &Move) -> Option<&Rewriting> {
    match mv {
        Move::WriteRows(write) => Some(&write.rewriting),
        Move::RestoreRows(restore) => Some(&restore.rewriting),
        _ => None,
    }
}

/// The objects that a move names.
fn objects_of(mv: &Move) -> Vec<&ObjectRef> {
    match mv {
        Move::CreateObject(create) => vec![&create.object],
        Move::DropObject(drop) => vec![&drop.object],
        Move::AlterObject(alter) => vec![&alter.object],
        Move::SetRevisions(set) => vec![&set.table],
        Move::SaveObjects(save) => save.objects.iter().collect(),
        Move::RestoreObjects(restore) => restore.objects.iter().collect(),
        Move::Quarantine(put) => vec![&put.object],
        Move::Unquarantine(back) => vec![&back.object],
        Move::WriteRows(write) => vec![&write.rewriting.table],
        Move::RestoreRows(restore) => vec![&restore.rewriting.table],
        _ => Vec::new(),
    }
}

pub(in crate::trust) fn the_system_is_left_alone(place: &StepContext<'_>) -> Result<(), String> {
    let step = place.step;
    let acts = step.save.iter().chain(&step.moves).chain(&step.undo);
    match acts.flat_map(objects_of).find(|object| place.dialect.is_of_the_system(object)) {
        Some(object) => {
            Err(format!("{object} of `{}` belongs to the database system itself", object.schema))
        }
        None => Ok(()),
    }
}

pub(in crate::trust) fn numbers_make_sense(place: &StepContext<'_>) -> Result<(), String> {
    let step = place.step;
    for mv in step.save.iter().chain(&step.moves).chain(&step.undo) {
        let (mode, owner, highest) = match mv {
            Move::MakeDirectory(make) => (&make.mode, &make.owner, 0o7777),
            // An uploaded file never becomes a program that runs as somebody else.
            Move::CopyFiles(copy) => (&copy.mode, &copy.owner, 0o777),
            Move::ReplaceFiles(replace) => (&replace.mode, &replace.owner, 0o777),
            _ => (&None, &None, 0),
        };
        if let Some(mode) = mode.as_ref().filter(|mode| !is_mode(mode, highest)) {
            return Err(format!("`{mode}` is not a mode up to {highest:o}"));
        }
        if let Some(owner) = owner.as_ref().filter(|owner| !is_owner(owner)) {
            return Err(format!("`{owner}` is not an owner as `uid:gid`"));
        }
        for list in lists_of(mv) {
            if let FileList::Sidecar(Sidecar { first, files, .. }) = list
                && (*files == 0 || first.checked_add(*files).is_none())
            {
                return Err(format!(
                    "lines {first} and the next {files} of the sidecar make no sense"
                ));
            }
        }
        if matches!(mv, Move::WriteRows(write) if write.rows == 0) {
            return Err("it rewrites no rows".to_owned());
        }
        if matches!(mv, Move::Run(run) if run.timeout_seconds == 0) {
            return Err("a command has no time to run".to_owned());
        }
    }
    Ok(())
}

fn is_mode(text: &str, highest: u32) -> bool {
    text.bytes().all(|byte| (b'0'..=b'7').contains(&byte))
        && u32::from_str_radix(text, 8).is_ok_and(|mode| mode <= highest)
}

fn is_owner(text: &str) -> bool {
    let is_id =
        |id: &str| id.bytes().all(|byte| byte.is_ascii_digit()) && id.parse::<u32>().is_ok();
    text.split_once(':').is_some_and(|(user, group)| is_id(user) && is_id(group))
}

pub(in crate::trust) fn commands_are_what_they_say(place: &StepContext<'_>) -> Result<(), String> {
    place.step.moves.iter().try_for_each(|mv| match mv {
        Move::Run(run) => command_is_what_it_says(run),
        _ => Ok(()),
    })
}

fn command_is_what_it_says(run: &Run) -> Result<(), String> {
    let check = run.check.as_ref().map(|check| (&check.argv, "check"));
    for (argv, what) in [(&run.argv, "command")].into_iter().chain(check) {
        if argv.iter().any(|word| word.contains('\0')) {
            return Err(format!("its {what} has a NUL in it"));
        }
        match argv.first() {
            Some(program) if !FilePath::new(program).is_plain_absolute() => {
                return Err(format!("its {what} `{program}` is not an absolute path"));
            }
            None => return Err(format!("its {what} is empty")),
            _ => {}
        }
    }
    let takes_revision = run.as_host_command().takes_revision();
    match &run.revision {
        None if takes_revision => Err("it does not say the revision of its command".to_owned()),
        Some(revision) if !takes_revision => {
            Err(format!("its command has no place for the revision `{revision}`"))
        }
        Some(revision) if !run.revisions.contains(revision) || !is_plain_revision(revision) => {
            Err(format!("its revision `{revision}` is none that it runs"))
        }
        _ => Ok(()),
    }
}

/// What may stand among the words of a command and can be nothing but a revision there.
fn is_plain_revision(revision: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    revision.bytes().all(plain) && revision.starts_with(|c: char| c.is_ascii_alphanumeric())
}
