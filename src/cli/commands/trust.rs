//! `ttplan trust init`: a key, allowed_signers, host.toml and profile for a host that has none.
//! Every line is shown with where it comes from before anything is written.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::artifact::document;
use crate::cli::ask;
use crate::cli::out::Out;
use crate::config::{self, CliOverrides};
use crate::error::{Error, Kind, Result};
use crate::fs::files;
use crate::live;
use crate::model::host_command::HostCommand;
use crate::model::host_proposal::{HostProposal, ProposedCommand, Sourced, name_of_program};
use crate::model::names::{FilePath, Secret};
use crate::render::style::plain;
use crate::trust::init::{KeySource, Paper, Setup, papers, write_new};
use crate::trust::propose;

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
  ttplan trust init --for change.ttplan.json --principal ada=ada.pub

Commands, version table and columns are proposed from ttplan.toml and its profile, or from the plan
that --for names. With two or more signers a destructive plan needs two signatures.";

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
    #[arg(long, value_name = "LABEL", required_unless_present = "plan")]
    site: Option<String>,
    /// Where the files go
    #[arg(long, value_name = "DIR", default_value = "/etc/ttplan")]
    directory: PathBuf,
    /// Who may sign; a new key is made unless `WHO=FILE.pub` names theirs
    #[arg(long, value_name = "WHO[=FILE.pub]", required = true)]
    principal: Vec<String>,
    /// Directories that plans may touch
    #[arg(long = "allow-root", value_name = "DIR", required_unless_present = "plan")]
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
    /// Propose site, roots, commands and profile from what this plan needs, and not from
    /// ttplan.toml; whom to believe is never taken from a plan
    #[arg(long = "for", value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// The configuration whose commands and columns are proposed [default: ttplan.toml here or
    /// above]
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    config: Option<PathBuf>,
    /// The application, as its profile is called
    #[arg(long, value_name = "NAME", conflicts_with = "plan")]
    profile: Option<String>,
    /// Do not ask before the files are written
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let TrustCommand::Init(init) = &args.command;
    let setup = Setup {
        directory: absolute(&init.directory)?,
        environment: init.environment.clone(),
        proposal: proposal(init)?,
        state: absolute(&init.state)?,
        signers: init.principal.iter().map(|text| signer(text)).collect::<Result<_>>()?,
    };
    let papers = papers(&setup)?;
    out.say(&shown(&setup, &papers));
    if !init.yes && !ask::yes("Write these files?", "--yes", out)? {
        return Err(Error::new(Kind::Cancelled, "cancelled; nothing was written"));
    }
    for path in write_new(setup.directory.as_path(), &papers)? {
        out.result(&format!("{}\n", path.display()))?;
    }
    Ok(0)
}

/// What is proposed: what flags say first, then the plan or the configuration.
fn proposal(init: &Init) -> Result<HostProposal> {
    let said = CliOverrides {
        config_file: init.config.clone(),
        profile: init.profile.clone(),
        working_directory: std::env::current_dir().map_err(|error| {
            Error::new(Kind::Failed, "there is no working directory").because(error)
        })?,
        environment: std::env::vars_os().collect(),
        ..CliOverrides::default()
    };
    let search = std::env::var("PATH").unwrap_or_default();
    let mut live = live::open_files_to_inspect();
    let mut find = |name: &str| live.files().program(name, &search);
    let mut proposal = HostProposal {
        site: init.site.clone().map(|site| Sourced::new(site, "--site")),
        ..HostProposal::default()
    };
    for root in &init.roots {
        proposal.roots.push(Sourced::new(absolute(root)?, "--allow-root"));
    }
    match &init.plan {
        Some(path) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let plan = document::read_plan(&name, &files::read(path)?)?;
            proposal.add(propose::for_plan(&plan, &name, &mut find)?);
        }
        None => match configured(&said, &mut find) {
            Ok(proposed) => proposal.add(proposed),
            // It proposes nothing then; what the flags say counts all the same.
            Err(error) => {
                let at = error.place().map_or(String::new(), |place| {
                    format!(" ({}:{})", place.file, place.line_column().0)
                });
                proposal.left_out.push(format!("the configuration{at}: {}", error.message()));
            }
        },
    }
    let directory = proposal.commands.first().map(|first| first.command.directory.clone());
    let directory = directory.unwrap_or_else(|| FilePath::new(&said.working_directory));
    for line in &init.commands {
        let mut argv: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let Some(first) = argv.first_mut() else { continue };
        let Some(program) = find(first) else {
            proposal.left_out.push(format!("--allow-command '{line}': `{first}` is not here"));
            continue;
        };
        *first = program.to_text().into_owned();
        proposal.allow(ProposedCommand {
            name: name_of_program(first),
            command: HostCommand::of_words(argv, directory.clone()),
            source: "--allow-command".to_owned(),
            keys: vec![("directory", "default".to_owned())],
        });
    }
    Ok(proposal)
}

/// Nothing of a database is proposed, so its address need not be known.
const NO_DATABASE: &str = "sqlite:////nowhere";

fn configured(
    said: &CliOverrides,
    find: &mut dyn FnMut(&str) -> Option<FilePath>,
) -> Result<HostProposal> {
    let said = CliOverrides { database_url: Some(Secret::new(NO_DATABASE)), ..said.clone() };
    config::propose(&said, &config::resolve(&said)?.config, find)
}

/// All that is to be written, each line with where it comes from.
fn shown(setup: &Setup, papers: &[Paper]) -> String {
    let mut text = String::new();
    for paper in papers {
        let path = setup.directory.as_path().join(&paper.name);
        let what = if paper.private { " (a new key)" } else { "" };
        text.push_str(&format!("{}{what}\n", plain(&path.to_string_lossy())));
        for line in &paper.lines {
            let shown = plain(&line.text).to_string();
            match &line.source {
                Some(source) => text.push_str(&format!("    {shown}  <- {}\n", plain(source))),
                None if shown.is_empty() => text.push('\n'),
                None => text.push_str(&format!("    {shown}\n")),
            }
        }
    }
    for left_out in &setup.proposal.left_out {
        text.push_str(&format!("left out: {}\n", plain(left_out)));
    }
    text
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
            let line = String::from_utf8_lossy(&files::read(Path::new(file))?).into_owned();
            Ok((who.to_owned(), KeySource::Public(line)))
        }
    }
}
