//! `ttplan plan`: looks (or takes observations), diagnoses, and writes the plan.

use std::path::{Path, PathBuf};

use crate::artifact::{document, json, sidecar};
use crate::cli::commands::inspect::look;
use crate::cli::commands::show::{Format, formatted};
use crate::cli::out::Out;
use crate::cli::output;
use crate::cli::settings::{SiteArgs, tell_written};
use crate::cli::trusted_plan::{Bundle, believed};
use crate::diagnose::{Examination, diagnose};
use crate::error::{Error, Kind, Result};
use crate::fs::files::{self, Draft, Existing};
use crate::inspect::merge;
use crate::model::diagnosis::{DatabaseState, Decisions};
use crate::model::observation::Observation;
use crate::model::plan::Plan;
use crate::model::text::shell_word;
use crate::plan::{self, PlanOptions};
use crate::render::plan::Wanted;
use crate::render::style::plain;

/// Plan what has to be done to the site; change nothing.
///
/// Exits 8 when something waits for a person: the plan is written all the same, without it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the plan here (NAME.ttplan.json); `-` is stdout
    #[arg(short, long, value_name = "FILE", env = "TTPLAN_PLAN_OUTPUT")]
    output: Option<PathBuf>,
    /// Plan from what `ttplan inspect` wrote down instead of looking; several are joined
    #[arg(long, value_name = "FILE", num_args = 1.., env = "TTPLAN_OBSERVATION")]
    observation: Vec<PathBuf>,
    /// Who makes the plan, as the principal who will sign it: some hosts let nobody approve a plan
    /// of their own
    #[arg(long, value_name = "PRINCIPAL", env = "TTPLAN_AUTHOR")]
    author: Option<String>,
    /// The change ticket that the plan belongs to
    #[arg(long, value_name = "TICKET", env = "TTPLAN_TICKET")]
    ticket: Option<String>,
    /// Forget a recorded revision that stands for nothing, and start anew
    #[arg(long, env = "TTPLAN_REINITIALIZE")]
    reinitialize: bool,
    /// Take a person's word for the revision that the schema is at: one id, or several with commas
    /// between
    #[arg(long, value_name = "REV", value_delimiter = ',', env = "TTPLAN_ASSUME_REVISION")]
    assume_revision: Vec<String>,
    /// Remove files from old places whose copies are where they belong
    #[arg(long, env = "TTPLAN_RELEASE_SOURCES")]
    release_sources: bool,
    /// Exit 2 when the plan holds changes
    #[arg(long, env = "TTPLAN_DETAILED_EXITCODE")]
    detailed_exitcode: bool,
    /// How to show the plan
    #[arg(long, value_enum, default_value_t, env = "TTPLAN_FORMAT")]
    format: Format,
    #[command(flatten)]
    site: SiteArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    output::check(args.output.as_deref())?;
    let seen = observe(args)?;
    let mut assume_revision = args.assume_revision.clone();
    assume_revision.sort();
    assume_revision.dedup();
    let decisions = Decisions {
        reinitialize: args.reinitialize,
        assume_revision,
        release_sources: args.release_sources,
    };
    let examination = diagnose(&seen, &decisions);
    if examination.diagnosis.state == DatabaseState::Unreachable {
        return Err(Error::new(
            Kind::Unreachable,
            "no observation looked at the database, so nothing can be planned",
        ));
    }
    let mut plan = draft(&examination, args.author.clone(), args.ticket.clone())?;
    // What was seen of a million files need not be in memory beside their list.
    drop(examination);
    drop(seen);
    let file = args.output.as_deref().filter(|path| !output::is_standard(Some(path)));
    if file.is_none() && args.output.is_some() && sidecar::is_needed(&plan) {
        return Err(Error::new(Kind::Usage, "this plan cannot be written to the standard output")
            .because("its list of files is so long that it lies in a file beside it")
            .hint("name a file: `-o NAME.ttplan.json`"));
    }
    let beside = take_out(&mut plan, file)?;
    let list_beside = beside.is_some();
    let text = json::to_text(&plan);
    if let Some(path) = file {
        write(path, &text, beside)?;
    }
    let shown = formatted(&plan, text.as_bytes(), args.format, &wanted(args));
    if output::is_standard(args.output.as_deref()) {
        out.say(if args.format == Format::Json { "" } else { &shown });
        out.result(&text)?;
    } else {
        out.result(&shown)?;
    }
    if plan.target.site.is_none() && plan.has_changes() {
        out.say("No host will run a plan for no site; name the site: --site LABEL\n");
    }
    if let Some(path) = file {
        tell_written(path, out);
        if list_beside {
            let list = sidecar::path_of(path);
            let list = list.file_name().unwrap_or_default().to_string_lossy().into_owned();
            out.say(&format!("Its file list is `{}`: keep the two together\n", plain(&list)));
        }
        if plan.has_changes() {
            let word = shell_word(&path.to_string_lossy());
            out.say(&format!("Next: ttplan sign {word} --key KEY --principal YOU\n"));
        }
    }
    Ok(code(&plan, args.detailed_exitcode))
}

/// How the plan that is written is named in hints; one that is not written has no name.
fn wanted(args: &Args) -> Wanted {
    let file = args.output.as_deref().filter(|path| !output::is_standard(Some(path)));
    let name = file.map_or("FILE".into(), |path| shell_word(&path.to_string_lossy()));
    Wanted { file: name, ..Wanted::default() }
}

fn observe(args: &Args) -> Result<Observation> {
    if args.observation.is_empty() {
        let settled = args.site.resolve()?;
        return look(&settled, true);
    }
    let site = args.site.host.site_if_any()?;
    let read = |path: &PathBuf| {
        let bundle = Bundle::read(path)?;
        let seen = document::read_observation(&path.to_string_lossy(), &bundle.file.bytes)?;
        if let Some(site) = &site {
            believed(&bundle, &seen, site, crate::cli::now())?;
        }
        Ok(seen)
    };
    let mut seen = merge(args.observation.iter().map(read).collect::<Result<Vec<_>>>()?)?;
    if let Some(site) = &args.site.site {
        seen.facts.config.site = Some(site.clone());
    }
    Ok(seen)
}

/// Drafts the plan of an examination.
pub fn draft(
    examination: &Examination<'_>,
    author: Option<String>,
    ticket: Option<String>,
) -> Result<Plan> {
    let wishes = PlanOptions {
        made_by: crate::cli::made_by(),
        made_at: crate::cli::document_time()?,
        author,
        ticket,
    };
    let plan = plan::draft(&examination.case, examination.diagnosis.clone(), wishes);
    check_lives(&plan).map(|()| plan)
}

/// That a plan is not over before anybody could sign it.
pub fn check_lives(plan: &Plan) -> Result<()> {
    let now = crate::cli::now();
    if plan.expires_at > now {
        return Ok(());
    }
    Err(Error::new(Kind::Config, "the plan would have expired before it is written")
        .code("expired")
        .found(plan.expires_at)
        .because(format!(
            "SOURCE_DATE_EPOCH dates it {}, so it would live until {}",
            plan.made_at, plan.expires_at
        ))
        .hint("unset SOURCE_DATE_EPOCH"))
}

/// Takes long file lists out of the plan, into a draft of the file beside it.
fn take_out(plan: &mut Plan, path: Option<&Path>) -> Result<Option<Draft>> {
    let failed = |error: std::io::Error| {
        Error::new(Kind::Failed, "cannot write the file list").because(error)
    };
    match path {
        _ if !sidecar::is_needed(plan) => Ok(None),
        None => sidecar::take_out(plan, std::io::sink()).map(|()| None).map_err(failed),
        Some(path) => {
            let mut draft = Draft::begin(&sidecar::path_of(path), 0o644)?;
            sidecar::take_out(plan, &mut draft).map(|()| Some(draft)).map_err(failed)
        }
    }
}

/// Writes the plan and, before it, the file list beside it; one that is not needed any more goes.
pub fn write(path: &Path, text: &str, beside: Option<Draft>) -> Result<()> {
    let list = sidecar::path_of(path);
    match beside {
        Some(draft) => draft.place(Existing::Replace)?,
        None => match std::fs::remove_file(&list) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(files::told("remove the old list", &list, &error));
            }
            _ => {}
        },
    }
    files::write(path, text.as_bytes(), 0o644, Existing::Replace)
}

fn code(plan: &Plan, detailed: bool) -> u8 {
    match (plan.is_blocked(), detailed && plan.has_changes()) {
        (true, _) => Kind::Blocked.exit_code(),
        (false, true) => 2,
        (false, false) => 0,
    }
}
