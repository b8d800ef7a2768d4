//! A site to tell stories on: a small application with its migration program, upload directories,
//! a database, a host that trusts one key. And what is needed to say that nothing has changed.

#![allow(dead_code, reason = "every story uses its own part of it")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use ttplan::artifact::{document, json};
use ttplan::model::names::Digest;
use ttplan::model::plan::Plan;

use crate::ground::{Ground, TestDatabase, cluster};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ttplan");

/// The plan that most stories are about.
pub const PLAN: &str = "plans/change.ttplan.json";

/// Tables and a view that nothing explains.
pub const STRAYS: &str = r#"
    CREATE TABLE clients (id INTEGER PRIMARY KEY, name VARCHAR(40));
    INSERT INTO clients VALUES (1, 'ada'), (2, 'it''s');
    CREATE TABLE "My Table; drop" (id INTEGER PRIMARY KEY, client INTEGER REFERENCES clients (id));
    INSERT INTO "My Table; drop" VALUES (7, 1), (8, NULL);
    CREATE INDEX by_client ON "My Table; drop" (client);
    CREATE VIEW client_names AS SELECT name FROM clients;
"#;

/// A site in a directory of its own; its database lies elsewhere.
pub struct Site {
    pub home: PathBuf,
    pub database: Box<dyn TestDatabase>,
    pub variables: BTreeMap<String, OsString>,
    _folder: Option<TempDir>,
}

/// What the program said, and its exit code.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        // A process that a signal ended has no exit code.
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// The same, when it ended with this exit code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The codes of the refusal that it printed as JSON: the one that decides, and those of all
    /// reasons.
    pub fn codes(&self) -> Vec<String> {
        let told: serde_json::Value = serde_json::from_str(&self.out).unwrap_or_default();
        let error = &told["error"];
        let reasons = error["reasons"].as_array().into_iter().flatten();
        let codes = std::iter::once(error).chain(reasons).filter_map(|one| one["code"].as_str());
        codes.map(str::to_owned).collect()
    }

    /// The same, when all of these words stand in what it said on stderr.
    #[track_caller]
    pub fn complains(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "not said: {word}\nstderr:\n{}", self.err);
        }
        self
    }

    /// The same, when all of these words stand in its result.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.out.contains(word), "not said: {word}\nstdout:\n{}", self.out);
        }
        self
    }
}

/// Everything that a run must not change behind anybody's back.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    database: String,
    files: BTreeMap<String, String>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.database)?;
        self.files.iter().try_for_each(|(path, what)| writeln!(f, "{path}: {what}"))
    }
}

impl Site {
    /// An application that was never started: an empty database, and some avatars in the old place.
    pub fn new(ground: &dyn Ground) -> Self {
        Self::at(ground.database())
    }

    /// The same with these statements run on the database.
    pub fn with(ground: &dyn Ground, statements: &str) -> Self {
        let site = Self::new(ground);
        site.sql(statements);
        site
    }

    /// The application of the fixture on this database.
    pub fn at(database: Box<dyn TestDatabase>) -> Self {
        let mut site = Self::bare(database);
        site.install();
        site
    }

    /// A site without an application, on this database.
    pub fn bare(database: Box<dyn TestDatabase>) -> Self {
        let folder = tempfile::Builder::new().prefix("ttplan-site-").tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap();
        Self { _folder: Some(folder), ..Self::in_folder(home, database) }
    }

    /// The same at a path that somebody else removes.
    pub fn in_folder(home: PathBuf, database: Box<dyn TestDatabase>) -> Self {
        for directory in ["app", "data", "plans"] {
            fs::create_dir_all(home.join(directory)).unwrap();
        }
        let mut site = Self { home, database, variables: BTreeMap::new(), _folder: None };
        site.variables.insert("DATABASE_URL".into(), site.database.access().url.reveal().into());
        site.variables.insert("PATH".into(), path_with_clients());
        site
    }

    /// Puts the application of the fixture here, and has the host trust one key.
    pub fn install(&mut self) {
        self.variables.insert("SHOP".into(), self.path("app").into());
        copy_tree(Path::new("fixtures/shop"), &self.home);
        self.put("app/static/avatars/ada.png", "ada");
        self.put("app/static/avatars/more/bob.png", "bob");
        fs::set_permissions(
            self.path("app/static/avatars/ada.png"),
            fs::Permissions::from_mode(0o640),
        )
        .unwrap();
        let program = self.path("app/upgrade.sh").display().to_string();
        self.trust(&[&format!("{program} heads"), &format!("{program} --version")]);
    }

    /// Makes the host's own files: one key, the site's two directories, these commands.
    pub fn trust(&self, commands: &[&str]) {
        let mut trust =
            self.command(&["trust", "init", "--site", "prod", "--principal", "ada", "--yes"]);
        trust.arg("--directory").arg(self.path("host")).arg("--state").arg(self.path("state"));
        for root in ["app", "data"] {
            trust.arg("--allow-root").arg(self.path(root));
        }
        for command in commands {
            trust.args(["--allow-command", command]);
        }
        Said::of(trust.output().unwrap()).ends(0);
        // The server's own, wherever its version lies; never along `PATH`.
        let programs = cluster::cluster().programs().display().to_string();
        let mut host = self.read("host/host.toml");
        for name in ["pg_dump", "pg_restore"] {
            host = host.replacen(
                "roots = ",
                &format!("programs.{name} = \"{programs}/{name}\"\nroots = "),
                1,
            );
        }
        self.put("host/host.toml", &host);
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.home.join(path)
    }

    /// Writes a file, with the directories above it.
    pub fn put(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Replaces what stands exactly once in a file.
    #[track_caller]
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in:\n{text}");
        fs::write(self.path(path), text.replace(from, to)).unwrap();
    }

    /// Runs statements by the engine's own client, and waits until that has gone.
    pub fn sql(&self, statements: &str) {
        self.database.sql(statements);
        self.wait_for_silence();
    }

    /// A server's sessions end a little after their client. Asking goes through another database.
    pub fn wait_for_silence(&self) {
        let access = self.database.access();
        if access.database.host.is_none() {
            return;
        }
        let others = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND backend_type = 'client backend'",
            access.database.name
        );
        until("all sessions have ended", || {
            cluster::cluster().psql("postgres", &others).trim() == "0"
        });
    }

    /// Waits until everything has ended that a killed program had started in the site's directory.
    pub fn wait_for_orphans(&self) {
        until("all orphans have ended", || {
            let processes = fs::read_dir("/proc").unwrap().flatten();
            let mut places =
                processes.filter_map(|process| fs::read_link(process.path().join("cwd")).ok());
            !places.any(|place| place.starts_with(&self.home))
        });
        self.wait_for_silence();
    }

    /// The program in the site's directory, in an environment of the site's own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(&self.home).stdin(Stdio::null());
        command.env_clear().envs(&self.variables).env("HOME", &self.home).env("NO_COLOR", "1");
        command
    }

    /// Runs the program. Commands that meet the host are given the site's own.
    pub fn run(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(&self.with_host(arguments)).output().unwrap())
    }

    pub fn with_host<'a>(&self, arguments: &[&'a str]) -> Vec<&'a str> {
        let mut all = arguments.to_vec();
        let meets_host = ["inspect", "plan", "verify", "apply", "undo", "history", "status"]
            .contains(&arguments[0]);
        if meets_host && !arguments.contains(&"--host-config") {
            all.extend(["--host-config", "host/host.toml"]);
        }
        all
    }

    /// Plans into [`PLAN`].
    pub fn plan(&self) -> Said {
        self.run(&["plan", "-o", PLAN])
    }

    pub fn sign(&self) -> Said {
        self.run(&["sign", PLAN, "--key", "host/ada.key", "--principal", "ada", "--yes"])
    }

    pub fn apply(&self) -> Said {
        self.run(&["apply", PLAN, "--auto-approve", "--lock-timeout", "60s"])
    }

    pub fn undo(&self) -> Said {
        self.run(&["undo", "--last", "--auto-approve", "--lock-timeout", "60s"])
    }

    /// Plans, with this exit code, and signs.
    #[track_caller]
    pub fn plan_and_sign(&self, code: i32) -> Plan {
        self.plan().ends(code);
        self.sign().ends(0);
        self.planned()
    }

    /// The plan that lies there.
    pub fn planned(&self) -> Plan {
        document::read_plan(PLAN, &fs::read(self.path(PLAN)).unwrap()).unwrap()
    }

    /// Puts another plan in its place and signs it with a foreign program, which has no opinion of
    /// its content.
    pub fn forge(&self, plan: &Plan) {
        fs::write(self.path(PLAN), json::to_text(plan)).unwrap();
        self.sign_bytes("host/ada.key", "ada");
    }

    /// Signs whatever lies there with `ssh-keygen`.
    pub fn sign_bytes(&self, key: &str, principal: &str) {
        let signed = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", "ttplan-plan-v1", "-f"])
            .args([self.path(key), self.path(PLAN)])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said::of(signed).ends(0);
        fs::rename(
            self.path(&format!("{PLAN}.sig")),
            self.path(&format!("{PLAN}.{principal}.sig")),
        )
        .unwrap();
    }

    /// The journal of the only run, line by line; nothing before there is one.
    pub fn journal(&self) -> Vec<String> {
        let runs = fs::read_dir(self.path("state/runs")).into_iter().flatten().flatten();
        let texts =
            runs.filter_map(|run| fs::read_to_string(run.path().join("journal.jsonl")).ok());
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    /// The database, and all files of the application: path, kind, mode, owner, time, content.
    pub fn picture(&self) -> Picture {
        let mut files = BTreeMap::new();
        for place in ["app", "data"] {
            list(&self.path(place), place, &mut files);
        }
        let access = self.database.access();
        if let Some(path) = &access.database.path {
            // The dump tells its content; that nothing else lies beside it, only a listing does.
            for entry in fs::read_dir(path.as_path().parent().unwrap()).unwrap() {
                files.insert(
                    format!("beside the database: {:?}", entry.unwrap().file_name()),
                    String::new(),
                );
            }
        }
        let database = if access.database.path.as_ref().is_some_and(|path| !path.as_path().exists())
        {
            "there is none".to_owned()
        } else {
            self.database.dump()
        };
        self.wait_for_silence();
        Picture { database, files }
    }
}

impl Picture {
    /// Whether the database holds this text.
    pub fn holds(&self, text: &str) -> bool {
        self.database.contains(text)
    }

    /// The database alone: for runs that have copied files before they failed.
    pub fn database_only(&self) -> Self {
        Self { database: self.database.clone(), files: BTreeMap::new() }
    }

    /// Whether a file of the application, or beside the database, has this in its path.
    pub fn is_there(&self, part: &str) -> bool {
        self.files.keys().any(|path| path.contains(part))
    }
}

/// Says that two pictures are the same, and if not, what differs.
#[track_caller]
pub fn assert_same(now: &Picture, before: &Picture, when: &str) {
    let lines =
        |picture: &Picture| format!("{picture:?}").lines().map(str::to_owned).collect::<Vec<_>>();
    let (now, before) = (lines(now), lines(before));
    let more: Vec<_> = now.iter().filter(|line| !before.contains(line)).collect();
    let less: Vec<_> = before.iter().filter(|line| !now.contains(line)).collect();
    assert!(now == before, "{when}\nonly now: {more:#?}\nonly before: {less:#?}");
}

/// Asks again and again until something is so; gives up loudly.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::yield_now();
    }
}

/// Whether these tests are run by root, whom no mode keeps out.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// The environment's PATH with the programs of the server's own version first.
fn path_with_clients() -> OsString {
    let psql = cluster::cluster().client("psql", "postgres");
    let mut places = vec![Path::new(psql.get_program()).parent().unwrap().to_owned()];
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    std::env::join_paths(places).unwrap()
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A line for everything below a directory.
fn list(path: &Path, name: &str, lines: &mut BTreeMap<String, String>) {
    let meta = fs::symlink_metadata(path).unwrap();
    let what = format!("{:o} {}:{}", meta.mode(), meta.uid(), meta.gid());
    if meta.is_dir() {
        lines.insert(format!("{name}/"), what);
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            list(&entry.path(), &format!("{name}/{}", entry.file_name().to_string_lossy()), lines);
        }
    } else {
        let content = if meta.is_file() {
            Digest::of(fs::read(path).unwrap()).short(12)
        } else {
            "no file".into()
        };
        lines.insert(
            name.to_owned(),
            format!("{what} {}.{:09} {content}", meta.mtime(), meta.mtime_nsec()),
        );
    }
}
