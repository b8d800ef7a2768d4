//! Packs directories into an archive, reads it back, and gives it its name.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::io::Errno;
use tar::EntryType;

use crate::error::{Error, Kind, Result};
use crate::fs::root::Root;
use crate::model::files::archive::{ArchivedRoot, FORMAT_VERSION, MANIFEST, Manifest};
use crate::model::files::uploads::{FileCircumstance, FileFact, Odd, OddKind, RootState};
use crate::model::names::FilePath;
use crate::stores::local::archive::compressed::{Compression, Writer};
use crate::stores::local::archive::members::{Lies, begin, end, pad};
use crate::stores::local::archive::part::{LeftOut, Part};
use crate::stores::local::archive::progress::{Progress, Watch};
use crate::stores::local::archive::read::check;
use crate::stores::local::attributes::Own;
use crate::stores::local::durable::point;
use crate::stores::local::errors::{io_error, stale, undone, unread};
use crate::stores::local::scan::scan;

/// What became of an archive that was asked for.
#[derive(Clone, Debug)]
pub struct Packed {
    pub manifest: Manifest,
    /// Size of the archive.
    pub archive_bytes: u64,
    /// What is neither a plain file nor a directory: never archived.
    pub left_out: Vec<LeftOut>,
    /// Directories that are not there.
    pub missing: Vec<FilePath>,
}

/// One directory as it was found.
struct Found<'a> {
    part: &'a Part,
    root: Root,
    files: Vec<(FileFact, FileCircumstance)>,
}

/// Packs the directories into the new file `to`, compressed as its name says, and reads it back. A
/// file below two of the directories is packed once, with the inner one. The same files give the
/// same bytes.
///
/// Errors: `Kind::Stale` where a file changes meanwhile; `Kind::Unreachable` where one cannot be
/// read. Nothing is left at `to` then.
pub fn pack(parts: &[Part], to: &Path, made_by: &str, watch: Watch<'_>) -> Result<Packed> {
    let Some(compression) = Compression::by_name(to) else {
        return Err(Error::new(
            Kind::Usage,
            format!("`{}` does not say how it is to be compressed", to.display()),
        )
        .hint("end its name in `.tar.zst` or `.tar.gz`"));
    };
    let mut packed = Packed {
        manifest: Manifest {
            format_version: FORMAT_VERSION.to_owned(),
            made_by: made_by.to_owned(),
            roots: Vec::new(),
            files: 0,
            bytes: 0,
        },
        archive_bytes: 0,
        left_out: Vec::new(),
        missing: Vec::new(),
    };
    let found = look(parts, to, &mut packed)?;
    let failed = |error: io::Error| io_error("write", to, &error);
    let directory =
        to.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = tempfile::Builder::new()
        .prefix(".ttplan-")
        .suffix("-part")
        .permissions(PermissionsExt::from_mode(0o600))
        .tempfile_in(directory)
        .map_err(failed)?;
    let file = temporary.as_file().try_clone().map_err(failed)?;
    write(&found, &packed.manifest, compression, file, to, watch)?;
    point("archive: before it is read back")
        .map_err(|errno| undone("read", errno, &FilePath::new(to)))?;
    if check(temporary.path(), watch)? != packed.manifest {
        return Err(Error::new(Kind::Verification, "the archive does not read as it was written"));
    }
    point("archive: before it has its name")
        .map_err(|errno| undone("write", errno, &FilePath::new(to)))?;
    packed.archive_bytes = temporary.as_file().metadata().map_err(failed)?.len();
    temporary.persist_noclobber(to).map_err(|error| {
        let told = failed(error.error);
        told.hint("remove what is there, or choose another name")
    })?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
    Ok(packed)
}

/// Looks at every directory, and at all that is to be in the archive.
fn look<'a>(parts: &'a [Part], to: &Path, packed: &mut Packed) -> Result<Vec<Found<'a>>> {
    let mut parts: Vec<&Part> = parts.iter().collect();
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    let mut found = Vec::new();
    for part in &parts {
        let name = FilePath::new(&part.name);
        if !name.is_plain_relative() || part.name.contains('/') {
            return Err(Error::new(
                Kind::Config,
                format!("`{}` is no name for a part of an archive", part.name),
            ));
        }
        // Of two parts with one directory the first has it.
        if parts
            .iter()
            .take_while(|other| other.name != part.name)
            .any(|other| other.root == part.root)
        {
            continue;
        }
        let at = std::path::absolute(to).unwrap_or_default();
        if FilePath::new(at).is_within(&part.root) {
            let message = format!(
                "`{}` lies in `{}`, which it is to hold",
                to.display(),
                part.root.to_text()
            );
            return Err(
                Error::new(Kind::Usage, message).hint("write the archive to another directory")
            );
        }
        let (tree, lie) = scan(&part.root, &part.ignore, true);
        match tree.state {
            RootState::Present => {}
            RootState::Missing => {
                packed.missing.push(part.root.clone());
                continue;
            }
            RootState::NotADirectory => return Err(unread(Errno::NOTDIR, &part.root)),
            RootState::Unreadable => return Err(unread(Errno::ACCESS, &part.root)),
        }
        let inner: Vec<&FilePath> =
            parts.iter().map(|other| &other.root).filter(|root| **root != part.root).collect();
        let is_mine = |path: &FilePath| {
            let path = part.root.join(path);
            !inner.iter().any(|root| root.is_within(&part.root) && path.is_within(root))
        };
        for odd in tree.odd.into_iter().filter(|odd| is_mine(&odd.path)) {
            leave_out(part, odd, packed)?;
        }
        let files = tree.files.into_iter().zip(lie).filter(|(file, _)| is_mine(file.path()));
        let files: Vec<_> = files.collect();
        packed
            .manifest
            .roots
            .push(ArchivedRoot { name: part.name.clone(), path: part.root.clone() });
        packed.manifest.files += files.len() as u64;
        packed.manifest.bytes = files
            .iter()
            .map(|(file, _)| file.size())
            .fold(packed.manifest.bytes, u64::saturating_add);
        let root = Root::open(&part.root, true).map_err(|errno| unread(errno, &part.root))?;
        found.push(Found { part, root, files });
    }
    Ok(found)
}

/// A link or a pipe is nobody's upload; a file that cannot be read may be one.
fn leave_out(part: &Part, odd: Odd, packed: &mut Packed) -> Result<()> {
    let path = part.root.join(&odd.path);
    match odd.what {
        OddKind::Unreadable => Err(unread(Errno::ACCESS, &path)),
        OddKind::Changing => Err(changed(&path)),
        OddKind::Symlink | OddKind::Fifo | OddKind::Socket | OddKind::Device => {
            packed.left_out.push(LeftOut { root: part.root.clone(), odd });
            Ok(())
        }
    }
}

fn changed(path: &FilePath) -> Error {
    stale(path, "was changed while it was archived")
        .hint("run again, or stop the application meanwhile")
}

fn write(
    found: &[Found<'_>],
    manifest: &Manifest,
    compression: Compression,
    file: File,
    to: &Path,
    watch: Watch<'_>,
) -> Result<()> {
    let failed = |error: io::Error| io_error("write", to, &error);
    let mut out = Writer::new(compression, file).map_err(failed)?;
    let lines = manifest_lines(found, manifest)?;
    let size = lines.len() as u64;
    begin(&mut out, &MANIFEST.into(), EntryType::Regular, size, &Lies::plain(0o600))
        .and_then(|()| out.write_all(&lines))
        .and_then(|()| pad(&mut out, size))
        .map_err(failed)?;
    let mut progress =
        Progress { of_files: manifest.files, of_bytes: manifest.bytes, ..Progress::default() };
    for one in found {
        let mut directories = BTreeSet::new();
        add_directory(&mut out, one, &FilePath::default(), to)?;
        for (fact, lies) in &one.files {
            let mut above: Vec<FilePath> =
                fact.path().as_path().ancestors().skip(1).map(FilePath::new).collect();
            above.retain(|path| !path.as_bytes().is_empty());
            for directory in above.into_iter().rev() {
                if directories.insert(directory.clone()) {
                    add_directory(&mut out, one, &directory, to)?;
                }
            }
            add_file(&mut out, one, fact, lies, to)?;
            progress.files += 1;
            progress.bytes = progress.bytes.saturating_add(fact.size());
            watch(progress)?;
        }
    }
    end(&mut out).and_then(|()| out.finish()).map_err(failed)
}

/// The manifest as it stands in the archive.
fn manifest_lines(found: &[Found<'_>], manifest: &Manifest) -> Result<Vec<u8>> {
    let failed = |error: serde_json::Error| {
        Error::new(Kind::Failed, "cannot write the manifest").because(error)
    };
    let mut lines = serde_json::to_vec(manifest).map_err(failed)?;
    lines.push(b'\n');
    let mut rows: Vec<FileFact> = Vec::new();
    for one in found {
        let name = FilePath::new(&one.part.name);
        rows.extend(one.files.iter().map(|(file, _)| FileFact(name.join(&file.0), file.1, file.2)));
    }
    rows.sort_unstable();
    for row in rows {
        serde_json::to_writer(&mut lines, &row).map_err(failed)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

fn add_directory(out: &mut Writer, of: &Found<'_>, path: &FilePath, to: &Path) -> Result<()> {
    let part = FilePath::new(&of.part.name);
    let name = if path.as_bytes().is_empty() { part } else { part.join(path) };
    let stat = of.root.look(path).map_err(|errno| unread(errno, &of.root.absolute(path)))?;
    let lies = Lies { own: Own::of(&stat), mtime: u64::try_from(stat.st_mtime).unwrap_or(0) };
    begin(out, &name, EntryType::Directory, 0, &lies).map_err(|error| io_error("write", to, &error))
}

fn add_file(
    out: &mut Writer,
    of: &Found<'_>,
    fact: &FileFact,
    lies: &FileCircumstance,
    to: &Path,
) -> Result<()> {
    let failed = |error: io::Error| io_error("write", to, &error);
    let absolute = || of.root.absolute(fact.path());
    let plain = match of.root.plain(fact.path()) {
        Ok(Some(plain)) => plain,
        Ok(None) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
            return Err(changed(&absolute()));
        }
        Err(errno) => return Err(unread(errno, &absolute())),
    };
    let name = FilePath::new(&of.part.name).join(fact.path());
    let own = Own { mode: u32::from(lies.mode), owner: (lies.uid, lies.gid) };
    let lies =
        Lies { own, mtime: u64::try_from(lies.mtime.div_euclid(1_000_000_000)).unwrap_or(0) };
    begin(out, &name, EntryType::Regular, fact.size(), &lies).map_err(failed)?;
    let (mut full, mut left) = (None, fact.size());
    let read = plain.read_through(|piece| {
        // One that grew would push everything behind it out of its place.
        let Some(rest) = left.checked_sub(piece.len() as u64) else { return Err(Errno::FBIG) };
        left = rest;
        point("archive: before bytes are written")?;
        out.write_all(piece).map_err(|error| {
            full = Some(error);
            Errno::IO
        })
    });
    match (full, read) {
        (Some(error), _) => Err(failed(error)),
        (None, Ok(Some(digest))) if digest == fact.sha256() && left == 0 => {
            pad(out, fact.size()).map_err(failed)
        }
        (None, Ok(_) | Err(Errno::FBIG)) => Err(changed(&absolute())),
        (None, Err(errno)) => Err(unread(errno, &absolute())),
    }
}
