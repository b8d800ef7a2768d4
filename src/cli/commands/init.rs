//! `ttplan init`: a commented ttplan.toml made of what is found.

use std::path::{Path, PathBuf};

use crate::cli::out::Out;
use crate::config::{self, discover};
use crate::error::{Error, Kind, Result};
use crate::fs::files::{self, Existing};

/// Write a commented ttplan.toml from what is found here; never replaces one.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The application's directory [default: the working directory]
    directory: Option<PathBuf>,
    /// Print it instead of writing it
    #[arg(long, env = "TTPLAN_PRINT")]
    print: bool,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let directory = std::path::absolute(args.directory.as_deref().unwrap_or(Path::new(".")))
        .map_err(|error| Error::new(Kind::Usage, "the directory has no path").because(error))?;
    let text = discover(&directory)?.to_toml();
    if args.print {
        out.result(&text)?;
    } else {
        let path = directory.join(config::FILE);
        files::write(&path, text.as_bytes(), 0o644, Existing::Refuse)?;
        out.result(&format!("{}\n", path.display()))?;
        out.say("Read it through, then look at the site: ttplan inspect\n");
    }
    Ok(0)
}
