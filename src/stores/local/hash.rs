//! Reading a file through once while hashing it. A file that is written to meanwhile has no
//! digest: none is ever given for a content that was not there at one moment.

use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fd::OwnedFd;
use rustix::fs::{self, SeekFrom, Stat};
use rustix::io::{self, Errno, Result};
use sha2::Digest as _;
use sha2::Sha256;

use crate::fs::root::{Plain, size};
use crate::model::names::Digest;
use crate::stores::local::copy_data::has_holes;

/// One buffer per thread, large enough that system calls do not count and small enough for the
/// cache.
const BUFFER: usize = 256 * 1024;

thread_local! {
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

impl Plain {
    /// Reads the whole file, wherever it was read to before, and gives each piece to `each`. `None`
    /// when the file was changed between its opening and the end of the reading.
    pub fn read_through(&self, each: impl FnMut(&[u8]) -> Result<()>) -> Result<Option<Digest>> {
        self.read_past_holes(has_holes(&self.stat) && has_rested(&self.stat), each)
    }

    fn read_past_holes(
        &self,
        past_holes: bool,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<Option<Digest>> {
        let mut hash = Sha256::new();
        let expected = size(&self.stat);
        let mut total: u64 = 0;
        READ.with_borrow_mut(|buffer| {
            // One byte too many is enough to know: a file that grows for ever is not read for ever.
            while total <= expected {
                let hole = if past_holes { hole(&self.fd, total, expected) } else { 0 };
                if hole > 0 {
                    // What was never written is not read either: that takes far longer than hashing
                    // zeros.
                    let zeros = &mut buffer[..hole.min(BUFFER as u64) as usize];
                    zeros.fill(0);
                    hash.update(&*zeros);
                    each(zeros)?;
                    total += zeros.len() as u64;
                    continue;
                }
                let read = match io::pread(&self.fd, &mut *buffer, total) {
                    Ok(0) => break,
                    Ok(read) => read,
                    Err(Errno::INTR) => continue,
                    Err(errno) => return Err(errno),
                };
                hash.update(&buffer[..read]);
                each(&buffer[..read])?;
                total += read as u64;
                // Less than was asked for, and as much as there should be: this is the end, without
                // asking for it.
                if read < buffer.len() && total == expected {
                    break;
                }
            }
            Ok(())
        })?;
        let unchanged = total == expected && is_untouched(&self.stat, &fs::fstat(&self.fd)?);
        Ok(unchanged.then(|| Digest(hash.finalize().into())))
    }

    /// The digest of its content; `None` when it was changed meanwhile.
    pub fn digest(&self) -> Result<Option<Digest>> {
        self.read_through(|_| Ok(()))
    }
}

/// Whether the file was left alone for a minute. Of one that was just written to not every
/// filesystem says where its holes are: some releases of OpenZFS called holes what was not on disk
/// yet (its issue 15526).
fn has_rested(stat: &Stat) -> bool {
    let changed = u64::try_from(stat.st_ctime.max(stat.st_mtime)).ok();
    let until =
        changed.and_then(|at| UNIX_EPOCH.checked_add(Duration::from_secs(at.saturating_add(60))));
    until.is_some_and(|until| until < SystemTime::now())
}

/// How far nothing was ever written from here on; 0 where something was, or the filesystem does not
/// say.
fn hole(fd: &OwnedFd, from: u64, end: u64) -> u64 {
    match fs::seek(fd, SeekFrom::Data(from)) {
        Ok(data) => data.min(end).saturating_sub(from),
        Err(Errno::NXIO) => end.saturating_sub(from),
        Err(_) => 0,
    }
}

/// Whether nobody wrote to the file between two looks at it.
fn is_untouched(before: &Stat, after: &Stat) -> bool {
    let marks = |stat: &Stat| {
        (stat.st_size, stat.st_mtime, stat.st_mtime_nsec, stat.st_ctime, stat.st_ctime_nsec)
    };
    marks(before) == marks(after)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::fs::root::Root;
    use crate::model::names::FilePath;

    use super::*;

    fn opened(content: &[u8]) -> (tempfile::TempDir, std::path::PathBuf, Plain) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        std::fs::write(&path, content).unwrap();
        let root = Root::open(&FilePath::from(directory.path()), true).unwrap();
        let plain = root.plain(&FilePath::from("f")).unwrap().unwrap();
        (directory, path, plain)
    }

    #[test]
    fn the_pieces_are_the_content_and_the_digest_is_theirs() {
        let content: Vec<u8> = (0..=255).cycle().take(3 * BUFFER + 17).collect();
        let (_directory, _, plain) = opened(&content);
        let mut pieces = Vec::new();
        let digest = plain.read_through(|piece| {
            pieces.extend_from_slice(piece);
            Ok(())
        });
        assert_eq!(digest, Ok(Some(Digest::of(&content))));
        assert!(pieces == content);
    }

    #[test]
    fn holes_are_zeros_wherever_they_are() {
        for (before, data, after) in
            [(0, 0, 9 * BUFFER), (BUFFER + 5, 7, 3 * BUFFER), (4 * BUFFER, 3, 0), (0, 3, BUFFER)]
        {
            let (_directory, path, _) = opened(b"");
            let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(before as u64)).unwrap();
            file.write_all(&vec![b'x'; data]).unwrap();
            file.set_len((before + data + after) as u64).unwrap();
            let root = Root::open(&FilePath::from(path.parent().unwrap()), true).unwrap();
            let plain = root.plain(&FilePath::from("f")).unwrap().unwrap();
            let content = std::fs::read(&path).unwrap();
            let mut pieces = Vec::new();
            let digest = plain.read_past_holes(true, |piece| {
                pieces.extend_from_slice(piece);
                Ok(())
            });
            assert!(digest == Ok(Some(Digest::of(&content))) && pieces == content);
            assert!(!has_rested(&plain.stat), "it was made a moment ago");
        }
    }

    #[test]
    fn a_file_can_be_read_through_again() {
        let (_directory, _, plain) = opened(b"content");
        assert_eq!(plain.digest(), Ok(Some(Digest::of("content"))));
        assert_eq!(plain.digest(), Ok(Some(Digest::of("content"))));
    }

    #[test]
    fn a_file_that_grows_or_shrinks_under_the_reader_has_no_digest() {
        let (_directory, path, plain) = opened(b"before");
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b" and after")
            .unwrap();
        assert_eq!(plain.digest(), Ok(None));
        let (_directory, path, plain) = opened(b"before");
        std::fs::write(&path, "").unwrap();
        assert_eq!(plain.digest(), Ok(None));
    }

    #[test]
    fn a_file_rewritten_with_the_same_size_has_no_digest() {
        let (_directory, path, plain) = opened(&[b'a'; 3 * BUFFER]);
        let mut first = true;
        let digest = plain.read_through(|_| {
            if std::mem::take(&mut first) {
                let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            }
            Ok(())
        });
        assert_eq!(digest, Ok(None));
    }

    #[test]
    fn a_file_that_is_not_as_long_as_it_says_has_no_digest() {
        // The kernel's own files say 0 bytes and have more.
        let root = Root::open(&FilePath::from("/proc"), true).unwrap();
        let plain = root.plain(&FilePath::from("version")).unwrap().unwrap();
        assert_eq!((size(&plain.stat), plain.digest()), (0, Ok(None)));
    }

    #[test]
    fn what_the_receiver_refuses_ends_the_reading() {
        let (_directory, _, plain) = opened(b"content");
        assert_eq!(plain.read_through(|_| Err(Errno::NOSPC)), Err(Errno::NOSPC));
    }
}
