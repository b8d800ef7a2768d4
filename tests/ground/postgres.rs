//! PostgreSQL databases for tests, worked on by the `psql` program.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use tempfile::TempDir;
use ttplan::engines::by_name;
use ttplan::engines::engine::Engine;
use ttplan::model::config::Access;

use crate::ground::cluster::{self, TestDatabase as Database};
use crate::ground::{Client, Ground, TestDatabase};

pub struct PostgresGround;

/// A database of the private cluster, and a directory beside it.
pub struct PostgresDatabase {
    folder: TempDir,
    pub database: Database,
}

impl Ground for PostgresGround {
    fn engine(&self) -> &'static Engine {
        by_name("postgres").unwrap()
    }

    fn database(&self) -> Box<dyn TestDatabase> {
        Box::new(PostgresDatabase::empty())
    }

    fn absent(&self) -> Option<Box<dyn TestDatabase>> {
        None
    }
}

impl PostgresDatabase {
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: cluster::database() }
    }
}

impl TestDatabase for PostgresDatabase {
    fn access(&self) -> Access {
        self.database.access()
    }

    fn sql(&self, statements: &str) {
        self.database.psql(statements);
    }

    fn sql_at(&self, url: &str, statements: &str) {
        assert_eq!(url, self.access().url.reveal(), "migrations run in place");
        self.database.psql(statements);
    }

    fn dump(&self) -> String {
        self.database.dump()
    }

    fn other_client(&self) -> Box<dyn Client> {
        Box::new(PsqlClient::open(&self.database))
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A running `psql`.
struct PsqlClient {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl PsqlClient {
    /// Returns when it is connected.
    fn open(database: &Database) -> Self {
        let mut psql = database.cluster.client("psql", &database.name);
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = psql.spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut client = Self { child, input, output };
        client.sql("SELECT 1;");
        client
    }
}

impl Client for PsqlClient {
    fn sql(&mut self, statements: &str) {
        let input = self.input.as_mut().unwrap();
        write!(input, "{statements}\n\\echo --end--\n").unwrap();
        input.flush().unwrap();
        let mut line = String::new();
        while line != "--end--\n" {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "psql ended at: {statements}");
        }
    }
}

impl Drop for PsqlClient {
    fn drop(&mut self) {
        drop(self.input.take());
        self.child.wait().unwrap();
    }
}
