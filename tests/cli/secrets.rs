//! A password is told to nobody: not on stdout or stderr, in no plan, observation, journal, log or
//! error, by no command, whether the server takes it or not.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::help::commands;
use crate::site::{PROGRAM, clean};
use crate::support::{TestDatabase, database};

/// What must not be seen. Both are made so that they are written the same in a URL and outside.
const PASSWORD: &str = "Zq7canaryPassword";
const TOKEN: &str = "Zt9canaryToken";

/// The password as the server knows it and as a URL spells it.
const WHOLE: &str = "Zq7canaryPassword@/x";
const IN_URL: &str = "Zq7canaryPassword%40%2Fx";

const CONFIGURATION: &str = r#"
version = 1
site = "canary"
[app]
root = "app"
[database]
wait = { attempts = 1, delay = "0s", timeout = "5s" }
[revisions]
system = "alembic"
directory = "versions"
[revisions.upgrade]
command = ["HOME/app/upgrade"]
check = ["HOME/app/upgrade", "check"]
env = { API_TOKEN = "${API_TOKEN}" }
[tables]
core = { users = ["username"] }
"#;

/// An application that tells everything it knows.
const UPGRADE: &str = r#"#!/bin/sh
echo "url $DATABASE_URL token $API_TOKEN"
echo "url $DATABASE_URL token $API_TOKEN" >&2
[ "${1:-}" = check ] && exit 0
psql -X -q -v ON_ERROR_STOP=1 "$DATABASE_URL" <<'SQL'
CREATE TABLE users (id serial PRIMARY KEY, username text);
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('001');
SQL
"#;

const SCRIPT: &str = "revision = '001'\ndown_revision = None\n\ndef upgrade():\n    pass\n";

struct Place {
    holder: tempfile::TempDir,
    database: TestDatabase,
}

impl Place {
    fn new() -> Self {
        let holder = tempfile::tempdir().unwrap();
        let database = database();
        let role = format!("secret_{}", database.name);
        database.psql(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{WHOLE}'; ALTER DATABASE {} OWNER TO {role}",
            database.name
        ));
        database.psql(&format!("ALTER SCHEMA public OWNER TO {role}"));
        for directory in ["app/versions", "plans", "tmp"] {
            std::fs::create_dir_all(holder.path().join(directory)).unwrap();
        }
        let write =
            |name: &str, text: &str| std::fs::write(holder.path().join(name), text).unwrap();
        write("ttplan.toml", &CONFIGURATION.replace("HOME", holder.path().to_str().unwrap()));
        write("app/upgrade", UPGRADE);
        write("app/versions/001_first.py", SCRIPT);
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(holder.path().join("app/upgrade"), executable).unwrap();
        Self { holder, database }
    }

    fn home(&self) -> &Path {
        self.holder.path()
    }

    fn url(&self, password: &str) -> String {
        let (socket, name) = (self.database.cluster.socket().display(), &self.database.name);
        format!("postgresql://secret_{name}:{password}@/{name}?host={socket}")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = clean(PROGRAM);
        command.current_dir(self.home()).args(words);
        command.env("API_TOKEN", TOKEN).env("TMPDIR", self.home().join("tmp"));
        command
    }

    /// Runs it with the right password; what it says is searched.
    fn run(&self, words: &[&str], code: i32) -> String {
        let output =
            self.command(words).env("TTPLAN_DATABASE_URL", self.url(IN_URL)).output().unwrap();
        let said = searched(words, &output);
        assert_eq!(output.status.code(), Some(code), "ttplan {words:?}: {said}");
        said
    }

    /// Searches every file below the place, but the one that has to know the password.
    fn search_files(&self) -> usize {
        let mut count = 0;
        let mut left = vec![self.home().to_path_buf()];
        while let Some(directory) = left.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                assert_clean(&path.display().to_string(), path.to_string_lossy().as_bytes());
                if path.is_dir() {
                    left.push(path);
                } else {
                    count += 1;
                    assert_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
                }
            }
        }
        count
    }
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for secret in [PASSWORD, TOKEN] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{what} tells a secret: {}", String::from_utf8_lossy(bytes));
    }
}

fn searched(words: &[&str], output: &Output) -> String {
    assert_clean(&format!("stdout of {words:?}"), &output.stdout);
    assert_clean(&format!("stderr of {words:?}"), &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn the_whole_way_tells_no_secret() {
    let place = Place::new();
    let upgrade = place.home().join("app/upgrade").display().to_string();
    for format in ["text", "json"] {
        place.run(&["inspect", "-o", "site.observation.json", "--format", format], 0);
    }
    for format in ["json", "markdown", "text"] {
        place.run(&["plan", "-o", "plans/change.ttplan.json", "--format", format], 0);
    }
    place.run(&["show", "plans/change.ttplan.json"], 0);
    let check = format!("{upgrade} check");
    let trust = [
        "trust",
        "init",
        "--yes",
        "--site",
        "canary",
        "--directory",
        "host",
        "--principal",
        "ada",
        "--allow-root",
        ".",
    ];
    let more = ["--state", "state", "--allow-command", &upgrade, "--allow-command", &check];
    place.run(&[trust.as_slice(), &more].concat(), 0);
    place.run(
        &[
            "sign",
            "plans/change.ttplan.json",
            "--key",
            "host/ada.key",
            "--principal",
            "ada",
            "--yes",
        ],
        0,
    );
    let host = ["--host-config", "host/host.toml"];
    place.run(&[["verify", "plans/change.ttplan.json"].as_slice(), &host].concat(), 0);
    let applied = place.run(
        &[["apply", "plans/change.ttplan.json", "--auto-approve"].as_slice(), &host].concat(),
        0,
    );
    assert!(applied.contains("Applied: "), "{applied}");
    place.run(&[["status"].as_slice(), &host].concat(), 0);
    place.run(&[["history"].as_slice(), &host].concat(), 0);
    let output =
        std::fs::read_dir(place.home().join("state/runs")).unwrap().next().unwrap().unwrap().path();
    let logs = std::fs::read_dir(output.join("output")).unwrap();
    let words: String =
        logs.map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap()).collect();
    assert!(words.contains(" token "), "the application's own words are kept: {words}");
    assert!(place.search_files() > 10);
    place.run(&[["undo", "--last", "--auto-approve"].as_slice(), &host].concat(), 0);
    place.search_files();
}

#[test]
fn an_application_that_fails_tells_no_secret_through_us() {
    let place = Place::new();
    let upgrade = place.home().join("app/upgrade");
    std::fs::write(&upgrade, UPGRADE.replace("psql ", "exit 3; psql ")).unwrap();
    place.run(&["plan", "-o", "plans/change.ttplan.json"], 0);
    let (upgrade, check) = (upgrade.display().to_string(), format!("{} check", upgrade.display()));
    let trust = [
        "trust",
        "init",
        "--yes",
        "--site",
        "canary",
        "--directory",
        "host",
        "--principal",
        "ada",
        "--allow-root",
        ".",
    ];
    let more = ["--state", "state", "--allow-command", &upgrade, "--allow-command", &check];
    place.run(&[trust.as_slice(), &more].concat(), 0);
    place.run(
        &[
            "sign",
            "plans/change.ttplan.json",
            "--key",
            "host/ada.key",
            "--principal",
            "ada",
            "--yes",
        ],
        0,
    );
    let host = ["--host-config", "host/host.toml"];
    let said = place.run(
        &[["apply", "plans/change.ttplan.json", "--auto-approve"].as_slice(), &host].concat(),
        6,
    );
    assert!(said.contains("hint: mend it, then apply the same plan again to go on"), "{said}");
    place.run(&[["status"].as_slice(), &host].concat(), 0);
    place.search_files();
}

#[test]
fn a_url_that_cannot_be_used_is_told_without_its_password() {
    let place = Place::new();
    let right = place.url(IN_URL);
    let urls = [
        place.url("Zq7canaryPasswordWrong"),
        right.replace("postgresql:", "mysql:"),
        right.replace("postgresql:", "postgres+nothing:"),
        format!("postgresql://ada:{IN_URL}@127.0.0.1:1/none"),
        format!("postgresql://ada:{IN_URL}@127.0.0.1:port/none"),
        format!("postgresql://ada:{WHOLE}@[::1/none"),
        format!("postgresql://ada@/none?password={IN_URL}&host=/nonexistent"),
        format!("postgresql://ada@/none?nonsense={IN_URL}"),
        format!("sqlite:///{PASSWORD}.db?key={PASSWORD}")
            .replace(&format!("{PASSWORD}.db"), "none/none.db"),
        IN_URL.to_owned(),
    ];
    for url in &urls {
        for words in [["inspect"].as_slice(), &["plan"], &["plan", "--format", "json"]] {
            let by_variable =
                place.command(words).env("TTPLAN_DATABASE_URL", url).output().unwrap();
            let by_flag =
                place.command(&[words, &["--database-url", url]].concat()).output().unwrap();
            let by_application = place.command(words).env("DATABASE_URL", url).output().unwrap();
            for output in [by_variable, by_flag, by_application] {
                let said = searched(words, &output);
                assert_ne!(output.status.code(), Some(101), "{said}");
            }
        }
    }
    place.search_files();
}

#[test]
fn a_configuration_that_holds_a_password_is_shown_without_it() {
    let place = Place::new();
    let url = format!("postgresql://ada:{IN_URL}@127.0.0.1:1/none");
    let with = |section: &str| CONFIGURATION.replace("[database]\n", &format!("{section}\n"));
    for text in [
        with(&format!("[database]\nurl = \"{url}\"")),
        with(&format!("[database]\nurl = \"{url}\"\nurll = 1")),
        with(&format!("[database]\nurl = \"{url}")),
        with(&format!("[database]\nurl = [\"{url}\"]")),
        CONFIGURATION.replace("${API_TOKEN}", TOKEN),
    ] {
        std::fs::write(place.home().join("ttplan.toml"), text).unwrap();
        for words in [["inspect"].as_slice(), &["plan"], &["catalogue", "show"]] {
            let said = searched(words, &place.command(words).output().unwrap());
            assert!(said.contains("error:"), "{said}");
        }
    }
}

#[test]
fn help_does_not_show_what_a_variable_holds() {
    let place = Place::new();
    for (name, _) in commands() {
        let words: Vec<&str> = name.split(' ').skip(1).chain(["--help"]).collect();
        place.run(&words, 0);
    }
    place.run(&["init", "--print"], 0);
    place.run(&["nonsense"], 64);
    place.run(&["plan", "--nonsense"], 64);
}
