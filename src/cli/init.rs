//! `ttplan init`: a commented ttplan.toml made of what is found.

use std::path::{Path, PathBuf};

use crate::artifact::files::{self, Existing};
use crate::cli::out::Out;
use crate::cli::settings::Global;
use crate::config::{self, discover};
use crate::error::Result;

/// Write a commented ttplan.toml from what is found here; never replaces one.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The application's directory [default: the working directory]
    directory: Option<PathBuf>,
    /// Print it instead of writing it
    #[arg(long)]
    print: bool,
}

/// Runs the command.
pub fn run(args: &Args, _: &Global, out: &mut Out) -> Result<u8> {
    let directory = args.directory.as_deref().unwrap_or(Path::new("."));
    let text = discover(directory)?.to_toml();
    if args.print {
        out.result(&text)?;
    } else {
        let path = directory.join(config::FILE);
        files::write(&path, text.as_bytes(), 0o644, Existing::Refuse)?;
        out.result(&format!("{}\n", path.display()))?;
    }
    Ok(0)
}
