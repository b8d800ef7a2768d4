//! `ttplan revisions`: what the migration scripts say, and where the database stands among them.
//! Without the application's own program, and without writing.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::artifact::json;
use crate::cli::commands::inspect::look;
use crate::cli::out::Out;
use crate::cli::reporter::Format;
use crate::cli::settings::SiteArgs;
use crate::config;
use crate::diagnose::{Examination, diagnose};
use crate::error::{Error, Kind, Result};
use crate::frameworks;
use crate::model::database::catalogue::Catalogue;
use crate::model::database::revisions::{Revisions, Script};
use crate::model::diagnosis::{Decisions, Inferred};
use crate::model::observation::Observation;
use crate::model::text::counted;
use crate::render::difference::difference;
use crate::render::graph::graph;
use crate::render::style::{block, plain, strong};

/// What the migration scripts say, and where the database stands among them.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: RevisionsCommand,
}

#[derive(Debug, Subcommand)]
enum RevisionsCommand {
    /// Draw all revisions as a graph, newest first
    List(Common),
    /// List the ends of the branches
    Heads(Common),
    /// Say which revisions the database records
    Current(Common),
    /// List what has been run and what is pending, newest first
    History(Common),
    /// Say which revision the schema itself is at, and how it differs from the nearest
    Infer(Common),
    /// Show one script, and what the catalogue knows of it
    Show(Show),
}

#[derive(Debug, clap::Args)]
struct Common {
    /// For people, or as JSON
    #[arg(long, value_enum, default_value_t, env = "TTPLAN_FORMAT")]
    format: Format,
    #[command(flatten)]
    site: SiteArgs,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The revision's id
    revision: String,
    #[command(flatten)]
    common: Common,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let (text, value, format) = match &args.command {
        RevisionsCommand::List(common) => of_scripts(common, list)?,
        RevisionsCommand::Heads(common) => of_scripts(common, heads)?,
        RevisionsCommand::Show(args) => {
            of_scripts(&args.common, |seen, revisions| show(&args.revision, seen, revisions))?
        }
        RevisionsCommand::Current(common) => of_database(common, current)?,
        RevisionsCommand::History(common) => of_database(common, history)?,
        RevisionsCommand::Infer(common) => of_database(common, infer)?,
    };
    out.result(&match format {
        Format::Text => text,
        Format::Json => json::to_text(&value),
    })?;
    Ok(0)
}

type Told = Result<(String, Value)>;

/// Looks at the scripts alone.
fn of_scripts(
    common: &Common,
    tell: impl FnOnce(&Observation, &Revisions) -> Told,
) -> Result<(String, Value, Format)> {
    let seen = see(common, false)?;
    let revisions =
        seen.facts.revisions.as_ref().filter(|revisions| revisions.digest.is_some()).ok_or_else(
            || {
                Error::new(Kind::Config, "no migration scripts were found")
                    .hint("set `[revisions] directory` in ttplan.toml")
            },
        )?;
    let (text, value) = tell(&seen, revisions)?;
    Ok((text, value, common.format))
}

/// Looks at the database and the scripts; upload directories have nothing to say here.
fn of_database(
    common: &Common,
    tell: impl FnOnce(&Examination<'_>) -> Told,
) -> Result<(String, Value, Format)> {
    let seen = see(common, true)?;
    let decisions = Decisions::default();
    let examined = diagnose(&seen, &decisions);
    let (text, value) = tell(&examined)?;
    Ok((text, value, common.format))
}

fn see(common: &Common, database: bool) -> Result<Observation> {
    let mut settled = common.site.resolve()?;
    settled.config.uploads.clear();
    look(&settled, database)
}

fn list(_: &Observation, revisions: &Revisions) -> Told {
    let mut text = graph(revisions, &[]);
    text.push_str(&several_heads(revisions));
    for unread in &revisions.unread {
        let file = plain(&unread.file.to_text());
        text.push_str(&format!("not read: `{file}`: {}\n", plain(&unread.reason)));
    }
    Ok((text, json!(revisions)))
}

fn heads(_: &Observation, revisions: &Revisions) -> Told {
    let heads = revisions.heads();
    let lines: String = heads.iter().map(|id| format!("{}\n", plain(id))).collect();
    Ok((lines + &several_heads(revisions), json!(heads)))
}

/// What to do about more than one head.
fn several_heads(revisions: &Revisions) -> String {
    let heads = revisions.heads();
    match frameworks::by_name(&revisions.system) {
        Some(framework) if heads.len() > 1 => {
            format!(
                "{}; to join them: {}\n",
                counted(heads.len() as u64, "head"),
                plain(&(framework.merge)(&heads))
            )
        }
        _ => String::new(),
    }
}

fn show(id: &str, seen: &Observation, revisions: &Revisions) -> Told {
    let script = revisions.script(id).ok_or_else(|| {
        let near = nearest_id(id, revisions);
        let error = Error::new(Kind::Usage, format!("no script has the revision `{id}`"));
        match near {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("ttplan revisions list"),
        }
    })?;
    let catalogue = catalogue_of(seen)?;
    let entry =
        catalogue.as_ref().and_then(|all| all.entries.iter().find(|entry| entry.script == id));
    let mut text = format!("{}\n", strong(&plain(&script.id)));
    let mut fact =
        |name: &str, value: &str| text.push_str(&format!("  {name}: {}\n", plain(value)));
    fact("file", &script.file.to_text());
    fact(
        "after",
        &if script.parents.is_empty() { "nothing".to_owned() } else { script.parents.join(", ") },
    );
    script.title.iter().for_each(|title| fact("title", title));
    fact("sha256", &script.sha256.to_string());
    if script.empty {
        fact("does", "nothing");
    }
    if let Some(entry) = entry {
        let same = if entry.script_sha256 == script.sha256 {
            "this very script"
        } else {
            "a script of the same name and another content"
        };
        fact("catalogued", same);
        if !entry.stumbles.is_empty() {
            fact("stops before it is through", &counted(entry.stumbles.len() as u64, "time"));
        }
        for (name, changes) in &entry.changes {
            text.push_str(&format!("  {}\n{}", plain(name), block(&changes.join("\n"), "    ")));
        }
    }
    Ok((text, json!({ "script": script, "catalogued": entry })))
}

fn catalogue_of(seen: &Observation) -> Result<Option<Catalogue>> {
    match &seen.facts.catalogue {
        Some(catalogue) => Ok(Some(catalogue.clone())),
        None => config::catalogue(&seen.facts.config),
    }
}

fn nearest_id<'a>(id: &str, revisions: &'a Revisions) -> Option<&'a str> {
    let scored = revisions
        .scripts
        .iter()
        .map(|script| (strsim::jaro_winkler(id, &script.id), script.id.as_str()));
    scored.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, id)| id)
}

fn current(examined: &Examination) -> Told {
    let (facts, diagnosis) = (examined.case.facts, &examined.diagnosis);
    let recorded = facts.recorded();
    let heads = facts.revisions.as_ref().map(Revisions::heads).unwrap_or_default();
    let mut text = String::new();
    for id in recorded {
        let head = if heads.contains(id) { " (head)" } else { "" };
        text.push_str(&format!("{}{head}\n", plain(id)));
    }
    if recorded.is_empty() {
        text.push_str("nothing is recorded\n");
    }
    text.push_str(&format!("state: {}\n", diagnosis.state.word()));
    let inferred =
        diagnosis.revision.as_ref().and_then(|revision| revision.inferred.exact.as_ref());
    if let Some(exact) = inferred.filter(|exact| exact.as_slice() != recorded) {
        text.push_str(&format!("the schema is that of {}\n", plain(&exact.join(", "))));
    }
    Ok((text, json!({ "recorded": recorded, "heads": heads, "state": diagnosis.state })))
}

fn history(examined: &Examination) -> Told {
    let recorded = examined.case.facts.recorded();
    let Some(revisions) = examined.case.revisions() else { return Ok((String::new(), json!([]))) };
    let have = revisions.ancestors(recorded);
    let mut text = String::new();
    let mut rows = Vec::new();
    for id in revisions.topological().iter().rev() {
        let Some(Script { parents, title, .. }) = revisions.script(id) else { continue };
        let standing = match (recorded.contains(id), have.contains(id.as_str())) {
            (true, _) => "current",
            (_, true) => "run",
            _ => "pending",
        };
        let from = if parents.is_empty() { "nothing".to_owned() } else { parents.join(", ") };
        let title = title.as_deref().map_or(String::new(), |title| format!("  {}", plain(title)));
        text.push_str(&format!("{standing:8} {} -> {}{title}\n", plain(&from), strong(&plain(id))));
        rows.push(json!({ "revision": id, "parents": parents, "standing": standing }));
    }
    Ok((text, json!(rows)))
}

fn infer(examined: &Examination) -> Told {
    let compared = examined.case.compared.as_ref().ok_or_else(|| {
        Error::new(Kind::Config, "there is no catalogue for this application and engine")
            .hint("ttplan catalogue record --database-url SCRATCH -o FILE")
    })?;
    let Inferred { exact, candidates, nearest } = &compared.inferred;
    let named = |ids: &[String]| strong(&plain(&ids.join(", ")));
    let mut text = String::new();
    exact.iter().for_each(|ids| text.push_str(&format!("exactly {}\n", named(ids))));
    candidates.iter().for_each(|ids| text.push_str(&format!("either {}\n", named(ids))));
    let shapes = nearest.as_ref().and_then(|nearest| compared.side_by_side(&nearest.revisions));
    if let (Some(nearest), Some((should, is))) = (nearest, shapes) {
        text.push_str(&format!(
            "none; to be {} it lacks (-) and has too much (+):\n",
            named(&nearest.revisions)
        ));
        text.push_str(&difference(&should, is));
    }
    if text.is_empty() {
        text.push_str("none: no table is there that any revision knows\n");
    }
    Ok((text, json!(compared.inferred)))
}
