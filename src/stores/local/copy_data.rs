//! DataWriter a new file piece by piece. Long stretches of nothing become holes where they are wanted.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fd::OwnedFd;
use rustix::fs::{self, SeekFrom, Stat};
use rustix::io::{self, Errno, Result};

use crate::fs::root::{Plain, size};
use crate::model::names::Digest;
use crate::stores::local::durable::point;

/// A shorter stretch of zeros is not worth a hole: filesystems keep blocks of this size.
const HOLE: usize = 4096;

/// A new file while it is filled.
pub(super) struct DataWriter {
    fd: OwnedFd,
    with_holes: bool,
    written: u64,
}

impl DataWriter {
    /// An empty file; `with_holes` where zeros need not be written.
    pub fn new(fd: OwnedFd, with_holes: bool) -> Self {
        Self { fd, with_holes, written: 0 }
    }

    /// Adds a piece.
    pub fn add(&mut self, piece: &[u8]) -> Result<()> {
        self.written += piece.len() as u64;
        if !self.with_holes {
            return write_all(&self.fd, piece);
        }
        for block in piece.chunks(HOLE) {
            if block.iter().all(|byte| *byte == 0) {
                fs::seek(&self.fd, SeekFrom::Current(block.len() as i64))?;
            } else {
                write_all(&self.fd, block)?;
            }
        }
        Ok(())
    }

    /// Gives the file back once nothing more comes: a hole at the end is part of it too.
    pub fn end(self) -> Result<OwnedFd> {
        if self.with_holes {
            fs::ftruncate(&self.fd, self.written)?;
        }
        Ok(self.fd)
    }
}

/// Which side a transfer failed at.
pub(super) enum Failed {
    Reading(Errno),
    Writing(Errno),
}

/// Moves the content of a file into a new one and says what it was; `None` when it changed
/// meanwhile.
///
/// Where the filesystem can, the copy shares the source's blocks, and what is hashed is the copy;
/// `shares` says whether that is worth a try, and is told. Any other way to make a copy without
/// writing all of it belongs here too.
pub(super) fn transfer(
    source: &Plain,
    copy: OwnedFd,
    shares: &AtomicBool,
) -> std::result::Result<(OwnedFd, Option<Digest>), Failed> {
    if shares.load(Ordering::Relaxed) {
        if fs::ioctl_ficlone(&copy, &source.fd).is_ok() {
            let cloned = fs::fstat(&copy).map(|stat| Plain { fd: copy, stat });
            let digest = cloned.and_then(|clone| Ok((clone.digest()?, clone)));
            return digest.map(|(digest, clone)| (clone.fd, digest)).map_err(Failed::Reading);
        }
        shares.store(false, Ordering::Relaxed);
    }
    let mut full = None;
    let mut filling = DataWriter::new(copy, has_holes(&source.stat));
    let digest =
        source.read_through(|piece| filling.add(piece).inspect_err(|errno| full = Some(*errno)));
    let digest = digest.map_err(|errno| full.map_or(Failed::Reading(errno), Failed::Writing))?;
    filling.end().map(|filled| (filled, digest)).map_err(Failed::Writing)
}

/// Whether a file has holes: it takes less room than it is long.
pub(super) fn has_holes(stat: &Stat) -> bool {
    u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512) < size(stat)
}

fn write_all(fd: &OwnedFd, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        point("disk: before bytes are written")?;
        match io::write(fd, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_the_same_with_holes_and_without() {
        let mut content = vec![0; 3 * HOLE];
        content.extend_from_slice(b"in between");
        content.extend_from_slice(&[0; 5 * HOLE]);
        for with_holes in [true, false] {
            let mut file = tempfile::tempfile().unwrap();
            let fd = OwnedFd::from(file.try_clone().unwrap());
            let mut filling = DataWriter::new(fd, with_holes);
            for piece in content.chunks(5000) {
                filling.add(piece).unwrap();
            }
            filling.end().unwrap();
            let mut found = Vec::new();
            std::io::Seek::rewind(&mut file).unwrap();
            std::io::Read::read_to_end(&mut file, &mut found).unwrap();
            assert!(found == content);
        }
    }
}
