//! A real PgBouncer in transaction mode, where there is one: it is recognised, and runs are refused
//! through it.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ttplan::engines::dialect::Sql;
use ttplan::engines::postgres::ENGINE;
use ttplan::error::Kind;
use ttplan::model::config::Access;

use crate::inspect;
use crate::support::{TestDatabase, as_servant, database};

/// A pooler before the test cluster; it ends with this.
struct PgBouncer {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl PgBouncer {
    /// Starts it; none where it is not installed.
    fn start(database: &TestDatabase, mode: &str) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(std::path::Path::new);
        let program = program.into_iter().find(|program| program.is_file())?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(
            folder.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "[databases]\n* = host={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = {mode}\nignore_startup_parameters = extra_float_digits\n",
            database.cluster.socket().display()
        );
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        let mut command: Command = as_servant(program);
        command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "pgbouncer does not listen");
            std::thread::yield_now();
        }
        Some(Self { child, port, _folder: folder })
    }

    fn access(&self, mut access: Access) -> Access {
        (access.database.host, access.database.port) = (Some("127.0.0.1".into()), Some(self.port));
        access.database.options.insert("sslmode".into(), "disable".into());
        access
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_pgbouncer_in_transaction_mode_is_refused_and_the_direct_way_works() {
    let database = database();
    database.psql("CREATE TABLE t (id integer)");
    let Some(bouncer) = PgBouncer::start(&database, "transaction") else {
        println!("skipped: there is no pgbouncer here (apt-get install pgbouncer)");
        return;
    };
    let access = bouncer.access(database.access());
    // Somebody else's work, so that several server connections are there to be mixed up.
    for _ in 0..3 {
        database.cluster.psql_through(bouncer.port, &database.name, "SELECT 1");
    }
    assert_eq!(
        inspect(&access).look().unwrap().schema.tables.len(),
        1,
        "looking needs no connection of its own"
    );
    let error = (ENGINE.change)(&access).err().expect("a shared connection was accepted");
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.hints()[0].contains("TTPLAN_MIGRATION_DATABASE_URL="), "{:?}", error.hints());
    let mut direct = (ENGINE.change)(&database.access()).unwrap();
    direct.lock(Duration::ZERO).unwrap();
    direct.begin().unwrap();
    direct.execute(&Sql::shipped("DROP TABLE public.t")).unwrap();
    direct.commit().unwrap();
    assert_eq!(inspect(&access).look().unwrap().schema.tables.len(), 0);
}
