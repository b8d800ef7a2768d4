//! A small application on SQLite with one upload to move, a host that believes one key, and the
//! program as a person runs it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ttplan");

/// No command takes longer: whoever waits for a pipe waits for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// `base/app` is the application and the permitted root, `base/state` and `base/host` are the
/// host's; `base/outside` nobody may touch.
pub struct Site {
    pub base: PathBuf,
    _holder: tempfile::TempDir,
}

/// What became of a command.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The code that it was refused with; empty where it was not.
    pub fn refusal(&self) -> String {
        let document = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        let told = document(&self.out)
            .or_else(|| self.out.lines().find_map(document))
            .and_then(|document| Some(document["error"]["code"].as_str()?.to_owned()));
        told.unwrap_or_default()
    }

    /// The same, when it was refused with this code.
    #[track_caller]
    pub fn refused(self, code: &str) -> Self {
        assert_ne!(self.code, 0, "{self:?}");
        assert_eq!(self.refusal(), code, "{self:?}");
        self
    }

    /// The same, when it ended well.
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

impl Site {
    /// With one upload, `pictures`, from `app/static/pics` to `app/data/pics`.
    pub fn new() -> Self {
        Self::with("")
    }

    /// The same with more in its ttplan.toml; `APP` stands for the application's directory.
    pub fn with(more: &str) -> Self {
        let holder = tempfile::tempdir().unwrap();
        let base = holder.path().canonicalize().unwrap();
        let site = Self { base, _holder: holder };
        for directory in ["app/static/pics", "app/migrations/versions", "outside"] {
            fs::create_dir_all(site.at(directory)).unwrap();
        }
        fs::write(site.at("outside/precious"), "precious").unwrap();
        fs::write(site.at("app/static/pics/a.png"), "the old bytes").unwrap();
        fs::write(
            site.at("app/migrations/versions/001_.py"),
            "revision = '001'\ndown_revision = None\n\ndef upgrade():\n    pass\n",
        )
        .unwrap();
        let config = r#"
version = 1
[app]
root = "APP"
[database]
url = "sqlite:///APP/app.db"
[revisions]
system = "alembic"
directory = "migrations/versions"
target = "heads"
[revisions.upgrade]
command = ["/usr/bin/true"]
check = ["/usr/bin/true"]
[tables.core]
users = ["id"]
[[uploads]]
name = "pictures"
from = ["static/pics"]
to = "APP/data/pics"
references = [{ table = "users", column = "avatar", form = "name" }]
"#;
        let app = site.at("app").display().to_string();
        fs::write(site.at("app/ttplan.toml"), format!("{config}{more}").replace("APP", &app))
            .unwrap();
        site.sql(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, avatar TEXT); \
             INSERT INTO users VALUES (1, 'a.png'); \
             CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY); \
             INSERT INTO alembic_version VALUES ('001')",
        );
        let (host, state) = (site.text("host"), site.text("state"));
        let root = site.text("app");
        let init = ["trust", "init", "--site", "case", "--directory", &host];
        let who = ["--principal", "ada", "--allow-root", &root, "--state", &state];
        let command = ["--allow-command", "/usr/bin/true", "--yes"];
        site.run(&[&init[..], &who[..], &command[..]].concat()).well();
        site
    }

    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.base.join(path)
    }

    pub fn text(&self, path: &str) -> String {
        self.at(path).display().to_string()
    }

    /// Works on the database by its own client.
    pub fn sql(&self, statements: &str) {
        let mut client = Command::new("sqlite3");
        let done = client.arg(self.at("app/app.db")).arg(statements).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Runs the program in the application's directory, by the host's own file.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.finish(self.start(arguments))
    }

    /// Starts the program.
    pub fn start(&self, arguments: &[&str]) -> std::process::Child {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.at("app")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("USER", "ada");
        let by_host = !["sign", "trust"].iter().any(|command| arguments.first() == Some(command));
        if by_host {
            command.args(["--host-config", &self.text("host/host.toml")]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Waits for its end, and not for ever.
    #[track_caller]
    pub fn finish(&self, mut child: std::process::Child) -> Said {
        let begun = Instant::now();
        // What it says is little: no pipe gets full.
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("the program had not ended after {PATIENCE:?}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = Said {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        assert!(!said.err.contains("panicked at") && said.code >= 0, "{said:?}");
        said
    }

    /// Plans and signs; gives the plan's path.
    pub fn signed(&self, more: &[&str]) -> String {
        let plan = self.text("change.ttplan.json");
        self.run(&[&["plan", "-o", &plan], more].concat()).well();
        self.sign(&plan);
        plan
    }

    pub fn sign(&self, plan: &str) {
        let key = self.text("host/ada.key");
        self.run(&["sign", plan, "--key", &key, "--principal", "ada", "--yes"]).well();
    }

    pub fn apply(&self, plan: &str) -> Said {
        self.run(&["apply", plan, "--auto-approve", "--format", "json"])
    }

    /// Undoes the run that was started last.
    pub fn undo(&self) -> Said {
        self.run(&["undo", "--last", "--auto-approve", "--format", "json"])
    }

    /// Everything below a directory: path, mode and content, or what else it is.
    pub fn tree(&self, path: &str) -> BTreeMap<PathBuf, String> {
        let (mut found, mut ahead) = (BTreeMap::new(), vec![self.at(path)]);
        while let Some(directory) = ahead.pop() {
            for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                let about = entry.metadata().unwrap();
                let mode = about.permissions().mode();
                let what = match about.is_file() {
                    true => format!("{mode:o} {:?}", fs::read(entry.path()).unwrap()),
                    false => format!("{mode:o}"),
                };
                if about.is_dir() {
                    ahead.push(entry.path());
                }
                found.insert(entry.path(), what);
            }
        }
        found
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
