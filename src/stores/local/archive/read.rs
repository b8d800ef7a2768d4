//! Reads an archive, whoever made it: every member is held against the manifest before anything is
//! done with it.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::rc::Rc;

use sha2::Digest as _;
use sha2::Sha256;
use tar::{Entry, EntryType};

use crate::error::{Error, Kind, Result};
use crate::model::files::archive::{FORMAT_VERSION, MANIFEST, Manifest};
use crate::model::files::uploads::FileFact;
use crate::model::names::{Digest, FilePath};
use crate::model::plan;
use crate::stores::local::archive::compressed::Reader;
use crate::stores::local::archive::members::{BLOCK, Lies};
use crate::stores::local::archive::progress::{Progress, Watch};
use crate::stores::local::errors::io_error;

/// No manifest is longer: that of ten million files is shorter.
const LONGEST_MANIFEST: u64 = 1 << 30;

/// No name and no row is longer: a path has 4,096 bytes at most, each at most six characters as an
/// escape.
const LONGEST_ROW: u64 = 64 * 1024;

/// What a member may take beside its content: its header, that of a long name, and the name itself.
const MOST_BESIDE: u64 = 3 * BLOCK + LONGEST_ROW;

/// What is done with what an archive holds. Nothing that it is given was ever outside of the
/// manifest.
pub(super) trait Taker {
    /// The manifest, with all files it lists by their paths in the archive.
    fn begin(&mut self, manifest: &Manifest, files: &BTreeMap<FilePath, FileFact>) -> Result<()>;
    fn directory(&mut self, path: &FilePath, lies: &Lies) -> Result<()>;
    /// A file begins; its pieces follow.
    fn file(&mut self, path: &FilePath, lies: &Lies) -> Result<()>;
    fn piece(&mut self, bytes: &[u8]) -> Result<()>;
    /// The file is whole, and has the listed content.
    fn file_end(&mut self) -> Result<()>;
    /// The archive is whole.
    fn end(&mut self) -> Result<()>;
}

/// Takes nothing: only looks whether the archive is sound.
struct Nobody;

impl Taker for Nobody {
    fn begin(&mut self, _: &Manifest, _: &BTreeMap<FilePath, FileFact>) -> Result<()> {
        Ok(())
    }
    fn directory(&mut self, _: &FilePath, _: &Lies) -> Result<()> {
        Ok(())
    }
    fn file(&mut self, _: &FilePath, _: &Lies) -> Result<()> {
        Ok(())
    }
    fn piece(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }
    fn file_end(&mut self) -> Result<()> {
        Ok(())
    }
    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Reads an archive in full and holds it against its manifest.
///
/// Errors: `Kind::Verification` where it is not what an archive has to be.
pub fn check(archive: &Path, watch: Watch<'_>) -> Result<Manifest> {
    read(archive, &mut Nobody, watch)
}

/// A reader that ends with an error where more comes than there may be.
struct Limited<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| {
            io::Error::new(ErrorKind::InvalidData, "it holds more than it lists")
        })?);
        Ok(read)
    }
}

/// Reads the archive in full and gives everything in it to `taker`.
///
/// Errors: `Kind::Verification` where it is not what an archive has to be.
pub(super) fn read(path: &Path, taker: &mut dyn Taker, watch: Watch<'_>) -> Result<Manifest> {
    let told = |error: Error| match error.kind() {
        Kind::Verification => {
            error.under(format!("the archive `{}` cannot be used", path.display()))
        }
        _ => error,
    };
    let file = File::open(path).map_err(|error| io_error("read", path, &error))?;
    members(file, taker, watch).map_err(told)
}

fn refused(what: impl Into<String>) -> Error {
    Error::new(Kind::Verification, what)
}

fn broken(error: &io::Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => refused("it is cut off, or damaged"),
        _ => refused(format!("it is damaged: {error}")),
    }
}

fn members(file: File, taker: &mut dyn Taker, watch: Watch<'_>) -> Result<Manifest> {
    let left = Rc::new(Cell::new(LONGEST_MANIFEST + MOST_BESIDE));
    let inner = Reader::new(file).map_err(|error| broken(&error))?;
    let mut archive = tar::Archive::new(Limited { inner, left: Rc::clone(&left) });
    let mut entries = archive.entries().map_err(|error| broken(&error))?.raw(true);
    let Some(first) = entries.next() else { return Err(refused("there is nothing in it")) };
    let (manifest, listed) = read_manifest(first.map_err(|error| broken(&error))?)?;
    let mut ahead = Ahead::new(&manifest, listed)?;
    left.set(ahead.most_bytes(&manifest));
    taker.begin(&manifest, &ahead.files)?;
    let mut progress =
        Progress { of_files: manifest.files, of_bytes: manifest.bytes, ..Progress::default() };
    let mut long_name = None;
    for entry in entries {
        let mut entry = entry.map_err(|error| broken(&error))?;
        let kind = entry.header().entry_type();
        if kind == EntryType::GNULongName {
            long_name = Some(read_long_name(&mut entry, long_name.is_some())?);
            continue;
        }
        let path = long_name.take().unwrap_or_else(|| entry.header().path_bytes().into_owned());
        let lies = Lies::of(entry.header()).map_err(|error| broken(&error))?;
        match kind {
            EntryType::Directory => {
                let path = ahead.directory(path.strip_suffix(b"/").unwrap_or(&path))?;
                taker.directory(&path, &lies)?;
            }
            EntryType::Regular => {
                let file = ahead.file(&path, entry.size())?;
                taker.file(file.path(), &lies)?;
                read_file(&mut entry, &file, taker)?;
                taker.file_end()?;
                progress.files += 1;
                progress.bytes = progress.bytes.saturating_add(file.size());
                watch(progress)?;
            }
            other => {
                return Err(refused(format!(
                    "`{}` is {}",
                    String::from_utf8_lossy(&path),
                    words(other)
                )));
            }
        }
    }
    if let Some((path, _)) = ahead.files.iter().next() {
        return Err(refused(format!("`{}` is listed and not in it", path.to_text())));
    }
    check_end(archive.into_inner())?;
    taker.end()?;
    Ok(manifest)
}

/// What nobody may bring along.
fn words(kind: EntryType) -> String {
    match kind {
        EntryType::Symlink => "a symbolic link".to_owned(),
        EntryType::Link => "a hard link".to_owned(),
        EntryType::Char | EntryType::Block => "a device".to_owned(),
        EntryType::Fifo => "a named pipe".to_owned(),
        other => {
            format!("of a kind that no archive of ours has ({:?})", char::from(other.as_byte()))
        }
    }
}

fn read_long_name(entry: &mut Entry<'_, impl Read>, twice: bool) -> Result<Vec<u8>> {
    if twice || entry.size() > LONGEST_ROW {
        return Err(refused("it has a name that is no name"));
    }
    let mut name = Vec::new();
    entry.read_to_end(&mut name).map_err(|error| broken(&error))?;
    match name.pop() {
        Some(0) if !name.contains(&0) => Ok(name),
        _ => Err(refused("it has a name that is no name")),
    }
}

fn read_manifest(entry: Entry<'_, impl Read>) -> Result<(Manifest, Vec<FileFact>)> {
    let is_ours = entry.header().path_bytes().as_ref() == MANIFEST.as_bytes();
    if !is_ours || entry.header().entry_type() != EntryType::Regular {
        return Err(refused(format!("its first member is not `{MANIFEST}`"))
            .hint("ttplan backup --uploads -o FILE"));
    }
    if entry.size() > LONGEST_MANIFEST {
        return Err(refused("its manifest is too long"));
    }
    let mut lines = BufReader::new(entry);
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| -> Result<bool> {
        line.clear();
        let read = lines
            .by_ref()
            .take(LONGEST_ROW)
            .read_until(b'\n', line)
            .map_err(|error| broken(&error))?;
        match line.pop() {
            None => Ok(false),
            Some(b'\n') => Ok(read > 0),
            Some(_) => Err(refused("its manifest is cut off, or has too long a line")),
        }
    };
    let torn = |error: serde_json::Error| refused(format!("its manifest cannot be read: {error}"));
    next(&mut line)?;
    let manifest: Manifest = serde_json::from_slice(&line).map_err(torn)?;
    if plan::version(&manifest.format_version).map(|(major, _)| major)
        != plan::version(FORMAT_VERSION).map(|(m, _)| m)
    {
        return Err(refused(format!(
            "its format is `{}`, which this ttplan does not know",
            manifest.format_version
        )));
    }
    let mut files = Vec::new();
    while next(&mut line)? {
        files.push(serde_json::from_slice::<FileFact>(&line).map_err(torn)?);
    }
    Ok((manifest, files))
}

/// What is listed and has not come yet.
struct Ahead {
    files: BTreeMap<FilePath, FileFact>,
    directories: BTreeSet<FilePath>,
}

impl Ahead {
    fn new(manifest: &Manifest, rows: Vec<FileFact>) -> Result<Self> {
        let is_name = |name: &str| FilePath::new(name).is_plain_relative() && !name.contains('/');
        let names: BTreeSet<&str> = manifest.roots.iter().map(|root| root.name.as_str()).collect();
        if names.len() != manifest.roots.len() || names.iter().any(|name| !is_name(name)) {
            return Err(refused("its manifest has roots without proper names"));
        }
        let mut directories: BTreeSet<FilePath> = names.iter().map(FilePath::new).collect();
        let bytes = rows.iter().map(FileFact::size).fold(0, u64::saturating_add);
        if (rows.len() as u64, bytes) != (manifest.files, manifest.bytes) {
            return Err(refused("its manifest does not count what it lists"));
        }
        if !rows.is_sorted_by(|one, next| one.path() < next.path()) {
            return Err(refused("its manifest is not sorted, or lists a file twice"));
        }
        for row in &rows {
            let path = row.path();
            let below = |name: &&str| {
                path.as_bytes().strip_prefix(name.as_bytes()).is_some_and(|r| r.starts_with(b"/"))
            };
            if !path.is_plain_relative() || !names.iter().any(below) {
                return Err(refused(format!(
                    "its manifest lists `{}`, which is below none of its roots",
                    path.to_text()
                )));
            }
            let above = path.as_path().ancestors().skip(1).map(FilePath::new);
            directories.extend(above.filter(|above| !above.as_bytes().is_empty()));
        }
        let files: BTreeMap<FilePath, FileFact> =
            rows.into_iter().map(|row| (row.path().clone(), row)).collect();
        match directories.iter().find(|directory| files.contains_key(directory)) {
            Some(both) => Err(refused(format!("`{}` is a file and a directory", both.to_text()))),
            None => Ok(Self { files, directories }),
        }
    }

    /// What all that is ahead may take at most, uncompressed.
    fn most_bytes(&self, manifest: &Manifest) -> u64 {
        let members = (self.files.len() + self.directories.len() + 1) as u64;
        manifest
            .bytes
            .saturating_add(members.saturating_mul(MOST_BESIDE + BLOCK))
            .saturating_add(64 * 1024)
    }

    fn directory(&mut self, path: &[u8]) -> Result<FilePath> {
        let path = FilePath::from_bytes(path);
        if self.directories.remove(&path) {
            return Ok(path);
        }
        Err(refused(format!(
            "the directory `{}` is in it twice, or holds nothing that is listed",
            path.to_text()
        )))
    }

    fn file(&mut self, path: &[u8], size: u64) -> Result<FileFact> {
        let path = FilePath::from_bytes(path);
        match self.files.remove(&path) {
            Some(file) if file.size() == size => Ok(file),
            Some(_) => Err(refused(format!("`{}` has not the listed size", path.to_text()))),
            None => Err(refused(format!("`{}` is in it twice, or is not listed", path.to_text()))),
        }
    }
}

fn read_file(
    entry: &mut Entry<'_, impl Read>,
    file: &FileFact,
    taker: &mut dyn Taker,
) -> Result<()> {
    let (mut hash, mut total) = (Sha256::new(), 0_u64);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = match entry.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(&error)),
        };
        let piece = &buffer[..read];
        hash.update(piece);
        total = total.saturating_add(read as u64);
        taker.piece(piece)?;
    }
    if total == file.size() && Digest(hash.finalize().into()) == file.sha256() {
        return Ok(());
    }
    Err(refused(format!("`{}` has not the listed content", file.path().to_text())))
}

/// Behind the last member there is nothing but zeros to the end of the block, and behind those
/// nothing at all.
fn check_end(mut rest: Limited<Reader>) -> Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match rest.read(&mut buffer).map_err(|error| broken(&error))? {
            0 => break,
            read if buffer[..read].iter().all(|byte| *byte == 0) => {}
            _ => return Err(refused("something follows behind its end")),
        }
    }
    match rest.inner.ends_here().map_err(|error| broken(&error))? {
        true => Ok(()),
        false => Err(refused("something follows behind its end")),
    }
}
