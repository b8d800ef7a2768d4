//! Tests of the rules for rewritten references and released files: what a hostile plan could try
//! with them.

use crate::model::files::references::Form;
use crate::model::files::rewriting::Rewriting;
use crate::model::host::HostConfig;
use crate::model::names::{ObjectKind, ObjectRef};
use crate::model::plan::Plan;
use crate::model::plan::step::{
    FileList, Move, Probe, ReleaseFiles, ReplaceFiles, RestoreFiles, Risk, SaveFiles, SaveObjects,
    Step, WriteRows,
};
use crate::trust::host_policy;
use crate::trust::test_plans::{Spelled, file, plan, site, table};
use crate::trust::validation;

fn step<'a>(plan: &'a mut Plan, id: &str) -> &'a mut Step {
    plan.steps.iter_mut().find(|step| step.id == id).unwrap()
}

fn write(plan: &mut Plan) -> &mut WriteRows {
    match &mut step(plan, "rewrite").moves[0] {
        Move::WriteRows(write) => write,
        _ => panic!(),
    }
}

fn rewriting(plan: &mut Plan) -> &mut Rewriting {
    &mut write(plan).rewriting
}

fn save(plan: &mut Plan) -> &mut SaveFiles {
    match &mut step(plan, "release").save[0] {
        Move::SaveFiles(save) => save,
        _ => panic!(),
    }
}

fn release(plan: &mut Plan) -> &mut ReleaseFiles {
    match &mut step(plan, "release").moves[0] {
        Move::ReleaseFiles(release) => release,
        _ => panic!(),
    }
}

fn replace(plan: &mut Plan) -> &mut ReplaceFiles {
    match &mut step(plan, "replace").moves[0] {
        Move::ReplaceFiles(replace) => replace,
        _ => panic!(),
    }
}

fn put_back(plan: &mut Plan) -> &mut RestoreFiles {
    match &mut step(plan, "replace").undo[0] {
        Move::RestoreFiles(restore) => restore,
        _ => panic!(),
    }
}

fn restore(plan: &mut Plan) -> &mut RestoreFiles {
    match &mut step(plan, "release").undo[0] {
        Move::RestoreFiles(restore) => restore,
        _ => panic!(),
    }
}

type Change = fn(&mut Plan);

/// What is done to the honest plan, and a part of what is said of it.
const HOSTILE: &[(&str, Change)] = &[
    // Files that are replaced: saved, seen, put back, and nothing else.
    ("are replaced and were not saved", |p| step(p, "replace").save.clear()),
    ("are replaced and were not saved", |p| {
        let Move::SaveFiles(save) = &mut step(p, "replace").save[0] else { panic!() };
        save.files = FileList::Move(0);
    }),
    ("are replaced and were not saved", |p| {
        let Move::SaveFiles(save) = &mut step(p, "replace").save[0] else { panic!() };
        save.from = "/data/uploads/others".into();
    }),
    ("nobody looks at them before", |p| step(p, "replace").ready = vec![Probe::NoOtherWriter {}]),
    ("what it replaces is not what has the names", |p| {
        replace(p).replaced = FileList::Inline(vec![file("other.png")]);
    }),
    ("what it saves or brings back is not listed", |p| replace(p).replaced = FileList::Move(0)),
    ("what it replaces is not what has the names", |p| replace(p).files = FileList::Replaced(0)),
    ("are replaced where they come from", |p| replace(p).from = "/data/uploads/avatars/old".into()),
    ("is not below its root", |p| {
        let list = || FileList::Inline(vec![file("../taken.png")]);
        (replace(p).files, replace(p).replaced) = (list(), list());
    }),
    ("is not a plain absolute path", |p| replace(p).from = "app/uploads".into()),
    ("is not a mode up to 777", |p| replace(p).mode = Some("4755".into())),
    ("nothing in the step calls for", |p| put_back(p).replacing = None),
    ("nothing in the step calls for", |p| put_back(p).replacing = Some(FileList::Replaced(0))),
    ("nothing in the step calls for", |p| put_back(p).name = "other.files".into()),
    ("what it puts back is not listed", |p| put_back(p).replacing = Some(FileList::Move(1))),
    ("nothing in the step calls for", |p| restore(p).replacing = Some(FileList::Move(0))),
    // A file under another name than its content gives it.
    ("gets another name than a copy may get", |p| {
        rewriting(p).renamed = [("a.png".to_owned(), "../etc/shadow".to_owned())].into();
    }),
    ("gets another name than a copy may get", |p| {
        rewriting(p).renamed = [("a.png".to_owned(), "b.12345678.png".to_owned())].into();
    }),
    ("nothing in the step calls for", |p| {
        let Move::RemoveFiles(remove) = &mut step(p, "copy").undo[0] else { panic!() };
        remove.files = FileList::Inline(vec![file("a.png"), file("b/c.png")]);
    }),
    // A column that no reference names: roles, passwords, flags.
    ("`admin` in `role` of table `users` names no place", |p| {
        *rewriting(p) = Rewriting {
            column: "role".into(),
            form: Form::Prefixed,
            from: vec!["user".into()],
            to: "admin".into(),
            ..rewriting(p).clone()
        };
    }),
    ("names no place", |p| rewriting(p).from = vec![String::new()]),
    ("names no place", |p| rewriting(p).to = "/data/uploads/avatars".into()),
    ("names no place", |p| rewriting(p).to = "/data/../etc/".into()),
    ("names no place", |p| {
        rewriting(p).form = Form::Url;
        rewriting(p).to = "/data/\u{202e}uploads/".into();
    }),
    ("holds nothing that could be rewritten", |p| rewriting(p).form = Form::Name),
    ("holds nothing that could be rewritten", |p| rewriting(p).form = Form::Relative),
    ("holds nothing that could be rewritten", |p| {
        rewriting(p).table = ObjectRef::free(ObjectKind::View, "public", "users");
    }),
    ("is rewritten to what it says", |p| rewriting(p).from.clear()),
    ("is rewritten to what it says", |p| rewriting(p).from = vec![rewriting(p).to.clone()]),
    ("rewrites no rows", |p| write(p).rows = 0),
    ("belongs to the database system", |p| rewriting(p).table.schema = "system".into()),
    ("belongs to the database system", |p| {
        let objects = vec![ObjectRef::table("system", "passwords")];
        step(p, "rewrite").save =
            vec![Move::SaveObjects(SaveObjects { name: "all".into(), objects })];
    }),
    ("its undo has a `restore_rows`", |p| rewriting(p).column = "other".into()),
    ("its undo has a `restore_rows`", |p| write(p).name = "other".into()),
    ("`../x` is not a plain file name", |p| write(p).name = "../x".into()),
    ("the name `old.saved` is used", |p| write(p).name = "old.saved".into()),
    ("`restore_rows` stands among the moves", |p| {
        let undo = step(p, "rewrite").undo[0].clone();
        step(p, "rewrite").moves.push(undo);
    }),
    ("both the database and files", |p| {
        let release = step(p, "release").moves[0].clone();
        step(p, "rewrite").moves.push(release);
    }),
    ("were not saved", |p| step(p, "release").save.clear()),
    ("were not saved", |p| save(p).from = "/app/other".into()),
    ("were not saved", |p| save(p).files = FileList::Inline(vec![file("another")])),
    ("nobody looks at their copies", |p| step(p, "release").ready.clear()),
    ("removed from where their copies are", |p| release(p).to = "/app/uploads".into()),
    ("removed from where their copies are", |p| release(p).to = "/app/uploads/old".into()),
    ("removed from where their copies are", |p| release(p).to = "/app".into()),
    ("`../d.png` is not below its root", |p| {
        release(p).files = FileList::Inline(vec![file("../d.png")]);
    }),
    ("`a/../../d` is not below its root", |p| {
        release(p).files = FileList::Inline(vec![file("a/../../d")]);
    }),
    ("not a plain absolute path", |p| release(p).from = "/app/../etc".into()),
    ("is not listed", |p| release(p).files = FileList::Move(0)),
    ("is not listed", |p| save(p).files = FileList::Move(9)),
    ("`../../etc` is not a plain file name", |p| save(p).name = "../../etc".into()),
    ("its undo has a `restore_files`", |p| restore(p).root = "/data/uploads/avatars".into()),
    ("its undo has a `restore_files`", |p| restore(p).name = "other".into()),
    ("its undo has a `restore_files`", |p| {
        restore(p).files = FileList::Inline(vec![file("another")]);
    }),
    ("`save_files` stands among the moves", |p| {
        let saved = step(p, "release").save[0].clone();
        step(p, "release").moves.push(saved);
    }),
    ("`restore_files` stands among the moves", |p| {
        let undo = step(p, "release").undo[0].clone();
        step(p, "release").moves.push(undo);
    }),
    ("`release_files` stands among what is saved", |p| {
        let mv = step(p, "release").moves[0].clone();
        step(p, "release").save.push(mv);
    }),
    ("its undo has a `release_files`", |p| {
        step(p, "release").undo = step(p, "release").moves.clone();
    }),
    ("its undo has a `write_rows`", |p| step(p, "rewrite").undo = step(p, "rewrite").moves.clone()),
    ("its undo has a `alter_object`", |p| {
        let Move::AlterObject(alter) = &mut step(p, "alter").undo[0] else { panic!() };
        alter.sql = "ALTER TABLE public.users DROP COLUMN password_hash".into();
    }),
];

#[test]
fn each_hostile_rewriting_and_release_is_told() {
    for (number, (said, change)) in HOSTILE.iter().enumerate() {
        let mut plan = plan();
        change(&mut plan);
        let found = validation::offences(&plan, &Spelled);
        assert!(found.iter().any(|why| why.message.contains(said)), "{number}: {said}: {found:?}");
    }
}

#[test]
fn a_rewriting_or_release_to_where_the_host_does_not_permit_is_told() {
    let changes: &[(&str, Change)] = &[
        ("`/srv/files` is in no directory", |p| rewriting(p).to = "/srv/files/".into()),
        ("`/data/ttplan/runs` is ttplan's own", |p| rewriting(p).to = "/data/ttplan/runs/".into()),
        ("`/etc` is in no directory", |p| release(p).from = "/etc".into()),
        ("`/srv` is in no directory", |p| release(p).to = "/srv".into()),
        ("`/home/x` is in no directory", |p| save(p).from = "/home/x".into()),
        ("`/home/x` is in no directory", |p| restore(p).root = "/home/x".into()),
        ("`/data` holds ttplan's own `/data/ttplan`", |p| release(p).from = "/data".into()),
    ];
    for (said, change) in changes {
        let mut plan = plan();
        change(&mut plan);
        let found = host_policy::offences(&plan, &site());
        assert!(found.iter().any(|why| why.reason.message.contains(said)), "{said}: {found:?}");
    }
    let mut gentle_only: HostConfig = site();
    gentle_only.policy.forbid_destructive = true;
    let mut only_release = plan();
    only_release.steps.retain(|step| step.id == "release");
    assert!(
        host_policy::offences(&only_release, &gentle_only)[0].reason.message.contains("forbids")
    );
}

#[test]
fn a_risk_or_a_count_that_is_told_too_small_is_told() {
    let mut plan = plan();
    step(&mut plan, "release").risk = Risk::Caution;
    step(&mut plan, "rewrite").risk = Risk::Safe;
    write(&mut plan).rows = 30_000;
    let found =
        plan.contradictions().iter().map(|why| format!("{}\n", why.message)).collect::<String>();
    for said in ["`release`", "`rewrite`", "references"] {
        assert!(found.contains(said), "{said}: {found}");
    }
}

#[test]
fn names_that_look_like_sql_stay_names() {
    let mut plan = plan();
    let evil = "avatar\" = '' WHERE true; DROP TABLE users; --";
    rewriting(&mut plan).column = evil.into();
    rewriting(&mut plan).key = vec!["id\" OR \"1".into()];
    rewriting(&mut plan).table = table("users\"; --");
    let sql = rewriting(&mut plan).update("1' OR '1'='1", "it's", "/data/'); --");
    // Every quote that came from outside is doubled: what is left when pairs are taken away are the
    // marks of one statement.
    let plain = sql.replace("\"\"", "").replace("''", "");
    assert_eq!((plain.matches('"').count(), plain.matches('\'').count()), (10, 6), "{sql}");
    let parsed =
        sqlparser::parser::Parser::parse_sql(&sqlparser::dialect::PostgreSqlDialect {}, &sql)
            .unwrap();
    assert!(matches!(parsed.as_slice(), [sqlparser::ast::Statement::Update(_)]), "{sql}");
}
