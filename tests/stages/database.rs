//! Stories of the database: its state, its schema, its migrations.

use ttplan::model::config::{Legacy, Unexpected};
use ttplan::model::database::offline::{LockEffect, LockMode, Offline, StatementKind};
use ttplan::model::database::schema::{Definition, Dependency, View};
use ttplan::model::diagnosis::DatabaseState;
use ttplan::model::names::{Digest, ObjectKind, ObjectRef};
use ttplan::model::observation::Presence;

use crate::site::{Site, column, points_to, without_codes, words};
use crate::stories::{Story, story};

pub fn stories() -> Vec<Story> {
    let mut stories = states();
    stories.extend(schema());
    stories.extend(strangers());
    stories.extend(migrations());
    stories
}

fn states() -> Vec<Story> {
    vec![
        story("unreachable", "The observation is of files only.")
            .at(|site| {
                site.without_tables();
                site.database.presence = Presence::NotLooked;
            })
            .state(DatabaseState::Unreachable)
            .but("the database was looked at", |site| {
                site.database.presence = Presence::Present;
            }),
        story("absent", "There is no database file yet.")
            .in_one_file()
            .at(|site| {
                site.without_tables();
                site.database.presence = Presence::Absent;
            })
            .state(DatabaseState::Absent)
            .but("the file is there and empty", |site| {
                site.database.presence = Presence::Present;
            }),
        story("fresh", "The database is there and empty.")
            .at(Site::without_tables)
            .state(DatabaseState::Fresh)
            .step("run_migrations")
            .but("one table is in it", |site| site.add("notes", "text")),
        story("current", "Everything is as it should be, and nothing is to be done.")
            .state(DatabaseState::Current)
            .but("nobody recorded which revision the schema is at", |site| {
                site.recorded(&[]);
            }),
        story("behind", "A release brought a script that was not run yet.")
            .at(|site| site.script("003_labels", &["002_codes"]))
            .state(DatabaseState::Behind)
            .finding("pending_migrations")
            .step("run_migrations")
            .step("backup_database")
            .but("the target is what is recorded", |site| {
                site.revisions_config().target = words(&["002_codes"]);
            }),
        story("diverged", "Two branches were run, and the script that joins them was not.")
            .at(|site| {
                site.script("002_labels", &["001_initial"]);
                site.script("003_both", &["002_codes", "002_labels"]);
                site.recorded(&["002_codes", "002_labels"]);
            })
            .state(DatabaseState::Diverged)
            .but("one of them was run", |site| site.recorded(&["002_codes"])),
        story("overlapping_record", "A revision is recorded beside one that comes after it.")
            .at(|site| site.recorded(&["001_initial", "002_codes"]))
            .finding("overlapping_record")
            .but("only the later one is recorded", |site| site.recorded(&["002_codes"])),
        story("ahead_of_scripts", "The database is beyond the target.")
            .at(|site| site.revisions_config().target = words(&["001_initial"]))
            .state(DatabaseState::Ahead)
            .finding("ahead_of_scripts")
            .but("the target is what is recorded", |site| {
                site.revisions_config().target = words(&["002_codes"]);
            }),
        story("unknown_revision", "The record names a revision that no script has.")
            .at(|site| site.recorded(&["9f3c1a7be204"]))
            .state(DatabaseState::UnknownRevision)
            .finding("unknown_revision")
            .but("it names the newest script", |site| site.recorded(&["002_codes"])),
        story("partial_migration", "A revision is recorded, and none of the core tables is there.")
            .at(|site| {
                site.drop("projects");
                site.drop("users");
            })
            .state(DatabaseState::PartialMigration)
            .finding("partial_migration")
            .but("nothing is recorded", |site| site.recorded(&[])),
        story("reinitialize", "It was decided to forget the record of a database without tables.")
            .at(|site| {
                site.drop("projects");
                site.drop("users");
                site.decisions.reinitialize = true;
            })
            .step("drop_version_table")
            .step("run_migrations")
            .but("nobody decided so", |site| site.decisions.reinitialize = false),
        story("partial_schema", "One of two core tables is missing.")
            .at(|site| site.drop("projects"))
            .state(DatabaseState::PartialSchema)
            .finding("partial_schema")
            .but("it is there", |site| {
                site.database.schema = Site::new().database.schema.clone();
            }),
    ]
}

fn schema() -> Vec<Story> {
    vec![
        story("false_stamp", "The record is ahead of what the schema shows.")
            .at(Site::with_first_schema)
            .state(DatabaseState::FalseStamp)
            .finding("false_stamp")
            .step("stamp_revision")
            .but("it is not", |site| site.recorded(&["001_initial"])),
        story("false_stamp_backward", "The schema is ahead of what is recorded.")
            .at(|site| site.recorded(&["001_initial"]))
            .finding("false_stamp")
            .but("both are the same", |site| site.recorded(&["002_codes"])),
        story("drifted_schema", "A column has another type than any revision gave it.")
            .at(|site| site.table("users").columns[3].data_type = "text".to_owned())
            .state(DatabaseState::Drifted)
            .finding("drifted_schema")
            .but("it has the type that the revision gave it", |site| {
                site.table("users").columns[3].data_type = "character varying(80)".to_owned();
            }),
        story("schema_not_checked", "Nobody recorded what the revisions have.")
            .at(Site::without_catalogue)
            .finding("schema_not_checked")
            .but("there is a catalogue", |site| site.catalogue = Site::new().catalogue.clone()),
        story("unstamped_schema", "No revision is recorded, and the schema shows which it is.")
            .at(|site| site.recorded(&[]))
            .state(DatabaseState::Legacy)
            .finding("unstamped_schema")
            .step("stamp_revision")
            .but("it is recorded", |site| site.recorded(&["002_codes"])),
        story("unstamped_and_near", "No revision is recorded, and the schema is near to one only.")
            .at(|site| {
                site.recorded(&[]);
                site.table("users").columns[3].data_type = "text".to_owned();
            })
            .finding("unstamped_schema")
            .but("the revision is recorded, and the schema has drifted from it", |site| {
                site.recorded(&["002_codes"]);
            }),
        story("before_migrations", "The tables are those of a release before the first migration.")
            .at(|site| {
                site.without_record();
                site.without_catalogue();
                site.drop("projects");
                site.config.tables.legacy = vec![Legacy {
                    name: "before-migrations".to_owned(),
                    tables: [("users".to_owned(), words(&["username", "role"]))].into(),
                    absent: words(&["projects"]),
                }];
            })
            .state(DatabaseState::Legacy)
            .but("the profile does not know of such a release", |site| {
                site.config.tables.legacy.clear();
            }),
        story("assumed_revision", "A person says which revision an unknown record stands for.")
            .at(|site| {
                site.recorded(&["9f3c1a7be204"]);
                site.decisions.assume_revision = words(&["002_codes"]);
            })
            .finding("assumed_revision")
            .step("stamp_revision")
            .but("nobody says so", |site| site.decisions.assume_revision.clear()),
        story("assumed_against_the_schema", "A person says a revision, and the schema another.")
            .at(|site| {
                site.recorded(&["9f3c1a7be204"]);
                site.with_first_schema();
                site.decisions.assume_revision = words(&["002_codes"]);
            })
            .finding("assumed_revision")
            .but("nobody says so", |site| site.decisions.assume_revision.clear()),
        story("leftover_table", "An interrupted migration left its working copy behind.")
            .in_one_file()
            .at(|site| {
                site.add("_alembic_tmp_projects", "name");
                site.count("_alembic_tmp_projects", 2);
            })
            .state(DatabaseState::HalfApplied)
            .finding("leftover_table")
            .step("drop_table")
            .but("the table has a name of its own", |site| {
                site.table("_alembic_tmp_projects").name = "projects_of_2025".to_owned();
            }),
        story("leftover_and_no_original", "The working copy may hold the only rows there are.")
            .in_one_file()
            .at(|site| {
                site.without_catalogue();
                site.add("_alembic_tmp_projects", "name");
                site.drop("projects");
            })
            .finding("leftover_table")
            .but("the copy has a name of its own", |site| {
                site.table("_alembic_tmp_projects").name = "projects_of_2025".to_owned();
            }),
        story("unfinished_migration", "A part of one migration's changes is there.")
            .at(|site| {
                site.recorded(&["001_initial"]);
                site.table("projects").indexes.clear();
            })
            .state(DatabaseState::HalfApplied)
            .finding("unfinished_migration")
            .but("that part is not there either", |site| {
                site.table("projects").columns.retain(|column| column.name != "code");
            }),
    ]
}

/// An unexplained database of the connecting role: two tables, a view, keys between them.
fn unexplained(choice: Unexpected) -> impl FnOnce(&mut Site) {
    move |site| {
        site.without_tables();
        site.config.tables.unexpected = choice;
        site.config.tables.unexpected_on_sqlite = choice;
        site.add("notes", "tag_id");
        site.add("tags", "note_id");
        site.count("notes", 12);
        site.count("tags", 3);
        let home = site.database.schema.home.clone();
        site.table("notes").foreign_keys = vec![points_to("tag_id", &home, "tags")];
        site.table("tags").foreign_keys = vec![points_to("note_id", &home, "notes")];
        let view = View {
            schema: home.clone(),
            name: "untagged".to_owned(),
            owner: site.table("notes").owner.clone(),
            ours: true,
            definition: "SELECT id FROM notes WHERE tag_id IS NULL".to_owned(),
            ..View::default()
        };
        site.database
            .schema
            .dependencies
            .push(Dependency { dependent: view.reference(), on: ObjectRef::table(&home, "notes") });
        site.database.schema.views.push(view);
    }
}

fn strangers() -> Vec<Story> {
    vec![
        story("foreign_database", "A table has the name of a core table and not its columns.")
            .at(|site| site.table("users").columns.retain(|column| column.name != "role"))
            .state(DatabaseState::Foreign)
            .finding("foreign_database")
            .but("it has them", |site| {
                site.table("users").columns.insert(2, column("role", "character varying(80)"));
            }),
        story("foreign_record", "Another tool keeps a record of its revisions in here.")
            .at(|site| {
                site.without_tables();
                site.add("django_migrations", "app");
                let table = site.table("django_migrations");
                table.columns.extend([column("name", "text"), column("applied", "timestamp")]);
            })
            .state(DatabaseState::Foreign)
            .but("the table is no such record", |site| {
                site.table("django_migrations").name = "migrated".to_owned();
            }),
        story("unexpected_tables", "Tables that nothing explains, and nothing says what to do.")
            .at(unexplained(Unexpected::Keep))
            .state(DatabaseState::Corrupted)
            .finding("unexpected_tables")
            .but("one of them has another owner", |site| site.table("notes").ours = false),
        story("unexpected_tables_dropped", "Tables that nothing explains are to be dropped.")
            .at(unexplained(Unexpected::Drop))
            .step("drop_table")
            .step("drop_constraint")
            .step("drop_view")
            .but("they are to be kept", |site| {
                site.config.tables.unexpected = Unexpected::Keep;
            }),
        story("unexpected_tables_quarantined", "They are to be quarantined.")
            .in_one_file()
            .at(unexplained(Unexpected::Quarantine))
            .step("quarantine_table")
            .but("they are to be kept", |site| {
                site.config.tables.unexpected_on_sqlite = Unexpected::Keep;
            }),
        story("cleanup_at_start", "The application would drop these tables by itself.")
            .at(|site| {
                unexplained(Unexpected::Keep)(site);
                site.config.cleanup.at_start = true;
                site.config.cleanup.variable = Some("SKIP_CLEANUP".to_owned());
            })
            .finding("cleanup_at_start")
            .but("it drops nothing at start", |site| site.config.cleanup.at_start = false),
        story("function_in_the_way", "A table cannot be dropped because of what depends on it.")
            .at(|site| {
                unexplained(Unexpected::Drop)(site);
                let function = Definition {
                    schema: "public".to_owned(),
                    name: "count_notes()".to_owned(),
                    definition: "CREATE FUNCTION count_notes() ...".to_owned(),
                    ..Definition::default()
                };
                site.database.schema.functions.push(function);
                site.database.schema.dependencies.push(Dependency {
                    dependent: ObjectRef::free(ObjectKind::Function, "public", "count_notes()"),
                    on: ObjectRef::table("public", "notes"),
                });
            })
            .waits("database")
            .but("nothing depends on it", |site| site.database.schema.dependencies.truncate(1)),
    ]
}

/// One script to run, and all that is said of such scripts.
fn one_pending(site: &mut Site) {
    site.recorded(&["001_initial"]);
    without_codes(&mut site.database.schema);
}

/// The second script is known to stop once it has added the column.
fn stumbling(site: &mut Site) {
    one_pending(site);
    let entry = &mut site.catalogue.as_mut().unwrap().entries[1];
    let mut stop = entry.changes.clone();
    for facts in stop.values_mut() {
        facts.retain(|fact| fact.starts_with("+column"));
    }
    entry.stumbles = vec![stop];
}

fn migrations() -> Vec<Story> {
    vec![
        story("broken_graph", "A script builds on one that is missing.")
            .at(|site| site.script("004_more", &["003_lost"]))
            .finding("broken_graph")
            .waits("migrations")
            .but("it builds on one that is there", |site| {
                site.scripts()[2].parents = words(&["002_codes"]);
            }),
        story("several_heads", "Two scripts are the newest, and the target is one.")
            .at(|site| site.script("002_labels", &["001_initial"]))
            .finding("broken_graph")
            .but("the target is both", |site| site.revisions_config().target = words(&["heads"])),
        story("narrow_version_column", "An id is longer than the column that records it.")
            .at(|site| {
                site.script("003_a_name_that_is_longer_than_32_characters", &["002_codes"]);
            })
            .finding("narrow_version_column")
            .step("widen_version_column")
            .but("the column is wide enough", |site| site.book().width = Some(255)),
        story("stumbling_migration", "A script is known to stop before it is through.")
            .at(stumbling)
            .finding("stumbling_migration")
            .but("nothing of the sort is known", |site| {
                site.catalogue.as_mut().unwrap().entries[1].stumbles.clear();
            }),
        story("stumbles_accepted", "It may be run again where it stops.")
            .at(|site| {
                stumbling(site);
                site.revisions_config().upgrade.as_mut().unwrap().accept_stumbles = true;
            })
            .step("run_migrations")
            .but("nobody accepted that", |site| {
                site.revisions_config().upgrade.as_mut().unwrap().accept_stumbles = false;
            }),
        story("stopped_as_known", "The script was run and stopped where it is known to.")
            .at(|site| {
                stumbling(site);
                site.revisions_config().upgrade.as_mut().unwrap().accept_stumbles = true;
                site.table("projects").columns.push(column("code", "character varying(80)"));
            })
            .step("run_migrations")
            .but("it stopped where nobody knows it to", |site| {
                let entry = &mut site.catalogue.as_mut().unwrap().entries[1];
                entry.stumbles.clear();
            }),
        story("beyond_host", "The host has another upgrade command than the configuration.")
            .at(|site| {
                one_pending(site);
                site.host().commands.get_mut("upgrade").unwrap().argv[3] = "head".to_owned();
            })
            .finding("beyond_host")
            .but("the host has the same", |site| {
                site.host().commands.get_mut("upgrade").unwrap().argv[3] = "heads".to_owned();
            }),
        story("another_version_table", "The host's profile names another version table.")
            .at(|site| {
                site.host().profile.as_mut().unwrap().version_table.as_mut().unwrap().table =
                    "ops.alembic_version".to_owned();
            })
            .finding("beyond_host")
            .but("it names this one", |site| {
                site.host().profile.as_mut().unwrap().version_table.as_mut().unwrap().table =
                    "public.alembic_version".to_owned();
            }),
        story("changed_scripts", "A script is not the one that the catalogue was made with.")
            .at(|site| {
                one_pending(site);
                site.scripts()[1].sha256 = Digest::of("edited");
            })
            .finding("changed_scripts")
            .but("it is", |site| site.scripts()[1] = Site::new().scripts()[1].clone()),
        story("offline_script", "An offline script shows what the pending migration does.")
            .at(|site| {
                one_pending(site);
                let effect = |does, on: &str, holds| LockEffect { does, on: on.to_owned(), holds };
                site.offline.push(Offline {
                    revision: "002_codes".to_owned(),
                    effects: vec![
                        effect(StatementKind::Alters, "projects", LockMode::Briefly),
                        effect(StatementKind::Creates, "projects_code", LockMode::Writers),
                    ],
                });
            })
            .finding("offline_script")
            .but("there is none", |site| site.offline.clear()),
        story("no_program", "The upgrade command's program was not found.")
            .at(|site| {
                one_pending(site);
                site.program = None;
            })
            .waits("migrations")
            .but("it was found", |site| site.program = Site::new().program.clone()),
    ]
}
