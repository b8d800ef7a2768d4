//! For tests: an honest plan that uses nearly every move, and a host that permits it.

use crate::model::diagnosis::{DatabaseState, Diagnosis, Strategy};
use crate::model::dialect::{Dialect, qualified, quote};
use crate::model::files::references::Form;
use crate::model::files::rewriting::Rewriting;
use crate::model::files::uploads::FileFact;
use crate::model::host::{HostConfig, Policy, Trust};
use crate::model::names::{Digest, FilePath, Moment, ObjectKind, ObjectRef};
use crate::model::observation::Identity;
use crate::model::plan::step::{
    AlterObject, BackupDatabase, Basis, CopyFiles, CreateObject, DiscardKept, DropObject, FileList,
    MakeDirectory, Move, Probe, Quarantine, ReleaseFiles, RemoveDirectory, RemoveFiles,
    ReplaceFiles, RestoreDatabase, RestoreFiles, RestoreObjects, RestoreRows, Risk, Run, SaveFiles,
    SaveObjects, SavedCopyRef, SetRevisions, Sidecar, Step, Unquarantine, WriteRows,
};
use crate::model::plan::wording;
use crate::model::plan::{FORMAT_VERSION, Plan, Summary, Target};
use crate::model::risk;

/// An engine that is only spelled.
pub struct Spelled;

impl Dialect for Spelled {
    fn name(&self) -> &'static str {
        "spelled"
    }
    fn is_one_file(&self) -> bool {
        false
    }
    fn drop_object(&self, object: &ObjectRef) -> Option<String> {
        let kind = match object.kind {
            ObjectKind::Table => "TABLE",
            ObjectKind::View => "VIEW",
            _ => return None,
        };
        Some(format!("DROP {kind} {}", qualified(&object.schema, &object.name)))
    }
    fn is_of_the_system(&self, object: &ObjectRef) -> bool {
        object.schema == "system"
    }
    fn create_book(&self, table: &ObjectRef, column: &str, width: u32) -> String {
        format!("CREATE TABLE {} ({} varchar({width}))", quote(&table.name), quote(column))
    }
    fn widen_column(&self, _: &ObjectRef, _: &str, _: u32) -> Option<String> {
        None
    }
}

pub fn spelled(engine: &str) -> Option<&'static dyn Dialect> {
    (engine == "spelled").then_some(&Spelled)
}

pub fn table(name: &str) -> ObjectRef {
    ObjectRef::table("public", name)
}

pub fn file(path: &str) -> FileFact {
    FileFact(FilePath::new(path), 3, Digest::of(path))
}

fn step(id: &str, save: Vec<Move>, moves: Vec<Move>, undo: Vec<Move>) -> Step {
    Step {
        id: id.to_owned(),
        kind: "test".to_owned(),
        address: id.to_owned(),
        title: String::new(),
        reason: "test".to_owned(),
        risk: Risk::Safe,
        requires: Vec::new(),
        superseded_by: None,
        transaction: None,
        ready: vec![Probe::NoOtherWriter {}],
        save,
        moves,
        done: vec![Probe::NoOtherWriter {}],
        undo,
    }
}

/// Makes the plan say of itself what its moves say.
pub fn honest(mut plan: Plan) -> Plan {
    for step in &mut plan.steps {
        step.risk = risk::of_step(step);
        step.title = wording::title(step);
    }
    plan.summary = Summary::of(&plan.steps);
    plan
}

fn database_steps() -> Vec<Step> {
    let backup = || "before.dump".to_owned();
    let view = ObjectRef::free(ObjectKind::View, "public", "totals");
    let spell = |object: &ObjectRef| Spelled.drop_object(object).unwrap_or_default();
    let book = table("versions");
    let stamp = |from: &str, to: &str| {
        let (from, to) = (vec![from.to_owned()], vec![to.to_owned()]);
        Move::SetRevisions(SetRevisions {
            table: book.clone(),
            column: "version_num".into(),
            from,
            to,
            basis: Basis::Assumed,
        })
    };
    let alter =
        |sql: &str| Move::AlterObject(AlterObject { object: table("users"), sql: sql.to_owned() });
    let mut steps = vec![
        step(
            "backup",
            vec![],
            vec![Move::BackupDatabase(BackupDatabase {
                name: backup(),
                directory: Some("/data/backups".into()),
            })],
            vec![],
        ),
        step(
            "drop-view",
            vec![],
            vec![Move::DropObject(DropObject { object: view.clone(), sql: spell(&view) })],
            vec![Move::CreateObject(CreateObject {
                object: view.clone(),
                sql: "CREATE VIEW public.totals AS SELECT sum(a) FROM b".into(),
            })],
        ),
        step(
            "drop-table",
            vec![Move::SaveObjects(SaveObjects {
                name: "old.saved".into(),
                objects: vec![table("old")],
            })],
            vec![Move::DropObject(DropObject { object: table("old"), sql: spell(&table("old")) })],
            vec![Move::RestoreObjects(RestoreObjects {
                name: "old.saved".into(),
                objects: vec![table("old")],
            })],
        ),
        step(
            "quarantine",
            vec![],
            vec![Move::Quarantine(Quarantine { object: table("odd"), name: "odd.kept".into() })],
            vec![Move::Unquarantine(Unquarantine {
                object: table("odd"),
                name: "odd.kept".into(),
            })],
        ),
        step(
            "alter",
            vec![],
            vec![alter("ALTER TABLE public.users ADD COLUMN email text")],
            vec![alter("ALTER TABLE public.users DROP COLUMN email")],
        ),
        step("stamp", vec![], vec![stamp("001", "002")], vec![stamp("002", "001")]),
        step(
            "migrate",
            vec![],
            vec![Move::Run(Run {
                argv: vec!["/usr/bin/flask".into(), "db".into(), "upgrade".into()],
                directory: "/app".into(),
                env: [("FLASK_APP".to_owned(), "app".to_owned())].into(),
                url_variable: Some("DATABASE_URL".into()),
                check: vec!["/usr/bin/flask".into(), "--version".into()],
                timeout_seconds: 900,
                revisions: vec!["003".into()],
                stumbles: Vec::new(),
            })],
            vec![Move::RestoreDatabase(RestoreDatabase {
                name: backup(),
                directory: Some("/data/backups".into()),
            })],
        ),
    ];
    steps.insert(5, rewrite());
    for step in &mut steps[1..3] {
        step.transaction = Some("drops".into());
        step.requires = vec!["backup".into()];
    }
    steps[6].superseded_by = Some("migrate".into());
    steps
}

fn rewrite() -> Step {
    let rewriting = Rewriting {
        table: table("users"),
        key: vec!["id".into()],
        column: "avatar".into(),
        form: Form::Absolute,
        from: vec!["/app/uploads/".into()],
        to: "/data/uploads/avatars/".into(),
        renamed: [("a.png".to_owned(), "a.1f2e3d4c.png".to_owned())].into(),
    };
    let name = || "users.rows".to_owned();
    let write = WriteRows {
        name: name(),
        rewriting: rewriting.clone(),
        rows: 3,
        sha256: Digest::of("rows"),
    };
    step(
        "rewrite",
        vec![],
        vec![Move::WriteRows(write)],
        vec![Move::RestoreRows(RestoreRows { name: name(), rewriting })],
    )
}

fn release() -> Step {
    let (from, to): (FilePath, FilePath) = ("/app/uploads".into(), "/data/uploads/avatars".into());
    let name = || "old.files".to_owned();
    let files = FileList::Inline(vec![file("old/d.png")]);
    let mut release = step(
        "release",
        vec![Move::SaveFiles(SaveFiles {
            name: name(),
            from: from.clone(),
            files: FileList::Move(0),
        })],
        vec![Move::ReleaseFiles(ReleaseFiles { from: from.clone(), to, files })],
        vec![Move::RestoreFiles(RestoreFiles {
            name: name(),
            root: from,
            files: FileList::Move(0),
            replacing: None,
        })],
    );
    release.ready = vec![Probe::FilesReady { r#move: 0 }];
    release.done = vec![Probe::FilesDone { r#move: 0 }];
    release
}

fn replace() -> Step {
    let to: FilePath = "/data/uploads/avatars".into();
    let name = || "replaced.files".to_owned();
    let old = || FileList::Replaced(0);
    let mut replace = step(
        "replace",
        vec![Move::SaveFiles(SaveFiles { name: name(), from: to.clone(), files: old() })],
        vec![Move::ReplaceFiles(ReplaceFiles {
            from: "/app/uploads".into(),
            to: to.clone(),
            files: FileList::Inline(vec![file("taken.png")]),
            replaced: FileList::Inline(vec![FileFact("taken.png".into(), 7, Digest::of("old"))]),
            mode: Some("0600".into()),
            owner: None,
        })],
        vec![Move::RestoreFiles(RestoreFiles {
            name: name(),
            root: to,
            files: old(),
            replacing: Some(FileList::Move(0)),
        })],
    );
    replace.ready = vec![Probe::FilesReady { r#move: 0 }];
    replace.done = vec![Probe::FilesDone { r#move: 0 }];
    replace
}

fn file_steps() -> Vec<Step> {
    let mut copy = step(
        "copy",
        vec![],
        vec![Move::CopyFiles(CopyFiles {
            from: "/app/uploads".into(),
            to: "/data/uploads/avatars".into(),
            files: FileList::Inline(vec![file("a.png"), file("b/c.png")]),
            mode: Some("0640".into()),
            owner: Some("1000:1000".into()),
            renamed: true,
        })],
        vec![Move::RemoveFiles(RemoveFiles {
            root: "/data/uploads/avatars".into(),
            files: FileList::Move(0),
        })],
    );
    copy.ready = vec![Probe::FilesReady { r#move: 0 }];
    copy.done = vec![Probe::FilesDone { r#move: 0 }];
    let many = Sidecar { first: 0, files: 2000, bytes: 1, sha256: Digest::of("") };
    vec![
        step(
            "directory",
            vec![],
            vec![Move::MakeDirectory(MakeDirectory {
                path: "/data/uploads/avatars".into(),
                mode: Some("2770".into()),
                owner: None,
            })],
            vec![
                Move::RemoveDirectory(RemoveDirectory { path: "/data/uploads/avatars".into() }),
                Move::RemoveDirectory(RemoveDirectory { path: "/data/uploads".into() }),
            ],
        ),
        copy,
        step(
            "copy-many",
            vec![],
            vec![Move::CopyFiles(CopyFiles {
                from: "/app/uploads".into(),
                to: "/data/uploads/many".into(),
                files: FileList::Sidecar(many.clone()),
                mode: None,
                owner: None,
                renamed: false,
            })],
            vec![Move::RemoveFiles(RemoveFiles {
                root: "/data/uploads/many".into(),
                files: FileList::Sidecar(many),
            })],
        ),
        release(),
        purge(),
        replace(),
    ]
}

fn purge() -> Step {
    let run = || "0123456789abcdef".to_owned();
    let thing = |name: &str, directory: Option<FilePath>| SavedCopyRef {
        name: name.to_owned(),
        directory,
        bytes: 7,
    };
    let kept = vec![thing("before.dump", Some("/data/backups".into())), thing("old.saved", None)];
    let mut purge =
        step("purge", vec![], vec![Move::DiscardKept(DiscardKept { run: run(), kept })], vec![]);
    purge.ready = vec![Probe::RunTakenBack { run: run() }];
    purge.done = vec![Probe::KeptIsGone { r#move: 0 }];
    purge
}

/// A plan with nearly every move, destructive, for the site `prod`.
pub fn plan() -> Plan {
    let made_at = Moment::parse("2026-11-20T11:00:00Z").unwrap();
    honest(Plan {
        format_version: FORMAT_VERSION.to_owned(),
        made_by: "ttplan test".to_owned(),
        made_at,
        expires_at: made_at.plus_seconds(24 * 3600),
        author: None,
        ticket: None,
        target: Target {
            site: Some("prod".to_owned()),
            database: Identity {
                engine: "spelled".into(),
                name: "app".into(),
                host: None,
                identity: "1".into(),
            },
            roots: vec!["/app/uploads".into(), "/data/uploads/avatars".into()],
        },
        config_sha256: Digest::of("config"),
        observation_sha256: Digest::of("observation"),
        diagnosis: Diagnosis {
            state: DatabaseState::Behind,
            strategy: Strategy::CheckMigrations,
            blocked: vec![],
            evidence: vec![],
            revision: None,
        },
        findings: vec![],
        premises: vec![],
        steps: [database_steps(), file_steps()].concat(),
        goal: vec![],
        summary: Summary::default(),
    })
}

/// A plan without its destructive steps.
pub fn gentle_plan() -> Plan {
    let mut plan = plan();
    plan.steps.retain(|step| step.risk != Risk::Destructive);
    honest(plan)
}

/// The host of these plans.
pub fn site() -> HostConfig {
    HostConfig {
        file: "/etc/ttplan/host.toml".into(),
        name: "prod".into(),
        environment: None,
        roots: vec!["/app".into(), "/data".into()],
        links: Default::default(),
        commands: vec![
            vec!["/usr/bin/flask".into(), "db".into(), "upgrade".into()],
            vec!["/usr/bin/flask".into(), "--version".into()],
        ],
        state: "/data/ttplan".into(),
        trust: Trust {
            allowed_signers: "/etc/ttplan/allowed_signers".into(),
            revoked_keys: None,
            required: 1,
            required_for_destructive: 2,
            ..Trust::default()
        },
        policy: Policy::default(),
    }
}
