//! The database of a site under test: put back to its beginning as often as wanted, always under
//! the same identity, and shown as text.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::ground::{cluster, sqlite};

/// One database and its beginning.
pub enum World {
    Postgres { database: cluster::TestDatabase, template: String, number: u32 },
    Sqlite { path: PathBuf, beginning: Vec<u8> },
}

/// The engines under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Postgres,
    Sqlite,
}

impl Engine {
    pub const ALL: [Self; 2] = [Self::Postgres, Self::Sqlite];
}

impl World {
    /// Makes a database on which these statements ran; on this cluster, where the engine needs one.
    pub fn make(
        cluster: fn() -> &'static cluster::Cluster,
        engine: Engine,
        directory: &Path,
        statements: &str,
    ) -> Self {
        match engine {
            Engine::Postgres => {
                // Far above what a small cluster gives by itself.
                static NUMBER: AtomicU32 = AtomicU32::new(3_000_000_000);
                let database = cluster().database();
                let template = format!("{}_t", database.name);
                database.psql(statements);
                database.cluster.psql(
                    "postgres",
                    &format!("CREATE DATABASE {template} TEMPLATE {}", database.name),
                );
                Self::Postgres {
                    database,
                    template,
                    number: NUMBER.fetch_add(1, Ordering::Relaxed),
                }
            }
            Engine::Sqlite => {
                let path = directory.join("app.db");
                std::fs::write(&path, "").unwrap();
                let mut client = sqlite::SqliteClient::open(&path, &[]);
                client.ask(statements);
                drop(client);
                let beginning = std::fs::read(&path).unwrap();
                Self::Sqlite { path, beginning }
            }
        }
    }

    /// Puts it back to its beginning.
    pub fn reset(&self) {
        match self {
            Self::Postgres { database, template, number } => {
                let name = &database.name;
                database.cluster.psql(
                    "postgres",
                    &format!(
                        "DROP DATABASE IF EXISTS {name} WITH (FORCE);\n\
                         CREATE DATABASE {name} TEMPLATE {template} OID = {number}"
                    ),
                );
            }
            Self::Sqlite { path, beginning } => {
                for suffix in ["-journal", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
                }
                std::fs::write(path, beginning).unwrap();
            }
        }
    }

    /// Runs statements by the engine's own client.
    pub fn sql(&self, statements: &str) {
        match self {
            Self::Postgres { database, .. } => drop(database.psql(statements)),
            Self::Sqlite { path, .. } => {
                drop(sqlite::SqliteClient::open(path, &[]).ask(statements));
            }
        }
    }

    /// All definitions and rows as text, rows in no order: a server gives none.
    pub fn dump(&self) -> String {
        match self {
            Self::Postgres { database, .. } => rows_sorted(&database.dump()),
            Self::Sqlite { path, .. } => sqlite::dump(path),
        }
    }

    /// The URL as an operator would give it.
    pub fn url(&self) -> String {
        match self {
            Self::Postgres { database, .. } => database.access().url.reveal().to_owned(),
            Self::Sqlite { path, .. } => format!("sqlite:///{}", path.display()),
        }
    }

    /// Files that belong to the database itself.
    pub fn owns(&self, file: &Path) -> bool {
        match self {
            Self::Postgres { .. } => false,
            Self::Sqlite { path, .. } => {
                file.to_string_lossy().starts_with(&*path.to_string_lossy())
            }
        }
    }
}

/// A `pg_dump` with the rows of each table sorted.
fn rows_sorted(dump: &str) -> String {
    let mut lines: Vec<&str> = dump.lines().collect();
    let mut rest = &mut lines[..];
    while let Some(start) = rest.iter().position(|line| line.starts_with("COPY ")) {
        let rows = &mut rest[start + 1..];
        let end = rows.iter().position(|line| *line == "\\.").unwrap();
        rows[..end].sort_unstable();
        rest = &mut rows[end..];
    }
    lines.join("\n")
}

impl Drop for World {
    fn drop(&mut self) {
        if let Self::Postgres { database, template, .. } = self {
            let name = &database.name;
            let drop = format!(
                "DROP DATABASE IF EXISTS {name} WITH (FORCE);\nDROP DATABASE IF EXISTS {template}"
            );
            database.cluster.psql("postgres", &drop);
        }
    }
}
