//! Ten thousand secrets in the URL, the environment and `.pgpass`: none of them turns up in a plan,
//! a log, a journal, an error, a name of a file, or what other users see of a process.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::scenarios;
use crate::site::{Ended, Site};
use crate::world::{Engine, World};

const SECRETS: usize = 10_000;

/// What all of them have in common and nothing else has.
const MARK: &str = "cAnArY";

struct Spy<'a> {
    stop: &'a AtomicBool,
    below: &'a Path,
}

impl Spy<'_> {
    /// The command lines of all processes that work in the site, as any user of the machine could
    /// see them.
    fn watch(&self) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        while !self.stop.load(Ordering::Relaxed) {
            for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                let ours = std::fs::read_link(entry.path().join("cwd"))
                    .is_ok_and(|cwd| cwd.starts_with(self.below));
                if let (true, Ok(line)) = (ours, std::fs::read(entry.path().join("cmdline"))) {
                    seen.insert(String::from_utf8_lossy(&line).replace('\0', " "));
                }
            }
            std::thread::yield_now();
        }
        seen
    }
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        }
        found.push(entry.path());
    }
}

#[test]
fn ten_thousand_secrets_stay_secret() {
    let site = Site::new(Engine::Postgres, &scenarios::MIGRATIONS);
    let World::Postgres { database, .. } = &site.world else { unreachable!() };
    let password = format!("{MARK}-url");
    database.psql(&format!("CREATE ROLE secret_bird LOGIN SUPERUSER PASSWORD '{password}'"));
    let url = site.world.url().replace("postgres@", &format!("secret_bird:{password}@"));
    let secrets: Vec<(String, String)> =
        (0..SECRETS).map(|n| (format!("SECRET_{n}"), format!("{MARK}-{n}"))).collect();
    let lines: String =
        secrets.iter().map(|(name, value)| format!("{name}:5432:*:*:{value}\n")).collect();
    std::fs::create_dir(site.at("home")).unwrap();
    std::fs::write(site.at("home/.pgpass"), lines).unwrap();
    let own = std::fs::read_to_string(site.at("ttplan.toml")).unwrap();
    let asks =
        "url_variable = \"DATABASE_URL\"\nenv = { SECRET_7 = \"${SECRET_7}\", NOISY = \"1\" }";
    std::fs::write(site.at("ttplan.toml"), own.replace("url_variable = \"DATABASE_URL\"", asks))
        .unwrap();
    site.trust_again();
    let run = |arguments: &[&str], fault: Option<&str>| {
        let mut command = site.command(arguments, fault);
        command
            .env("DATABASE_URL", &url)
            .env("HOME", site.at("home"))
            .envs(secrets.iter().map(|(n, v)| (n, v)));
        Ended::of(&command.output().unwrap())
    };
    let stop = AtomicBool::new(false);
    let spy = Spy { stop: &stop, below: site.home.path() };
    let (said, seen) = std::thread::scope(|scope| {
        let spying = scope.spawn(|| spy.watch());
        let mut said = Vec::new();
        run(&["inspect", "-o", "plans/seen.json"], None).must(0);
        run(&["plan", "-o", "plans/change.ttplan.json", "--site", "crash"], None).must(0);
        for who in ["ada", "bob"] {
            site.sign(who);
        }
        let apply = ["apply", site.plan.to_str().unwrap(), "--auto-approve"];
        // Errors of every kind, then the end.
        for n in (20..200).step_by(30) {
            said.push(run(&apply, Some(&format!("5@{n}"))).said);
        }
        for ended in [
            run(&apply, None),
            run(&["undo", "--last", "--auto-approve"], None),
            run(&["history"], None),
        ] {
            ended.must(0);
            said.push(ended.said);
        }
        let wrong = url.replace(&password, &format!("{MARK}-wrong"));
        let mut failing = Command::new(env!("CARGO_BIN_EXE_ttplan"));
        failing.args(["inspect"]).current_dir(site.home.path()).env("DATABASE_URL", wrong);
        said.push(Ended::of(&failing.output().unwrap()).said);
        stop.store(true, Ordering::Relaxed);
        (said, spying.join().unwrap())
    });
    for text in &said {
        assert!(!text.contains(MARK), "{text}");
    }
    // The application's own script ctx its URL to `psql`; that is not ours to hide.
    let ours: Vec<&String> = seen.iter().filter(|line| !line.contains("psql ")).collect();
    assert!(ours.iter().any(|line| line.contains("pg_dump")), "nobody was watched: {ours:#?}");
    for line in ours {
        assert!(!line.contains(MARK), "{line}");
    }
    let mut found = Vec::new();
    for directory in ["plans", "state", "app"] {
        files(&site.at(directory), &mut found);
    }
    assert!(found.iter().any(|path| path.extension().is_some_and(|ending| ending == "log")));
    for path in found {
        assert!(!path.to_string_lossy().contains(MARK), "{}", path.display());
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let holds = bytes.windows(MARK.len()).any(|part| part == MARK.as_bytes());
            assert!(!holds, "{} holds a secret", path.display());
        }
    }
    database.psql("DROP OWNED BY secret_bird; DROP ROLE secret_bird");
}
