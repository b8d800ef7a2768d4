//! What goes wrong on the way, though everything was given rightly: full disks, migrations that
//! fail, papers that somebody damaged. What is said, and that a person can always go on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use ttplan::model::plan::step::Reversal;

use crate::ground::Ground;
use crate::hostile_plans::polish;
use crate::site::{PLAN, PROGRAM, STRAYS, Said, Site, assert_same, is_root};

/// Rows that no compression makes small: more than 300 KB of hexadecimal noise.
fn noise() -> String {
    use ttplan::model::names::Digest;
    let text: String = (0..5000).map(|n: u32| Digest::of(n.to_le_bytes()).to_string()).collect();
    format!(
        "CREATE TABLE noise (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO noise VALUES (1, '{text}');"
    )
}

/// Runs the program by a shell line that ends in `exec "$0" "$@"`.
fn apply_by(site: &Site, shell: &[&str]) -> Said {
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg(PROGRAM).args(site.with_host(&["apply", PLAN, "--auto-approve"]));
    command.env_clear().envs(&site.variables).current_dir(&site.home);
    let said = Said::of(command.output().unwrap());
    site.wait_for_orphans();
    said
}

/// No file of the run may grow beyond 64 KiB: writes fail, and nothing is killed.
fn a_backup_that_cannot_grow(ground: &dyn Ground) {
    let site = Site::with(ground, &(STRAYS.to_owned() + &noise()));
    site.plan_and_sign(0);
    let before = site.picture();
    let said =
        apply_by(&site, &["/bin/sh", "-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""])
            .ends(6);
    said.complains(&["error: ", "hint: mend it, then run the same `ttplan apply` again"]);
    assert_same(&site.picture(), &before, "no backup, no change");
    site.run(&["history"]).ends(0).says(&["stopped midway", "0 steps"]);
    site.apply().ends(0);
    site.undo().ends(0);
    assert_same(&site.picture(), &before, "undo after a backup that could not grow");
}

/// The same on a small disk of its own, where root may make one.
fn a_full_disk_while_backing_up(ground: &dyn Ground) {
    const MOUNT: &str = "mount -t tmpfs -o size=192k,mode=700 tmpfs state && exec \"$0\" \"$@\"";
    let site = Site::with(ground, &(STRAYS.to_owned() + &noise()));
    fs::create_dir(site.path("state")).unwrap();
    fs::set_permissions(site.path("state"), fs::Permissions::from_mode(0o700)).unwrap();
    // Who plays root in a namespace of his own sees `/tmp` belong to nobody, which is not trusted.
    let mut possible = Command::new("unshare");
    possible.args(["-m", "/bin/sh", "-c", MOUNT, "true"]).current_dir(&site.home);
    if !is_root() || !possible.status().is_ok_and(|status| status.success()) {
        return println!("not tested: a full disk, because this host mounts none");
    }
    site.plan_and_sign(0);
    let before = site.picture();
    let said = apply_by(&site, &["unshare", "-m", "/bin/sh", "-c", MOUNT]).ends(1);
    said.complains(&[
        "there is no room for a backup in",
        "nothing was begun",
        "kB are free",
        "hint: make room",
    ]);
    site.run(&["history"]).ends(0).says(&["nothing was ever run here"]);
    assert_same(&site.picture(), &before, "no backup, no change");
    site.apply().ends(0);
}

fn a_migration_that_fails(ground: &dyn Ground) {
    let site = Site::with(ground, STRAYS);
    site.plan_and_sign(0);
    let before = site.picture();
    let program = site.read("app/upgrade.sh");
    let failing = program.replace(
        "echo \"upgrade to $migration\"",
        "[ \"$migration\" != 002_projects ] || { echo \"no such luck\"; exit 7; }",
    );
    assert_ne!(failing, program);
    let replace = |text: &str| {
        // In place, so that mode and owner stay.
        fs::write(site.path("app/upgrade.sh"), text).unwrap();
    };
    let times = fs::metadata(site.path("app/upgrade.sh")).unwrap().modified().unwrap();
    replace(&failing);
    let said = site.apply().ends(6);
    said.complains(&[
        "upgrade.sh heads` failed",
        "no such luck",
        "hint: see `",
        "run the same `ttplan apply` again",
    ]);
    site.run(&["history"]).ends(0).says(&["stopped midway"]);
    site.wait_for_silence();
    replace(&program);
    fs::File::open(site.path("app/upgrade.sh")).unwrap().set_modified(times).unwrap();
    site.apply().ends(0);
    assert!(site.picture().holds("004_codes"));
    site.undo().ends(0);
    assert_same(&site.picture(), &before, "undo after a migration that failed once");
}

/// Where the plan says that there is no way back, nobody is told that a backup was restored.
fn a_migration_that_fails_and_has_no_way_back(ground: &dyn Ground) {
    let site = Site::with(ground, STRAYS);
    let mut plan = site.plan_and_sign(0);
    let step = plan.steps.iter_mut().find(|step| step.kind == "run_migrations").unwrap();
    step.reversal = Reversal::OneWay("the extension is not there any more".into());
    polish(&mut plan);
    assert!(plan.steps.iter().any(|step| step.undo.is_empty() && step.title.contains("one-way")));
    site.forge(&plan);
    let program = site.read("app/upgrade.sh");
    let failing = program.replace(
        "echo \"upgrade to $migration\"",
        "[ \"$migration\" != 002_projects ] || { echo \"no such luck\"; exit 7; }",
    );
    fs::write(site.path("app/upgrade.sh"), failing).unwrap();
    let said = format!("{:?}", site.apply().ends(6));
    assert!(said.contains("no such luck") && !said.contains("was put back"), "{said}");
}

/// A migration program that does not even start is noticed before anything is touched.
fn a_program_that_does_not_work(ground: &dyn Ground) {
    let site = Site::with(ground, STRAYS);
    site.plan_and_sign(0);
    fs::set_permissions(site.path("app/upgrade.sh"), fs::Permissions::from_mode(0o644)).unwrap();
    let before = site.picture();
    let said = site.apply();
    assert!(said.code == 1 || said.code == 3, "{} {}", said.code, said.err);
    said.complains(&["upgrade.sh"]);
    assert_same(&site.picture(), &before, "a program that cannot be started");
    fs::set_permissions(site.path("app/upgrade.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    site.edit(
        "app/upgrade.sh",
        "echo \"shop 1.0\"; exit;",
        "echo \"no module named shop\"; exit 1;",
    );
    let before = site.picture();
    site.apply().ends(3).complains(&["--version` failed", "no module named shop", "hint: "]);
    assert_same(&site.picture(), &before, "a check that fails");
    site.edit(
        "app/upgrade.sh",
        "echo \"no module named shop\"; exit 1;",
        "echo \"shop 1.0\"; exit;",
    );
    site.apply().ends(0);
}

/// The folder of the only run.
fn run(site: &Site) -> PathBuf {
    let mut runs = fs::read_dir(site.path("state/runs")).unwrap();
    let run = runs.next().unwrap().unwrap().path();
    assert!(runs.next().is_none());
    run
}

/// What is to be brought back has to be what was saved, to the byte.
fn a_backup_that_somebody_changed(ground: &dyn Ground) {
    let site = Site::with(ground, STRAYS);
    site.plan_and_sign(0);
    let before = site.picture();
    site.apply().ends(0);
    let after = site.picture();
    let saved: Vec<PathBuf> =
        fs::read_dir(run(&site).join("saved")).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(saved.len() >= 3, "{saved:?}");
    for file in saved {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let right = fs::read(&file).unwrap();
        let mut wrong = right.clone();
        let middle = wrong.len() / 2;
        wrong[middle] ^= 1;
        fs::write(&file, wrong).unwrap();
        site.undo().ends(7).complains(&["cannot be used", "SHA-256"]);
        assert_same(&site.picture(), &after, "a refused undo changed something");
        fs::write(&file, right).unwrap();
    }
    site.undo().ends(0);
    assert_same(&site.picture(), &before, "undo");
}

/// Nobody acts on a journal that was damaged, nor on a copy of the plan that is not what was
/// signed.
fn a_journal_that_somebody_changed(ground: &dyn Ground) {
    let site = Site::with(ground, STRAYS);
    site.plan_and_sign(0);
    let before = site.picture();
    site.apply().ends(0);
    let after = site.picture();
    let journal = run(&site).join("journal.jsonl");
    let right = fs::read_to_string(&journal).unwrap();
    let last = right.lines().last().unwrap();
    for wrong in [
        right.replacen("\"apply\"", "\"undo\"", 1),
        right.replacen(&format!("{}\n", right.lines().nth(3).unwrap()), "", 1),
        right.clone() + last + "\n",
        "not a journal\n".to_owned(),
    ] {
        assert_ne!(wrong, right);
        fs::write(&journal, wrong).unwrap();
        for said in [site.apply(), site.undo()] {
            said.ends(1).complains(&["is damaged at line", "hint: do not edit it"]);
        }
        site.run(&["history"]).ends(0).says(&["its journal cannot be read"]);
        assert_same(&site.picture(), &after, "a damaged journal");
    }
    fs::write(&journal, &right).unwrap();
    let copy = run(&site).join("plan.ttplan.json");
    let plan = fs::read_to_string(&copy).unwrap();
    fs::write(&copy, plan.replacen("clients", "users", 1)).unwrap();
    let said = site.run(&["undo", "--last", "--auto-approve", "--format", "json"]).ends(4);
    assert_eq!(said.codes()[0], "signature_differs");
    assert_same(&site.picture(), &after, "a changed copy of the plan");
    fs::write(&copy, plan).unwrap();
    // The torn last line of a crash is no damage.
    fs::write(&journal, right + "{\"n\":").unwrap();
    site.apply().ends(0).says(&["nothing was changed"]);
    site.undo().ends(0);
    assert_same(&site.picture(), &before, "undo");
}

on_both!(
    a_backup_that_cannot_grow,
    a_full_disk_while_backing_up,
    a_migration_that_fails,
    a_migration_that_fails_and_has_no_way_back,
    a_program_that_does_not_work,
    a_backup_that_somebody_changed,
    a_journal_that_somebody_changed,
);
