//! The state directory: one folder per run, with the signed plan, the journal, backups and saved
//! objects; and the lock that lets one run at a time change anything.
//!
//! Private to its owner (0700, files 0600), outside every upload root, on a disk that stays.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::fs::way::{self, Links};
use crate::fs::{files, lock, ownership};
use crate::model::names::Digest;
use crate::model::names::FilePath;

/// A state directory that was checked.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
}

/// The kernel's lock on a state directory; given back when dropped, or when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// The folder of one run. A plan has one run, however often it is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory {
    pub id: String,
    pub path: PathBuf,
}

impl StateDirectory {
    /// Opens the directory, making it where only its parent exists.
    ///
    /// Errors: `Kind::Refused` when others may enter it, it belongs to somebody else, or others could
    /// put another one in its place.
    pub fn open(path: &FilePath, links: &Links) -> Result<Self> {
        check_above(path, links)?;
        files::private_directory(path.as_path())?;
        let state = Self::open_existing(path, links)?;
        files::private_directory(&state.path.join("runs"))?;
        Ok(state)
    }

    /// Opens the directory for reading only; makes nothing.
    pub fn open_existing(path: &FilePath, links: &Links) -> Result<Self> {
        check_above(path, links)?;
        let path = path.as_path();
        // Over a link that is pinned, if over any.
        let meta = fs::metadata(path)
            .map_err(|error| files::told("look at the state directory", path, &error))?;
        if !meta.is_dir() {
            return Err(
                unsafe_state(path, "it is not a directory").hint("give another one in host.toml")
            );
        }
        let me = rustix::process::geteuid().as_raw();
        if meta.uid() != me {
            return Err(unsafe_state(path, &format!("it belongs to user {}", meta.uid()))
                .hint(format!("chown {me} {}", path.display())));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(unsafe_state(path, "others may enter it")
                .hint(format!("chmod 700 {}", path.display())));
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Opens the directory for reading only; none where nothing was ever run.
    ///
    /// Errors: as [`StateDirectory::open_existing`].
    pub fn find(path: &FilePath, links: &Links) -> Result<Option<Self>> {
        match fs::symlink_metadata(path.as_path()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            _ => Self::open_existing(path, links).map(Some),
        }
    }

    /// How much its files hold together.
    pub fn bytes(&self) -> Result<u64> {
        let mut total: u64 = 0;
        let mut left = vec![self.path.clone()];
        while let Some(directory) = left.pop() {
            let failed = |error: std::io::Error| files::told("list", &directory, &error);
            for entry in fs::read_dir(&directory).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let meta = match entry.metadata() {
                    Ok(meta) => meta,
                    // A run that is going on removes what it no longer needs.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(failed(error)),
                };
                if meta.is_dir() {
                    left.push(entry.path());
                } else {
                    total = total.saturating_add(meta.len());
                }
            }
        }
        Ok(total)
    }

    /// What its disk has left for this user.
    pub fn free_bytes(&self) -> Result<u64> {
        let disk = rustix::fs::statvfs(&self.path)
            .map_err(|error| files::told("look at the disk of", &self.path, &error.into()))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Who holds the lock now, as they signed it. Looking takes it for an instant, where it is
    /// free.
    pub fn holder(&self) -> Result<Option<String>> {
        let path = self.path.join("lock");
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(files::told("open the lock", &path, &error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(fs::TryLockError::WouldBlock) => Ok(Some(signed(&mut file))),
            Err(fs::TryLockError::Error(error)) => {
                Err(files::told("look at the lock", &path, &error))
            }
        }
    }

    /// Takes the lock, trying again until `wait` is over. `who` is left in the lock's file for
    /// people.
    ///
    /// Errors: `Kind::Locked`, naming what the holder left there.
    pub fn lock(&self, wait: Duration, who: &str) -> Result<Lock> {
        let path = self.path.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| files::told("open the lock", &path, &error))?;
        // Even who will not wait tries again: whoever looks for a holder has the lock for an
        // instant.
        let wait = wait.max(Duration::from_millis(50));
        if !lock::take(&file, wait).map_err(|error| files::told("take the lock", &path, &error))? {
            let holder = signed(&mut file);
            return Err(Error::new(Kind::Locked, "another run holds the lock")
                .because(format!("it is held by {holder}"))
                .hint("wait for it, or give `--lock-timeout 60s`"));
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(format!("{who}\n").as_bytes()));
        written.map_err(|error| files::told("write the lock", &path, &error))?;
        Ok(Lock { _file: file })
    }

    /// The run of the plan with this digest, whether or not it exists.
    pub fn run_of(&self, plan: &Digest) -> RunDirectory {
        let id = plan.short(16);
        RunDirectory { path: self.path.join("runs").join(&id), id }
    }

    /// All runs, sorted by id.
    pub fn runs(&self) -> Result<Vec<RunDirectory>> {
        let runs = self.path.join("runs");
        let mut found = Vec::new();
        let entries = match fs::read_dir(&runs) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(files::told("list", &runs, &error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| files::told("list", &runs, &error))?;
            if let Ok(id) = entry.file_name().into_string()
                && entry.path().join("journal.jsonl").is_file()
            {
                found.push(RunDirectory { path: entry.path(), id });
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }
}

impl RunDirectory {
    /// Another run of the same state directory; `id` is a plain name.
    pub fn beside(&self, id: &str) -> Self {
        Self { id: id.to_owned(), path: self.path.with_file_name(id) }
    }

    /// Makes the folder with its parts, if it is not there.
    pub fn make(&self) -> Result<()> {
        for path in [self.path.clone(), self.saved(), self.output()] {
            files::private_directory(&path)?;
        }
        Ok(())
    }

    /// The copy of the signed plan.
    pub fn plan(&self) -> PathBuf {
        self.path.join("plan.ttplan.json")
    }

    /// The copy of a signature: named for the copied plan as it was for the plan, so that it still
    /// says as whom it was made.
    pub fn signature(&self, name: &str, plan: &str) -> PathBuf {
        let rest = name.strip_prefix(plan).unwrap_or(name);
        self.path.join(format!("plan.ttplan.json{rest}"))
    }

    /// The copy of the plan's sidecar; there only if the plan has one.
    pub fn sidecar(&self) -> PathBuf {
        self.path.join("plan.files.zst")
    }

    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Where saved objects and backups lie.
    pub fn saved(&self) -> PathBuf {
        self.path.join("saved")
    }

    /// Where something saved under `name` lies: in the run's folder, or in a directory of the
    /// host's choice, there under a name that no other run has.
    pub fn kept_at(&self, name: &str, directory: Option<&FilePath>) -> PathBuf {
        match directory {
            Some(directory) => directory.as_path().join(format!("ttplan-{}-{name}", self.id)),
            None => self.saved().join(name),
        }
    }

    /// Where the output of commands lies.
    pub fn output(&self) -> PathBuf {
        self.path.join("output")
    }
}

/// Refuses a place in which others could put another directory, without the journals that keep a
/// plan from acting again. What is there already is judged by itself.
fn check_above(path: &FilePath, links: &Links) -> Result<()> {
    ownership::check_directory(&way::above(path), links).map_err(|error| {
        error
            .under(format!("the state directory `{}` is not safe", path.to_text()))
            .code("state_directory_unsafe")
            .about(path.to_text())
    })
}

fn unsafe_state(path: &Path, because: &str) -> Error {
    Error::new(Kind::Refused, format!("the state directory `{}` is not safe", path.display()))
        .code("state_directory_unsafe")
        .about(path.display())
        .because(because.to_owned())
}

/// What the holder of a lock left in its file.
fn signed(file: &mut File) -> String {
    let mut holder = String::new();
    let _ = file.take(200).read_to_string(&mut holder);
    holder.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let open = || StateDirectory::open(&FilePath::new(&path), &Links::new());
        open().unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let error = open().unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        assert!(error.hints()[0].starts_with("chmod 700 "));
    }

    #[test]
    fn a_directory_that_others_could_put_away_is_refused_and_not_made() {
        let directory = tempfile::tempdir().unwrap();
        let above = directory.path().join("above");
        fs::create_dir(&above).unwrap();
        let path = FilePath::new(above.join("state"));
        for mode in [0o777, 0o775, 0o757] {
            fs::set_permissions(&above, fs::Permissions::from_mode(mode)).unwrap();
            let error = StateDirectory::open(&path, &Links::new()).unwrap_err();
            assert_eq!(error.kind(), Kind::Refused, "{error}");
            assert!(!path.as_path().exists());
        }
        fs::set_permissions(&above, fs::Permissions::from_mode(0o755)).unwrap();
        StateDirectory::open(&path, &Links::new()).unwrap();
        let link = FilePath::new(directory.path().join("link"));
        std::os::unix::fs::symlink(&above, link.as_path()).unwrap();
        let error = StateDirectory::open(&link.join(&"state".into()), &Links::new()).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{error}");
    }

    #[test]
    fn one_holder_at_a_time_and_the_next_is_told_who() {
        let directory = tempfile::tempdir().unwrap();
        let state =
            StateDirectory::open(&FilePath::new(directory.path().join("state")), &Links::new())
                .unwrap();
        let lock = state.lock(Duration::ZERO, "pid 7 on host a").unwrap();
        let error = state.lock(Duration::ZERO, "pid 8").unwrap_err();
        assert_eq!(error.kind(), Kind::Locked);
        assert!(error.to_string().contains("pid 7 on host a"));
        assert_eq!(state.holder().unwrap().as_deref(), Some("pid 7 on host a"));
        drop(lock);
        assert_eq!(state.holder().unwrap(), None);
        state.lock(Duration::ZERO, "pid 8").unwrap();
    }
}
