//! Removes what runs keep and nothing needs any more. The journal of the run decides, and is asked
//! again just before anything goes.

use std::path::Path;

use crate::apply::context::RunContext;
use crate::apply::probe::saved::is_undone;
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::fs::files;
use crate::fs::permitted::Purpose;
use crate::model::plan::step::{Answer, DiscardSaved};

/// Removes it, thing by thing.
///
/// Errors: `Kind::Stale` where the run is not taken back.
pub(in crate::apply) fn discard(ctx: &mut RunContext<'_>, discard: &DiscardSaved) -> Result<()> {
    let run = ctx.active_run.folder.beside(&discard.run);
    match is_undone(&run)? {
        Answer::Yes => {}
        Answer::No(why) | Answer::Unknown(why) => return Err(Error::new(Kind::Stale, why)),
    }
    for thing in &discard.saved {
        ctx.go_on()?;
        if let Some(directory) = &thing.directory {
            ctx.live.check_place(directory, Purpose::Backups)?;
        }
        let path = run.kept_at(&thing.name, thing.directory.as_ref());
        remove(&path).map_err(|error| files::told("remove", &path, &error))?;
        path.parent().map_or(Ok(()), files::sync_directory)?;
    }
    Ok(())
}

/// A file, or a directory with all in it; never what a link leads to.
fn remove(path: &Path) -> std::io::Result<()> {
    fault::point("purge: before it is removed")?;
    let removed = match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_go_with_all_in_them_and_links_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("kept/of/files")).unwrap();
        std::fs::create_dir(at("elsewhere")).unwrap();
        for file in ["kept/of/files/a", "elsewhere/b", "saved"] {
            std::fs::write(at(file), "x").unwrap();
        }
        std::os::unix::fs::symlink(at("elsewhere"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("elsewhere"), at("kept/link")).unwrap();
        for name in ["kept", "saved", "link", "never there"] {
            remove(&at(name)).unwrap();
            assert!(at(name).symlink_metadata().is_err(), "{name}");
        }
        assert!(at("elsewhere/b").exists());
    }
}
