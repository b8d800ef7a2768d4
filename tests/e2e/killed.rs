//! Runs that are killed, and repeated: wherever it happens, the end is the same.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use ttplan::model::names::Digest;

use crate::ground::Ground;
use crate::pause::apply_until_before;
use crate::site::{PLAN, STRAYS, Said, Site, assert_same};

/// At how many moments, evenly spread over all that a run does, it is killed.
const MOMENTS: u64 = 10;

/// What is preloaded to kill the program at a moment.
fn killer() -> &'static PathBuf {
    static KILLER: OnceLock<PathBuf> = OnceLock::new();
    KILLER.get_or_init(|| {
        let library = tempfile::tempdir().unwrap().keep().join("killer.so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .args(["tests/e2e/killer.c", "-ldl"]);
        assert!(cc.status().expect("these tests need a C compiler").success());
        library
    })
}

/// A plan that no run was of before: it bears another time.
fn another_plan(site: &mut Site, n: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    site.variables.insert("SOURCE_DATE_EPOCH".into(), (now - 3600 + n).to_string().into());
    site.plan_and_sign(0);
    Digest::of(fs::read(site.path(PLAN)).unwrap()).short(16)
}

fn undo(run: &str) -> [&str; 5] {
    ["undo", run, "--auto-approve", "--lock-timeout", "60s"]
}

const APPLY: &[&str] = &["apply", PLAN, "--auto-approve", "--lock-timeout", "60s"];

/// Runs a command to its end and counts what it does to the outside world.
fn counted(site: &Site, arguments: &[&str]) -> u64 {
    let mut command = site.command(&site.with_host(arguments));
    command.env("LD_PRELOAD", killer()).env("KILLER_COUNT", site.path("count"));
    Said::of(command.output().unwrap()).ends(0);
    site.read("count").parse().unwrap()
}

/// Runs a command that is killed at its `n`th deed. Says whether it had so many; it may do a little
/// less than the one that was counted.
fn killed(site: &Site, arguments: &[&str], n: u64) -> bool {
    let mut command = site.command(&site.with_host(arguments));
    command.env("LD_PRELOAD", killer()).env("KILLER_AT", n.to_string());
    let output = command.output().unwrap();
    let was_killed = output.status.signal() == Some(9);
    assert!(was_killed || output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    site.wait_for_orphans();
    was_killed
}

/// The moments out of so many deeds.
fn moments(deeds: u64) -> impl Iterator<Item = u64> {
    assert!(deeds > 2 * MOMENTS, "only {deeds} deeds");
    (0..MOMENTS).map(move |n| 1 + (deeds - 1) * n / (MOMENTS - 1) * 99 / 100)
}

fn a_run_that_is_killed_and_repeated_ends_the_same(ground: &dyn Ground) {
    let mut site = Site::with(ground, STRAYS);
    let before = site.picture();
    let run = another_plan(&mut site, 0);
    let deeds = counted(&site, APPLY);
    let after = site.picture();
    site.run(&undo(&run)).ends(0);
    assert_same(&site.picture(), &before, "after an undisturbed run");
    let (mut kills, mut begun, mut unnoted) = (0, 0, 0);
    println!("{}: a run does {deeds} things to the outside world", ground.engine().name);
    for n in moments(deeds) {
        let run = another_plan(&mut site, n);
        let journal = format!("state/runs/{run}/journal.jsonl");
        kills += u64::from(killed(&site, APPLY, n));
        begun += u64::from(site.path(&journal).exists());
        site.apply().ends(0);
        assert_same(&site.picture(), &after, &format!("killed at {n} of {deeds}, and repeated"));
        site.apply().ends(0).says(&["nothing was changed"]);
        if site.read(&journal).contains("\"when\":\"after\"") {
            site.run(&undo(&run)).ends(0);
        } else {
            // It was killed when the migrations had been run, and before what they left was noted.
            site.run(&undo(&run)).ends(3).complains(&["interrupted command", "--discard-writes"]);
            site.run(&[&undo(&run)[..], &["--discard-writes"]].concat()).ends(0);
            unnoted += 1;
        }
        assert_same(
            &site.picture(),
            &before,
            &format!("killed at {n} of {deeds}, repeated, and taken back"),
        );
    }
    assert!(kills + 1 >= MOMENTS && begun > MOMENTS / 2, "{kills} were killed, {begun} had begun");
    // Of a copy it is noted what the migrations left before it counts.
    let allowed = if ground.engine().name == "sqlite" { 0 } else { 2 };
    assert!(unnoted <= allowed, "{unnoted} runs could not be told from others' writes");
}

fn an_undo_that_is_killed_and_repeated_ends_the_same(ground: &dyn Ground) {
    let mut site = Site::with(ground, STRAYS);
    let before = site.picture();
    let run = another_plan(&mut site, 0);
    site.apply().ends(0);
    let deeds = counted(&site, &undo(&run));
    assert_same(&site.picture(), &before, "after an undisturbed undo");
    let mut kills = 0;
    println!("{}: an undo does {deeds} things to the outside world", ground.engine().name);
    for n in moments(deeds) {
        let run = another_plan(&mut site, n);
        site.apply().ends(0);
        kills += u64::from(killed(&site, &undo(&run), n));
        site.run(&undo(&run)).ends(0);
        assert_same(
            &site.picture(),
            &before,
            &format!("undo killed at {n} of {deeds}, and repeated"),
        );
        site.apply().ends(3).complains(&["was undone"]);
    }
    assert!(kills + 1 >= MOMENTS, "only {kills} were killed");
}

fn a_run_killed_between_migrations_goes_on(ground: &dyn Ground) {
    let mut site = Site::with(ground, STRAYS);
    let before = site.picture();
    let run = another_plan(&mut site, 0);
    site.apply().ends(0);
    let after = site.picture();
    site.run(&undo(&run)).ends(0);

    let run = another_plan(&mut site, 1);
    apply_until_before(&site, "002_projects").kill(&site);
    site.apply().ends(0);
    assert_same(&site.picture(), &after, "killed between migrations, and repeated");
    site.run(&undo(&run)).ends(0);
    assert_same(&site.picture(), &before, "killed between migrations, repeated, and taken back");
}

/// What a server's interrupted command did cannot be told from what others wrote, so only a person
/// can say that it may go. On a copy nobody else can have written.
fn a_run_killed_between_migrations_can_be_taken_back(ground: &dyn Ground) {
    let mut site = Site::with(ground, STRAYS);
    let before = site.picture();
    let run = another_plan(&mut site, 0);
    apply_until_before(&site, "002_projects").kill(&site);
    if ground.engine().name == "sqlite" {
        site.run(&undo(&run)).ends(0);
    } else {
        let midway = site.picture();
        site.run(&undo(&run)).ends(3).complains(&["interrupted command", "--discard-writes"]);
        assert_same(&site.picture(), &midway, "a refused undo changed something");
        site.run(&[&undo(&run)[..], &["--discard-writes"]].concat()).ends(0);
    }
    assert_same(&site.picture(), &before, "killed between migrations, and taken back");
}

on_both!(
    a_run_that_is_killed_and_repeated_ends_the_same,
    an_undo_that_is_killed_and_repeated_ends_the_same,
    a_run_killed_between_migrations_goes_on,
    a_run_killed_between_migrations_can_be_taken_back,
);
