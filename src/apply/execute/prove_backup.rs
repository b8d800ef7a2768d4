//! Proves a backup: what it gives back, restored into a database of its own, is what the database
//! holds.

use std::path::Path;

use crate::apply::context::RunContext;
use crate::apply::probe::database::content_digest;
use crate::error::{Error, Kind, Result};
use crate::fs::files;

/// Compares every definition and every row.
///
/// Errors: `Kind::Failed` where they differ; the backup is then none of this run.
pub(in crate::apply) fn prove(ctx: &mut RunContext<'_>, backup: &Path) -> Result<()> {
    let holds = content_digest(ctx.live.database())?;
    let scratch = ctx.active_run.folder.path.join("scratch");
    files::fresh_directory(&scratch)?;
    let mut gives_back = None;
    ctx.live.change_database().restore_apart(backup, &scratch, &mut |restored| {
        gives_back = Some(content_digest(restored)?);
        Ok(())
    })?;
    std::fs::remove_dir_all(&scratch).map_err(|error| files::told("remove", &scratch, &error))?;
    if gives_back == Some(holds) {
        return Ok(());
    }
    Err(Error::new(Kind::Failed, "the restored backup is not what the database holds")
        .code("backup_not_proven")
        .because(format!(
            "`{}` was restored into a database of its own and compared, definitions and rows",
            backup.display()
        ))
        .hint("stop whatever writes to the database, then run the same `ttplan apply` again"))
}
