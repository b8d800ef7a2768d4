//! Whether somebody else could write to the database file at this moment.
//!
//! Two things are looked at, and neither takes a lock. The open files of all processes, in
//! `/proc`: that finds an application that is idle. And the locks on SQLite's lock bytes: that also
//! finds processes in other containers that share the volume, while they read or write, and
//! in WAL mode for as long as they have the database open.
//!
//! The limits: an idle process in another container with a database in rollback mode holds no lock
//! and is not in our `/proc`; this host cannot know of it. Nor does a network file system
//! tell of processes on other hosts. This process itself is left out.

use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk, geteuid};

use crate::engines::database::OtherSessions;
use crate::engines::sqlite::place::{DatabasePath, JOURNAL, SHARED_MEMORY, WAL};
use crate::error::Result;

/// SQLite's lock bytes: <https://www.sqlite.org/src/file/src/os.h>, `PENDING_BYTE` and on.
const LOCK_BYTES: (u64, u64) = (0x4000_0000, 512);

/// The permission bits of a file that let somebody else write.
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// How many reasons for not knowing are told.
const NAMED: usize = 5;

/// Looks for others. `file` is the database file, which the caller keeps open.
pub(super) fn of(place: &DatabasePath, file: &File) -> Result<OtherSessions> {
    let Some(database) = place.metadata()? else { return Ok(OtherSessions::None) };
    let mut search = Search { files: watched(place), ..Search::default() };
    match fs::read_dir("/proc") {
        Ok(entries) => {
            let pids = entries
                .flatten()
                .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
            for pid in pids.filter(|pid| *pid != std::process::id()) {
                search.visit(pid, &database);
            }
        }
        Err(error) => {
            search.unknown.push(format!("the processes of this host cannot be listed: {error}"));
        }
    }
    if !fs::exists("/proc/1").unwrap_or(false) && Process::default().could_write(&database) {
        search.unknown.push("this host hides the processes of other users".to_owned());
    }
    search.ask_for_locks(file);
    Ok(search.outcome(place))
}

/// Device, inode and name of every file that makes up the database.
fn watched(place: &DatabasePath) -> Vec<(u64, u64, String)> {
    let suffixes = ["", WAL, SHARED_MEMORY, JOURNAL];
    let watched = suffixes.iter().filter_map(|suffix| {
        let metadata = place.beside(suffix).metadata().ok()?;
        Some((metadata.dev(), metadata.ino(), format!("{}{suffix}", place.file_name())))
    });
    watched.collect()
}

#[derive(Default)]
struct Search {
    files: Vec<(u64, u64, String)>,
    found: Vec<(u32, String)>,
    unknown: Vec<String>,
    /// Processes whose open files were seen.
    seen: Vec<u32>,
}

impl Search {
    fn visit(&mut self, pid: u32, database: &Metadata) {
        match self.open_for_writing(pid) {
            Ok(names) => {
                self.seen.push(pid);
                if !names.is_empty() {
                    let words = format!(
                        "process {pid} ({}) has {} open for writing",
                        command(pid),
                        names.join(", ")
                    );
                    self.found.push((pid, words));
                }
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let process = Process::read(pid);
                if process.is_some_and(|process| process.could_write(database)) {
                    self.unknown.push(format!(
                        "the open files of process {pid} ({}) cannot be seen",
                        command(pid)
                    ));
                }
            }
            // It ended while we looked.
            Err(_) => {}
        }
    }

    /// The watched files that a process could write to.
    fn open_for_writing(&self, pid: u32) -> std::io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
            let entry = entry?;
            let Ok(metadata) = entry.path().metadata() else { continue };
            let is_it = |(dev, ino, _): &&(u64, u64, String)| {
                (*dev, *ino) == (metadata.dev(), metadata.ino())
            };
            let Some((.., name)) = self.files.iter().find(is_it) else { continue };
            let info =
                fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", entry.file_name().display()));
            if info.map_or(true, |info| !is_read_only(&info)) {
                names.push(format!("`{name}`"));
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn ask_for_locks(&mut self, file: &File) {
        let (start, length) = LOCK_BYTES;
        let whole = Flock {
            start,
            length,
            pid: None,
            typ: FlockType::WriteLock,
            offset_type: FlockOffsetType::Set,
        };
        match fcntl_getlk(file, &whole) {
            Ok(None) => {}
            Ok(Some(lock)) => {
                let pid = lock.pid.map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs());
                if pid == 0 {
                    self.found.push((
                        0,
                        "a process outside of this container holds a lock on it".to_owned(),
                    ));
                } else if !self.seen.contains(&pid) {
                    self.found.push((
                        pid,
                        format!("process {pid} ({}) holds a lock on it", command(pid)),
                    ));
                } else if self.found.iter().all(|(found, _)| *found != pid) {
                    // The kernel tells of one lock only.
                    let reader = format!(
                        "process {pid} ({}) is reading it, which may hide other locks",
                        command(pid)
                    );
                    self.unknown.push(reader);
                }
            }
            Err(error) => self.unknown.push(format!("locks cannot be asked for: {error}")),
        }
    }

    fn outcome(mut self, place: &DatabasePath) -> OtherSessions {
        self.found.sort();
        if !self.found.is_empty() {
            return OtherSessions::Some(self.found.into_iter().map(|(_, words)| words).collect());
        }
        if self.unknown.is_empty() {
            return OtherSessions::None;
        }
        let more = self.unknown.len().saturating_sub(NAMED);
        self.unknown.truncate(NAMED);
        if more > 0 {
            self.unknown.push(format!("and {more} more"));
        }
        OtherSessions::Unknown(format!(
            "who has `{}` open cannot be found out: {}",
            place.name(),
            self.unknown.join("; ")
        ))
    }
}

/// Whether the flags of an open file, in octal, say that it can only be read.
fn is_read_only(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags
        .and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok())
        .is_some_and(|flags| flags & 0o3 == 0)
}

/// The name of its program, as the process itself sets it: text from outside.
fn command(pid: u32) -> String {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().to_owned()
}

/// Whose a process is. The default is somebody unknown who is neither root nor us.
#[derive(Debug, Default)]
struct Process {
    /// Real, effective, saved and file system user; empty where unknown.
    users: Vec<u32>,
    /// All its groups; empty where unknown.
    groups: Vec<u32>,
}

impl Process {
    /// `None` for what has no memory of its own, and so no open files: kernel threads and zombies.
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    fn parse(status: &str) -> Option<Self> {
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        let numbers =
            |name| field(name).unwrap_or("").split_whitespace().filter_map(|id| id.parse().ok());
        field("VmSize:")?;
        Some(Self {
            users: numbers("Uid:").collect(),
            groups: numbers("Gid:").chain(numbers("Groups:")).collect(),
        })
    }

    /// Whether its user may write to the file. Root always may, but its daemons do not count
    /// unless the file is root's own: else no user but root could ever know of no writer.
    fn could_write(&self, file: &Metadata) -> bool {
        if self.users.is_empty() {
            return file.uid() != geteuid().as_raw()
                || file.mode() & (GROUP_WRITES | OTHERS_WRITE) != 0;
        }
        let is_root = self.users.iter().all(|user| *user == 0);
        self.users.contains(&file.uid())
            || !is_root && file.mode() & OTHERS_WRITE != 0
            || !is_root && file.mode() & GROUP_WRITES != 0 && self.groups.contains(&file.gid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn status(users: &str, groups: &str) -> String {
        format!("Name:\tx\nUid:\t{users}\nGid:\t7\t7\t7\t7\nGroups:\t{groups}\nVmSize:\t10 kB\n")
    }

    #[test]
    fn flags_tell_readers_from_writers() {
        assert!(is_read_only("pos:\t0\nflags:\t02100000\nmnt_id:\t1\n"));
        assert!(!is_read_only("pos:\t0\nflags:\t02100002\n"));
        assert!(!is_read_only("pos:\t0\nflags:\t0100001\n"));
        assert!(!is_read_only(""));
    }

    #[test]
    fn who_could_write_is_told_by_owner_group_and_mode() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mode = |mode| {
            file.as_file().set_permissions(fs::Permissions::from_mode(mode)).unwrap();
            file.path().metadata().unwrap()
        };
        let (uid, gid) = (mode(0o600).uid(), mode(0o600).gid());
        let stranger =
            Process::parse(&status(&format!("{0}\t{0}\t{0}\t{0}", uid + 1), &format!("{gid} 9")))
                .unwrap();
        let owner = Process::parse(&status(&format!("{}\t{uid}\t0\t0", uid + 1), "")).unwrap();
        assert!(owner.could_write(&mode(0o400)));
        assert!(!stranger.could_write(&mode(0o600)));
        assert!(stranger.could_write(&mode(0o660)));
        assert!(stranger.could_write(&mode(0o602)));
        assert!(Process::parse("Name:\tkthreadd\nUid:\t0\t0\t0\t0\n").is_none());
    }
}
