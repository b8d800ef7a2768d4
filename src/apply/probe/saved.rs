//! What runs keep: whether it is there, whole, and still needed.

use crate::apply::active_run::ActiveRun;
use crate::artifact::journal;
use crate::artifact::state::RunDirectory;
use crate::error::Result;
use crate::model::names::FilePath;
use crate::model::plan::step::{Answer, DiscardSaved};

/// Whether the run was undone to its beginning, so that nothing it keeps is needed.
pub fn is_undone(run: &RunDirectory) -> Result<Answer> {
    if !run.journal().exists() {
        return Ok(Answer::No(format!("there is no run `{}`", run.id)));
    }
    let (_, standing) = journal::read(&run.journal())?;
    let told =
        || format!("run `{}` is not undone, and undoing it would need what it keeps", run.id);
    Ok(if standing.all_undone { Answer::Yes } else { Answer::No(told()) })
}

/// Whether all of it is gone.
pub fn is_gone(run: &RunDirectory, discard: &DiscardSaved) -> Answer {
    for thing in &discard.saved {
        let path = run.kept_at(&thing.name, thing.directory.as_ref());
        match std::fs::symlink_metadata(&path) {
            Ok(_) => return Answer::No(format!("`{}` is there", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Answer::Unknown(format!(
                    "`{}` cannot be looked at: {error}",
                    path.display()
                ));
            }
        }
    }
    Answer::Yes
}

/// Whether the run has the backup, byte for byte as it was made.
///
/// Errors: `Kind::Verification` where it is missing or another.
pub fn backup_reads(
    active_run: Option<&ActiveRun>,
    name: &str,
    directory: Option<&FilePath>,
) -> Result<Answer> {
    let Some(active_run) =
        active_run.filter(|active_run| active_run.standing().saved.contains_key(name))
    else {
        return Ok(Answer::No(format!("there is no backup `{name}` of this run yet")));
    };
    active_run.checked(name, directory).map(|_| Answer::Yes)
}
