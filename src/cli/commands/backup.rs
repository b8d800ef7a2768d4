//! `ttplan backup --uploads`: upload directories into an archive that was read back before it is
//! called one.

use std::path::PathBuf;

use crate::cli::out::Out;
use crate::cli::output;
use crate::cli::progress::Bar;
use crate::cli::settings::{SiteArgs, tell_written};
use crate::error::{Error, Kind, Result};
use crate::render::style::plain;
use crate::stores::local::archive::{Part, pack};

/// Put upload directories into an archive, with the SHA-256 of every file, and read it back.
///
/// Takes the directories where uploads belong, as they are now; the database has its own backups.
/// Links, pipes and devices are told of and left out. The archive has its name only when all of it
/// was read back right.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Back up the upload directories
    #[arg(long, required = true, env = "TTPLAN_BACKUP_UPLOADS")]
    uploads: bool,
    /// Only this upload, by its name in the configuration; may be given several times
    #[arg(
        long = "upload",
        value_name = "NAME",
        value_delimiter = ',',
        env = "TTPLAN_BACKUP_UPLOAD"
    )]
    only: Vec<String>,
    /// The archive, which must not be there yet: its name ends in `.tar.zst` or `.tar.gz`
    #[arg(short, long, value_name = "FILE", env = "TTPLAN_BACKUP_OUTPUT")]
    output: PathBuf,
    #[command(flatten)]
    site: SiteArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    output::check_file(&args.output)?;
    let uploads = args.site.resolve()?.config.uploads;
    if let Some(name) =
        args.only.iter().find(|name| !uploads.iter().any(|upload| upload.name == **name))
    {
        let known: Vec<String> =
            uploads.iter().map(|upload| format!("`{}`", upload.name)).collect();
        return Err(Error::new(Kind::Config, format!("there is no upload `{name}`"))
            .hint(format!("the configuration has {}", known.join(", "))));
    }
    let wanted = uploads
        .into_iter()
        .filter(|upload| args.only.is_empty() || args.only.contains(&upload.name));
    let parts: Vec<Part> = wanted
        .map(|upload| Part { name: upload.name, root: upload.to, ignore: upload.ignore })
        .collect();
    let mut bar = Bar::new(out)?;
    let packed =
        pack(&parts, &args.output, &crate::cli::made_by(), &mut |progress| bar.report(progress))?;
    bar.end();
    for missing in &packed.missing {
        out.say(&format!("`{}` is not there, and not in the archive\n", plain(&missing.to_text())));
    }
    for one in &packed.left_out {
        let (path, what) = (one.root.join(&one.odd.path), one.odd.what.words());
        out.say(&format!("`{}` is a {what}, and not in the archive\n", plain(&path.to_text())));
    }
    tell_written(&args.output, out);
    out.result(&super::restore::sum(&packed.manifest, Some(packed.archive_bytes)))?;
    Ok(0)
}
