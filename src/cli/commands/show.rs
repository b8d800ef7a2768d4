//! `ttplan show`: a plan for people. What it says of itself is recomputed first.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::artifact::state::{RunDirectory, StateDirectory};
use crate::artifact::{document, history, sidecar};
use crate::cli::commands::undo;
use crate::cli::out::Out;
use crate::cli::settings::HostArgs;
use crate::error::Result;
use crate::fs::files;
use crate::model::names::Digest;
use crate::model::plan::Plan;
use crate::model::text::shell_word;
use crate::render;
use crate::render::plan::Wanted;
use crate::trust::validation;

/// Show a plan: what it was made for, what was found, every step to the letter, the summary last.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plan file, or a run as `ttplan history` names it
    file: PathBuf,
    /// How to show it
    #[arg(long, value_enum, default_value_t, env = "TTPLAN_FORMAT")]
    format: Format,
    /// Everything that the plan says, every step to the letter
    #[arg(long, env = "TTPLAN_FULL")]
    full: bool,
    /// This step to the letter; several with commas between
    #[arg(long, value_name = "N", value_delimiter = ',', env = "TTPLAN_STEP")]
    step: Vec<usize>,
    /// Every finding of this kind; several with commas between
    #[arg(long, value_name = "CODE", value_delimiter = ',', env = "TTPLAN_FINDINGS")]
    findings: Vec<String>,
    #[command(flatten)]
    host: HostArgs,
}

/// In which form a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal
    #[default]
    Text,
    /// The document itself
    Json,
    /// For a ticket or a merge request
    Markdown,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let run = run_of(args)?;
    let (plan, bytes) = read(run.as_ref().map_or(args.file.clone(), RunDirectory::plan).as_path())?;
    let wanted = Wanted {
        full: args.full,
        steps: args.step.clone(),
        findings: args.findings.clone(),
        file: shell_word(&args.file.to_string_lossy()),
    };
    out.result(&formatted(&plan, &bytes, args.format, &wanted))?;
    if let Some(run) = run.filter(|_| args.format == Format::Text) {
        out.result(&render::history::run(&history::run(&run)))?;
    }
    Ok(0)
}

/// The run that is meant: only where no file has that name.
fn run_of(args: &Args) -> Result<Option<RunDirectory>> {
    let name = args
        .file
        .to_str()
        .filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_hexdigit()));
    let Some(name) = name.filter(|_| !args.file.exists()) else { return Ok(None) };
    let site = args.host.site()?;
    undo::named(&StateDirectory::open_existing(&site.state, &site.links)?, name).map(Some)
}

/// A plan in the wanted form.
pub fn formatted(plan: &Plan, bytes: &[u8], format: Format, wanted: &Wanted) -> String {
    let sha256 = Digest::of(bytes);
    match format {
        Format::Text => render::plan::plan(plan, &sha256, wanted),
        Format::Json => String::from_utf8_lossy(bytes).into_owned(),
        Format::Markdown => render::markdown::plan(plan, &sha256, &wanted.file),
    }
}

/// Reads a plan that does not contradict itself.
///
/// Errors: as [`document::read_plan`]; `Kind::Refused` for a plan that says of itself what its
/// moves deny, and for one whose file list is missing or another.
pub fn read(file: &std::path::Path) -> Result<(Plan, Vec<u8>)> {
    let bytes = files::read(file)?;
    let plan = document::read_plan(&file.to_string_lossy(), &bytes)?;
    sidecar::check(&plan, &sidecar::path_of(file))?;
    validation::check(&plan, &file.to_string_lossy())
        .map_err(|error| error.hint("do not sign or apply it; find out who made it"))?;
    Ok((plan, bytes))
}
