//! The database file, opened beside SQLite: to read its header, to ask for locks, to carry the lock
//! of a run.
//!
//! When a process closes *any* descriptor of a file, the kernel drops *all* POSIX locks that the
//! process has on it, SQLite's own among them:
//! <https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>. So a descriptor is only closed when nothing else in this process has that file open: until then
//! it is kept aside. Whoever opens a connection holds such a file for longer than the connection.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::ops::Deref;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Device and inode.
pub(super) type Key = (u64, u64);

/// What this process has open of one file.
#[derive(Default)]
struct Users {
    number: usize,
    /// Every descriptor since the first user came, needed or not.
    files: Vec<Arc<File>>,
}

static OPEN: Mutex<BTreeMap<Key, Users>> = Mutex::new(BTreeMap::new());

/// An open database file.
pub(super) struct Held {
    file: Arc<File>,
    key: Key,
}

impl Held {
    pub(super) fn new(file: File) -> std::io::Result<Self> {
        let key = key(&file.metadata()?);
        let file = Arc::new(file);
        let mut open = open_files();
        let users = open.entry(key).or_default();
        users.number += 1;
        users.files.push(file.clone());
        Ok(Self { file, key })
    }

    /// Whether the metadata is that of this very file.
    pub(super) fn is(&self, metadata: &Metadata) -> bool {
        self.key == key(metadata)
    }

    /// Device and inode.
    pub(super) fn key(&self) -> Key {
        self.key
    }
}

impl Deref for Held {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The lock of a run must not outlive the run; it is independent of SQLite's.
        let _ = self.file.unlock();
        let mut open = open_files();
        if let Some(users) = open.get_mut(&self.key) {
            users.number = users.number.saturating_sub(1);
            if users.number == 0 {
                open.remove(&self.key);
            }
        }
    }
}

fn key(metadata: &Metadata) -> Key {
    (metadata.dev(), metadata.ino())
}

fn open_files() -> MutexGuard<'static, BTreeMap<Key, Users>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptors(path: &std::path::Path) -> usize {
        let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        open.filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == path))
            .count()
    }

    #[test]
    fn a_file_is_closed_when_its_last_user_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("x.db");
        std::fs::write(&path, "").unwrap();
        let hold = || Held::new(File::open(&path).unwrap()).unwrap();
        let (first, second) = (hold(), hold());
        first.try_lock().unwrap();
        drop(first);
        assert_eq!(descriptors(&path), 2, "closing it would drop the locks of the other");
        second.try_lock().unwrap();
        drop(second);
        assert_eq!(descriptors(&path), 0);
    }
}
