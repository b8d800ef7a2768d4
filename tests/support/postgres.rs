//! A private PostgreSQL for tests: one throwaway cluster per test binary, one database per test.
//!
//! The cluster listens on a socket in its own directory and nowhere else. It ends with the test
//! process, however that ends, because a watchdog waits for the end of a pipe that only we hold.
//! Where PostgreSQL is not installed every test that wants it fails and says what to install.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may fail")]

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use ttplan::model::client_programs::ClientPrograms;
use ttplan::model::config::{Access, Database, Wait};
use ttplan::model::names::Secret;

const SETTINGS: &str = "
listen_addresses = ''
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 16MB
autovacuum = off
max_connections = 150
max_prepared_transactions = 5
";

/// Roles whose name starts with `secret_` need a password; all others are believed.
const ACCESS_RULES: &str = "
local all /^secret_ scram-sha-256
local all secret_keeper scram-sha-256
local all all trust
";

/// The one cluster of this test binary.
pub struct Cluster {
    programs: PathBuf,
    directory: PathBuf,
    knows_restrict_key: bool,
    /// Its end is the end of the cluster.
    _watchdog: Child,
}

/// One database of the cluster, for one test.
pub struct TestDatabase {
    pub cluster: &'static Cluster,
    pub name: String,
}

/// The cluster, started by whoever asks first.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

/// A cluster that its test may restart: nobody else is on it.
pub fn cluster_of_its_own() -> &'static Cluster {
    Box::leak(Box::new(Cluster::start()))
}

/// A new, empty database.
pub fn database() -> TestDatabase {
    cluster().database()
}

impl Cluster {
    /// A new, empty database.
    pub fn database(&'static self) -> TestDatabase {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
        TestDatabase { cluster: self, name }
    }

    /// Lets the server fall, as a crash does, and starts it again.
    pub fn crash_and_restart(&self) {
        let mut restart = as_servant(&self.programs.join("pg_ctl"));
        restart
            .arg("-D")
            .arg(self.directory.join("data"))
            .arg("-l")
            .arg(self.directory.join("log"));
        restart
            .args(["-w", "-m", "immediate", "restart"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        assert!(restart.status().unwrap().success(), "the cluster does not come back");
    }

    fn start() -> Self {
        let programs = programs();
        let directory = tempfile::Builder::new().prefix("ttpg").tempdir_in("/tmp").unwrap().keep();
        if let Some((uid, gid)) = servant() {
            std::os::unix::fs::chown(&directory, Some(uid), Some(gid)).unwrap();
        }
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700)).unwrap();
        let data = directory.join("data");
        let mut watchdog = as_servant(Path::new("/bin/sh"));
        watchdog
            .arg("-c")
            .arg("cat >/dev/null; \"$0\" -D \"$1/data\" -m immediate stop; rm -rf \"$1\"");
        watchdog.arg(programs.join("pg_ctl")).arg(&directory).current_dir("/");
        watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let watchdog = watchdog.spawn().unwrap();

        let mut initdb = as_servant(&programs.join("initdb"));
        initdb
            .args(["--no-sync", "--locale=C", "-E", "UTF8", "-U", "postgres", "--auth=trust", "-D"])
            .arg(&data);
        must(&initdb.output().unwrap());
        append(&data.join("postgresql.conf"), SETTINGS);
        append(
            &data.join("postgresql.conf"),
            &format!("unix_socket_directories = '{}'\n", directory.display()),
        );
        std::fs::write(data.join("pg_hba.conf"), ACCESS_RULES).unwrap();
        let mut start = as_servant(&programs.join("pg_ctl"));
        start.arg("-D").arg(&data).arg("-l").arg(directory.join("log")).args(["-w", "start"]);
        // Not a pipe: the server would keep it open.
        assert!(
            start.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success(),
            "no cluster"
        );

        let help = must(&Command::new(programs.join("pg_dump")).arg("--help").output().unwrap());
        Self {
            programs,
            directory,
            knows_restrict_key: help.contains("--restrict-key"),
            _watchdog: watchdog,
        }
    }

    /// Where the client programs are.
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// The same as a host names them: ttplan finds none along `PATH`.
    pub fn client_programs(&self) -> ClientPrograms {
        ClientPrograms {
            pg_dump: Some(self.programs.join("pg_dump").into()),
            pg_restore: Some(self.programs.join("pg_restore").into()),
        }
    }

    /// The directory of the socket.
    pub fn socket(&self) -> &Path {
        &self.directory
    }

    /// A client program, told how to reach a database as the superuser.
    pub fn client(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.arg("-h").arg(&self.directory).args(["-U", "postgres", "-d", database]);
        command.env("LC_ALL", "C");
        command
    }

    /// Runs SQL as the superuser; gives the rows, columns parted by `|`.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        run_psql(self.client("psql", database), sql)
    }

    /// The same through something that listens on a port of this machine.
    pub fn psql_through(&self, port: u16, database: &str, sql: &str) -> String {
        let mut psql = self.client("psql", database);
        psql.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        psql.env("PGSSLMODE", "disable").env("PGGSSENCMODE", "disable");
        run_psql(psql, sql)
    }

    /// What `pg_restore` finds in a file.
    pub fn restore_list(&self, file: &Path) -> String {
        must(
            &Command::new(self.programs.join("pg_restore"))
                .arg("--list")
                .arg(file)
                .output()
                .unwrap(),
        )
    }

    /// What `pg_dump` writes with these arguments, always the same for the same database.
    pub fn dump(&self, database: &str, args: &[&str]) -> String {
        let mut dump = self.client("pg_dump", database);
        if self.knows_restrict_key {
            dump.arg("--restrict-key=x");
        }
        must(&dump.args(args).output().unwrap())
    }
}

impl TestDatabase {
    /// Runs SQL as the superuser; gives the rows, columns parted by `|`.
    pub fn psql(&self, sql: &str) -> String {
        self.cluster.psql(&self.name, sql)
    }

    /// Loads an SQL file as the superuser.
    pub fn load(&self, path: &Path) {
        self.psql(&std::fs::read_to_string(path).unwrap());
    }

    /// The whole database as text.
    pub fn dump(&self) -> String {
        self.cluster.dump(&self.name, &[])
    }

    /// How to reach it as the superuser.
    pub fn access(&self) -> Access {
        self.access_as("postgres")
    }

    /// How to reach it as another role.
    pub fn access_as(&self, user: &str) -> Access {
        Access {
            database: Database {
                engine: "postgres".to_owned(),
                host: Some(self.cluster.socket().display().to_string()),
                port: Some(5432),
                user: Some(user.to_owned()),
                name: self.name.clone(),
                path: None,
                options: BTreeMap::new(),
                wait: Wait { attempts: 1, delay_seconds: 0, timeout_seconds: 10 },
            },
            password: None,
            url: Secret::new(format!(
                "postgresql://{user}@/{}?host={}",
                self.name,
                self.cluster.socket().display()
            )),
            path: std::env::var_os("PATH").unwrap_or_default(),
            programs: self.cluster.client_programs(),
        }
    }
}

fn run_psql(mut psql: Command, sql: &str) -> String {
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"]);
    psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = psql.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let sql = sql.to_owned();
    let writer = std::thread::spawn(move || input.write_all(sql.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join();
    must(&output)
}

fn must(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn append(path: &Path, text: &str) {
    std::fs::OpenOptions::new()
        .append(true)
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

/// The directory of the server's programs.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versioned = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = versioned.map(|entry| entry.path().join("bin")).collect();
    places.sort();
    places.reverse();
    let found = std::env::split_paths(&path).chain(places).find(|place| {
        ["initdb", "pg_ctl", "pg_dump", "psql"].iter().all(|program| place.join(program).is_file())
    });
    found.expect("these tests need a PostgreSQL server: apt-get install postgresql")
}

/// Whom the server runs as where we are root, whom it refuses.
fn servant() -> Option<(u32, u32)> {
    let me = std::fs::metadata("/proc/self")
        .map(|meta| std::os::unix::fs::MetadataExt::uid(&meta))
        .unwrap();
    if me != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let line =
        line.expect("as root these tests need a user `postgres`: apt-get install postgresql");
    let fields: Vec<&str> = line.split(':').collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

/// A program that is run as the server is.
pub fn as_servant(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C");
    if let Some((uid, gid)) = servant() {
        command.uid(uid).gid(gid);
    }
    command
}
