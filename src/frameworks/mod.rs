//! SHELF: one file per migration framework, one line each in [`ALL`].
//!
//! A framework is a record of names and pure functions: it is handed the sources and makes the
//! neutral [`Revisions`] of them. It opens nothing, runs nothing and decides nothing.

use rayon::prelude::*;

use crate::model::database::revisions::Revisions;
use crate::model::database::schema::Table;
use crate::model::names::{Digest, FilePath};
use crate::stores::store::ScriptFile;

pub mod alembic;
pub mod python;

/// All frameworks.
pub const ALL: &[&Framework] = &[&alembic::FRAMEWORK];

/// One migration framework.
pub struct Framework {
    /// Its name in configurations, observations and plans.
    pub name: &'static str,
    /// The table and the column in which it records how far the migrations have been run.
    pub book_table: &'static str,
    pub book_column: &'static str,
    /// How many characters the column holds as the framework creates it.
    pub book_width: u32,
    /// The directory whose whole tree takes part in migrations (scripts, environment, settings),
    /// given the configured directory of the scripts. Both are plain absolute paths.
    pub tree: fn(directory: &FilePath) -> FilePath,
    /// Reads the configured directory of scripts from all the sources below its
    /// [`tree`](Self::tree), whose paths are relative to that tree. Never fails: what is not
    /// understood is in [`Revisions::unread`]. Files in the result are named relative to
    /// `directory`; its digest is [`digest`] of all the sources, so every file of the tree takes
    /// part in it, while only those that the framework itself would load are read as scripts. A
    /// directory that is missing is not read at all; its digest is null.
    pub read: fn(directory: &FilePath, sources: &[ScriptFile]) -> Revisions,
    /// What an interrupted migration left behind, told by the name of a table.
    pub leftover: fn(table: &str) -> Option<Leftover<'_>>,
    /// The SQL of each revision in a script of the framework's offline mode, in order.
    pub offline: fn(script: &str) -> Vec<(String, String)>,
    /// The command with which people join several heads into one.
    pub merge: fn(heads: &[String]) -> String,
}

impl Framework {
    /// How many characters the book's column needs for the ids of these scripts; never less
    /// than the framework gives it.
    pub fn needed_width(&self, revisions: &Revisions) -> u32 {
        let longest =
            revisions.scripts.iter().map(|script| script.id.chars().count()).max().unwrap_or(0);
        u32::try_from(longest).unwrap_or(u32::MAX).max(self.book_width)
    }
}

/// A table that a migration makes for its own use and removes before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leftover<'a> {
    /// The name of the table it was a copy of, or only the beginning of that name.
    pub of: &'a str,
    /// Whether the name may have been cut off, so that `of` is only a beginning.
    pub cut: bool,
}

impl Leftover<'_> {
    /// Whether it can be a copy of this table.
    pub fn is_copy_of(&self, table: &str) -> bool {
        if self.cut { table.starts_with(self.of) } else { table == self.of }
    }
}

/// The framework of that name.
pub fn by_name(name: &str) -> Option<&'static Framework> {
    ALL.iter().copied().find(|framework| framework.name == name)
}

/// What binds a plan to the sources as they were: SHA-256 over one line for each file,
/// `path NUL size NUL sha256 LF`, the lines in bytewise order. The size is decimal, the
/// file's own SHA-256 lower-case hexadecimal. No name or content can imitate another list.
pub fn digest(sources: &[ScriptFile]) -> Digest {
    let line = |source: &ScriptFile| {
        let rest = format!("\0{}\0{}\n", source.content.len(), Digest::of(&source.content));
        [source.path.as_bytes(), rest.as_bytes()].concat()
    };
    let mut lines: Vec<Vec<u8>> = sources.par_iter().map(line).collect();
    lines.sort_unstable();
    Digest::of(lines.concat())
}

/// A table in which some other tool records what it has run.
pub struct KnownVersionTable {
    pub table: &'static str,
    /// Columns that must be there too, since some of the names are anybody's.
    pub columns: &'static [&'static str],
    /// The tool, or the tools, in words.
    pub tool: &'static str,
}

/// The books of tools that are not on this shelf; of two with one name the first that fits counts.
/// Names and columns as the tools' own documentation or sources create them.
pub const OTHER_BOOKS: &[KnownVersionTable] = &[
    other("__EFMigrationsHistory", &["MigrationId", "ProductVersion"], "Entity Framework Core"),
    other("__MigrationHistory", &["MigrationId", "ContextKey", "Model"], "Entity Framework"),
    other("__diesel_schema_migrations", &["version", "run_on"], "Diesel"),
    other("__drizzle_migrations", &["hash", "created_at"], "Drizzle"),
    other("_prisma_migrations", &["checksum", "migration_name", "applied_steps_count"], "Prisma"),
    other("_sqlx_migrations", &["version", "description", "checksum"], "SQLx"),
    other("_yoyo_migration", &["migration_hash", "migration_id"], "yoyo"),
    other("aerich", &["version", "app", "content"], "Aerich"),
    other("databasechangelog", &["author", "filename", "md5sum"], "Liquibase"),
    other("django_migrations", &["app", "name", "applied"], "Django"),
    other("doctrine_migration_versions", &["version", "executed_at"], "Doctrine"),
    other("flyway_schema_history", &["installed_rank", "version", "checksum"], "Flyway"),
    other("goose_db_version", &["version_id", "is_applied"], "goose"),
    other("knex_migrations", &["name", "batch", "migration_time"], "Knex"),
    other(
        "migrate_version",
        &["repository_id", "repository_path", "version"],
        "SQLAlchemy-Migrate",
    ),
    other("migration_versions", &["version", "executed_at"], "Doctrine"),
    other("migrations", &["migration", "batch"], "Laravel"),
    other("migrations", &["timestamp", "name"], "TypeORM"),
    other("mikro_orm_migrations", &["name", "executed_at"], "MikroORM"),
    other("pgmigrations", &["name", "run_on"], "node-pg-migrate"),
    other("phinxlog", &["version", "migration_name", "start_time"], "Phinx"),
    other("refinery_schema_history", &["version", "applied_on", "checksum"], "Refinery"),
    other("schema_migrations", &["version", "dirty"], "golang-migrate"),
    other("schema_migrations", &["version", "inserted_at"], "Ecto"),
    other("schema_migrations", &["version"], "Rails or dbmate"),
    other("schema_version", &["installed_rank", "version", "checksum"], "Flyway"),
    other("SequelizeMeta", &["name"], "Sequelize"),
    other("south_migrationhistory", &["app_name", "migration"], "South"),
];

const fn other(
    table: &'static str,
    columns: &'static [&'static str],
    tool: &'static str,
) -> KnownVersionTable {
    KnownVersionTable { table, columns, tool }
}

/// The tool whose book this table is, unless it is the book of the framework named `system`.
/// Letter case does not matter: some tools write their names in capitals where the engine lets
/// them.
pub fn other_tool(system: Option<&str>, table: &Table) -> Option<&'static str> {
    let has = |column: &str| table.columns.iter().any(|own| own.name.eq_ignore_ascii_case(column));
    let is = |name: &str| table.name.eq_ignore_ascii_case(name);
    let own = ALL.iter().find(|framework| is(framework.book_table) && has(framework.book_column));
    match own {
        Some(framework) => (Some(framework.name) != system).then_some(framework.name),
        None => OTHER_BOOKS
            .iter()
            .find(|book| is(book.table) && book.columns.iter().all(|column| has(column)))
            .map(|book| book.tool),
    }
}
