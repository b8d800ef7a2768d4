//! Plans that somebody wrote by hand and somebody signed: the signature is right, the plan is not.
//! And plans that were signed rightly and changed afterwards. None of them touches anything.

use std::fs;
use std::path::Path;
use std::process::Command;

use ttplan::model::names::{FilePath, Moment};
use ttplan::model::plan::step::{Move, Probe, Risk, RunCheck, Step};
use ttplan::model::plan::wording;
use ttplan::model::plan::{Plan, Summary};
use ttplan::model::risk;

use crate::ground::Ground;
use crate::site::{PLAN, Picture, STRAYS, Site, assert_same};

/// A plan with a drop, a copy and a run, signed; and how the site looked then.
fn planned(ground: &dyn Ground) -> (Site, Plan, Picture) {
    let site = Site::with(ground, STRAYS);
    let plan = site.plan_and_sign(0);
    let before = site.picture();
    (site, plan, before)
}

/// Neither verified nor run, with this exit code and these words, and nothing is touched.
#[track_caller]
fn refused(site: &Site, before: &Picture, what: &str, code: i32, words: &[&str]) {
    let said = site.apply();
    assert_eq!(said.code, code, "{what}: {}", said.err);
    said.complains(words);
    assert_same(&site.picture(), before, what);
    assert_eq!(site.journal(), [""; 0], "{what}: a run was begun");
}

fn step<'a>(plan: &'a mut Plan, kind: &str) -> &'a mut Step {
    plan.steps.iter_mut().find(|step| step.kind == kind).unwrap()
}

/// Makes a plan say of itself what its moves say, as a careful forger would.
fn polish(plan: &mut Plan) {
    for step in &mut plan.steps {
        step.risk = risk::of_step(step);
        step.title = wording::title(step);
    }
    plan.summary = Summary::of(&plan.steps);
}

fn copy(plan: &mut Plan) -> &mut ttplan::model::plan::step::CopyFiles {
    match &mut step(plan, "move_files").moves[0] {
        Move::CopyFiles(copy) => copy,
        other => panic!("{other:?}"),
    }
}

fn run(plan: &mut Plan) -> &mut ttplan::model::plan::step::Run {
    match &mut step(plan, "run_migrations").moves[0] {
        Move::Run(run) => run,
        other => panic!("{other:?}"),
    }
}

/// How a plan is forged, the exit code, and what the refusal says.
type Forgery = (&'static str, fn(&mut Plan), i32, &'static [&'static str]);

/// Plans that say of themselves what is not so.
const LIES: &[Forgery] = &[
    (
        "a drop called safe",
        |plan| step(plan, "drop_table").risk = Risk::Safe,
        4,
        &["contradicts itself", "its risk is safe"],
    ),
    (
        "a drop with another title",
        |plan| step(plan, "drop_table").title = "tidy up".into(),
        4,
        &["\"tidy up\""],
    ),
    ("a summary that counts no drop", |plan| plan.summary.tables_to_drop = 0, 4, &["summary"]),
    (
        "a life of years",
        |plan| plan.expires_at = plan.made_at.plus_seconds(1_000_000_000),
        4,
        &["contradicts itself", "it says that it expires at"],
    ),
    ("a summary without destruction", |plan| plan.summary.destructive_steps = 0, 4, &["summary"]),
];

/// Honest about what they do, and that is not permitted, makes no sense, or is for somebody else.
const CRIMES: &[Forgery] = &[
    (
        "files from outside the roots",
        |plan| copy(plan).from = "/etc".into(),
        4,
        &["not permitted", "`/etc`"],
    ),
    (
        "files to outside the roots",
        |plan| {
            copy(plan).to = "/var/www".into();
            for mv in &mut step(plan, "move_files").undo {
                let Move::RemoveFiles(remove) = mv else { panic!() };
                remove.root = "/var/www".into();
            }
        },
        4,
        &["not permitted", "`/var/www`"],
    ),
    (
        "files by a path that climbs out",
        |plan| {
            let climbing = format!("{}/../../../etc", copy(plan).from.to_text());
            copy(plan).from = FilePath::new(climbing);
        },
        4,
        &["makes no sense"],
    ),
    (
        "another program",
        |plan| run(plan).argv = vec!["/bin/sh".into(), "-c".into(), "true".into()],
        4,
        &["argv differs", "/bin/sh -c true"],
    ),
    (
        "another argument",
        |plan| run(plan).argv.push("--sql".into()),
        4,
        &["argv differs", "commands.upgrade = { argv = ["],
    ),
    (
        "another check",
        |plan| {
            let check = RunCheck { command: "check".into(), argv: vec!["/bin/rm".into()] };
            run(plan).check = Some(check);
        },
        4,
        &["not permitted", "/bin/rm"],
    ),
    (
        "another command of the host",
        |plan| run(plan).command = "check".into(),
        4,
        &["the command `check` is not the host's"],
    ),
    ("another directory", |plan| run(plan).directory = "/tmp".into(), 4, &["directory differs"]),
    (
        "a variable that is passed on",
        |plan| run(plan).pass.push("PYTHONPATH".into()),
        4,
        &["pass differs"],
    ),
    (
        "a variable of the loader",
        |plan| drop(run(plan).env.insert("LD_PRELOAD".into(), "/tmp/evil.so".into())),
        4,
        &["env differs", "LD_PRELOAD"],
    ),
    (
        "a drop that cascades",
        |plan| {
            let Move::DropObject(drop) = &mut step(plan, "drop_table").moves[0] else { panic!() };
            drop.sql += " CASCADE";
        },
        4,
        &["makes no sense"],
    ),
    (
        "a drop of one table by the SQL of another",
        |plan| {
            let Move::DropObject(drop) = &mut step(plan, "drop_table").moves[0] else { panic!() };
            drop.sql = drop.sql.replace("My Table; drop", "clients");
        },
        4,
        &["is not what drops it"],
    ),
    (
        "a drop that saves nothing",
        |plan| step(plan, "drop_table").save.clear(),
        4,
        &["was not saved"],
    ),
    (
        "a drop at any time",
        |plan| step(plan, "drop_table").ready.clear(),
        4,
        &["when it may begin"],
    ),
    (
        "an undo that takes more than was given",
        |plan| {
            let drops = step(plan, "drop_table").moves.clone();
            step(plan, "drop_view").undo.extend(drops);
        },
        4,
        &["makes no sense"],
    ),
    (
        "a backup where others read it",
        |plan| {
            let elsewhere = || Some(FilePath::new("/var/www"));
            for step in &mut plan.steps {
                for mv in step.moves.iter_mut().chain(&mut step.undo) {
                    match mv {
                        Move::BackupDatabase(backup) => backup.directory = elsewhere(),
                        Move::RestoreDatabase(restore) => restore.directory = elsewhere(),
                        _ => {}
                    }
                }
                for probe in &mut step.done {
                    if let Probe::BackupReads { directory, .. } = probe {
                        *directory = elsewhere();
                    }
                }
            }
        },
        4,
        &["/var/www"],
    ),
    (
        "a step that needs a later one",
        |plan| step(plan, "backup_database").requires = vec!["99".into()],
        4,
        &["`99`"],
    ),
    (
        "another site",
        |plan| plan.target.site = Some("staging".into()),
        3,
        &["is for the site `staging`", "`prod`"],
    ),
    ("no site", |plan| plan.target.site = None, 3, &["no site"]),
    (
        "another database",
        |plan| plan.target.database.identity += "0",
        3,
        &["is for another database"],
    ),
    (
        "a plan of the future",
        |plan| {
            plan.made_at = plan.made_at.plus_seconds(1_000_000_000);
            plan.expires_at = plan.expires_at.plus_seconds(1_000_000_000);
        },
        3,
        &["which is still to come"],
    ),
    (
        "a plan of the past",
        |plan| plan.expires_at = Moment::from_unix(1_000_000_000).unwrap(),
        3,
        &["expired", "2001"],
    ),
];

fn what_is_not_so_is_refused_whoever_signed_it(ground: &dyn Ground) {
    let (site, plan, before) = planned(ground);
    for (what, forge, code, words) in LIES {
        let mut forged = plan.clone();
        forge(&mut forged);
        assert_ne!(forged, plan, "{what}");
        site.forge(&forged);
        refused(&site, &before, what, *code, words);
        site.run(&["verify", PLAN]).ends(*code);
        site.run(&["show", PLAN]).ends(4).complains(&["do not sign"]);
        site.sign().ends(4);
    }
}

fn what_is_not_permitted_is_refused_whoever_signed_it(ground: &dyn Ground) {
    let (site, plan, before) = planned(ground);
    for (what, forge, code, words) in CRIMES {
        let mut forged = plan.clone();
        forge(&mut forged);
        assert_ne!(forged, plan, "{what}");
        polish(&mut forged);
        site.forge(&forged);
        refused(&site, &before, what, *code, words);
    }
    // All that was wrong was wrong with the plans.
    site.forge(&plan);
    site.apply().ends(0);
}

/// Makes a key that nobody allowed anything.
fn unknown_key(site: &Site) -> &'static str {
    let mut make = Command::new("ssh-keygen");
    make.args(["-q", "-t", "ed25519", "-N", "", "-C", "mallory", "-f"])
        .arg(site.path("plans/mallory.key"));
    assert!(make.status().unwrap().success());
    "plans/mallory.key"
}

fn the_wrong_signature_counts_for_nothing(ground: &dyn Ground) {
    let (site, _, before) = planned(ground);
    let signature = site.path(&format!("{PLAN}.ada.sig"));
    let right = fs::read(&signature).unwrap();
    fs::remove_file(&signature).unwrap();
    refused(&site, &before, "no signature", 4, &["0 of the 1 signatures", "ttplan sign"]);
    site.run(&["apply", PLAN, "--auto-approve", "--allow-unsigned"])
        .ends(4)
        .complains(&["does not run unsigned plans"]);

    let key = unknown_key(&site);
    site.sign_bytes(key, "ada");
    refused(
        &site,
        &before,
        "an unknown key in another's name",
        4,
        &["0 of the 1 signatures", "change.ttplan.json.ada.sig"],
    );
    fs::remove_file(&signature).unwrap();
    site.sign_bytes(key, "mallory");
    refused(&site, &before, "an unknown signer", 4, &["0 of the 1 signatures", "mallory"]);

    let mut other = Command::new("ssh-keygen");
    other
        .args(["-q", "-Y", "sign", "-n", "file", "-f"])
        .args([site.path("host/ada.key"), site.path(PLAN)]);
    assert!(other.status().unwrap().success());
    fs::rename(site.path(&format!("{PLAN}.sig")), &signature).unwrap();
    refused(&site, &before, "a signature made for something else", 4, &["0 of the 1 signatures"]);

    // A host's file that came along with the plan decides nothing.
    fs::write(&signature, right).unwrap();
    fs::copy(site.path("host/host.toml"), site.path("plans/host.toml")).unwrap();
    let said = site.run(&["apply", PLAN, "--auto-approve", "--host-config", "plans/host.toml"]);
    said.ends(4).complains(&["lies in the plan's folder"]);
    assert_same(&site.picture(), &before, "a host's file beside the plan");
    site.apply().ends(0);
}

/// How bytes are changed on their way.
type Alteration = (&'static str, fn(&str) -> String, &'static [&'static str]);

const ALTERATIONS: &[Alteration] = &[
    ("CRLF", |text| text.replace('\n', "\r\n"), &["changed after it was signed", "CRLF"]),
    (
        "a byte order mark",
        |text| format!("\u{feff}{text}"),
        &["changed after it was signed", "byte order mark"],
    ),
    ("no final newline", |text| text.trim_end().to_owned(), &["changed after it was signed"]),
    (
        "another indentation",
        |text| {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            serde_json::to_string(&value).unwrap()
        },
        &["changed after it was signed", "layout"],
    ),
    ("an edit", |text| text.replace("\"clients\"", "\"users\""), &["does not match the file"]),
    (
        "one step less",
        |text| text.replacen("\"destructive\"", "\"safe\"", 1),
        &["0 of the 1 signatures"],
    ),
    (
        "a later end",
        |text| text.replacen("\"expires_at\": \"2", "\"expires_at\": \"3", 1),
        &["0 of the 1 signatures"],
    ),
];

fn a_plan_that_was_changed_on_its_way_is_refused(ground: &dyn Ground) {
    let (site, _, before) = planned(ground);
    let text = site.read(PLAN);
    for (what, alter, words) in ALTERATIONS {
        let altered = alter(&text);
        assert_ne!(altered, text, "{what}");
        site.put(PLAN, &altered);
        refused(&site, &before, what, 4, words);
        // Whoever signs it so, signs something that is no plan of ours.
        if *what != "an edit" && *what != "a later end" {
            site.sign_bytes("host/ada.key", "ada");
            refused(&site, &before, what, 4, &[]);
            site.put(PLAN, &text);
            site.sign_bytes("host/ada.key", "ada");
        }
    }
}

/// A plan of another version is refused before anything of it is believed, signed or not.
fn a_plan_of_the_future_is_refused(ground: &dyn Ground) {
    let (site, _, before) = planned(ground);
    let text = site.read(PLAN);
    for version in ["2.0", "1.1", "0.9", "new"] {
        site.put(
            PLAN,
            &text.replace(
                "\"format_version\": \"1.0\"",
                &format!("\"format_version\": \"{version}\""),
            ),
        );
        site.sign_bytes("host/ada.key", "ada");
        refused(&site, &before, version, 4, &[&format!("format version `{version}`")]);
        site.run(&["show", PLAN]).ends(4);
        site.run(&["verify", PLAN]).ends(4);
    }
}

/// A link below a permitted root is not a way out of it.
fn a_link_leads_nowhere(ground: &dyn Ground) {
    let (site, plan, _) = planned(ground);
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("ada.png"), "ada").unwrap();
    fs::remove_dir_all(site.path("app/static/avatars")).unwrap();
    std::os::unix::fs::symlink(outside.path(), site.path("app/static/avatars")).unwrap();
    let before = site.picture();
    site.forge(&plan);
    let said = site.apply();
    assert!([3, 4].contains(&said.code), "{}", said.err);
    assert_same(&site.picture(), &before, "a link in the place of a root");
    assert!(Path::new(&outside.path().join("ada.png")).exists());
}

on_both!(
    what_is_not_so_is_refused_whoever_signed_it,
    what_is_not_permitted_is_refused_whoever_signed_it,
    the_wrong_signature_counts_for_nothing,
    a_plan_that_was_changed_on_its_way_is_refused,
    a_plan_of_the_future_is_refused,
    a_link_leads_nowhere,
);
