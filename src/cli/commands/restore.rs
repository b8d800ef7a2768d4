//! `ttplan restore`: the files of an archive into an empty directory, or only a look whether it is
//! sound.

use std::path::{Path, PathBuf};

use crate::cli::out::Out;
use crate::cli::progress::Bar;
use crate::error::{Error, Kind, Result};
use crate::model::files::archive::Manifest;
use crate::model::names::FilePath;
use crate::model::text::{bytes, counted};
use crate::render::style::plain;
use crate::stores::local::archive::{check, unpack};

/// Unpack an archive of uploads into an empty directory, each file held against its SHA-256.
///
/// Nothing that is there is replaced. A directory has its name only when all of it is on disk; run
/// again, it says that all is there. To bring the files back into use, name the directory in `from`
/// of the upload and plan.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The archive that `ttplan backup --uploads` wrote
    archive: PathBuf,
    /// Where to: an empty directory, or none yet
    #[arg(
        long,
        value_name = "DIRECTORY",
        env = "TTPLAN_RESTORE_TO",
        required_unless_present = "check"
    )]
    to: Option<PathBuf>,
    /// Only read the archive and see that it is sound
    #[arg(long, conflicts_with = "to", env = "TTPLAN_RESTORE_CHECK")]
    check: bool,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let mut bar = Bar::new(out)?;
    let Some(to) = args.to.as_deref().filter(|_| !args.check) else {
        let manifest = check(&args.archive, &mut |progress| bar.report(progress))?;
        bar.end();
        out.result(&format!("sound: {}", sum(&manifest, None)))?;
        return Ok(0);
    };
    let unpacked = unpack(&args.archive, &absolute(to)?, &mut |progress| bar.report(progress))?;
    bar.end();
    for name in &unpacked.already {
        out.say(&format!("`{}` is there already, as it is in the archive\n", plain(name)));
    }
    if unpacked.not_kept > 0 {
        let (count, what) = (counted(unpacked.not_kept, "entry"), "owner or mode");
        out.say(&format!(
            "{count} could not be given the {what} that the archive says: run as root\n"
        ));
    }
    out.result(&sum(&unpacked.manifest, None))?;
    Ok(0)
}

fn absolute(path: &Path) -> Result<FilePath> {
    let told = |error| {
        Error::new(Kind::Failed, format!("cannot find out where `{}` is", path.display()))
            .because(error)
    };
    let path = std::path::absolute(path).map_err(told)?;
    // `a/../b` may be anything where `a` is a link.
    Ok(FilePath::new(path.components().collect::<PathBuf>()))
}

/// An archive in numbers.
pub(in crate::cli) fn sum(manifest: &Manifest, size: Option<u64>) -> String {
    let names: Vec<String> =
        manifest.roots.iter().map(|root| format!("`{}`", plain(&root.name))).collect();
    let size = size.map(|size| format!(", {} compressed", bytes(size))).unwrap_or_default();
    let files = counted(manifest.files, "file");
    format!("{files} ({}) of {}{size}\n", bytes(manifest.bytes), names.join(", "))
}
