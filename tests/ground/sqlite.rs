//! SQLite databases for tests, worked on by the `sqlite3` program.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::TempDir;
use ttplan::live::engines::{Engine, by_name};
use ttplan::model::config::{Access, Database, Wait};
use ttplan::model::names::Secret;

use crate::ground::{Client, Ground, TestDatabase};

pub struct SqliteGround;

/// A database file in a directory of its own.
pub struct SqliteDatabase {
    folder: TempDir,
    pub path: PathBuf,
}

impl Ground for SqliteGround {
    fn engine(&self) -> &'static Engine {
        by_name("sqlite").unwrap()
    }

    fn database(&self) -> Box<dyn TestDatabase> {
        Box::new(SqliteDatabase::empty())
    }

    fn absent(&self) -> Box<dyn TestDatabase> {
        Box::new(SqliteDatabase::absent())
    }
}

impl SqliteDatabase {
    pub fn absent() -> Self {
        let folder = tempfile::Builder::new().prefix("ttplan test ").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let path = folder.path().join("data/app.db");
        Self { folder, path }
    }

    pub fn empty() -> Self {
        let database = Self::absent();
        std::fs::write(&database.path, "").unwrap();
        database
    }

    /// A database on which these statements ran.
    pub fn with(statements: &str) -> Self {
        let database = Self::empty();
        database.sql(statements);
        database
    }

    /// A copy of the database file `original`.
    pub fn copy_of(original: &Path) -> Self {
        let database = Self::absent();
        // Not `fs::copy`, which would keep it read-only.
        std::fs::write(&database.path, std::fs::read(original).unwrap()).unwrap();
        database
    }

    /// What statements print, as the program prints it.
    pub fn ask(&self, statements: &str) -> String {
        run(&self.path, statements)
    }

    /// Somebody else's open connection.
    pub fn client(&self) -> SqliteClient {
        SqliteClient::open(&self.path, &[])
    }

    pub fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.path.display()))
    }
}

impl TestDatabase for SqliteDatabase {
    fn access(&self) -> Access {
        access(&self.path)
    }

    fn sql(&self, statements: &str) {
        run(&self.path, statements);
    }

    fn sql_at(&self, url: &str, statements: &str) {
        run(Path::new(url.strip_prefix("sqlite:///").unwrap()), statements);
    }

    fn dump(&self) -> String {
        dump(&self.path)
    }

    fn other_client(&self) -> Box<dyn Client> {
        Box::new(self.client())
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The address of a database file, as a configuration would settle it.
pub fn access(path: &Path) -> Access {
    Access {
        database: Database {
            engine: "sqlite".into(),
            host: None,
            port: None,
            user: None,
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            path: Some(path.into()),
            options: Default::default(),
            wait: Wait { attempts: 1, delay_seconds: 0, timeout_seconds: 1 },
        },
        password: None,
        url: Secret::new(format!("sqlite:///{}", path.display())),
    }
}

/// All of a database as text.
pub fn dump(path: &Path) -> String {
    run(path, ".dump\n")
}

/// Runs statements with the `sqlite3` program; it stops at the first error.
fn run(path: &Path, statements: &str) -> String {
    let mut child = Command::new("sqlite3")
        .args(["-batch", "-bail"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tests of SQLite need the program `sqlite3`");
    // It may end at an error before it has read all.
    let _ = child.stdin.take().unwrap().write_all(statements.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "sqlite3 {}: {said}\n{statements}", path.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A running `sqlite3`.
pub struct SqliteClient {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl SqliteClient {
    /// Returns when the file is open.
    pub fn open(path: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new("sqlite3")
            .args(["-batch", "-bail"])
            .args(arguments)
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the tests of SQLite need the program `sqlite3`");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut client = Self { child, input, output };
        client.ask("SELECT count(*) FROM sqlite_schema;");
        client
    }

    /// Runs statements and returns what they print.
    pub fn ask(&mut self, statements: &str) -> String {
        let input = self.input.as_mut().unwrap();
        write!(input, "{statements}\n.print --end--\n").unwrap();
        input.flush().unwrap();
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "sqlite3 ended at: {statements}");
            if line == "--end--\n" {
                return said;
            }
            said += &line;
        }
    }

    /// Ends it without letting it tidy up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Client for SqliteClient {
    fn sql(&mut self, statements: &str) {
        self.ask(statements);
    }
}

impl Drop for SqliteClient {
    fn drop(&mut self) {
        drop(self.input.take());
        self.child.wait().unwrap();
    }
}
