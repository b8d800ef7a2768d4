//! Reading a file through once while hashing it. A file that is written to meanwhile has no
//! digest: none is ever given for a content that was not there at one moment.

use std::cell::RefCell;

use rustix::fs::{self, Stat};
use rustix::io::{self, Errno, Result};
use sha2::Digest as _;
use sha2::Sha256;

use crate::live::disk::root::{Plain, size};
use crate::model::names::Digest;

/// One buffer per thread, large enough that system calls do not count and small enough for the cache.
const BUFFER: usize = 256 * 1024;

thread_local! {
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

impl Plain {
    /// Reads the whole file, wherever it was read to before, and gives each piece to `each`. `None` when the file was changed
    /// between its opening and the end of the reading.
    pub fn read_through(&self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<Option<Digest>> {
        let mut hash = Sha256::new();
        let expected = size(&self.stat);
        let mut total: u64 = 0;
        READ.with_borrow_mut(|buffer| {
            // One byte too many is enough to know: a file that grows for ever is not read for ever.
            while total <= expected {
                let read = match io::pread(&self.fd, &mut *buffer, total) {
                    Ok(0) => break,
                    Ok(read) => read,
                    Err(Errno::INTR) => continue,
                    Err(errno) => return Err(errno),
                };
                hash.update(&buffer[..read]);
                each(&buffer[..read])?;
                total += read as u64;
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

/// Whether nobody wrote to the file between two looks at it.
fn is_untouched(before: &Stat, after: &Stat) -> bool {
    let marks = |stat: &Stat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec, stat.st_ctime, stat.st_ctime_nsec);
    marks(before) == marks(after)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::live::disk::root::Root;
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
    fn a_file_can_be_read_through_again() {
        let (_directory, _, plain) = opened(b"content");
        assert_eq!(plain.digest(), Ok(Some(Digest::of("content"))));
        assert_eq!(plain.digest(), Ok(Some(Digest::of("content"))));
    }

    #[test]
    fn a_file_that_grows_or_shrinks_under_the_reader_has_no_digest() {
        let (_directory, path, plain) = opened(b"before");
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b" and after").unwrap();
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
                file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
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
