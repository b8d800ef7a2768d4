//! Questions about files and directories: the reading loops over file lists.

use std::path::Path;

use crate::apply::context::directory;
use crate::apply::probe::answer::same;
use crate::artifact::sidecar::{self, Batch};
use crate::error::{Error, Kind, Result};
use crate::frameworks;
use crate::model::files::location::Location;
use crate::model::files::uploads::FileFact;
use crate::model::names::{Digest, FilePath};
use crate::model::plan::moves::effects::Files;
use crate::model::plan::step::{Answer, CopyFiles, FileList, Move, ReleaseFiles, ReplaceFiles};
use crate::stores::store::{DirectoryState, FileState, ReadStore};

/// How many files are looked at together.
const BATCH: Batch = Batch { files: 4000, bytes: u64::MAX };

/// Whether the files of a move's list stand as they are to: before the move, where `ready` is
/// asked, else after it.
pub fn listed(
    store: &mut dyn ReadStore,
    sidecar: Option<&Path>,
    mv: Option<&Move>,
    ready: bool,
) -> Result<Answer> {
    match mv.map(Move::files) {
        Some(Files::Copy(copy)) => copied(store, sidecar, copy, ready),
        Some(Files::Release(release)) => released(store, sidecar, release, ready),
        Some(Files::Replace(files)) => replaced(store, sidecar, files, ready),
        Some(Files::None) | None => {
            Ok(Answer::Unknown("the probe names a move without a list of files".to_owned()))
        }
    }
}

fn copied(
    store: &mut dyn ReadStore,
    sidecar: Option<&Path>,
    copy: &CopyFiles,
    ready: bool,
) -> Result<Answer> {
    let (from, to) = (directory(&copy.from)?, directory(&copy.to)?);
    let mut answer = Answer::Yes;
    walk(sidecar, &copy.files, &mut |_, rows| {
        let there = store.states(to, &copy.copies(rows))?;
        let sources = if ready { Some(store.states(from, rows)?) } else { None };
        for (n, row) in rows.iter().enumerate() {
            let path = row.path().to_text();
            let source = sources.as_ref().map(|states| states[n]);
            let told = match (there[n], source) {
                (FileState::Same, None)
                | (FileState::Same | FileState::Missing, Some(FileState::Same)) => continue,
                (FileState::Unreadable, _) | (_, Some(FileState::Unreadable)) => {
                    Answer::Unknown(format!("file `{path}` cannot be read"))
                }
                (FileState::Missing, None) => {
                    Answer::No(format!("file `{path}` is not in `{}`", to.to_text()))
                }
                (FileState::Differs | FileState::NotAFile, _) => Answer::No(format!(
                    "`{path}` in `{}` is taken by another content",
                    to.to_text()
                )),
                (_, Some(_)) => {
                    Answer::No(format!("file `{path}` in `{}` is not as it was", from.to_text()))
                }
            };
            if matches!(answer, Answer::Yes) || matches!(told, Answer::No(_)) {
                answer = told;
            }
            if matches!(answer, Answer::No(_)) {
                break;
            }
        }
        Ok(!matches!(answer, Answer::No(_)))
    })?;
    Ok(answer)
}

fn released(
    store: &mut dyn ReadStore,
    sidecar: Option<&Path>,
    release: &ReleaseFiles,
    ready: bool,
) -> Result<Answer> {
    let (from, to) = (directory(&release.from)?, directory(&release.to)?);
    let mut answer = Answer::Yes;
    walk(sidecar, &release.files, &mut |_, rows| {
        let sources = store.states(from, rows)?;
        let copies = if ready { Some(store.states(to, rows)?) } else { None };
        for (n, row) in rows.iter().enumerate() {
            let copy = copies.as_ref().map(|states| states[n]);
            if let Some(what) = of_released(copy, sources[n]) {
                let told =
                    format!("file `{}` in `{}` {what}", row.path().to_text(), from.to_text());
                let unknown = [Some(sources[n]), copy].contains(&Some(FileState::Unreadable));
                answer = if unknown { Answer::Unknown(told) } else { Answer::No(told) };
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    Ok(answer)
}

/// How a file stands that is to be released: `copy` is where it belongs.
fn of_released(copy: Option<FileState>, source: FileState) -> Option<&'static str> {
    match (copy, source) {
        (None, FileState::Missing)
        | (Some(FileState::Same), FileState::Same | FileState::Missing) => None,
        (None, _) => Some("is still there"),
        (Some(FileState::Same), _) => Some("is not as it was"),
        (Some(_), _) => Some("has no copy with the same content"),
    }
}

/// Walks a file list in batches until `take` says that it has seen enough.
fn walk(
    sidecar: Option<&Path>,
    list: &FileList,
    take: &mut dyn FnMut(u64, &[FileFact]) -> Result<bool>,
) -> Result<()> {
    sidecar::look_through(sidecar, list, BATCH, take)
}

/// The rows of a list that belong to a batch of another list, which has the same paths.
///
/// Errors: `Kind::Refused` where it has not.
pub(in crate::apply) fn beside<'a>(
    all: &'a [FileFact],
    first: u64,
    rows: &[FileFact],
) -> Result<&'a [FileFact]> {
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let found = all.get(first..first.saturating_add(rows.len())).unwrap_or_default();
    if found.iter().map(FileFact::path).eq(rows.iter().map(FileFact::path)) {
        return Ok(found);
    }
    Err(Error::new(
        Kind::Refused,
        "the files to be replaced are not those that have the names of the new",
    ))
}

/// Whether the files can be replaced, or have been: every place holds the old content or the new.
fn replaced(
    store: &mut dyn ReadStore,
    sidecar: Option<&Path>,
    replace: &ReplaceFiles,
    ready: bool,
) -> Result<Answer> {
    let old = sidecar::rows(sidecar, &replace.replaced)?;
    let (source, target) = (directory(&replace.from)?, directory(&replace.to)?);
    let mut answer = Answer::Yes;
    walk(sidecar, &replace.files, &mut |first, rows| {
        let olds = store.states(target, beside(&old, first, rows)?)?;
        let news = store.states(target, rows)?;
        let sources = if ready { Some(store.states(source, rows)?) } else { None };
        for (n, row) in rows.iter().enumerate() {
            let path = row.path().to_text();
            let (to, from) = (target.to_text(), source.to_text());
            let here = sources.as_ref().map_or(FileState::Same, |states| states[n]);
            let is_there = news[n] == FileState::Same || ready && olds[n] == FileState::Same;
            answer = match (is_there, here) {
                (true, FileState::Same) => continue,
                (_, FileState::Unreadable) => {
                    Answer::Unknown(format!("file `{path}` in `{from}` cannot be read"))
                }
                (true, _) => Answer::No(format!("file `{path}` in `{from}` is not as it was")),
                (false, _) if news[n] == FileState::Unreadable => {
                    Answer::Unknown(format!("file `{path}` in `{to}` cannot be read"))
                }
                (false, _) => {
                    Answer::No(format!("file `{path}` in `{to}` is not the one that was seen"))
                }
            };
            return Ok(false);
        }
        Ok(true)
    })?;
    Ok(answer)
}

/// Whether the directory is there, or is not.
pub fn directory_is(store: &mut dyn ReadStore, path: &Location, present: bool) -> Result<Answer> {
    let path = directory(path)?;
    let name = path.to_text();
    Ok(match (store.directory(path)?, present) {
        (DirectoryState::Present, true) | (DirectoryState::Missing, false) => Answer::Yes,
        (DirectoryState::Present, false) => {
            Answer::No(format!("directory `{name}` is there by now"))
        }
        (DirectoryState::Missing, true) => Answer::No(format!("directory `{name}` is not there")),
        (DirectoryState::NotADirectory, _) => Answer::No(format!("`{name}` is not a directory")),
        (DirectoryState::Unreadable, _) => Answer::Unknown(format!("`{name}` cannot be looked at")),
    })
}

/// Whether the migration files are these.
pub fn scripts_are(
    store: &mut dyn ReadStore,
    system: &str,
    directories: &[FilePath],
    sha256: &Digest,
) -> Result<Answer> {
    let Some(framework) = frameworks::by_name(system) else {
        return Ok(Answer::Unknown(format!("there is no migration framework `{system}`")));
    };
    let [directory] = directories else {
        let why = format!("`{system}` has its scripts in one directory");
        return Ok(Answer::Unknown(why));
    };
    let now = frameworks::digest(&store.sources(&(framework.tree)(directory))?);
    let name = directory.to_text();
    Ok(same(now == *sha256, || {
        format!("the migration files at `{name}` are not those that were planned with")
    }))
}
