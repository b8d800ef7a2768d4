//! SQLite databases for tests, worked on by the `sqlite3` program.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::TempDir;
use ttplan::engines::by_name;
use ttplan::engines::engine::Engine;
use ttplan::model::config::{Access, Database, Wait};
use ttplan::model::names::Secret;

use crate::ground::{Client, Ground, TestDatabase};

pub struct SqliteGround;

/// A database file in a directory of its own.
pub struct SqliteDatabase {
    folder: TempDir,
    pub path: PathBuf,
}

/// Everything that a table can have and that is easily lost.
pub const MIXED: &str = r#"
    CREATE TABLE first (a);
    CREATE TABLE plain (v, w TEXT, r REAL, n NUMERIC);
    INSERT INTO plain (rowid, v, w, r, n) VALUES (-5, 1, 1, 1, '1.50'), (9, 1.0, '', -0.0, 9223372036854775807),
        (12, '1', NULL, 9e999, 'x'), (4000000000, x'00ff', 'nul' || char(0) || 'tail', 0.1, x''),
        (4000000001, CAST(x'c328ff' AS TEXT), CAST(x'ff' AS TEXT), NULL, 1e300), (4000000002, x'', x'61', 2, '');
    CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, o INT REFERENCES plain (rowid));
    INSERT INTO numbered (id) VALUES (5), (90); DELETE FROM numbered WHERE id = 90;
    CREATE TABLE other_numbers (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO other_numbers VALUES (3);
    CREATE TABLE keyed (a TEXT, b INT, PRIMARY KEY (b, a)) WITHOUT ROWID;
    INSERT INTO keyed VALUES ('z', 1), ('a', 2);
    CREATE TABLE exact (a ANY, b BLOB, c INTEGER) STRICT; INSERT INTO exact VALUES ('1', x'', 1), (1.5, x'01', NULL);
    CREATE TABLE computed (a INT, twice INT AS (a * 2) STORED, thrice AS (a * 3), b TEXT UNIQUE);
    INSERT INTO computed (a, b) VALUES (1, 'x'), (NULL, 'y');
    CREATE TABLE shadowed (rowid TEXT, _rowid_ INT, "oid" BLOB); INSERT INTO shadowed VALUES ('a', 2, 3), ('b', NULL, 1);
    CREATE TABLE "sel""ect; --" ("a "" b" COLLATE NOCASE, 'c' DEFAULT 'it''s', [d e] CHECK ([d e] < 9));
    INSERT INTO "sel""ect; --" VALUES ('A', 1, 2), ('a', NULL, 3);
    CREATE INDEX partly ON plain (lower(w), n DESC) WHERE w IS NOT NULL;
    CREATE UNIQUE INDEX "odd index" ON "sel""ect; --" ("a "" b" COLLATE BINARY);
    CREATE TRIGGER noted AFTER INSERT ON plain BEGIN INSERT INTO first VALUES (CASE WHEN new.w THEN 1 END); END;
    CREATE VIEW seen AS SELECT p.w, k.a FROM plain p, keyed k;
    CREATE TRIGGER through INSTEAD OF INSERT ON seen BEGIN INSERT INTO plain (w) VALUES (new.w); END;
    CREATE TABLE last (a);
    ANALYZE;
"#;

impl Ground for SqliteGround {
    fn engine(&self) -> &'static Engine {
        by_name("sqlite").unwrap()
    }

    fn database(&self) -> Box<dyn TestDatabase> {
        Box::new(SqliteDatabase::empty())
    }

    fn absent(&self) -> Option<Box<dyn TestDatabase>> {
        Some(Box::new(SqliteDatabase::absent()))
    }
}

impl SqliteDatabase {
    pub fn absent() -> Self {
        Self::in_folder(tempfile::Builder::new().prefix("ttplan test ").tempdir().unwrap())
    }

    /// In a folder that is this database's own.
    pub fn in_folder(folder: TempDir) -> Self {
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
        path: Default::default(),
        programs: Default::default(),
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
            assert_ne!(
                self.output.read_line(&mut line).unwrap(),
                0,
                "sqlite3 ended at: {statements}"
            );
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
