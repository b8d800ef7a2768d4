//! `ttplan demo`: the whole way, on a temporary site that nobody looked after. Every line that it
//! shows is what the command itself prints.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::out::Out;
use crate::error::{Error, Kind, Result};
use crate::live;
use crate::live::engines;
use crate::model::config::{Access, Database, Wait};
use crate::model::names::{FilePath, Secret};
use crate::render::style::{faint, strong};

/// See the whole way on a temporary site: inspect, plan, sign, verify, apply, apply again, undo.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Make the site in this new directory, and leave it there
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

const SITE: &str = include_str!("../../fixtures/demo/site.sql");
const CONFIGURATION: &str = include_str!("../../fixtures/demo/ttplan.toml");
const SCRIPTS: &[(&str, &str)] = &[
    ("001_initial.py", include_str!("../../fixtures/demo/migrations/versions/001_initial.py")),
    ("002_project_codes.py", include_str!("../../fixtures/demo/migrations/versions/002_project_codes.py")),
];

/// Avatars in the old directory and in the new one: one to move, one that is at both places, one
/// whose name is taken by another picture. `avatar_4.png` is nowhere.
const OLD: &[(&str, &str)] =
    &[("avatar_1.png", "ada, drawn in 2024"), ("avatar_2.png", "bob"), ("avatar_3.png", "eve")];
const NEW: &[(&str, &str)] = &[("avatar_1.png", "ada, drawn in 2026"), ("avatar_3.png", "eve")];

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let failed = |error: std::io::Error| Error::new(Kind::Failed, "the demo's site cannot be made").because(error);
    let temporary = match &args.keep {
        None => Some(tempfile::Builder::new().prefix("ttplan-demo-").tempdir().map_err(failed)?),
        Some(directory) => {
            fs::create_dir(directory).map_err(failed)?;
            None
        }
    };
    let home = match (&temporary, &args.keep) {
        (Some(temporary), _) => temporary.path().to_path_buf(),
        (None, Some(kept)) => std::path::absolute(kept).map_err(failed)?,
        (None, None) => return Err(Error::new(Kind::Failed, "the demo has no directory")),
    };
    make_site(&home)?;
    let mut demo = Demo { home: &home, out };
    demo.tell_all()?;
    if args.keep.is_some() {
        out.result(&format!("\nThe site is in {}.\n", home.display()))?;
    }
    Ok(0)
}

/// The site before anybody looks at it.
fn make_site(home: &Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::new(Kind::Failed, "the demo's site cannot be made").because(error);
    for directory in ["app/migrations/versions", "app/static/avatars", "data/avatars", "plans", "host"] {
        fs::create_dir_all(home.join(directory)).map_err(failed)?;
    }
    let write = |path: String, text: &str| fs::write(home.join(path), text).map_err(failed);
    write("ttplan.toml".into(), CONFIGURATION)?;
    write("data/app.db".into(), "")?;
    for (name, text) in SCRIPTS {
        write(format!("app/migrations/versions/{name}"), text)?;
    }
    for (name, text) in OLD {
        write(format!("app/static/avatars/{name}"), text)?;
    }
    for (name, text) in NEW {
        write(format!("data/avatars/{name}"), text)?;
    }
    fill_database(&home.join("data/app.db"))
}

fn fill_database(path: &Path) -> Result<()> {
    let engine =
        engines::by_scheme("sqlite").ok_or_else(|| Error::new(Kind::Failed, "there is no engine for the demo"))?;
    let database = Database {
        engine: engine.name.to_owned(),
        host: None,
        port: None,
        user: None,
        name: "app.db".to_owned(),
        path: Some(FilePath::new(path)),
        options: Default::default(),
        wait: Wait { attempts: 1, delay_seconds: 0, timeout_seconds: 10 },
    };
    let mut live =
        live::open_to_change(&Access { database, password: None, url: Secret::default(), path: OsString::new() })?;
    let database = live.change_database();
    database.begin()?;
    for statement in SITE.split_inclusive(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        database.execute(statement)?;
    }
    database.commit()
}

struct Demo<'a> {
    home: &'a Path,
    out: &'a mut Out,
}

impl Demo<'_> {
    fn tell_all(&mut self) -> Result<()> {
        self.say("A small site that nobody looked after: its tables were never stamped, an interrupted migration left a\nworking copy behind, and avatars lie where an older release kept them.")?;
        self.command("Look at it. Nothing is changed, and nothing is left behind.", "inspect", &[])?;
        self.command(
            "Plan. What ttplan cannot decide waits for a person (exit code 8); all else is in the plan.",
            "plan",
            &["-o", "plans/change.ttplan.json", "--ticket", "CHG-1042"],
        )?;
        self.command(
            "Say once, on the host, who may sign and what plans may touch.",
            "trust",
            &["init", "--directory", "host", "--principal", "you", "--allow-root", ".", "--state", "state"],
        )?;
        self.command(
            "Sign it, as people do after they have read it.",
            "sign",
            &["plans/change.ttplan.json", "--key", "host/you.key", "--principal", "you", "--yes"],
        )?;
        self.command(
            "The host checks the signature and everything the plan says of itself.",
            "verify",
            &["plans/change.ttplan.json"],
        )?;
        let apply = ["plans/change.ttplan.json", "--auto-approve"];
        self.command("Apply: back up, copy, drop; each step is checked before and after.", "apply", &apply)?;
        self.command("Apply the same plan again: it is done, so nothing happens.", "apply", &apply)?;
        self.command("What is left waits for a person, or for a plan of its own.", "plan", &[])?;
        self.command("Take it all back.", "undo", &["--last", "--auto-approve"])?;
        self.command("And the site is as it was.", "inspect", &[])
    }

    fn say(&mut self, text: &str) -> Result<()> {
        self.out.result(&format!("{}\n", strong(text)))
    }

    /// Shows a command as a person would type it in the site's directory, and runs it.
    fn command(&mut self, why: &str, command: &str, arguments: &[&str]) -> Result<()> {
        self.out.result("\n")?;
        self.say(why)?;
        let host = matches!(command, "verify" | "apply" | "undo");
        let mut shown = vec!["ttplan", command];
        shown.extend(arguments);
        if host {
            shown.extend(["--host-config", "host/host.toml"]);
        }
        self.out.result(&format!("{} {}\n", faint("$"), shown.join(" ")))?;
        let mut real: Vec<OsString> = vec!["ttplan".into(), command.into()];
        for argument in arguments {
            let is_path = argument.contains('/') || ["host", "state", "."].contains(argument);
            real.push(if is_path { self.home.join(argument).into() } else { argument.into() });
        }
        if matches!(command, "inspect" | "plan" | "apply" | "undo") {
            real.extend(["--config".into(), self.home.join("ttplan.toml").into()]);
        }
        if !matches!(command, "sign" | "show" | "verify") {
            real.extend(["--site".into(), "demo".into()]);
        }
        if host {
            real.extend(["--host-config".into(), self.home.join("host/host.toml").into()]);
        }
        let code = super::run(real, self.out);
        match (command, code) {
            (_, 0) => Ok(()),
            ("plan", 8) => self.out.result(&format!("{}\n", faint("exit code 8"))),
            (_, code) => Err(Error::new(
                Kind::Failed,
                format!("the demo stopped: `ttplan {command}` ended with exit code {code}"),
            )),
        }
    }
}
