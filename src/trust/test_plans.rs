//! For tests: honest plans with a step of many kinds, built from what they say.

use std::collections::BTreeMap;

use crate::model::database::catalogue::tests::sample;
use crate::model::database::column_type::ColumnType;
use crate::model::database::shape::NORMALISER;
use crate::model::database::version_table::VersionTable;
use crate::model::diagnosis::{DatabaseState, Diagnosis, Strategy};
use crate::model::files::location::Location;
use crate::model::files::references::Form;
use crate::model::files::rewriting::Rewriting;
use crate::model::files::uploads::FileFact;
use crate::model::names::{Digest, Moment, ObjectKind, ObjectRef};
use crate::model::observation::Identity;
use crate::model::plan::derive::{self, BACKUP, Said, copy_name};
use crate::model::plan::moves::column::{ColumnSpec, DefaultValue};
use crate::model::plan::step::{
    AddColumn, AddConstraint, AddIndex, BackfillByJoin, BackupDatabase, Basis, CopyFiles,
    CreateObject, CreateTable, CreateVersionTable, DiscardSaved, DropColumn, DropObject, FileList,
    InsertDistinct, MakeDirectory, Move, Probe, Quarantine, RebuildTable, RelaxColumn,
    ReleaseFiles, ReplaceFiles, RestoreUploads, Risk, SaveRows, SavedCopyRef, SetDefault,
    SetNotNull, SetRevisions, ShapeFact, WidenColumn, WriteRows,
};
use crate::model::plan::{FORMAT_VERSION, Plan, Target, lifetime};
pub use crate::trust::test_host::{run, site};

/// One file of a list.
pub fn file(name: &str) -> FileFact {
    FileFact(name.into(), 7, Digest::of(name))
}

/// The table in which these plans record revisions.
pub fn versions() -> VersionTable {
    VersionTable::of_heads(ObjectRef::table("public", "versions"), "version_num")
}

/// A step by what it says.
pub fn said(kind: &str, address: &str, moves: Vec<Move>) -> Said {
    let reversal = derive::natural_reversal(&moves);
    Said { kind: kind.into(), address: address.into(), reason: "because".into(), moves, reversal }
}

fn upload(name: &str) -> Location {
    Location::directory(format!("/{name}/uploads"))
}

/// What a plan says that does much, and the texts of its definitions.
pub fn all() -> (Vec<Said>, Vec<String>) {
    let definition = "{\"name\":\"old\"}".to_owned();
    let table = ObjectRef::table("public", "old");
    let view = ObjectRef::free(ObjectKind::View, "public", "old_view");
    let drop = |object: &ObjectRef, rows, dependents| {
        let definition = Some(Digest::of(&definition));
        Move::DropObject(DropObject { object: object.clone(), definition, rows, dependents })
    };
    let shape = sample().shape(0).digest();
    let rewriting = Rewriting {
        table: ObjectRef::table("public", "users"),
        key: vec!["id".into()],
        column: "avatar".into(),
        form: Form::Absolute,
        from: vec!["/app/uploads/".into()],
        to: "/data/uploads/".into(),
        renamed: BTreeMap::new(),
    };
    let address = "database/public.users/avatar";
    let steps = vec![
        said(
            "backup_database",
            "database",
            vec![Move::BackupDatabase(BackupDatabase { name: BACKUP.into(), directory: None })],
        ),
        said(
            "make_directory",
            "uploads/avatars",
            vec![Move::MakeDirectory(MakeDirectory {
                path: upload("data"),
                mode: Some("2750".into()),
                owner: Some("1000:1000".into()),
            })],
        ),
        said(
            "move_files",
            "uploads/avatars/app/uploads",
            vec![Move::CopyFiles(CopyFiles {
                from: upload("app"),
                to: upload("data"),
                files: FileList::Inline(vec![file("a.png"), file("b/c.png")]),
                mode: Some("0640".into()),
                owner: None,
                renamed: false,
            })],
        ),
        said(
            "replace_files",
            "uploads/avatars/app/more",
            vec![Move::ReplaceFiles(ReplaceFiles {
                from: Location::directory("/app/more"),
                to: upload("data"),
                files: FileList::Inline(vec![FileFact("d.png".into(), 3, Digest::of("new"))]),
                replaced: FileList::Inline(vec![file("d.png")]),
                mode: None,
                owner: None,
            })],
        ),
        said("drop_view", "database/public.old_view", vec![drop(&view, None, vec![])]),
        said("drop_table", "database/public.old", vec![drop(&table, Some(2), vec![view])]),
        said(
            "widen_version_column",
            "database/public.versions/version_num",
            vec![Move::WidenColumn(WidenColumn {
                table: versions().table,
                column: "version_num".into(),
                from: ColumnType::Varchar(Some(32)),
                to: ColumnType::Varchar(Some(255)),
            })],
        ),
        said(
            "stamp_revision",
            "database/public.versions",
            vec![Move::SetRevisions(SetRevisions {
                versions: versions(),
                kept: vec![],
                removed: vec![versions().row("0")],
                added: vec![versions().row("1")],
                basis: Basis::Exact(ShapeFact {
                    sha256: shape,
                    normaliser: NORMALISER,
                    except: vec!["old".into(), "old_view".into()],
                }),
            })],
        ),
        said(
            "rewrite_references",
            address,
            vec![Move::WriteRows(WriteRows {
                name: copy_name("rewrite_references", address, 0),
                rewriting,
                rows: 3,
                sha256: Digest::of("rows"),
                online: true,
            })],
        ),
        said("run_migrations", "database/scripts", vec![Move::Run(Box::new(run()))]),
        said(
            "release_sources",
            "uploads/receipts/app/receipts",
            vec![Move::ReleaseFiles(ReleaseFiles {
                from: Location::directory("/app/receipts"),
                to: Location::directory("/data/receipts"),
                files: FileList::Inline(vec![file("r.pdf")]),
                unreferenced: vec![],
            })],
        ),
    ];
    (steps, vec![definition])
}

/// The plan of these steps: everything that can be derived is.
pub fn plan_of(steps: Vec<Said>, definitions: Vec<String>) -> Plan {
    let steps = derive::derive(steps);
    let made_at = Moment::parse("2026-11-20T11:00:00Z").unwrap();
    let worst = steps.iter().map(|step| step.risk).max().unwrap_or(Risk::Safe);
    let changes =
        steps.iter().flat_map(|step| &step.moves).any(|mv| derive::changes_database(&mv.effects()));
    let premises = vec![
        Probe::SchemaIs { sha256: Digest::of("schema"), except: vec![versions().table] },
        Probe::RevisionsAre { versions: versions(), rows: Some(vec![versions().row("0")]) },
    ];
    Plan {
        format_version: FORMAT_VERSION.into(),
        made_by: crate::model::plan::MADE_BY.into(),
        made_at,
        expires_at: made_at.plus_seconds(lifetime(worst)),
        author: None,
        ticket: Some("CHG-1".into()),
        target: Target {
            site: Some("prod".into()),
            database: Identity {
                engine: "postgres".into(),
                name: "app".into(),
                host: None,
                identity: "1/2".into(),
            },
            roots: derive::roots(&steps),
        },
        config_sha256: Digest::of("config"),
        observation_sha256: Digest::of("facts"),
        diagnosis: Diagnosis {
            state: DatabaseState::Behind,
            strategy: Strategy::CheckMigrations,
            blocked: vec![],
            evidence: vec![],
            revision: None,
        },
        findings: vec![],
        premises: if changes { premises } else { vec![] },
        definitions: definitions.into_iter().map(|text| (Digest::of(&text), text)).collect(),
        goal: derive::goal(&steps),
        summary: derive::summary(&steps),
        steps,
    }
}

/// A plan that does much, and destroys.
pub fn plan() -> Plan {
    let (steps, definitions) = all();
    plan_of(steps, definitions)
}

/// A plan that copies files and nothing else.
pub fn gentle_plan() -> Plan {
    let (steps, _) = all();
    plan_of(steps.into_iter().filter(|step| step.kind == "move_files").collect(), vec![])
}

/// Every move of the format, also those that nothing executes yet.
pub fn every_move() -> Plan {
    let (mut steps, mut definitions) = all();
    let text = |name: &str| format!("{{\"name\":\"{name}\"}}");
    let table = ObjectRef::table("public", "clients");
    let projects = ObjectRef::table("public", "projects");
    let of = |kind, name: &str| ObjectRef::of_table(kind, "public", "clients", name);
    let column = |name: &str| ColumnSpec {
        name: name.into(),
        data_type: ColumnType::Integer,
        nullable: true,
        default: None,
    };
    let quarantined = "database/public.aside";
    let texts = ["clients", "view", "index", "constraint", "before", "after"].map(text);
    let digest = |at: usize| Digest::of(&texts[at]);
    let moves = vec![
        Move::CreateVersionTable(CreateVersionTable { versions: versions(), width: 255 }),
        Move::Quarantine(Quarantine {
            object: ObjectRef::table("public", "aside"),
            definition: digest(0),
            rows: Some(1),
            name: copy_name("m1", quarantined, 0),
        }),
        Move::CreateTable(CreateTable {
            table: table.clone(),
            columns: vec![column("id")],
            primary_key: vec!["id".into()],
            definition: digest(0),
        }),
        Move::CreateObject(CreateObject {
            object: ObjectRef::free(ObjectKind::View, "public", "v"),
            definition: digest(1),
        }),
        Move::AddColumn(AddColumn { table: projects.clone(), column: column("client_id") }),
        Move::InsertDistinct(InsertDistinct {
            table: table.clone(),
            column: "name".into(),
            source: projects.clone(),
            source_column: "client".into(),
            rows: 2,
        }),
        Move::BackfillByJoin(BackfillByJoin {
            table: projects.clone(),
            column: "client_id".into(),
            by: "client".into(),
            lookup: table.clone(),
            lookup_column: "name".into(),
            lookup_key: "id".into(),
            rows: 3,
        }),
        Move::DropColumn(DropColumn {
            table: projects.clone(),
            column: "client".into(),
            data_type: ColumnType::Text,
            rows: 3,
        }),
        Move::RelaxColumn(RelaxColumn { table: projects.clone(), column: "a".into() }),
        Move::SetNotNull(SetNotNull { table: projects.clone(), column: "b".into() }),
        Move::SetDefault(SetDefault {
            table: projects.clone(),
            column: "c".into(),
            from: None,
            to: Some(DefaultValue::Number("1".into())),
        }),
        Move::AddIndex(AddIndex {
            object: of(ObjectKind::Index, "i"),
            columns: vec!["name".into()],
            unique: true,
            definition: digest(2),
        }),
        Move::AddConstraint(AddConstraint {
            object: of(ObjectKind::Constraint, "k"),
            definition: digest(3),
        }),
        Move::RebuildTable(RebuildTable {
            table: projects,
            from: digest(4),
            to: digest(5),
            columns: vec!["id".into()],
        }),
        Move::SaveRows(SaveRows {
            name: copy_name("m14", "database/14", 0),
            table,
            columns: vec!["id".into()],
        }),
    ];
    for (n, mv) in moves.into_iter().enumerate() {
        let address = if n == 1 { quarantined.to_owned() } else { format!("database/{n}") };
        steps.insert(6 + n, said(&format!("m{n}"), &address, vec![mv]));
    }
    let restore = said(
        "restore_uploads",
        "uploads/all",
        vec![Move::RestoreUploads(RestoreUploads {
            archive: "/data/backups/a.tar.zst".into(),
            sha256: Digest::of("archive"),
            to: Location::directory("/data/more"),
            files: FileList::Inline(vec![file("x.png")]),
        })],
    );
    steps.insert(4, restore);
    steps.push(said(
        "purge_run",
        "state/runs/0123456789abcdef",
        vec![Move::DiscardSaved(DiscardSaved {
            run: "0123456789abcdef".into(),
            saved: vec![SavedCopyRef { name: "database".into(), directory: None, bytes: 9 }],
        })],
    ));
    definitions.extend(texts);
    plan_of(steps, definitions)
}
