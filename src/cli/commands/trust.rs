//! `ttplan trust init`: a key, allowed_signers and host.toml for a host that has none.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::out::Out;
use crate::error::{Error, Kind, Result};
use crate::fs::files;
use crate::model::names::FilePath;
use crate::trust::init::{KeySource, Setup, initialise};

/// Set up whom this host believes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: TrustCommand,
}

const EXAMPLES: &str = "Examples:
  ttplan trust init --site prod --principal ada --allow-root /app --allow-root /data
  ttplan trust init --site prod --principal ada=ada.pub --principal bob=bob.pub \\
      --allow-root /data --allow-command 'flask db upgrade heads' --allow-command 'flask --version'

With two or more signers a destructive plan needs two signatures.";

#[derive(Debug, Subcommand)]
enum TrustCommand {
    Init(Init),
}

/// Make keys, allowed_signers and host.toml; never replaces a file.
///
/// No variable stands for these flags: whoever sets variables does not decide whom a host believes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Init {
    /// The site's label; plans for this host must name the same
    #[arg(long, value_name = "LABEL")]
    site: String,
    /// Where the files go
    #[arg(long, value_name = "DIR", default_value = "/etc/ttplan")]
    directory: PathBuf,
    /// Who may sign; a new key is made unless `WHO=FILE.pub` names theirs
    #[arg(long, value_name = "WHO[=FILE.pub]", required = true)]
    principal: Vec<String>,
    /// Directories that plans may touch
    #[arg(long = "allow-root", value_name = "DIR", required = true)]
    roots: Vec<PathBuf>,
    /// A command that plans may run, its words separated by spaces
    #[arg(long = "allow-command", value_name = "COMMAND")]
    commands: Vec<String>,
    /// Where journals, backups and saved tables are kept
    #[arg(long, value_name = "DIR", default_value = "/var/lib/ttplan")]
    state: PathBuf,
    /// What sort of site it is
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let TrustCommand::Init(init) = &args.command;
    let made = initialise(&Setup {
        directory: absolute(&init.directory)?,
        site: init.site.clone(),
        environment: init.environment.clone(),
        roots: init.roots.iter().map(absolute).collect::<Result<_>>()?,
        commands: init
            .commands
            .iter()
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .collect(),
        state: absolute(&init.state)?,
        signers: init.principal.iter().map(|text| signer(text)).collect::<Result<_>>()?,
    })?;
    for path in made {
        out.result(&format!("{}\n", path.display()))?;
    }
    Ok(0)
}

fn absolute(path: &PathBuf) -> Result<FilePath> {
    std::path::absolute(path).map(FilePath::new).map_err(|error| {
        Error::new(Kind::Usage, format!("`{}` is no path", path.display())).because(error)
    })
}

fn signer(text: &str) -> Result<(String, KeySource)> {
    match text.split_once('=') {
        None => Ok((text.to_owned(), KeySource::New)),
        Some((who, file)) => {
            let line =
                String::from_utf8_lossy(&files::read(std::path::Path::new(file))?).into_owned();
            Ok((who.to_owned(), KeySource::Public(line)))
        }
    }
}
