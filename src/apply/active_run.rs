//! The papers of one run while it runs: its folder, its journal, and where its backups and saved
//! objects lie.

use std::path::{Path, PathBuf};

use crate::artifact::journal::{self, Journal};
use crate::artifact::state::RunDirectory;
use crate::engines::database::SavedCopy;
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::fs::files::{self, Existing};
use crate::fs::{digest, plain};
use crate::model::names::{Digest, FilePath, Moment};
use crate::model::run::journal::JournalEvent;
use crate::model::run::run_state::{RunState, SavedFact};

/// The open papers of a run.
pub struct ActiveRun {
    pub folder: RunDirectory,
    journal: Journal,
    clock: fn() -> Moment,
}

impl ActiveRun {
    /// Opens the papers of a run, making its folder if it is not there.
    pub fn open(folder: RunDirectory, clock: fn() -> Moment) -> Result<Self> {
        folder.make()?;
        let journal = Journal::open(&folder.journal())?;
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
    /// them.
    ///
    /// Errors: `Kind::Verification` when the file is missing or another.
    pub fn checked(
        &self,
        name: &str,
        directory: Option<&FilePath>,
    ) -> Result<(PathBuf, &SavedFact)> {
        let path = self.kept_at(name, directory);
        let broken = |because: &str| {
            Error::new(
                Kind::Verification,
                format!("the saved `{name}` of run {} cannot be used", self.folder.id),
            )
            .code("saved_copy_differs")
            .about(name)
            .because(because.to_owned())
            .hint(format!("look at `{}`", path.display()))
        };
        let fact = self
            .standing()
            .saved
            .get(name)
            .ok_or_else(|| broken("the journal does not know it"))?;
        let found = digest_of(&path).map_err(|error| error.of_kind(Kind::Verification))?;
        if found != fact.sha256 {
            return Err(broken("its SHA-256 is not the one in the journal"));
        }
        Ok((path, fact))
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

/// How far the run has come; nothing, where it was never started.
pub fn standing_of(folder: &RunDirectory) -> Result<RunState> {
    if folder.journal().exists() {
        journal::read(&folder.journal()).map(|(_, standing)| standing)
    } else {
        Ok(RunState::default())
    }
}

/// The SHA-256 of a file, read as a stream.
pub fn digest_of(path: &Path) -> Result<Digest> {
    plain::open(path)
        .and_then(|mut file| digest::of(&mut file))
        .map(|(_, digest)| digest)
        .map_err(|error| files::told("read", path, &error))
}
