//! Tests of the rules for plans: an honest plan keeps all, and each way to break one is told.

use crate::model::files::references::Form;
use crate::model::host::HostConfig;
use crate::model::names::{FilePath, ObjectKind, ObjectRef};
use crate::model::plan::Plan;
use crate::model::plan::step::{CopyFiles, FileList, Move, Probe, Sidecar, Step};
use crate::trust::host_policy;
use crate::trust::test_plans::{Spelled, file, gentle_plan, plan, site, table};
use crate::trust::validation;

#[test]
fn an_honest_plan_breaks_no_rule() {
    for plan in [plan(), gentle_plan()] {
        assert_eq!(plan.contradictions(), vec![]);
        assert_eq!(validation::offences(&plan, &Spelled), vec![]);
        assert_eq!(host_policy::offences(&plan, &site()), vec![]);
    }
}

fn step<'a>(plan: &'a mut Plan, id: &str) -> &'a mut Step {
    plan.steps.iter_mut().find(|step| step.id == id).unwrap()
}

fn copy(plan: &mut Plan) -> &mut CopyFiles {
    match &mut step(plan, "copy").moves[0] {
        Move::CopyFiles(copy) => copy,
        _ => panic!(),
    }
}

/// The first move, or undo move, of a step, if it is of that sort.
macro_rules! at {
    ($plan:expr, $id:expr, $list:ident, $sort:ident) => {
        match &mut step($plan, $id).$list[0] {
            Move::$sort(found) => found,
            _ => panic!(),
        }
    };
}

type Change = fn(&mut Plan);

/// What is done to the honest plan, and a part of what is said of it.
const SENSELESS: &[(&str, Change)] = &[
    ("has no id", |p| p.steps[0].id.clear()),
    ("same id", |p| step(p, "alter").id = "stamp".into()),
    ("requires `stamp`, which is no earlier step", |p| {
        step(p, "alter").requires = vec!["stamp".into()];
    }),
    ("requires `alter`", |p| step(p, "alter").requires = vec!["alter".into()]),
    ("requires `nothing`", |p| step(p, "alter").requires = vec!["nothing".into()]),
    ("superseded by `backup`, which is no later step", |p| {
        step(p, "alter").superseded_by = Some("backup".into());
    }),
    ("superseded by `alter`", |p| step(p, "alter").superseded_by = Some("alter".into())),
    ("not neighbours", |p| step(p, "stamp").transaction = Some("drops".into())),
    ("`run` cannot be part", |p| step(p, "migrate").transaction = Some("t".into())),
    ("`backup_database` cannot be part", |p| step(p, "backup").transaction = Some("t".into())),
    ("`copy_files` cannot be part", |p| step(p, "copy").transaction = Some("t".into())),
    ("has no moves", |p| step(p, "alter").moves.clear()),
    ("both the database and files", |p| {
        let mv = step(p, "directory").moves[0].clone();
        step(p, "alter").moves.push(mv);
    }),
    ("both the database and files", |p| {
        let mv = step(p, "copy").undo[0].clone();
        step(p, "alter").undo.push(mv);
    }),
    ("`drop_object` stands among what is saved", |p| {
        let mv = step(p, "drop-table").moves[0].clone();
        step(p, "drop-table").save.push(mv);
    }),
    ("`save_objects` stands among the moves", |p| {
        let mv = step(p, "drop-table").save[0].clone();
        step(p, "alter").moves.push(mv);
    }),
    ("`../x` is no run", |p| at!(p, "purge", moves, DiscardKept).run = "../x".into()),
    ("nobody looks whether run", |p| at!(p, "purge", moves, DiscardKept).run = "f".repeat(16)),
    ("`../x` is not a plain file name", |p| {
        at!(p, "purge", moves, DiscardKept).kept[1].name = "../x".into();
    }),
    ("not listed, or not sorted", |p| at!(p, "purge", moves, DiscardKept).kept.clear()),
    ("not listed, or not sorted", |p| at!(p, "purge", moves, DiscardKept).kept.reverse()),
    ("`../x` is not a plain file name", |p| {
        at!(p, "drop-table", save, SaveObjects).name = "../x".into();
    }),
    ("`` is not a plain file name", |p| {
        at!(p, "quarantine", moves, Quarantine).name = String::new();
    }),
    ("`.` is not a plain file name", |p| {
        at!(p, "migrate", undo, RestoreDatabase).name = ".".into();
    }),
    ("is not a plain file name", |p| at!(p, "backup", moves, BackupDatabase).name = "a\nb".into()),
    ("is not a plain file name", |p| {
        step(p, "alter").ready.push(Probe::BackupReads { name: "a/b".into(), directory: None });
    }),
    ("the name `old.saved` is used", |p| {
        at!(p, "quarantine", moves, Quarantine).name = "old.saved".into();
    }),
    ("`data/x` is not a plain absolute path", |p| copy(p).from = "data/x".into()),
    ("not a plain absolute path", |p| {
        at!(p, "directory", moves, MakeDirectory).path = "/data/../etc".into();
    }),
    ("not a plain absolute path", |p| at!(p, "migrate", moves, Run).directory = "app".into()),
    ("not a plain absolute path", |p| {
        step(p, "alter").done.push(Probe::DirectoryIs { path: "x".into(), present: true });
    }),
    ("`../a` is not below its root", |p| copy(p).files = FileList::Inline(vec![file("../a")])),
    ("`/a` is not below its root", |p| copy(p).files = FileList::Inline(vec![file("/a")])),
    ("is not sorted", |p| copy(p).files = FileList::Inline(vec![file("b"), file("a")])),
    ("names a file twice", |p| copy(p).files = FileList::Inline(vec![file("a"), file("a")])),
    ("`4755` is not a mode up to 777", |p| copy(p).mode = Some("4755".into())),
    ("`+755` is not a mode", |p| copy(p).mode = Some("+755".into())),
    ("`` is not a mode", |p| copy(p).mode = Some(String::new())),
    ("`10000` is not a mode up to 7777", |p| {
        at!(p, "directory", moves, MakeDirectory).mode = Some("10000".into());
    }),
    ("`root:root` is not an owner", |p| copy(p).owner = Some("root:root".into())),
    ("`1` is not an owner", |p| copy(p).owner = Some("1".into())),
    ("of the sidecar make no sense", |p| {
        let FileList::Sidecar(list) = &mut at!(p, "copy-many", moves, CopyFiles).files else {
            panic!()
        };
        *list = Sidecar { first: u64::MAX, ..list.clone() };
    }),
    ("no time to run", |p| at!(p, "migrate", moves, Run).timeout_seconds = 0),
    ("`flask` is not an absolute path", |p| at!(p, "migrate", moves, Run).argv[0] = "flask".into()),
    ("its check `flask`", |p| {
        let check = at!(p, "migrate", moves, Run).check.as_mut();
        check.unwrap().argv[0] = "flask".into();
    }),
    ("does not say the revision", |p| {
        at!(p, "migrate", moves, Run).argv.push("{revision}".into());
    }),
    ("has no place for the revision", |p| {
        at!(p, "migrate", moves, Run).revision = Some("003".into());
    }),
    ("its revision `004` is none that it runs", |p| {
        let run = at!(p, "migrate", moves, Run);
        run.argv.push("{revision}".into());
        run.revision = Some("004".into());
    }),
    ("its revision `--sql` is none", |p| {
        let run = at!(p, "migrate", moves, Run);
        run.argv.push("{revision}".into());
        run.revisions.push("--sql".into());
        run.revision = Some("--sql".into());
    }),
    ("its command is empty", |p| at!(p, "migrate", moves, Run).argv.clear()),
    ("NUL", |p| at!(p, "migrate", moves, Run).argv[1] = "a\0b".into()),
    ("a copy has no list", |p| copy(p).files = FileList::Move(0)),
    ("is not listed", |p| at!(p, "copy", undo, RemoveFiles).files = FileList::Move(7)),
    ("files of move 1, which is no copy", |p| {
        step(p, "copy").ready.push(Probe::FilesReady { r#move: 1 });
    }),
    ("files of move 0, which is no copy", |p| {
        step(p, "directory").done.push(Probe::FilesDone { r#move: 0 });
    }),
    ("not what drops it", |p| at!(p, "drop-table", moves, DropObject).sql.push_str(" CASCADE")),
    ("not what drops it", |p| {
        at!(p, "drop-view", moves, DropObject).sql = "DROP VIEW users".into();
    }),
    ("cannot be dropped by itself", |p| {
        at!(p, "drop-table", moves, DropObject).object =
            ObjectRef::free(ObjectKind::Schema, "public", "public");
    }),
    ("table `old` is dropped and was not saved", |p| {
        at!(p, "drop-table", save, SaveObjects).objects = vec![table("a")];
    }),
    ("view `totals` is dropped and was not saved", |p| step(p, "drop-view").undo.clear()),
    ("does not say when it may begin", |p| step(p, "drop-table").ready.clear()),
    ("does not say when it may begin", |p| step(p, "drop-table").done.clear()),
];

/// What is done to the undo moves of the honest plan.
const BAD_UNDO: &[(&str, Change)] = &[
    ("`restore_objects`", |p| {
        at!(p, "drop-table", undo, RestoreObjects).name = "other.saved".into();
    }),
    ("`restore_objects`", |p| {
        at!(p, "drop-table", undo, RestoreObjects).objects.push(table("users"));
    }),
    ("`restore_database`", |p| at!(p, "migrate", undo, RestoreDatabase).name = "other.dump".into()),
    ("`restore_database`", |p| at!(p, "migrate", undo, RestoreDatabase).directory = None),
    ("`restore_database`", |p| {
        let later = p.steps.remove(0);
        p.steps.push(later);
    }),
    ("`create_object`", |p| at!(p, "drop-view", undo, CreateObject).object.name = "other".into()),
    ("`create_object`", |p| {
        at!(p, "drop-view", undo, CreateObject).sql = "DROP TABLE users".into();
    }),
    ("`alter_object`", |p| at!(p, "alter", undo, AlterObject).object = table("projects")),
    ("`alter_object`", |p| at!(p, "alter", undo, AlterObject).sql = "DROP TABLE users".into()),
    ("`alter_object`", |p| {
        at!(p, "alter", undo, AlterObject).sql = "ALTER TABLE projects DROP COLUMN a".into();
    }),
    ("`unquarantine`", |p| at!(p, "quarantine", undo, Unquarantine).object = table("users")),
    ("`unquarantine`", |p| at!(p, "quarantine", undo, Unquarantine).name = "other".into()),
    ("`set_revisions`", |p| at!(p, "stamp", undo, SetRevisions).to = vec!["000".into()]),
    ("`set_revisions`", |p| at!(p, "stamp", undo, SetRevisions).table = table("users")),
    ("`remove_files`", |p| at!(p, "copy", undo, RemoveFiles).root = "/app/uploads".into()),
    ("`remove_files`", |p| {
        at!(p, "copy", undo, RemoveFiles).files = FileList::Inline(vec![file("z")]);
    }),
    ("`remove_directory`", |p| {
        at!(p, "directory", undo, RemoveDirectory).path = "/data/elsewhere".into();
    }),
    ("`drop_object`", |p| {
        let drop = step(p, "drop-table").moves[0].clone();
        step(p, "alter").undo = vec![drop];
    }),
    ("`run`", |p| step(p, "migrate").undo = step(p, "migrate").moves.clone()),
    ("`copy_files`", |p| step(p, "copy").undo = step(p, "copy").moves.clone()),
    ("`make_directory`", |p| step(p, "directory").undo = step(p, "directory").moves.clone()),
    ("`backup_database`", |p| step(p, "backup").undo = step(p, "backup").moves.clone()),
    ("`save_objects`", |p| step(p, "drop-table").undo = step(p, "drop-table").save.clone()),
];

#[test]
fn each_way_to_make_no_sense_is_told() {
    for (number, (said, change)) in SENSELESS.iter().enumerate() {
        let mut plan = plan();
        change(&mut plan);
        let found = validation::offences(&plan, &Spelled);
        assert!(found.iter().any(|why| why.message.contains(said)), "{number}: {said}: {found:?}");
    }
}

#[test]
fn an_undo_move_that_undoes_nothing_of_its_step_is_told() {
    for (number, (word, change)) in BAD_UNDO.iter().enumerate() {
        let mut plan = plan();
        change(&mut plan);
        let found = validation::offences(&plan, &Spelled);
        let said = format!("its undo has a {word} that nothing in the step calls for");
        assert!(found.iter().any(|why| why.message.contains(&said)), "{number}: {word}: {found:?}");
    }
}

#[test]
fn a_plan_may_leave_out_undo_and_restore_from_what_it_saved_only() {
    let mut plan = plan();
    for step in &mut plan.steps {
        if step.id != "drop-view" {
            step.undo.clear();
        }
    }
    assert_eq!(validation::offences(&plan, &Spelled), vec![]);
}

#[test]
fn what_the_host_does_not_permit_is_told() {
    let changes: &[(&str, Change)] = &[
        ("`/etc` is in no directory", |p| copy(p).to = "/etc".into()),
        ("`/home/x` is in no directory", |p| copy(p).from = "/home/x".into()),
        ("`/srv` is in no directory", |p| {
            at!(p, "directory", moves, MakeDirectory).path = "/srv".into();
        }),
        ("`/srv` is in no directory", |p| {
            at!(p, "directory", undo, RemoveDirectory).path = "/srv".into();
        }),
        ("backups in `/srv`", |p| {
            at!(p, "purge", moves, DiscardKept).kept[0].directory = Some("/srv".into());
        }),
        ("`/srv` is in no directory", |p| at!(p, "copy", undo, RemoveFiles).root = "/srv".into()),
        ("`/data/ttplan/runs` is ttplan's own", |p| copy(p).to = "/data/ttplan/runs".into()),
        ("`/data` holds ttplan's own `/data/ttplan`", |p| copy(p).to = "/data".into()),
        ("`/data/ttplan` is ttplan's own", |p| {
            at!(p, "directory", moves, MakeDirectory).path = "/data/ttplan".into();
        }),
        ("backups in `/srv`", |p| {
            at!(p, "backup", moves, BackupDatabase).directory = Some("/srv".into());
        }),
        ("backups in `/srv`", |p| {
            at!(p, "migrate", undo, RestoreDatabase).directory = Some("/srv".into());
        }),
        ("backups in `/srv`", |p| {
            step(p, "alter").done =
                vec![Probe::BackupReads { name: "x".into(), directory: Some("/srv".into()) }];
        }),
        ("argv differs (`/usr/bin/flask db downgrade`", |p| {
            at!(p, "migrate", moves, Run).argv[2] = "downgrade".into();
        }),
        ("the check `check` is not the host's: argv differs (`/bin/sh`", |p| {
            let check = at!(p, "migrate", moves, Run).check.as_mut();
            check.unwrap().argv = vec!["/bin/sh".into()];
        }),
        ("is not the version table that the host's profile names", |p| {
            at!(p, "stamp", moves, SetRevisions).table = table("users");
        }),
        ("is not the version table that the host's profile names", |p| {
            let column = "role".to_owned();
            step(p, "alter").done =
                vec![Probe::RevisionsAre { table: table("users"), column, recorded: None }];
        }),
        ("`reset_url` of table `users` is no column that the host's profile names", |p| {
            let rewriting = &mut at!(p, "rewrite", moves, WriteRows).rewriting;
            rewriting.column = "reset_url".into();
        }),
        ("`password` of table `users` is no column that the host's profile names", |p| {
            let write = at!(p, "rewrite", moves, WriteRows);
            write.rewriting.form = Form::Url;
            write.rewriting.column = "password".into();
        }),
    ];
    for (said, change) in changes {
        let mut plan = plan();
        change(&mut plan);
        let found = host_policy::offences(&plan, &site());
        assert!(found.iter().any(|why| why.reason.message.contains(said)), "{said}: {found:?}");
    }
    let mut in_state = plan();
    at!(&mut in_state, "backup", moves, BackupDatabase).directory =
        Some("/data/ttplan/backups".into());
    assert_eq!(host_policy::offences(&in_state, &site()), vec![]);
    let strict = |roots: &[FilePath]| HostConfig { roots: roots.to_vec(), ..site() };
    assert!(!host_policy::offences(&plan(), &strict(&["/app".into()])).is_empty());
    let mut gentle_only = site();
    gentle_only.policy.forbid_destructive = true;
    assert!(host_policy::offences(&plan(), &gentle_only)[0].reason.message.contains("forbids"));
    assert_eq!(host_policy::offences(&gentle_plan(), &gentle_only), vec![]);
}
