//! Versions meet: a state directory that an earlier program left in the middle of a run is read,
//! finished and undone by this one. It lies in `fixtures/`, one for each version of its formats,
//! as the program of that time left it.
//!
//! TTPLAN_GOLDEN_STATE=1 makes today's anew, from a run that is killed; a frozen one is never
//! touched. What a run writes down names places by their whole paths, so each lies at one path.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use ttplan::artifact::json;
use ttplan::model::names::Digest;

use crate::ground::sqlite::SqliteDatabase;
use crate::pause::apply_until_before;
use crate::site::{STRAYS, Site};

/// The versions of the state directory's formats that this program reads.
const VERSIONS: &[&str] = &["0.9"];

/// The one that it writes.
const TODAY: &str = "0.9";

/// What the application's database held before the run, as its own client dumps it.
const BEFORE: &str = "before.sql";

/// What a host has and a fixture has not: a private key, and the pipes by which the run was held.
const LEFT_OUT: &[&str] = &["ada.key", "pause.go", "pause.reached"];

/// One at a time in this process; other processes wait for the directory itself.
static PLACE: Mutex<()> = Mutex::new(());

type Turn = MutexGuard<'static, ()>;

fn golden(version: &str) -> PathBuf {
    Path::new("fixtures").join(format!("state-{version}"))
}

/// The path that belongs to this version, with nothing there yet, once nobody else has it.
fn place(version: &str) -> (Site, Turn) {
    let turn = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("ttplan-state-{version}");
    let deadline = Instant::now() + Duration::from_secs(120);
    let folder = loop {
        match tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir_in("/tmp") {
            Ok(folder) => break folder,
            Err(error) => {
                assert!(Instant::now() < deadline, "/tmp/{name} is taken, remove it: {error}");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    };
    let home = folder.path().join("site");
    (Site::in_folder(home, Box::new(SqliteDatabase::in_folder(folder))), turn)
}

/// The site as the run left it that an earlier program began.
fn interrupted(version: &str) -> (Site, Turn) {
    LazyLock::force(&MADE);
    let (mut site, turn) = place(version);
    site.variables.insert("SHOP".into(), site.path("app").into());
    copy(&golden(version), site.database.folder());
    // A checkout keeps no modes but one; these decide.
    set_modes(&site.path("state"), 0o700, 0o600);
    set_modes(&site.path("host"), 0o755, 0o644);
    (site, turn)
}

/// Today's state directory, made anew where that is wished.
static MADE: LazyLock<()> = LazyLock::new(|| {
    if std::env::var_os("TTPLAN_GOLDEN_STATE").is_none() {
        return;
    }
    let (mut site, _turn) = place(TODAY);
    site.install();
    site.variables.insert("SOURCE_DATE_EPOCH".into(), now().to_string().into());
    site.sql(STRAYS);
    let before = site.database.dump();
    site.plan_and_sign(0);
    apply_until_before(&site, "002_projects").kill(&site);
    fs::write(site.path("state/lock"), "deploy on web-1, pid 1").unwrap();
    for run in runs(&site) {
        let journal = run.join("journal.jsonl");
        let text = fs::read_to_string(&journal).unwrap();
        // Whose host it was is nobody's business.
        let text = chained(text.lines().map(|line| {
            let mut entry: Value = serde_json::from_str(line).unwrap();
            if entry["what"]["event"] == "attempt" {
                entry["what"]["with"]["user"] = "deploy".into();
                entry["what"]["with"]["host"] = "web-1".into();
                entry["what"]["with"]["pid"] = 1.into();
            }
            entry
        }));
        fs::write(journal, text).unwrap();
    }
    let _ = fs::remove_dir_all(golden(TODAY));
    copy(site.database.folder(), &golden(TODAY));
    fs::write(golden(TODAY).join(BEFORE), before).unwrap();
});

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A journal of these entries, each bound to the one before.
fn chained(entries: impl Iterator<Item = Value>) -> String {
    let mut text = String::new();
    let mut last = Digest::of("");
    for mut entry in entries {
        entry["prev"] = last.to_string().into();
        let line = json::to_line(&entry);
        last = Digest::of(&line);
        text.push_str(&(line + "\n"));
    }
    text
}

fn runs(site: &Site) -> Vec<PathBuf> {
    let runs = fs::read_dir(site.path("state/runs")).unwrap();
    let runs: Vec<PathBuf> = runs.map(|run| run.unwrap().path()).collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &target),
            false if LEFT_OUT.iter().any(|name| entry.file_name() == *name) => {}
            false => drop(fs::copy(&path, target).unwrap()),
        }
    }
}

fn set_modes(path: &Path, directory: u32, file: u32) {
    let mode = if path.is_dir() { directory } else { file };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for entry in fs::read_dir(path).into_iter().flatten() {
        set_modes(&entry.unwrap().path(), directory, file);
    }
}

/// Everything below a directory, by path.
fn contents(path: &Path) -> BTreeMap<PathBuf, Option<Digest>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => {
                    folders.push(path.clone());
                    found.insert(path, None);
                }
                false => drop(found.insert(path.clone(), fs::read(&path).ok().map(Digest::of))),
            }
        }
    }
    found
}

/// That all is as it was before the run began.
fn is_as_before(site: &Site, version: &str) {
    let before = fs::read_to_string(golden(version).join(BEFORE)).unwrap();
    assert_eq!(site.database.dump(), before);
    assert!(!site.path("data/avatars").exists());
    assert_eq!(site.read("app/static/avatars/ada.png"), "ada");
}

#[test]
fn a_run_that_an_earlier_program_began_is_read_finished_and_undone() {
    for version in VERSIONS {
        let (site, _turn) = interrupted(version);
        site.run(&["history"]).ends(0).says(&["stopped midway"]);
        site.run(&["status"]).ends(0).says(&["ttplan apply", "ttplan undo"]);
        site.apply().ends(0).says(&["Applied: "]);
        assert!(site.database.dump().contains("004_codes"));
        assert_eq!(site.read("data/avatars/more/bob.png"), "bob");
        site.apply().ends(0).says(&["nothing was changed"]);
        site.undo().ends(0);
        is_as_before(&site, version);
    }
}

#[test]
fn a_run_that_an_earlier_program_began_is_undone_from_where_it_stopped() {
    for version in VERSIONS {
        let (site, _turn) = interrupted(version);
        site.undo().ends(0);
        is_as_before(&site, version);
        site.apply().ends(3).complains(&["was undone"]);
    }
}

/// What a later program began may have been done in ways that this one does not know.
#[test]
fn a_run_of_a_later_format_is_refused_by_name_before_anything_is_touched() {
    let (site, _turn) = interrupted(TODAY);
    for run in runs(&site) {
        let journal = run.join("journal.jsonl");
        let text = fs::read_to_string(&journal).unwrap();
        let mut entries: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        entries[0]["what"]["with"]["format_version"] = "9.0".into();
        entries[0]["what"]["with"]["made_by"] = "ttplan 9.0.1".into();
        entries[0]["what"]["with"]["a_field_of_tomorrow"] = true.into();
        entries[1]["what"]["event"] = "an_event_of_tomorrow".into();
        fs::write(&journal, chained(entries.into_iter())).unwrap();
    }
    let before = contents(site.database.folder());
    let words = ["the run is of format `9.0`", "ttplan 9.0.1 began", "undo it with the ttplan"];
    site.run(&["history"]).ends(0).says(&["the run is of format `9.0`"]);
    site.apply().ends(4).complains(&words);
    site.undo().ends(4).complains(&words);
    let after = contents(site.database.folder());
    // Who had the lock last is for people only.
    let differs = |path: &&PathBuf| before.get(*path) != after.get(*path);
    let changed: Vec<_> = before.keys().chain(after.keys()).filter(differs).collect();
    let lock = site.path("state/lock");
    assert!(changed.iter().all(|path| **path == lock), "{changed:#?}");
}
