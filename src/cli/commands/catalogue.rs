//! `ttplan catalogue`: records what schema an application has after each revision, shows and
//! compares what was recorded.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::artifact::document;
use crate::artifact::json;
use crate::cli::out::Out;
use crate::cli::output;
use crate::cli::settings::SiteArgs;
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::frameworks;
use crate::fs::files::{self, Existing};
use crate::live;
use crate::model::database::catalogue::Catalogue;
use crate::model::text::counted;
use crate::record::Recording;
use crate::render::difference::difference;
use crate::render::style::plain;

/// What schema the application has after each revision.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: CatalogueCommand,
}

#[derive(Debug, Subcommand)]
enum CatalogueCommand {
    Record(Record),
    Show(Show),
    Diff(Diff),
}

/// Run the application's own migrations one by one on an empty scratch database, and write down the
/// schema after each. Running it again goes on where it stopped.
#[derive(Debug, clap::Args)]
struct Record {
    /// The catalogue to write, or to go on with; compressed where its name ends in `.zst`
    #[arg(short, long, value_name = "FILE", env = "TTPLAN_CATALOGUE_OUTPUT")]
    output: PathBuf,
    /// How often to try a revision that stops before it is through
    #[arg(long, default_value_t = 1, value_name = "N", env = "TTPLAN_TRIES")]
    tries: usize,
    #[command(flatten)]
    site: SiteArgs,
}

/// List the entries of a catalogue, or the schema of one.
#[derive(Debug, clap::Args)]
struct Show {
    /// The head set: one revision, or several with commas between
    revisions: Option<String>,
    /// The catalogue [default: that of the configuration or profile]
    #[arg(long, value_name = "FILE", env = "TTPLAN_CATALOGUE")]
    catalogue: Option<PathBuf>,
    #[command(flatten)]
    site: SiteArgs,
}

/// Show how the schemas of two revisions differ.
#[derive(Debug, clap::Args)]
struct Diff {
    /// One head set
    a: String,
    /// The other
    b: String,
    /// The catalogue [default: that of the configuration or profile]
    #[arg(long, value_name = "FILE", env = "TTPLAN_CATALOGUE")]
    catalogue: Option<PathBuf>,
    #[command(flatten)]
    site: SiteArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    match &args.command {
        CatalogueCommand::Record(record) => run_record(record, out),
        CatalogueCommand::Show(show) => run_show(show, out),
        CatalogueCommand::Diff(diff) => run_diff(diff, out),
    }
}

fn run_record(args: &Record, out: &mut Out) -> Result<u8> {
    output::check_file(&args.output)?;
    let settled = args.site.resolve()?;
    let needed = |what: &str| {
        Error::new(Kind::Config, format!("{what} is not configured")).hint("set it in ttplan.toml")
    };
    let config = settled.config.revisions.as_ref().ok_or_else(|| needed("`[revisions]`"))?;
    let upgrade = config.upgrade.as_ref().ok_or_else(|| needed("`[revisions.upgrade] command`"))?;
    let framework = frameworks::by_name(&config.system)
        .ok_or_else(|| needed("a known `[revisions] system`"))?;
    let mut files_only = live::open_files_to_inspect();
    let sources = files_only.files().sources(&(framework.tree)(&config.directory))?;
    let revisions = (framework.read)(&config.directory, &sources);
    let name = upgrade.command.first().map_or("", String::as_str);
    let program = files_only.files().program(name, &settled.access.path.to_string_lossy());
    let program = program
        .ok_or_else(|| Error::new(Kind::Config, format!("the program `{name}` was not found")))?;
    let mut catalogue = if args.output.exists() {
        read(&args.output)?
    } else {
        Catalogue::new(crate::cli::made_by(), framework.name, &settled.config.database.engine)
    };
    let logs = tempfile::Builder::new().prefix("ttplan-record-").tempdir();
    let logs = logs.map_err(|error| {
        Error::new(Kind::Failed, "cannot make a directory for logs").because(error)
    })?;
    let recording = Recording {
        framework,
        revisions: &revisions,
        upgrade,
        program: &program,
        access: &settled.access,
        environment: &std::env::vars_os().collect(),
        tries: args.tries.max(1),
        logs: logs.path(),
    };
    recording.go_on(&mut catalogue, &mut |catalogue, recorded| {
        files::write(
            &args.output,
            &packed(&args.output, json::to_text(catalogue))?,
            0o644,
            Existing::Replace,
        )?;
        let stumbles = match recorded.stumbles {
            0 => String::new(),
            n => format!(" after {}", counted(n as u64, "stumble")),
        };
        out.say(&format!("  {}/{} {}{stumbles}\n", recorded.n, recorded.of, plain(recorded.id)));
        Ok(())
    })?;
    out.result(&format!(
        "{} in {}\n",
        counted_entries(catalogue.entries.len()),
        args.output.display()
    ))?;
    Ok(0)
}

/// The bytes for a file of this name: compressed where it says so.
fn packed(path: &Path, text: String) -> Result<Vec<u8>> {
    match path.extension() {
        Some(ending) if ending == "zst" => {
            zstd::bulk::compress(text.as_bytes(), 19).map_err(|error| {
                Error::new(Kind::Failed, "the catalogue cannot be compressed").because(error)
            })
        }
        _ => Ok(text.into_bytes()),
    }
}

fn counted_entries(n: usize) -> String {
    counted(n as u64, "entry")
}

/// Reads a catalogue that makes sense.
fn read(path: &Path) -> Result<Catalogue> {
    let name = path.to_string_lossy();
    document::read_catalogue(&name, &files::read(path)?)
}

fn chosen(path: Option<&Path>, site: &SiteArgs) -> Result<Catalogue> {
    match path {
        Some(path) => read(path),
        None => config::catalogue(&site.resolve()?.config)?.ok_or_else(|| {
            Error::new(Kind::Config, "there is no catalogue for this application and engine")
                .hint("ttplan catalogue record --database-url SCRATCH -o FILE")
        }),
    }
}

fn position(catalogue: &Catalogue, text: &str) -> Result<usize> {
    let mut ids: Vec<String> = text.split(',').map(|id| id.trim().to_owned()).collect();
    ids.sort();
    catalogue.position(&ids).ok_or_else(|| {
        Error::new(Kind::Usage, format!("the catalogue has no entry for `{text}`"))
            .hint("ttplan catalogue show")
    })
}

fn run_show(args: &Show, out: &mut Out) -> Result<u8> {
    let catalogue = chosen(args.catalogue.as_deref(), &args.site)?;
    let mut text = String::new();
    match &args.revisions {
        None => {
            for entry in &catalogue.entries {
                let changes: usize = entry.changes.values().map(Vec::len).sum();
                let empty = if entry.empty { ", the script does nothing" } else { "" };
                text.push_str(&format!(
                    "{}  {}{empty}\n",
                    plain(&entry.revisions.join(",")),
                    counted(changes as u64, "change")
                ));
            }
            let (system, engine) = (plain(&catalogue.system), plain(&catalogue.engine));
            text.push_str(&format!(
                "{system} on {engine}: {}\n",
                counted_entries(catalogue.entries.len())
            ));
        }
        Some(revisions) => {
            for (name, facts) in catalogue.shape(position(&catalogue, revisions)?).0 {
                text.push_str(&format!("{}\n", plain(&name)));
                facts.iter().for_each(|fact| text.push_str(&format!("  {}\n", plain(fact))));
            }
        }
    }
    out.result(&text)?;
    Ok(0)
}

fn run_diff(args: &Diff, out: &mut Out) -> Result<u8> {
    let catalogue = chosen(args.catalogue.as_deref(), &args.site)?;
    let (a, b) = (position(&catalogue, &args.a)?, position(&catalogue, &args.b)?);
    let text = difference(&catalogue.shape(a), &catalogue.shape(b));
    out.result(if text.is_empty() { "no difference\n" } else { &text })?;
    Ok(0)
}
