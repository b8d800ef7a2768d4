//! `ttplan demo`: the whole way, on a temporary site that nobody looked after. Every line that it
//! shows is what the command itself prints.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::out::Out;
use crate::engines;
use crate::engines::dialect::Sql;
use crate::error::{Error, Kind, Result};
use crate::fs::files;
use crate::model::config::{Access, Database, Wait};
use crate::model::names::{FilePath, Secret};
use crate::render::style::{faint, strong};

/// See the whole way on a temporary site: inspect, plan, sign, verify, apply, apply again, undo.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Make the site in this new directory, and leave it there
    #[arg(long, value_name = "DIR", env = "TTPLAN_KEEP")]
    keep: Option<PathBuf>,
    /// Only make the site in this new directory, to try the commands on
    #[arg(long, value_name = "DIR", conflicts_with = "keep", env = "TTPLAN_MAKE")]
    make: Option<PathBuf>,
}

const SITE: &str = include_str!("../../../fixtures/demo/site.sql");
const CONFIGURATION: &str = include_str!("../../../fixtures/demo/ttplan.toml");
const SCRIPTS: &[(&str, &str)] = &[
    ("001_initial.py", include_str!("../../../fixtures/demo/migrations/versions/001_initial.py")),
    (
        "002_project_codes.py",
        include_str!("../../../fixtures/demo/migrations/versions/002_project_codes.py"),
    ),
];

/// Avatars in the old directory and in the new one: one to move, one that is at both places, one
/// whose name is taken by another picture. `avatar_4.png` is nowhere.
const OLD: &[(&str, &str)] =
    &[("avatar_1.png", "ada, drawn in 2024"), ("avatar_2.png", "bob"), ("avatar_3.png", "eve")];
const NEW: &[(&str, &str)] = &[("avatar_1.png", "ada, drawn in 2026"), ("avatar_3.png", "eve")];

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    if let Some(directory) = &args.make {
        let home = new_directory(directory)?;
        make_site(&home)?;
        out.result(&format!("{}\n", home.display()))?;
        return Ok(0);
    }
    let temporary;
    let home = match &args.keep {
        Some(directory) => new_directory(directory)?,
        None => {
            temporary = tempfile::Builder::new()
                .prefix("ttplan-demo-")
                .tempdir()
                .map_err(cannot_be_made)?;
            temporary.path().to_path_buf()
        }
    };
    make_site(&home)?;
    let program = std::env::current_exe().map_err(|error| {
        Error::new(Kind::Failed, "the demo does not find `ttplan` itself").because(error)
    })?;
    Demo { program: &program, home: &home, out }.tell_all()?;
    if args.keep.is_some() {
        out.result(&format!("\nThe site is in {}.\n", home.display()))?;
    }
    Ok(0)
}

fn cannot_be_made(error: std::io::Error) -> Error {
    Error::new(Kind::Failed, "the demo's site cannot be made").because(error)
}

fn new_directory(path: &Path) -> Result<PathBuf> {
    // Nobody else may write there, whatever the umask: nothing below would be believed.
    let made = fs::DirBuilder::new().mode(0o755).create(path);
    made.map_err(|error| files::told("make the directory", path, &error))?;
    std::path::absolute(path).map_err(cannot_be_made)
}

/// The site before anybody looks at it.
fn make_site(home: &Path) -> Result<()> {
    for directory in
        ["app/migrations/versions", "app/static/avatars", "data/avatars", "plans", "host"]
    {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o755);
        builder.create(home.join(directory)).map_err(cannot_be_made)?;
    }
    let write = |path: String, text: &str| fs::write(home.join(path), text).map_err(cannot_be_made);
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
    let engine = engines::by_scheme("sqlite")
        .ok_or_else(|| Error::new(Kind::Failed, "there is no engine for the demo"))?;
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
    let mut database = (engine.change)(&Access {
        database,
        password: None,
        url: Secret::default(),
        path: OsString::new(),
        programs: Default::default(),
    })?;
    database.begin()?;
    for statement in
        SITE.split_inclusive(";\n").map(str::trim).filter(|statement| !statement.is_empty())
    {
        database.execute(&Sql::shipped(statement))?;
    }
    database.commit()
}

struct Demo<'a> {
    program: &'a Path,
    home: &'a Path,
    out: &'a mut Out,
}

impl Demo<'_> {
    fn tell_all(&mut self) -> Result<()> {
        const PLAN: &str = "plans/change.ttplan.json";
        const HOST: [&str; 2] = ["--host-config", "host/host.toml"];
        self.say("A small site that nobody looked after: its tables were never stamped, an interrupted migration left a\nworking copy behind, and avatars lie where an older release kept them.")?;
        self.command(
            "Look at it. Nothing is changed, and nothing is left behind.",
            &["inspect"],
            0,
        )?;
        self.command(
            "Plan. What ttplan cannot decide waits for a person (exit code 8); all else is in the plan.",
            &["plan", "-o", PLAN, "--ticket", "CHG-1042"],
            8,
        )?;
        self.command(
            "Say once, on the host, who may sign and what plans may touch.",
            &[
                ["trust", "init", "--site", "demo", "--directory", "host"].as_slice(),
                &["--principal", "you", "--allow-root", ".", "--state", "state", "--yes"],
            ]
            .concat(),
            0,
        )?;
        self.command(
            "Sign it, as people do after they have read it.",
            &["sign", PLAN, "--key", "host/you.key", "--principal", "you", "--yes"],
            0,
        )?;
        let on_host = |words: &[&'static str]| [words, &HOST].concat();
        self.command(
            "The host checks the signature and everything the plan says of itself.",
            &on_host(&["verify", PLAN]),
            0,
        )?;
        let apply = on_host(&["apply", PLAN, "--auto-approve"]);
        self.command(
            "Apply: back up, copy, drop; each step is checked before and after.",
            &apply,
            0,
        )?;
        self.command("Apply the same plan again: it is done, so nothing happens.", &apply, 0)?;
        self.command("What is left waits for a person, or for a plan of its own.", &["plan"], 8)?;
        self.command("Undo it all.", &on_host(&["undo", "--last", "--auto-approve"]), 0)?;
        self.command("And the site is as it was.", &["inspect"], 0)
    }

    fn say(&mut self, text: &str) -> Result<()> {
        self.out.result(&format!("{}\n", strong(text)))
    }

    /// Shows a command as a person would type it in the site's directory, and runs it there.
    fn command(&mut self, why: &str, words: &[&str], expected: i32) -> Result<()> {
        self.out.result("\n")?;
        self.say(why)?;
        self.out.result(&format!("{} ttplan {}\n", faint("$"), words.join(" ")))?;
        let mut command = Command::new(self.program);
        command.args(words).current_dir(self.home);
        // The demo is about its own site, whatever site this shell is set up for.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TTPLAN_"))
        {
            command.env_remove(name);
        }
        let failed =
            |error| Error::new(Kind::Failed, "the demo cannot start `ttplan`").because(error);
        let ended = command.status().map_err(failed)?;
        if ended.code() != Some(expected) {
            let message =
                format!("the demo stopped: `ttplan {}` ended with {ended}", words.join(" "));
            return Err(Error::new(Kind::Failed, message));
        }
        if expected != 0 {
            self.out.result(&format!("{}\n", faint(&format!("exit code {expected}"))))?;
        }
        Ok(())
    }
}
