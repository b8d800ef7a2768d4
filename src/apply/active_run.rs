//! The papers of one run while it runs: its folder, its journal, and where its backups and saved
//! objects lie.

use std::path::{Path, PathBuf};

use crate::artifact::journal::{self, Journal};
use crate::artifact::state::RunDirectory;
use crate::engines::database::SavedCopy;
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::fs::files::{self, Existing};
use crate::fs::{digest, moving, plain};
use crate::model::names::{Digest, FilePath, Moment};
use crate::model::run::journal::JournalEvent;
use crate::model::run::run_state::RunState;

/// The open papers of a run.
pub struct ActiveRun {
    pub folder: RunDirectory,
    journal: Journal,
    clock: fn() -> Moment,
}

impl ActiveRun {
    /// Opens the papers of the run of a plan, making its folder if it is not there.
    ///
    /// Errors: `Kind::Refused` where the journal there is another plan's.
    pub fn open(folder: RunDirectory, plan: &Digest, clock: fn() -> Moment) -> Result<Self> {
        folder.make()?;
        let journal = Journal::open(&folder.journal())?;
        check_belongs(&folder, journal.standing(), plan)?;
        Ok(Self { folder, journal, clock })
    }

    /// How far the run has come.
    pub fn standing(&self) -> &RunState {
        self.journal.standing()
    }

    /// Writes a line; it is on disk when this returns.
    pub fn note(&mut self, event: JournalEvent) -> Result<()> {
        self.journal.append((self.clock)(), event)
    }

    /// Where something saved under `name` lies.
    pub fn kept_at(&self, name: &str, directory: Option<&FilePath>) -> PathBuf {
        self.folder.kept_at(name, directory)
    }

    /// Makes sure that `path` is free for a new save. What lies there is a torn save of this very
    /// run: a finished one belongs to a step that is done and is not saved again.
    pub fn make_free(&self, path: &Path) -> Result<()> {
        match fault::point("torn save: before it is removed")
            .and_then(|()| std::fs::remove_file(path))
        {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(files::told("remove the torn file", path, &error)),
        }
    }

    /// Writes down that something was saved whole.
    pub fn saved(&mut self, step: &str, name: &str, kept: &SavedCopy) -> Result<()> {
        self.note(JournalEvent::Saved {
            step: step.to_owned(),
            name: name.to_owned(),
            bytes: kept.bytes,
            sha256: kept.sha256,
            tables: kept.tables.clone(),
        })
    }

    /// Something saved by this run, after its bytes were compared with what the journal says of
    /// them. What lies in another directory is taken in first: what was compared is what is used.
    ///
    /// Errors: `Kind::Verification` when the file is missing or another.
    pub fn checked(&self, name: &str, directory: Option<&FilePath>) -> Result<CheckedCopy> {
        let path = self.kept_at(name, directory);
        let broken = |because: &str| {
            Error::new(
                Kind::Verification,
                format!("the saved `{name}` of run {} cannot be used", self.folder.id),
            )
            .code("saved_copy_differs")
            .because(because.to_owned())
            .hint(format!("look at `{}`", path.display()))
        };
        let fact = self
            .standing()
            .saved
            .get(name)
            .ok_or_else(|| broken("the journal does not know it"))?;
        let copy = match directory {
            None => CheckedCopy { path: path.clone(), is_ours: false },
            Some(_) => {
                let copy =
                    CheckedCopy { path: self.kept_at(&format!("in-{name}"), None), is_ours: true };
                self.make_free(&copy)?;
                moving::take_in(&path, &copy)
                    .map_err(|error| broken("it cannot be read").because(error))?;
                copy
            }
        };
        let found = digest_of(&copy).map_err(|error| error.of_kind(Kind::Verification))?;
        if found != fact.sha256 {
            return Err(broken("its SHA-256 is not the one in the journal"));
        }
        Ok(copy)
    }

    /// Puts a copy of a paper into the run's folder, once.
    pub fn keep_copy(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        if path.exists() { Ok(()) } else { files::write(path, bytes, 0o600, Existing::Refuse) }
    }

    /// The same of a file that may be large.
    pub fn keep_copy_of(&self, from: &Path, path: &Path) -> Result<()> {
        if path.exists() { Ok(()) } else { files::copy(from, path, 0o600, Existing::Refuse) }
    }
}

/// A saved copy whose bytes were compared, where only we write. What was taken in for that goes with
/// it.
pub struct CheckedCopy {
    path: PathBuf,
    is_ours: bool,
}

impl std::ops::Deref for CheckedCopy {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl Drop for CheckedCopy {
    fn drop(&mut self) {
        if self.is_ours {
            // What stays is a second name for the backup, and gone with the next one.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// How far the run of a plan has come; nothing, where it was never started.
///
/// Errors: `Kind::Refused` where the journal there is another plan's.
pub fn standing_of(folder: &RunDirectory, plan: &Digest) -> Result<RunState> {
    match folder.journal().symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(RunState::default()),
        _ => {
            let (_, standing) = journal::read(&folder.journal())?;
            check_belongs(folder, &standing, plan)?;
            Ok(standing)
        }
    }
}

/// The name of a run's folder is only the beginning of its plan's digest: a journal belongs to the
/// whole of it.
fn check_belongs(folder: &RunDirectory, standing: &RunState, plan: &Digest) -> Result<()> {
    match &standing.plan_sha256 {
        Some(other) if other != plan => {
            let path = folder.journal();
            let message = format!("the journal `{}` is another plan's", path.display());
            Err(Error::new(Kind::Refused, message)
                .code("journal_of_other_plan")
                .about(path.display())
                .found(other)
                .expected(plan)
                .because(format!("it is of the plan with sha256 {other}, this one has {plan}"))
                .hint("find out who put it there; nothing was changed"))
        }
        _ => Ok(()),
    }
}

/// The SHA-256 of a file, read as a stream.
pub fn digest_of(path: &Path) -> Result<Digest> {
    plain::open(path)
        .and_then(|mut file| digest::of(&mut file))
        .map(|(_, digest)| digest)
        .map_err(|error| files::told("read", path, &error))
}
