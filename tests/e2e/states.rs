//! Each state that a database can be in: what is said of it, what is planned, that the plan brings
//! it where it says, and that undo gives back what was there.

use ttplan::model::diagnosis::DatabaseState;
use ttplan::model::plan::step::Move;

use crate::ground::Ground;
use crate::site::{PLAN, STRAYS, Site, assert_same};

pub const MERGED: &str = "003_labels_and_projects_are_one_branch_again";

/// What the application's own migrations do, up to one of them.
pub fn migrated(until: &str) -> String {
    let all = ["001_users", "002_labels", "002_projects", MERGED, "004_codes"];
    let count = all.iter().position(|name| *name == until).unwrap() + 1;
    let text = |name: &&str| {
        std::fs::read_to_string(format!("fixtures/shop/app/migrations/sql/{name}.sql")).unwrap()
    };
    all[..count].iter().map(text).collect()
}

/// What is expected of a state. Avatars are to be moved in every one but a stranger's.
struct Expected<'a> {
    state: DatabaseState,
    /// Of `plan`: 8 where something waits for a person.
    code: i32,
    /// The kinds of the steps that change the database, in order.
    kinds: &'a [&'a str],
    /// In which state the plan leaves the database.
    after: DatabaseState,
}

fn expect(state: DatabaseState, kinds: &[&'static str], after: DatabaseState) -> Expected<'static> {
    Expected { state, code: 0, kinds: Box::leak(kinds.into()), after }
}

/// Nothing of the database is changed: a person has to decide.
fn refused(state: DatabaseState) -> Expected<'static> {
    Expected { state, code: 8, kinds: &[], after: state }
}

const MIGRATE: &[&str] = &["backup_database", "run_migrations"];

#[track_caller]
fn carry_through(site: &Site, expected: &Expected<'_>) {
    carry_through_with(site, expected, &[]);
}

#[track_caller]
fn carry_through_with(site: &Site, expected: &Expected<'_>, flags: &[&str]) {
    let before = site.picture();
    let planned = site.run(&[&["plan", "-o", PLAN], flags].concat()).ends(expected.code);
    let plan = site.planned();
    assert_eq!(plan.diagnosis.state, expected.state, "{}", planned.out);
    let kinds: Vec<&str> = plan.steps.iter().map(|step| step.kind.as_str()).collect();
    let files = ["make_directory", "move_files"];
    let (of_files, of_database): (Vec<&str>, Vec<&str>) =
        kinds.iter().partition(|kind| files.contains(kind));
    assert_eq!(of_database, expected.kinds, "{}", planned.out);
    assert_eq!(of_files.is_empty(), expected.state == DatabaseState::Foreign, "{kinds:?}");
    assert_eq!(plan.diagnosis.blocked.is_empty(), expected.code == 0, "{:?}", plan.findings);
    if plan.steps.is_empty() {
        return assert_same(&site.picture(), &before, "a plan changed something");
    }
    site.sign().ends(0);
    site.apply().ends(0);
    let after = site.picture();
    site.apply().ends(0).says(&["nothing was changed"]);
    assert_same(&site.picture(), &after, "the second apply changed something");
    site.run(&["plan", "-o", "plans/next.ttplan.json", "--format", "json"])
        .says(&[&format!("\"state\": \"{}\"", expected.after.word())]);
    site.undo().ends(0);
    assert_same(&site.picture(), &before, "undo did not bring everything back");
}

fn fresh(ground: &dyn Ground) {
    carry_through(
        &Site::new(ground),
        &expect(DatabaseState::Fresh, MIGRATE, DatabaseState::Current),
    );
    let empty_record = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, PRIMARY KEY (version_num));";
    let site = Site::with(ground, empty_record);
    let widened: &[&str] = if ground.engine().name == "sqlite" {
        MIGRATE
    } else {
        &["backup_database", "widen_version_column", "run_migrations"]
    };
    carry_through(&site, &expect(DatabaseState::Fresh, widened, DatabaseState::Current));
}

fn foreign(ground: &dyn Ground) {
    let impostor =
        Site::with(ground, "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(80));");
    carry_through(&impostor, &refused(DatabaseState::Foreign));
    let tool = "CREATE TABLE django_migrations (id INTEGER, app VARCHAR(255), name VARCHAR(255), applied TIMESTAMP);";
    carry_through(&Site::with(ground, tool), &refused(DatabaseState::Foreign));
}

fn unknown_revision(ground: &dyn Ground) {
    let site = Site::with(ground, &migrated("004_codes"));
    site.sql("UPDATE alembic_version SET version_num = '005_of_tomorrow';");
    carry_through(&site, &refused(DatabaseState::UnknownRevision));
}

fn half_applied(ground: &dyn Ground) {
    let leftover =
        "CREATE TABLE _alembic_tmp_projects (id INTEGER, name VARCHAR(200), code VARCHAR(20));
        INSERT INTO _alembic_tmp_projects VALUES (1, 'left', NULL);";
    let site = Site::with(ground, &(migrated(MERGED) + leftover));
    carry_through(
        &site,
        &expect(
            DatabaseState::HalfApplied,
            &["backup_database", "drop_table"],
            DatabaseState::Behind,
        ),
    );
    // Where the copy may hold the only rows, it is nobody's to drop.
    site.sql("DROP TABLE projects;");
    site.run(&["plan", "-o", PLAN]).ends(8);
    let plan = site.planned();
    assert_eq!(plan.diagnosis.state, DatabaseState::HalfApplied);
    assert!(
        plan.steps.iter().all(|step| step.moves.iter().all(Move::touches_files)),
        "{:?}",
        plan.steps
    );
}

fn partial_migration(ground: &dyn Ground) {
    let record = "CREATE TABLE alembic_version (version_num VARCHAR(255) NOT NULL, PRIMARY KEY (version_num));
        INSERT INTO alembic_version VALUES ('004_codes');";
    let site = Site::with(ground, record);
    carry_through(&site, &refused(DatabaseState::PartialMigration));
    let site = Site::with(ground, record);
    let anew = ["backup_database", "drop_version_table", "run_migrations"];
    carry_through_with(
        &site,
        &expect(DatabaseState::PartialMigration, &anew, DatabaseState::Current),
        &["--reinitialize"],
    );
    let site = Site::with(ground, &(record.to_owned() + STRAYS));
    carry_through_with(&site, &refused(DatabaseState::PartialMigration), &["--reinitialize"]);
}

fn partial_schema(ground: &dyn Ground) {
    let without_projects = migrated("004_codes") + "DROP TABLE projects;";
    carry_through(&Site::with(ground, &without_projects), &refused(DatabaseState::PartialSchema));
}

fn behind(ground: &dyn Ground) {
    let rows = "INSERT INTO projects (id, name, owner_id) VALUES (1, 'roof', 1), (2, 'cellar', 1);";
    let site = Site::with(ground, &(migrated(MERGED) + rows));
    carry_through(&site, &expect(DatabaseState::Behind, MIGRATE, DatabaseState::Current));
}

fn current(ground: &dyn Ground) {
    let site = Site::with(ground, &migrated("004_codes"));
    carry_through(&site, &expect(DatabaseState::Current, &[], DatabaseState::Current));
}

/// Two heads, both on the way to the target.
fn diverged(ground: &dyn Ground) {
    let site = Site::with(ground, &migrated("002_projects"));
    carry_through(&site, &expect(DatabaseState::Diverged, MIGRATE, DatabaseState::Current));
    site.sql("INSERT INTO alembic_version VALUES ('001_users');");
    site.plan().ends(8).says(&["001_users"]);
}

/// The id of the merge does not fit into the column that older releases made.
fn version_column_too_narrow(ground: &dyn Ground) {
    let narrow = migrated("002_projects")
        .replace("VARCHAR(255) NOT NULL, PRIMARY", "VARCHAR(32) NOT NULL, PRIMARY");
    let kinds: &[&str] = if ground.engine().name == "sqlite" {
        MIGRATE // it does not hold columns to their width
    } else {
        &["backup_database", "widen_version_column", "run_migrations"]
    };
    carry_through(
        &Site::with(ground, &narrow),
        &expect(DatabaseState::Diverged, kinds, DatabaseState::Current),
    );
}

fn ahead(ground: &dyn Ground) {
    let site = Site::with(ground, &migrated("004_codes"));
    site.edit("ttplan.toml", "target = \"heads\"", &format!("target = [\"{MERGED}\"]"));
    carry_through(&site, &refused(DatabaseState::Ahead));
}

fn legacy(ground: &dyn Ground) {
    let site = Site::with(ground, &(migrated("004_codes") + "DROP TABLE alembic_version;"));
    carry_through(&site, &refused(DatabaseState::Legacy));
    let site = Site::with(ground, &(migrated("004_codes") + "DELETE FROM alembic_version;"));
    carry_through(&site, &refused(DatabaseState::Legacy));
}

fn corrupted(ground: &dyn Ground) {
    let drops = ["backup_database", "drop_view", "drop_table", "drop_table", "run_migrations"];
    carry_through(
        &Site::with(ground, STRAYS),
        &expect(DatabaseState::Corrupted, &drops, DatabaseState::Current),
    );
    let site = Site::with(ground, STRAYS);
    let (key, wish) = match ground.engine().name {
        "sqlite" => ("unexpected_on_sqlite = \"drop\"", "unexpected_on_sqlite = \"quarantine\""),
        _ => ("unexpected = \"drop\"", "unexpected = \"quarantine\""),
    };
    site.edit("ttplan.toml", key, wish);
    let quarantines = [
        "backup_database",
        "quarantine_table",
        "quarantine_table",
        "quarantine_table",
        "run_migrations",
    ];
    carry_through(&site, &expect(DatabaseState::Corrupted, &quarantines, DatabaseState::Current));
}

/// Kept by the configuration, by the application's own variable, or because somebody else owns
/// them.
fn strays_that_are_kept(ground: &dyn Ground) {
    let mut site = Site::with(ground, STRAYS);
    site.variables.insert("SHOP_SKIP_CLEANUP".into(), "true".into());
    carry_through(&site, &refused(DatabaseState::Corrupted));
    let site = Site::with(ground, STRAYS);
    site.edit(
        "ttplan.toml",
        "[tables.core]",
        "keep = [\"clients\", \"My Table; drop\"]\n[tables.core]",
    );
    carry_through(&site, &expect(DatabaseState::Fresh, MIGRATE, DatabaseState::Current));
}

/// No file yet: migrations make it. Undo takes out of it what is in it; a file that others may have
/// open by now is not taken away, and an empty one is as good to the application as none.
#[test]
fn sqlite_absent() {
    let site = Site::at(crate::ground::sqlite::SqliteGround.absent().unwrap());
    let plan = site.plan_and_sign(0);
    assert_eq!(plan.diagnosis.state, DatabaseState::Absent);
    assert!(!site.picture().is_there("app.db"), "planning made a file");
    site.apply().ends(0);
    assert!(site.picture().holds("004_codes"));
    site.undo().ends(0);
    assert!(!site.picture().holds("CREATE"), "{:?}", site.picture());
    site.plan().ends(0);
    assert_eq!(site.planned().diagnosis.state, DatabaseState::Fresh);
}

/// What cannot be looked at gives no plan at all.
#[test]
fn postgres_unreachable() {
    let mut site = Site::new(&crate::ground::postgres::PostgresGround);
    site.variables
        .insert("DATABASE_URL".into(), "postgresql://postgres@/x?host=/nowhere/at/all".into());
    site.plan().ends(1).complains(&["error:", "/nowhere/at/all"]);
    assert!(!site.path(PLAN).exists());
}

on_both!(
    fresh,
    foreign,
    unknown_revision,
    half_applied,
    partial_migration,
    partial_schema,
    behind,
    current,
    diverged,
    version_column_too_narrow,
    ahead,
    legacy,
    corrupted,
    strays_that_are_kept,
);
