//! Plans that somebody wrote by hand and somebody signed: the signature is right, the plan is not.
//! None of them touches anything.

use ttplan::model::files::location::Location;
use ttplan::model::names::{Digest, FilePath, Moment, ObjectKind, ObjectRef};
use ttplan::model::plan::derive::{self, Said};
use ttplan::model::plan::step::{CopyFiles, DropObject, Move, Probe, Reversal, Risk, Run};
use ttplan::model::plan::step::{RunCheck, SetDefault, Step};
use ttplan::model::plan::{Plan, Summary, lifetime};

use crate::ground::Ground;
use crate::site::{PLAN, Picture, STRAYS, Site, assert_same};

/// A plan with a drop, a copy and a run, signed; and how the site looked then.
pub fn planned(ground: &dyn Ground) -> (Site, Plan, Picture) {
    let site = Site::with(ground, STRAYS);
    let plan = site.plan_and_sign(0);
    let before = site.picture();
    (site, plan, before)
}

/// Not run, with this exit code and for this reason among others, and nothing is touched.
#[track_caller]
pub fn refused(site: &Site, before: &Picture, what: &str, exit: i32, code: &str) {
    let said = site.run(&["apply", PLAN, "--auto-approve", "--format", "json"]);
    let codes = said.codes();
    assert!(said.code == exit && codes.iter().any(|one| one == code), "{what}: {said:?}");
    assert_same(&site.picture(), before, what);
    assert_eq!(site.journal(), [""; 0], "{what}: a run was begun");
}

fn step<'a>(plan: &'a mut Plan, kind: &str) -> &'a mut Step {
    plan.steps.iter_mut().find(|step| step.kind == kind).unwrap()
}

/// Makes a plan say of itself what follows from its moves, as a careful forger would.
fn polish(plan: &mut Plan) {
    plan.steps = derive::derive(plan.steps.iter().map(Said::of).collect());
    plan.target.roots = derive::roots(&plan.steps);
    plan.goal = derive::goal(&plan.steps);
    plan.summary = Summary::of(&plan.steps);
    let latest = plan.made_at.plus_seconds(lifetime(plan.risk()));
    plan.expires_at = plan.expires_at.min(latest);
}

fn copy(plan: &mut Plan) -> &mut CopyFiles {
    match &mut step(plan, "move_files").moves[0] {
        Move::CopyFiles(copy) => copy,
        other => panic!("{other:?}"),
    }
}

fn run(plan: &mut Plan) -> &mut Run {
    match &mut step(plan, "run_migrations").moves[0] {
        Move::Run(run) => run,
        other => panic!("{other:?}"),
    }
}

/// The drop of the table that others depend on.
fn drop_of(plan: &mut Plan) -> &mut DropObject {
    let last = plan.steps.iter_mut().rfind(|step| step.kind == "drop_table").unwrap();
    match &mut last.moves[0] {
        Move::DropObject(drop) => drop,
        other => panic!("{other:?}"),
    }
}

/// How a plan is forged, the exit code, and the code of the refusal.
type Forgery = (&'static str, fn(&mut Plan), i32, &'static str);

/// Plans that say of themselves what does not follow from their moves.
const LIES: &[Forgery] = &[
    ("a drop called safe", |plan| step(plan, "drop_table").risk = Risk::Safe, 4, "risk_differs"),
    ("another title", |plan| step(plan, "drop_table").title = "tidy".into(), 4, "title_differs"),
    ("a summary that counts no drop", |plan| plan.summary.tables_to_drop = 0, 4, "summary_differs"),
    ("without destruction", |plan| plan.summary.destructive_steps = 0, 4, "summary_differs"),
    (
        "a life of years",
        |plan| plan.expires_at = plan.made_at.plus_seconds(1_000_000_000),
        4,
        "expiry_differs",
    ),
    ("a drop that saves nothing", |plan| step(plan, "drop_table").save.clear(), 4, "save_differs"),
    ("a drop at any time", |plan| step(plan, "drop_table").ready.clear(), 4, "guard_differs"),
    (
        "a drop of any rows",
        |plan| step(plan, "drop_table").ready.retain(|one| !matches!(one, Probe::Rows { .. })),
        4,
        "guard_differs",
    ),
    (
        "a drop that is never missed",
        |plan| step(plan, "drop_table").done.clear(),
        4,
        "guard_differs",
    ),
    (
        "an undo that takes more than was given",
        |plan| {
            let drops = step(plan, "drop_table").moves.clone();
            step(plan, "drop_view").undo.extend(drops);
        },
        4,
        "undo_differs",
    ),
    ("no undo", |plan| step(plan, "run_migrations").undo.clear(), 4, "undo_differs"),
    (
        "a step that needs one that is not there",
        |plan| step(plan, "backup_database").requires = vec!["99".into()],
        4,
        "requires_differs",
    ),
    ("a step with another id", |plan| step(plan, "drop_view").id = "99".into(), 4, "id_differs"),
    (
        "a step that another is said to go beyond",
        |plan| step(plan, "move_files").superseded_by = Some("1".into()),
        4,
        "superseded_differs",
    ),
    (
        "a drop of its own transaction",
        |plan| step(plan, "drop_table").transaction = None,
        4,
        "transaction_differs",
    ),
    ("more roots", |plan| plan.target.roots.push(Location::directory("/etc")), 4, "roots_differ"),
    ("nothing to reach", |plan| plan.goal.clear(), 4, "goal_differs"),
    ("nothing to rest on", |plan| plan.premises.clear(), 4, "premise_missing"),
    ("no text to read", |plan| plan.definitions.clear(), 4, "definition_differs"),
    (
        "another text to read",
        |plan| plan.definitions.values_mut().for_each(|text| text.push(' ')),
        4,
        "definition_differs",
    ),
    (
        "a word too many",
        |plan| drop(plan.definitions.insert(Digest::of("x"), "x".into())),
        4,
        "definition_differs",
    ),
];

/// Polished, and yet no action makes such a step, or no plan may hold it.
const NONSENSE: &[Forgery] = &[
    (
        "a drop called a view's",
        |plan| step(plan, "drop_table").kind = "drop_view".into(),
        4,
        "kind_differs",
    ),
    (
        "a kind of nobody",
        |plan| step(plan, "drop_table").kind = "tidy_up".into(),
        4,
        "kind_differs",
    ),
    (
        "two drops of one table",
        |plan| {
            let again = step(plan, "drop_table").clone();
            plan.steps.push(again);
        },
        4,
        "address_invalid",
    ),
    (
        "a drop before a backup",
        |plan| plan.steps.retain(|step| step.kind != "backup_database"),
        4,
        "backup_missing",
    ),
    (
        "a drop of more than was planned for",
        |plan| {
            let other = ObjectRef::free(ObjectKind::View, "public", "others");
            drop_of(plan).dependents = vec![other];
        },
        4,
        "dependent_remains",
    ),
    ("a drop of nobody knows how many rows", |plan| drop_of(plan).rows = None, 4, "move_invalid"),
    (
        "a way back by something else",
        |plan| {
            let by = step(plan, "drop_table").reversal.clone();
            step(plan, "run_migrations").reversal = by;
        },
        4,
        "reversal_differs",
    ),
    (
        "no way back for no reason",
        |plan| step(plan, "drop_table").reversal = Reversal::OneWay(" ".into()),
        4,
        "reversal_differs",
    ),
    (
        "a restore among the moves",
        |plan| {
            let back = step(plan, "drop_table").undo.clone();
            step(plan, "drop_table").moves.extend(back);
        },
        4,
        "move_invalid",
    ),
    (
        "files by a path that climbs out",
        |plan| {
            let climbing = format!("{}/../../../etc", copy(plan).from.to_text());
            copy(plan).from = Location::Directory(FilePath::new(climbing));
        },
        4,
        "move_invalid",
    ),
    (
        "a move that nothing runs yet",
        |plan| {
            let table = drop_of(plan).object.clone();
            let set = SetDefault { table, column: "id".into(), from: None, to: None };
            step(plan, "drop_table").moves = vec![Move::SetDefault(set)];
        },
        4,
        "kind_differs",
    ),
    (
        "another program's plan",
        |plan| {
            plan.made_by = "ttplan 99.0.0".into();
            step(plan, "drop_table").kind = "drop_view".into();
        },
        4,
        "made_by_other_version",
    ),
    ("another engine", |plan| plan.target.database.engine = "oracle".into(), 4, "unknown_engine"),
];

/// Honest about what they do, and that is not permitted, or is for somebody else.
const CRIMES: &[Forgery] = &[
    (
        "files from outside the roots",
        |plan| copy(plan).from = Location::directory("/etc"),
        4,
        "path_outside_roots",
    ),
    (
        "files to outside the roots",
        |plan| copy(plan).to = Location::directory("/var/www"),
        4,
        "path_outside_roots",
    ),
    (
        "files to a bucket",
        |plan| copy(plan).to = Location::parse("s3://evil/avatars").unwrap(),
        4,
        "bucket_not_permitted",
    ),
    (
        "another program",
        |plan| run(plan).argv = vec!["/bin/sh".into(), "-c".into(), "true".into()],
        4,
        "command_differs",
    ),
    ("another argument", |plan| run(plan).argv.push("--sql".into()), 4, "command_differs"),
    (
        "another check",
        |plan| {
            let check = RunCheck { command: "check".into(), argv: vec!["/bin/rm".into()] };
            run(plan).check = Some(check);
        },
        4,
        "command_differs",
    ),
    ("a check's name", |plan| run(plan).command = "check".into(), 4, "command_differs"),
    ("a name of nobody", |plan| run(plan).command = "rm".into(), 4, "command_not_permitted"),
    ("another directory", |plan| run(plan).directory = "/tmp".into(), 4, "command_differs"),
    (
        "a variable that is passed on",
        |plan| {
            run(plan).pass.push("PYTHONPATH".into());
            run(plan).pass.sort();
        },
        4,
        "command_differs",
    ),
    (
        "a variable of the loader",
        |plan| drop(run(plan).env.insert("LD_PRELOAD".into(), "/tmp/evil.so".into())),
        4,
        "command_differs",
    ),
    (
        "a backup where others read it",
        |plan| {
            let Move::BackupDatabase(backup) = &mut step(plan, "backup_database").moves[0] else {
                panic!()
            };
            backup.directory = Some("/var/www".into());
        },
        4,
        "path_outside_roots",
    ),
    (
        "a drop of one table by the name of another",
        |plan| drop_of(plan).object.name = "My Table; drop".into(),
        3,
        "step_not_ready",
    ),
    ("another site", |plan| plan.target.site = Some("staging".into()), 3, "wrong_site"),
    ("no site", |plan| plan.target.site = None, 3, "wrong_site"),
    ("another database", |plan| plan.target.database.identity += "0", 3, "wrong_database"),
    (
        "a plan of the future",
        |plan| {
            plan.made_at = plan.made_at.plus_seconds(1_000_000_000);
            plan.expires_at = plan.expires_at.plus_seconds(1_000_000_000);
        },
        3,
        "not_yet_valid",
    ),
    (
        "a plan of the past",
        |plan| {
            plan.made_at = Moment::from_unix(1_000_000_000).unwrap();
            plan.expires_at = plan.made_at.plus_seconds(3600);
        },
        3,
        "expired",
    ),
];

fn what_is_not_so_is_refused_whoever_signed_it(ground: &dyn Ground) {
    let (site, plan, before) = planned(ground);
    let polished = |forgery: &Forgery| NONSENSE.iter().any(|one| one.0 == forgery.0);
    for forgery in LIES.iter().chain(NONSENSE) {
        let (what, forge, exit, code) = forgery;
        let mut forged = plan.clone();
        forge(&mut forged);
        if polished(forgery) {
            polish(&mut forged);
        }
        assert_ne!(forged, plan, "{what}");
        site.forge(&forged);
        refused(&site, &before, what, *exit, code);
        site.run(&["verify", PLAN]).ends(*exit);
        site.run(&["show", PLAN]).ends(4).complains(&["do not sign"]);
        site.sign().ends(4);
    }
}

fn what_is_not_permitted_is_refused_whoever_signed_it(ground: &dyn Ground) {
    let (site, plan, before) = planned(ground);
    for (what, forge, exit, code) in CRIMES {
        let mut forged = plan.clone();
        forge(&mut forged);
        polish(&mut forged);
        assert_ne!(forged, plan, "{what}");
        site.forge(&forged);
        refused(&site, &before, what, *exit, code);
    }
    // All that was wrong was wrong with the plans.
    site.forge(&plan);
    site.apply().ends(0);
}

on_both!(
    what_is_not_so_is_refused_whoever_signed_it,
    what_is_not_permitted_is_refused_whoever_signed_it,
);
