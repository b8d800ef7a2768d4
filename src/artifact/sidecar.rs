//! The file beside a plan that holds its long file lists: `NAME.files.zst`, one JSON row a line,
//! compressed, each stretch of lines bound into the plan by its SHA-256.
//!
//! Written and read as a stream; a list is never whole in memory here.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::artifact::files;
use crate::artifact::json;
use crate::error::{Error, Kind, Result};
use crate::model::names::Digest;
use crate::model::plan::Plan;
use crate::model::step::{FileList, Move, Sidecar};
use crate::model::uploads::FileFact;

/// With more files than this in a plan, the lists go into the sidecar.
pub const MOST_INLINE: u64 = 1000;

/// No row is longer: a path has 4,096 bytes at most, each at most six characters as an escape.
const LONGEST_ROW: u64 = 64 * 1024;

/// Where the sidecar of a plan file lies: `change.ttplan.json` has `change.files.zst`.
pub fn path_of(plan: &Path) -> PathBuf {
    let name = plan.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = name.strip_suffix(".ttplan.json").or_else(|| name.strip_suffix(".json")).unwrap_or(&name);
    plan.with_file_name(format!("{stem}.files.zst"))
}

/// Takes the file lists of `plan` out into a sidecar's bytes, if they are long; the plan then
/// refers to them. Returns the compressed sidecar.
pub fn take_out(plan: &mut Plan) -> Result<Option<Vec<u8>>> {
    let lists = || plan.steps.iter().flat_map(|step| &step.moves).flat_map(lists);
    let listed = lists().map(|list| list.totals().0).fold(0, u64::saturating_add);
    if listed <= MOST_INLINE {
        return Ok(None);
    }
    let failed = |error: std::io::Error| Error::new(Kind::Failed, "cannot compress the file list").because(error);
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).map_err(failed)?;
    let mut line = 0;
    for list in plan.steps.iter_mut().flat_map(|step| &mut step.moves).flat_map(lists_mut) {
        let FileList::Inline(rows) = &list else { continue };
        let (files, bytes) = list.totals();
        let mut hash = sha2::Sha256::new();
        for row in rows {
            let mut text = json::to_line(row);
            text.push('\n');
            hash.update(text.as_bytes());
            encoder.write_all(text.as_bytes()).map_err(failed)?;
        }
        let sha256 = Digest(hash.finalize().into());
        *list = FileList::Sidecar(Sidecar { first: line, files, bytes, sha256 });
        line += files;
    }
    encoder.finish().map(Some).map_err(failed)
}

/// The lists that a move has of its own.
fn lists(act: &Move) -> Vec<&FileList> {
    match act {
        Move::CopyFiles(copy) => vec![&copy.files],
        Move::ReleaseFiles(release) => vec![&release.files],
        Move::ReplaceFiles(replace) => vec![&replace.files, &replace.replaced],
        _ => Vec::new(),
    }
}

fn lists_mut(act: &mut Move) -> Vec<&mut FileList> {
    match act {
        Move::CopyFiles(copy) => vec![&mut copy.files],
        Move::ReleaseFiles(release) => vec![&mut release.files],
        Move::ReplaceFiles(replace) => vec![&mut replace.files, &mut replace.replaced],
        _ => Vec::new(),
    }
}

/// Calls `take` with batches of at most `batch` rows of a list, in order, with the index of the
/// first of each. For a sidecar list, all of it is checked against its digest *before* the first
/// batch is handed out, so nothing is ever done on the word of an unbound row.
///
/// Errors: `Kind::Refused` when the sidecar is not the one the plan was signed with.
pub fn for_each_batch(
    sidecar: Option<&Path>,
    list: &FileList,
    batch: usize,
    take: &mut dyn FnMut(u64, &[FileFact]) -> Result<()>,
) -> Result<()> {
    match list {
        FileList::Inline(rows) => {
            let mut first = 0;
            for rows in rows.chunks(batch.max(1)) {
                take(first, rows)?;
                first += rows.len() as u64;
            }
            Ok(())
        }
        FileList::Move(_) | FileList::Replaced(_) => {
            Err(Error::new(Kind::Refused, "a file list refers to a list that refers to a list"))
        }
        FileList::Sidecar(bound) => {
            let Some(path) = sidecar else {
                return Err(Error::new(Kind::Refused, "the plan's file list is missing")
                    .because("the plan keeps it in a file beside it")
                    .hint("put `NAME.files.zst` beside `NAME.ttplan.json`"));
            };
            stream(path, bound, usize::MAX, &mut |_, _| Ok(()))?;
            stream(path, bound, batch.max(1), take)
        }
    }
}

/// All rows of a list at once; only for lists known to be short.
pub fn rows(sidecar: Option<&Path>, list: &FileList) -> Result<Vec<FileFact>> {
    let mut all = Vec::new();
    for_each_batch(sidecar, list, 10_000, &mut |_, rows| {
        all.extend_from_slice(rows);
        Ok(())
    })?;
    Ok(all)
}

fn stream(
    path: &Path,
    bound: &Sidecar,
    batch: usize,
    take: &mut dyn FnMut(u64, &[FileFact]) -> Result<()>,
) -> Result<()> {
    let other = |because: &str| {
        Error::new(Kind::Refused, format!("`{}` is not the file list that the plan was signed with", path.display()))
            .because(because.to_owned())
            .hint("get the list and its plan again, together")
    };
    let file = File::open(path).map_err(|error| files::told("read", path, &error).of_kind(Kind::Refused))?;
    let decoder =
        zstd::Decoder::new(BufReader::new(file)).map_err(|_| other("it is not compressed as it should be"))?;
    let mut reader = BufReader::new(decoder);
    let mut hash = sha2::Sha256::new();
    let (mut text, mut rows, mut line, mut taken) = (Vec::new(), Vec::new(), 0, 0);
    while taken + (rows.len() as u64) < bound.files {
        text.clear();
        let read = reader.by_ref().take(LONGEST_ROW).read_until(b'\n', &mut text);
        if read.map_err(|_| other("it cannot be uncompressed"))? == 0 || text.last() != Some(&b'\n') {
            return Err(other("it ends too early, or has too long a line"));
        }
        line += 1;
        if line <= bound.first {
            continue;
        }
        hash.update(&text);
        if batch == usize::MAX {
            taken += 1;
            continue;
        }
        rows.push(serde_json::from_slice(&text).map_err(|_| other("it has a line that is no row"))?);
        if rows.len() == batch {
            take(taken, &rows)?;
            taken += rows.len() as u64;
            rows.clear();
        }
    }
    if !rows.is_empty() {
        take(taken, &rows)?;
    }
    if Digest(hash.finalize().into()) != bound.sha256 {
        return Err(other("its SHA-256 is another"));
    }
    Ok(())
}
