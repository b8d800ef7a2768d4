//! A whole site under test: an application with its migrations, a database, upload directories on
//! two filesystems, a host that believes two keys, and a signed plan.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;
use ttplan::model::names::Digest;
use ttplan::model::plan::Plan;

use crate::ground::cluster;
use crate::scenarios::Scenario;
use crate::world::{Engine, World};

/// A site with a plan for it.
pub struct Site {
    pub home: TempDir,
    /// Another filesystem, where there is one.
    pub away: TempDir,
    pub world: World,
    pub plan: PathBuf,
    /// Files that are where they belong from the beginning.
    copied: &'static [&'static str],
    /// Names that are taken by other contents there.
    taken: &'static [&'static str],
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub said: String,
}

/// All that a run may change, as it looks to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub database: String,
    /// Mode, time of change for files, and content.
    pub files: BTreeMap<PathBuf, (u32, Option<i64>, Option<Digest>)>,
}

const MIGRATE: &str = r#"#!/bin/sh
set -eu
if [ "$1" = --version ]; then echo 1; exit; fi
case "$DATABASE_URL" in
sqlite*) sql() { sqlite3 -batch -bail "${DATABASE_URL#sqlite:///}"; } ;;
*) sql() { psql -X -q -A -t -1 -v ON_ERROR_STOP=1 "$DATABASE_URL"; } ;;
esac
cd "$(dirname "$0")"
if [ -n "${NOISY:-}" ]; then echo "url $DATABASE_URL, key $SECRET_7"; fi
at=$(echo "SELECT version_num FROM alembic_version;" | sql 2>/dev/null || true)
if [ -z "$at" ]; then sql <001.sql; at=001; fi
if [ "$at" = 001 ]; then sql <002.sql; fi
"#;

const FIRST: &str = "
CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(80) NOT NULL, role VARCHAR(20), avatar VARCHAR(99));
CREATE TABLE projects (id INTEGER PRIMARY KEY, name VARCHAR(200) NOT NULL, status VARCHAR(20));
INSERT INTO alembic_version VALUES ('001');
";

const SECOND: &str = "
ALTER TABLE projects ADD COLUMN code VARCHAR(20);
UPDATE projects SET code = 'P' || id;
UPDATE alembic_version SET version_num = '002_project_codes';
";

/// Statements that make a database at the first revision, with rows.
pub fn at_first_revision() -> String {
    format!(
        "{FIRST}INSERT INTO users VALUES (1, 'ada', 'admin', 'a.png'), (2, 'bob', 'user', NULL);
         INSERT INTO projects VALUES (1, 'Difference Engine', 'active'), (2, 'Notes', 'done');"
    )
}

/// The same with every migration run.
pub fn at_head() -> String {
    at_first_revision() + SECOND
}

impl Site {
    /// Makes the site, plans and signs.
    pub fn new(engine: Engine, scenario: &Scenario) -> Self {
        Self::on(cluster::cluster, engine, scenario)
    }

    /// The same on this cluster, where the engine needs one.
    pub fn on(
        cluster: fn() -> &'static cluster::Cluster,
        engine: Engine,
        scenario: &Scenario,
    ) -> Self {
        let site = Self::unplanned(cluster, engine, scenario);
        let plan = ["plan", "-o", "plans/change.ttplan.json", "--site", "crash"];
        let planned = site.run(&[&plan[..], scenario.flags].concat(), None);
        // What is done by hand is what ttplan itself leaves to a person.
        assert!([Some(0), Some(8)].contains(&planned.code), "{}", planned.said);
        if let Some(change) = scenario.change {
            site.rewrite(change);
        }
        let kinds: BTreeSet<String> =
            site.read_plan().steps.into_iter().map(|step| step.kind).collect();
        for kind in (scenario.kinds)(engine) {
            assert!(kinds.contains(kind), "`{}` has no {kind}, but {kinds:?}", scenario.name);
        }
        site.sign("ada");
        site.sign("bob");
        site
    }

    fn unplanned(
        cluster: fn() -> &'static cluster::Cluster,
        engine: Engine,
        scenario: &Scenario,
    ) -> Self {
        // In memory, where there is such a thing: what syncing is for cannot be seen by killing
        // anyhow.
        let shm = Path::new("/dev/shm");
        let here = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
        let home = tempfile::Builder::new().prefix("ttcrash").tempdir_in(here).unwrap();
        let away = tempfile::Builder::new().prefix("ttcrash").tempdir().unwrap();
        for directory in ["app/versions", "app/bin", "data", "plans", "host"] {
            fs::create_dir_all(home.path().join(directory)).unwrap();
        }
        let write = |path: &str, text: &str| fs::write(home.path().join(path), text).unwrap();
        write("app/bin/migrate", MIGRATE);
        fs::set_permissions(home.path().join("app/bin/migrate"), fs::Permissions::from_mode(0o755))
            .unwrap();
        write("app/bin/001.sql", FIRST);
        write("app/bin/002.sql", SECOND);
        write("app/versions/001.py", "revision = \"001\"\ndown_revision = None\n");
        write("app/versions/002.py", "revision = \"002_project_codes\"\ndown_revision = \"001\"\n");
        let statements =
            (scenario.database)(engine).replace("{home}", &home.path().display().to_string());
        let world = World::make(cluster, engine, &home.path().join("data"), &statements);
        let plan = home.path().join("plans/change.ttplan.json");
        let site = Self { plan, home, away, world, copied: scenario.copied, taken: scenario.taken };
        fs::write(site.at("ttplan.toml"), site.configuration(scenario)).unwrap();
        site.reset();
        site.trust();
        site
    }

    fn configuration(&self, scenario: &Scenario) -> String {
        let migrate = self.at("app/bin/migrate");
        format!(
            r#"version = 1
site = "crash"
[app]
root = "app"
[database]
url = "${{DATABASE_URL}}"
[revisions]
system = "alembic"
directory = "versions"
target = "heads"
[revisions.upgrade]
command = ["{migrate}", "up"]
check = ["{migrate}", "--version"]
url_variable = "DATABASE_URL"
[tables]
unexpected = "{unexpected}"
unexpected_on_sqlite = "{unexpected}"
[tables.core]
users = ["username", "role"]
projects = ["name", "status"]
[[uploads]]
name = "avatars"
from = ["avatars"]
to = "{to}/uploads/avatars"
on_conflict = "{on_conflict}"
references = [{references}]
"#,
            on_conflict = scenario.on_conflict,
            references = scenario.references.replace('\n', " "),
            migrate = migrate.display(),
            unexpected = scenario.unexpected,
            to = self.away.path().display(),
        )
    }

    /// Makes the host's files anew, after the configuration has changed.
    pub fn trust_again(&self) {
        for name in ["host.toml", "allowed_signers", "profile.toml"] {
            // Not every configuration has a profile of its own.
            let _ = fs::remove_file(self.at("host").join(name));
        }
        self.init();
    }

    fn trust(&self) {
        for who in ["ada", "bob"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen
                .args(["-q", "-t", "ed25519", "-N", "", "-C", who, "-f"])
                .arg(self.at("host").join(who));
            assert!(keygen.status().unwrap().success());
        }
        self.init();
    }

    fn init(&self) {
        let (home, away) =
            (self.home.path().display().to_string(), self.away.path().display().to_string());
        let migrate = self.at("app/bin/migrate").display().to_string();
        let (ada, bob) = (format!("ada={home}/host/ada.pub"), format!("bob={home}/host/bob.pub"));
        let (up, check) = (format!("{migrate} up"), format!("{migrate} --version"));
        self.run(
            &[
                "trust",
                "init",
                "--yes",
                "--site",
                "crash",
                "--directory",
                "host",
                "--principal",
                &ada,
                "--principal",
                &bob,
                "--allow-root",
                &home,
                "--allow-root",
                &away,
                "--allow-command",
                &up,
                "--allow-command",
                &check,
                "--state",
                "state",
            ],
            None,
        )
        .must(0);
    }

    fn read_plan(&self) -> Plan {
        serde_json::from_slice(&fs::read(&self.plan).unwrap()).unwrap()
    }

    fn rewrite(&self, change: fn(&mut Plan)) {
        let mut plan = self.read_plan();
        change(&mut plan);
        fs::write(&self.plan, ttplan::artifact::json::to_text(&plan)).unwrap();
    }

    pub fn sign(&self, who: &str) {
        let key = self.at("host").join(who);
        let plan = self.plan.to_str().unwrap();
        self.run(
            &["sign", plan, "--key", key.to_str().unwrap(), "--principal", who, "--yes"],
            None,
        )
        .must(0);
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// Puts everything back to the beginning: database, files, state.
    pub fn reset(&self) {
        self.world.reset();
        for left in fs::read_dir(self.away.path()).unwrap() {
            // What a run that did not come to an end left beside its place, so that one failure is
            // told once.
            let _ = fs::remove_dir(left.unwrap().path());
        }
        for path in [self.at("state"), self.at("app/avatars"), self.away.path().join("uploads")] {
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    panic!("{}: {error}", path.display())
                }
                _ => {}
            }
        }
        for (name, text) in
            [("a.png", "ada"), ("b.png", "bob"), ("old/c.png", "eve"), ("d.png", "")]
        {
            old_file(&self.at("app/avatars").join(name), text);
            let there = self.away.path().join("uploads/avatars").join(name);
            if self.copied.contains(&name) {
                old_file(&there, text);
            }
            if self.taken.contains(&name) {
                old_file(&there, &format!("not {text}"));
                fs::set_permissions(&there, fs::Permissions::from_mode(0o640)).unwrap();
            }
        }
    }

    /// The program, ready to run.
    pub fn command(&self, arguments: &[&str], fault: Option<&str>) -> Command {
        // A full run takes long: it may be given a program that nobody builds anew meanwhile.
        let program = std::env::var_os("TTPLAN_CRASH_PROGRAM")
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_ttplan").into());
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.home.path()).env("DATABASE_URL", self.world.url());
        if !["trust", "sign", "plan"].contains(&arguments[0]) {
            command.arg("--host-config").arg(self.at("host/host.toml"));
        }
        command.env_remove("TTPLAN_FAULT").env("LC_ALL", "C").env("RAYON_NUM_THREADS", "2");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(fault) = fault {
            command.env("TTPLAN_FAULT", fault);
        }
        command
    }

    pub fn run(&self, arguments: &[&str], fault: Option<&str>) -> Ended {
        Ended::of(&self.command(arguments, fault).output().unwrap())
    }

    pub fn apply(&self, fault: Option<&str>) -> Ended {
        self.run(&["apply", self.plan.to_str().unwrap(), "--auto-approve"], fault)
    }

    pub fn start_apply(&self, fault: Option<&str>) -> Child {
        self.command(&["apply", self.plan.to_str().unwrap(), "--auto-approve"], fault)
            .spawn()
            .unwrap()
    }

    pub fn undo(&self, fault: Option<&str>) -> Ended {
        self.run(&["undo", "--last", "--auto-approve"], fault)
    }

    pub fn bring_back(&self, fault: Option<&str>) -> Ended {
        self.run(&["quarantine", "restore", &self.run_id(), "--auto-approve"], fault)
    }

    /// Of the only run there is.
    pub fn run_id(&self) -> String {
        let mut runs = fs::read_dir(self.at("state/runs")).unwrap();
        let run = runs.next().unwrap().unwrap().file_name().into_string().unwrap();
        assert!(runs.next().is_none(), "there are several runs");
        run
    }

    pub fn undo_discarding(&self) -> Ended {
        self.run(&["undo", "--last", "--auto-approve", "--discard-writes"], None)
    }

    /// Everything that others can see of the site.
    pub fn picture(&self) -> Picture {
        let mut files = BTreeMap::new();
        for root in [self.at("app"), self.at("data"), self.at("plans"), self.away.path().to_owned()]
        {
            self.walk(&root, &mut files);
        }
        Picture { database: self.world.dump(), files }
    }

    fn walk(
        &self,
        directory: &Path,
        files: &mut BTreeMap<PathBuf, (u32, Option<i64>, Option<Digest>)>,
    ) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            if self.world.owns(&path) {
                continue;
            }
            if meta.is_dir() {
                files.insert(path.clone(), (meta.mode(), None, None));
                self.walk(&path, files);
            } else {
                let digest = Digest::of(fs::read(&path).unwrap());
                files.insert(path, (meta.mode(), Some(meta.mtime()), Some(digest)));
            }
        }
    }
}

/// A file that is the same every time it is made.
fn old_file(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

impl Ended {
    pub fn of(output: &Output) -> Self {
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!said.contains("panicked at"), "{said}");
        Self { code: output.status.code(), signal: output.status.signal(), said }
    }

    #[track_caller]
    pub fn must(&self, code: i32) {
        assert_eq!((self.code, self.signal), (Some(code), None), "{}", self.said);
    }
}
