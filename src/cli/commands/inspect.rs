//! `ttplan inspect`: looks at the site and writes down what is there.

use std::path::PathBuf;
use std::thread;

use crate::artifact::json;
use crate::cli::out::Out;
use crate::cli::output;
use crate::cli::reporter::Format;
use crate::cli::settings::{SiteArgs, tell_written};
use crate::config::{self, ResolvedConfig};
use crate::error::Result;
use crate::fs::files::{self, Existing};
use crate::inspect::{self, InspectOptions};
use crate::live;
use crate::model::config::Config;
use crate::model::database::catalogue::Catalogue;
use crate::model::host::HostConfig;
use crate::model::observation::Observation;
use crate::render;

/// Look at the database, the migration scripts and the upload directories; change nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the observation here, to plan from it elsewhere; `-` is stdout
    #[arg(short, long, value_name = "FILE", env = "TTPLAN_INSPECT_OUTPUT")]
    output: Option<PathBuf>,
    /// Look at files only: where the database cannot be reached
    #[arg(long, env = "TTPLAN_FILES_ONLY")]
    files_only: bool,
    /// In short for people, or the whole document
    #[arg(long, value_enum, default_value_t, env = "TTPLAN_FORMAT")]
    format: Format,
    #[command(flatten)]
    site: SiteArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    output::check(args.output.as_deref())?;
    let settled = args.site.resolve()?;
    let seen = look(&settled, !args.files_only)?;
    let shown = || match args.format {
        Format::Text => render::observation::observation(&seen),
        Format::Json => json::to_text(&seen),
    };
    match &args.output {
        Some(_) if output::is_standard(args.output.as_deref()) => {
            out.say(&if args.format == Format::Json { String::new() } else { shown() });
            out.result(&json::to_text(&seen))?;
        }
        Some(path) => {
            files::write(path, json::to_text(&seen).as_bytes(), 0o644, Existing::Replace)?;
            out.result(&shown())?;
            tell_written(path, out);
        }
        None => out.result(&shown())?,
    }
    Ok(0)
}

/// Looks at the site now.
pub fn look(settled: &ResolvedConfig, database: bool) -> Result<Observation> {
    let ResolvedConfig { config, access, host, .. } = settled;
    let (live, known) = thread::scope(|scope| {
        // While the server sees to the connection.
        let known = scope.spawn(|| if database { known(config) } else { Ok((None, None)) });
        let live = if database {
            live::open_to_inspect(access)
        } else {
            Ok(live::open_files_to_inspect())
        };
        (live, known.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (catalogue, offline) = known?;
    let wishes = InspectOptions {
        made_by: crate::cli::made_by(),
        made_at: crate::cli::document_time()?,
        database,
        search: access.path.to_string_lossy().into_owned(),
        catalogue,
        offline,
        host: host.as_ref().map(HostConfig::facts),
    };
    inspect::inspect(config, live?.as_mut(), &wishes)
}

/// What is known of the application's schemas, and of what its migrations do.
fn known(config: &Config) -> Result<(Option<Catalogue>, Option<String>)> {
    Ok((config::catalogue(config)?, config::offline(config)?))
}
