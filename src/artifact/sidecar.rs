//! The file beside a plan that holds its long file lists: `NAME.files.zst`, one JSON row a line,
//! compressed, each stretch of lines bound into the plan by its SHA-256.
//!
//! Written and read as a stream; a list is never whole in memory here.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::artifact::json;
use crate::error::{Error, Kind, Result};
use crate::fs::{files, plain};
use crate::model::files::uploads::FileFact;
use crate::model::names::{Digest, FilePath};
use crate::model::plan::Plan;
use crate::model::plan::step::{FileList, Move, Sidecar};

/// With more files than this in a plan, the lists go into the sidecar.
pub const MOST_INLINE: u64 = 1000;

/// No row is longer: a path has 4,096 bytes at most, each at most six characters as an escape.
const LONGEST_ROW: u64 = 64 * 1024;

/// No sidecar is larger: that of five million files is smaller.
const LARGEST: u64 = 512 << 20;

/// Where the sidecar of a plan file lies: `change.ttplan.json` has `change.files.zst`.
pub fn path_of(plan: &Path) -> PathBuf {
    let name = plan.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem =
        name.strip_suffix(".ttplan.json").or_else(|| name.strip_suffix(".json")).unwrap_or(&name);
    plan.with_file_name(format!("{stem}.files.zst"))
}

/// Whether the file lists of a plan are too long to stand in it.
pub fn is_needed(plan: &Plan) -> bool {
    let lists = plan.steps.iter().flat_map(|step| &step.moves).flat_map(lists);
    lists.map(|list| list.totals().0).fold(0, u64::saturating_add) > MOST_INLINE
}

/// Whether a plan is bound to lists in its sidecar.
pub fn is_bound(plan: &Plan) -> bool {
    let mut lists = plan.steps.iter().flat_map(|step| &step.moves).flat_map(lists);
    lists.any(|list| matches!(list, FileList::Sidecar(_)))
}

/// Takes the file lists of `plan` out and writes them, compressed, to `to`; the plan then refers to
/// them. Each is freed as soon as it is written.
pub fn take_out(plan: &mut Plan, to: impl Write) -> std::io::Result<()> {
    let mut encoder = zstd::Encoder::new(to, 3)?;
    let mut line = 0;
    for list in plan.steps.iter_mut().flat_map(|step| &mut step.moves).flat_map(Move::lists_mut) {
        let FileList::Inline(rows) = &list else { continue };
        let (files, bytes) = list.totals();
        let mut hash = sha2::Sha256::new();
        for row in rows {
            let mut text = json::to_line(row);
            text.push('\n');
            hash.update(text.as_bytes());
            encoder.write_all(text.as_bytes())?;
        }
        let sha256 = Digest(hash.finalize().into());
        *list = FileList::Sidecar(Sidecar { first: line, files, bytes, sha256 });
        line += files;
    }
    encoder.finish().map(|_| ())
}

/// The lists that a move has of its own.
fn lists(mv: &Move) -> Vec<&FileList> {
    mv.effects().lists.into_iter().filter(|list| list.is_own()).collect()
}

/// How much of a list is handed out at once: until it has so many files or so many bytes, whatever
/// is first.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    pub files: usize,
    pub bytes: u64,
}

impl Batch {
    fn is_full(&self, rows: &[FileFact], bytes: u64) -> bool {
        rows.len() >= self.files || bytes >= self.bytes
    }
}

/// Calls `take` with batches of the rows of a list, in order, with the index of the first of each.
/// For a sidecar list, all of it is checked against its digest *before* the first batch is handed
/// out, so nothing is ever done on the word of an unbound row.
///
/// Errors: `Kind::Refused` when the sidecar is not the one the plan was signed with.
pub fn for_each_batch(
    sidecar: Option<&Path>,
    list: &FileList,
    batch: Batch,
    take: &mut dyn FnMut(u64, &[FileFact]) -> Result<()>,
) -> Result<()> {
    if let (Some(path), FileList::Sidecar(bound)) = (sidecar, list) {
        stream(path, bound, batch, &mut |_, _| Ok(false), false)?;
    }
    look_through(sidecar, list, batch, &mut |first, rows| take(first, rows).map(|()| true))
}

/// The same for who only looks, until `take` says that it has seen enough: the list is checked
/// while it is handed out, and what was seen counts only where this returns well.
pub fn look_through(
    sidecar: Option<&Path>,
    list: &FileList,
    batch: Batch,
    take: &mut dyn FnMut(u64, &[FileFact]) -> Result<bool>,
) -> Result<()> {
    match list {
        FileList::Inline(all) => {
            let (mut first, mut bytes) = (0, 0_u64);
            for (n, row) in all.iter().enumerate() {
                let rows = &all[first..=n];
                bytes = bytes.saturating_add(row.size());
                if batch.is_full(rows, bytes) || n + 1 == all.len() {
                    if !take(first as u64, rows)? {
                        return Ok(());
                    }
                    (first, bytes) = (n + 1, 0);
                }
            }
            Ok(())
        }
        FileList::Move(_) | FileList::Replaced(_) => {
            Err(Error::new(Kind::Refused, "a file list refers to a list that refers to a list")
                .code("move_invalid"))
        }
        FileList::Sidecar(bound) => {
            let Some(path) = sidecar else {
                return Err(missing(None));
            };
            stream(path, bound, batch, take, true)
        }
    }
}

/// Holds the file beside a plan against every list that the plan is bound to: each row of each, once
/// through. Whoever signs or runs a plan relies on what stands there as on the plan itself.
///
/// Errors: `Kind::Refused`, naming the file, where it is missing or another.
pub fn check(plan: &Plan, beside: &Path) -> Result<()> {
    if !is_bound(plan) {
        return Ok(());
    }
    if beside.symlink_metadata().is_err() {
        return Err(missing(Some(beside)));
    }
    let other = |because: &str| not_the_bound(beside, because);
    let mut reader = open(beside)?;
    let (mut line, mut text) = (0_u64, Vec::new());
    for list in plan.steps.iter().flat_map(|step| &step.moves).flat_map(lists) {
        let FileList::Sidecar(list) = list else { continue };
        if list.first != line {
            return Err(other("its lists do not stand in the order of the plan"));
        }
        let (mut hash, mut bytes, mut last) = (sha2::Sha256::new(), 0_u64, None::<FilePath>);
        for _ in 0..list.files {
            next_line(&mut reader, &mut text, beside)?;
            hash.update(&text);
            let row: FileFact =
                serde_json::from_slice(&text).map_err(|_| other("it has a line that is no row"))?;
            let in_order = last.as_ref().is_none_or(|last| last < row.path());
            if !in_order || !row.path().is_plain_relative() {
                return Err(other("it has a path that is not plain, or out of order"));
            }
            bytes = bytes.saturating_add(row.size());
            last = Some(row.path().clone());
        }
        line = line.saturating_add(list.files);
        if Digest(hash.finalize().into()) != list.sha256 {
            return Err(other("its SHA-256 is another"));
        }
        if bytes != list.bytes {
            return Err(other("its files are not of the size that the plan says"));
        }
    }
    if !reader.fill_buf().map_err(|_| other("it cannot be uncompressed"))?.is_empty() {
        return Err(other("it has lines that no step of the plan is bound to"));
    }
    Ok(())
}

fn missing(beside: Option<&Path>) -> Error {
    let name = beside.map_or("NAME.files.zst".into(), |path| path.to_string_lossy().into_owned());
    Error::new(Kind::Refused, format!("the plan's file list `{name}` is missing"))
        .code("list_missing")
        .about(&name)
        .because("the plan is bound to it and means nothing without it")
        .hint("put the file beside the plan: the two were written together")
}

fn not_the_bound(path: &Path, because: &str) -> Error {
    let message = format!("`{}` is not the file list that the plan was made with", path.display());
    Error::new(Kind::Refused, message)
        .code("list_differs")
        .about(path.display())
        .because(because)
        .hint("get the list and its plan again, together")
}

/// The uncompressed lines of a list.
fn open(path: &Path) -> Result<impl BufRead + use<>> {
    let file = plain::open(path).map_err(|error| {
        files::told("read", path, &error).of_kind(Kind::Refused).code("list_differs")
    })?;
    if file.metadata().is_ok_and(|about| about.len() > LARGEST) {
        return Err(not_the_bound(path, "it is larger than any list of ours"));
    }
    let decoder = zstd::Decoder::new(BufReader::new(file))
        .map_err(|_| not_the_bound(path, "it is not compressed as it should be"))?;
    Ok(BufReader::new(decoder))
}

fn next_line(reader: &mut impl BufRead, text: &mut Vec<u8>, path: &Path) -> Result<()> {
    text.clear();
    let read = reader.by_ref().take(LONGEST_ROW).read_until(b'\n', text);
    let read = read.map_err(|_| not_the_bound(path, "it cannot be uncompressed"))?;
    if read == 0 || text.last() != Some(&b'\n') {
        return Err(not_the_bound(path, "it ends too early, or has too long a line"));
    }
    Ok(())
}

/// All rows of a list at once; only for lists known to be short.
pub fn rows(sidecar: Option<&Path>, list: &FileList) -> Result<Vec<FileFact>> {
    let mut all = Vec::new();
    for_each_batch(sidecar, list, Batch { files: 10_000, bytes: u64::MAX }, &mut |_, rows| {
        all.extend_from_slice(rows);
        Ok(())
    })?;
    Ok(all)
}

/// Reads the lines of a list, all of them, to see that they are the ones that were bound; hands
/// them out as long as there is `need` of them.
fn stream(
    path: &Path,
    bound: &Sidecar,
    batch: Batch,
    take: &mut dyn FnMut(u64, &[FileFact]) -> Result<bool>,
    mut need: bool,
) -> Result<()> {
    let other = |because: &str| not_the_bound(path, because);
    let mut reader = open(path)?;
    let mut hash = sha2::Sha256::new();
    let mut outcome = Ok(need);
    let (mut text, mut rows, mut bytes, mut line, mut taken) =
        (Vec::new(), Vec::<FileFact>::new(), 0_u64, 0, 0);
    while taken + (rows.len() as u64) < bound.files {
        next_line(&mut reader, &mut text, path)?;
        line += 1;
        if line <= bound.first {
            continue;
        }
        hash.update(&text);
        if !need {
            taken += 1;
            continue;
        }
        let row: FileFact =
            serde_json::from_slice(&text).map_err(|_| other("it has a line that is no row"))?;
        bytes = bytes.saturating_add(row.size());
        rows.push(row);
        if batch.is_full(&rows, bytes) {
            outcome = take(taken, &rows);
            need = matches!(outcome, Ok(true));
            taken += rows.len() as u64;
            rows.clear();
            bytes = 0;
        }
    }
    if !rows.is_empty() {
        outcome = take(taken, &rows);
    }
    if Digest(hash.finalize().into()) != bound.sha256 {
        return Err(other("its SHA-256 is another"));
    }
    // What was made of rows that are not the bound ones is told of by nobody.
    outcome.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::files::{Draft, Existing};

    /// A list of files of 10 bytes each, in a file of its own, as a plan is bound to it.
    fn beside(path: &Path, files: u64) -> (Vec<FileFact>, FileList) {
        let rows: Vec<FileFact> = (0..files)
            .map(|n| FileFact(format!("d/{n:04}").into(), 10, Digest::of(n.to_string())))
            .collect();
        let (mut draft, mut hash) = (Draft::begin(path, 0o600).unwrap(), sha2::Sha256::new());
        let mut encoder = zstd::Encoder::new(&mut draft, 3).unwrap();
        for row in &rows {
            let line = format!("{}\n", json::to_line(row));
            hash.update(line.as_bytes());
            encoder.write_all(line.as_bytes()).unwrap();
        }
        encoder.finish().unwrap();
        draft.place(Existing::Refuse).unwrap();
        let sha256 = Digest(hash.finalize().into());
        (rows, FileList::Sidecar(Sidecar { first: 0, files, bytes: files * 10, sha256 }))
    }

    fn batches(sidecar: Option<&Path>, list: &FileList, batch: Batch) -> Vec<(u64, Vec<FileFact>)> {
        let mut taken = Vec::new();
        for_each_batch(sidecar, list, batch, &mut |first, rows| {
            taken.push((first, rows.to_vec()));
            Ok(())
        })
        .unwrap();
        taken
    }

    #[test]
    fn a_batch_ends_at_so_many_files_or_so_many_bytes_wherever_the_list_stands() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.files.zst");
        let (rows, list) = beside(&path, 25);
        let inline = FileList::Inline(rows.clone());
        for (files, bytes, sizes) in [
            (10, u64::MAX, vec![10, 10, 5]),
            (100, 70, vec![7, 7, 7, 4]),
            (25, 250, vec![25]),
            (1, 1, vec![1; 25]),
            (0, 0, vec![1; 25]),
        ] {
            let taken = batches(Some(&path), &list, Batch { files, bytes });
            assert_eq!(taken, batches(None, &inline, Batch { files, bytes }));
            assert_eq!(taken.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(), sizes);
            assert!(taken.iter().all(|(first, some)| rows[*first as usize..].starts_with(some)));
        }
    }

    #[test]
    fn nothing_is_handed_out_of_a_list_that_is_not_the_bound_one_and_looking_at_it_counts_for_nothing()
     {
        let directory = tempfile::tempdir().unwrap();
        let [path, other] = ["a", "b"].map(|name| directory.path().join(name));
        let (_, list) = beside(&path, 25);
        let (_, _) = beside(&other, 26);
        let mut handed_out = 0;
        let mut count = |_: u64, rows: &[FileFact]| {
            handed_out += rows.len();
            Ok(())
        };
        let batch = Batch { files: 10, bytes: u64::MAX };
        let FileList::Sidecar(mut bound) = list.clone() else { panic!() };
        bound.sha256 = Digest::of("another");
        let unbound = FileList::Sidecar(bound);
        for (path, list) in [(&path, &unbound), (&directory.path().join("missing"), &list)] {
            assert_eq!(
                for_each_batch(Some(path), list, batch, &mut count).unwrap_err().kind(),
                Kind::Refused
            );
        }
        assert_eq!(
            for_each_batch(None, &list, batch, &mut count).unwrap_err().kind(),
            Kind::Refused
        );
        assert_eq!(handed_out, 0);
        for enough in [true, false] {
            let looked = look_through(Some(&path), &unbound, batch, &mut |_, _| Ok(!enough));
            assert_eq!(looked.unwrap_err().kind(), Kind::Refused);
            let refused =
                |_: u64, _: &[FileFact]| Err(Error::new(Kind::Stale, "of an unbound row"));
            let looked = look_through(Some(&path), &unbound, batch, &mut { refused });
            assert_eq!(looked.unwrap_err().kind(), Kind::Refused);
            let looked = look_through(Some(&path), &list, batch, &mut { refused });
            assert_eq!(looked.unwrap_err().kind(), Kind::Stale);
        }
        assert!(
            for_each_batch(Some(&other), &list, batch, &mut |_, _| Ok(())).is_ok(),
            "its first lines are the same"
        );
    }
}
