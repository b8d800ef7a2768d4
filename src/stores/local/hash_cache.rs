//! What this process has read or written itself, so that one content is not read three times in a
//! run.
//!
//! A file is known again by all that the kernel changes with its content. Never outlives the
//! process, and never says what a content is: only whether a file still has the one that it was
//! seen to have.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;

use crate::model::names::Digest;

/// Kernels stamp changes with a clock that stands still for up to 10 ms. A file must have rested
/// for longer than that before it was read, or a later change could bear the same stamp.
const REST: Duration = Duration::from_millis(100);

/// The same where a filesystem keeps whole seconds (or, as FAT does, every other one).
const REST_OF_SECONDS: Duration = Duration::from_secs(3);

/// Files with contents they were seen to have, 16 bytes for each. The keys are this process's own,
/// so nobody can make two that look alike.
pub(super) struct HashCache {
    keys: [RandomState; 2],
    seen: Mutex<HashSet<u128>>,
}

impl HashCache {
    pub fn new() -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], seen: Mutex::new(HashSet::new()) }
    }

    fn print(&self, stat: &Stat, content: Digest) -> u128 {
        let marks = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
        let all = (marks, stat.st_ctime, stat.st_ctime_nsec, content.0);
        let [high, low] = &self.keys;
        u128::from(high.hash_one(all)) << 64 | u128::from(low.hash_one(all))
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut HashSet<u128>) -> T) -> T {
        use_it(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the file was seen to have this content, and was not changed since.
    pub fn knows(&self, stat: &Stat, content: Digest) -> bool {
        let print = self.print(stat, content);
        self.with(|seen| seen.contains(&print))
    }

    /// A file that was just read through. One that was changed only a moment ago is not remembered.
    pub fn has_read(&self, stat: &Stat, content: Digest) {
        if has_rested(stat, SystemTime::now()) {
            self.has_made(stat, content);
        }
    }

    /// A known file that this process gave another name; what it was before it can never be again.
    pub fn has_linked(&self, before: &Stat, after: &Stat, content: Digest) {
        let [before, after] = [before, after].map(|stat| self.print(stat, content));
        self.with(|seen| {
            seen.remove(&before);
            seen.insert(after);
        });
    }

    /// A file that this process made, and that nobody knew of before.
    pub fn has_made(&self, stat: &Stat, content: Digest) {
        let print = self.print(stat, content);
        self.with(|seen| seen.insert(print));
    }
}

impl fmt::Debug for HashCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashCache of {} files", self.with(|seen| seen.len()))
    }
}

/// Whether the last change is long enough ago for the next one to be told from it.
fn has_rested(stat: &Stat, now: SystemTime) -> bool {
    let (Ok(seconds), Ok(nanoseconds)) =
        (u64::try_from(stat.st_ctime), u32::try_from(stat.st_ctime_nsec))
    else {
        return false;
    };
    let rest = if nanoseconds == 0 { REST_OF_SECONDS } else { REST };
    let changed = Duration::new(seconds, nanoseconds).saturating_add(rest);
    now.duration_since(UNIX_EPOCH).is_ok_and(|now| changed < now)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn stat(path: &std::path::Path) -> Stat {
        rustix::fs::stat(path).unwrap()
    }

    #[test]
    fn a_file_is_known_until_anything_of_it_changes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        std::fs::write(&path, "one").unwrap();
        let (memory, content) = (HashCache::new(), Digest::of("one"));
        let before = stat(&path);
        assert!(!memory.knows(&before, content));
        memory.has_made(&before, content);
        assert!(memory.knows(&before, content) && !memory.knows(&before, Digest::of("two")));
        // The clock of the kernel has to move on for the change to be seen.
        while path.metadata().unwrap().ctime_nsec() == before.st_ctime_nsec as i64 {
            std::fs::write(&path, "two").unwrap();
        }
        assert!(!memory.knows(&stat(&path), content));
    }

    #[test]
    fn what_was_changed_a_moment_ago_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        std::fs::write(&path, "one").unwrap();
        let mut stat = stat(&path);
        (stat.st_ctime, stat.st_ctime_nsec) = (1_000_000, 5);
        let after = |rest: Duration| {
            UNIX_EPOCH + Duration::new(1_000_000, stat.st_ctime_nsec as u32) + rest
        };
        let moment = Duration::from_millis(1);
        assert!(
            has_rested(&stat, after(REST + moment)) && !has_rested(&stat, after(REST - moment))
        );
        assert!(!has_rested(&stat, UNIX_EPOCH));
        stat.st_ctime_nsec = 0;
        assert!(!has_rested(&stat, UNIX_EPOCH + Duration::from_secs(1_000_000) + REST));
        let memory = HashCache::new();
        stat.st_ctime = i64::MAX as _;
        memory.has_read(&stat, Digest::of("one"));
        assert!(!memory.knows(&stat, Digest::of("one")));
    }
}
