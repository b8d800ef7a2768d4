//! Reaching a server, and not reaching it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ttplan::engines::database::RowQuery;
use ttplan::engines::postgres::ENGINE;
use ttplan::error::{Error, Kind};
use ttplan::model::config::Access;
use ttplan::model::names::{ObjectRef, Secret};

use crate::support::database;
use crate::{inspect, roles};

fn refused(access: &Access) -> Error {
    let error = (ENGINE.inspect)(access).err().expect("the connection came about");
    assert!(!format!("{error} {:?}", error.hints()).contains("s3cret"), "{error}");
    error
}

#[test]
fn each_failure_has_its_sentence() {
    roles();
    let database = database();
    let with = |change: &dyn Fn(&mut Access)| {
        let mut access = database.access();
        change(&mut access);
        refused(&access)
    };
    let error = with(&|access| access.database.host = Some("/nonexistent".into()));
    assert_eq!(
        error.message(),
        "the database server at `/nonexistent/.s.PGSQL.5432` does not answer"
    );
    assert!(error.is_transient() && error.kind() == Kind::Unreachable);

    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = with(&|access| {
        (access.database.host, access.database.port) = (Some("127.0.0.1".into()), Some(unused));
    });
    assert!(error.is_transient() && error.message().contains("does not answer"), "{error}");
    assert!(
        error.hints()[0].starts_with("see whether it runs: pg_isready -d 'dbname="),
        "{:?}",
        error.hints()
    );

    let error = with(&|access| access.database.name = "no such".into());
    assert!(error.message().starts_with("database `no such` does not exist at"), "{error}");
    assert_eq!(
        (error.is_transient(), error.hints()),
        (false, &["createdb 'no such'".to_owned()][..])
    );

    let error = with(&|access| access.database.user = Some("nobody_here".into()));
    assert!(
        !error.is_transient() && error.message().contains("does not let `nobody_here` into"),
        "{error}"
    );

    let keeper = |password: Option<&str>| {
        let mut access = database.access_as("secret_keeper");
        access.password = password.map(Secret::new);
        access
    };
    let error = refused(&keeper(Some("s3cret but wrong")));
    assert!(
        !error.is_transient()
            && error.message().contains("refuses the password of `secret_keeper`"),
        "{error}"
    );
    let error = refused(&keeper(None));
    assert!(
        !error.is_transient() && error.message().contains("wants a password of `secret_keeper`"),
        "{error}"
    );
    inspect(&keeper(Some("s3cret: \\x")));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let stranger = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let error = with(&|access| {
        (access.database.host, access.database.port) = (Some("127.0.0.1".into()), Some(port));
    });
    assert!(error.message().contains("is no PostgreSQL server"), "{error}");
    stranger.join().unwrap();
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let database = database();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut access = database.access();
    access.database.host = Some("127.0.0.1".into());
    access.database.port = Some(listener.local_addr().unwrap().port());
    access.database.options.insert("connect_timeout".into(), "1".into());
    let error = refused(&access);
    assert!(error.is_transient() && error.to_string().contains("no answer within 1 s"), "{error}");
}

#[test]
fn encryption_is_used_where_offered_and_missed_where_required() {
    let database = database();
    let proxy = Proxy::to(database.cluster.socket().join(".s.PGSQL.5432"));
    let access = |mode: Option<&str>| {
        let mut access = proxy.access(database.access());
        access.database.options.extend(mode.map(|mode| ("sslmode".to_owned(), mode.to_owned())));
        access
    };
    inspect(&access(None));
    inspect(&access(Some("prefer")));
    inspect(&access(Some("disable")));
    let error = refused(&access(Some("require")));
    assert!(
        !error.is_transient()
            && error.message().starts_with("no encrypted connection to `127.0.0.1:"),
        "{error}"
    );
    assert!(error.to_string().contains("server does not support TLS"), "{error}");
}

#[test]
fn looking_takes_few_round_trips_whatever_the_number_of_tables() {
    let database = database();
    let proxy = Proxy::to(database.cluster.socket().join(".s.PGSQL.5432"));
    let mut access = proxy.access(database.access());
    access.database.options.insert("sslmode".into(), "disable".into());
    let trips = |questions: &[RowQuery]| {
        let before = proxy.trips.load(Ordering::SeqCst);
        let mut engine = inspect(&access);
        engine.look().unwrap();
        engine.ask(questions).unwrap();
        drop(engine);
        proxy.trips.load(Ordering::SeqCst) - before
    };
    let empty = trips(&[]);
    // One to connect, two to begin, one to look.
    assert_eq!(empty, 4);
    database.psql(
        "DO $$ BEGIN FOR i IN 1..50 LOOP \
        EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, x int UNIQUE)', i); END LOOP; END $$",
    );
    let questions: Vec<RowQuery> =
        (1..=50).map(|i| RowQuery::Count(ObjectRef::table("public", format!("t{i}")))).collect();
    assert_eq!(trips(&questions), empty + 1);
}

#[test]
fn a_pooler_that_shares_connections_may_be_looked_through_and_not_changed_through() {
    let database = database();
    let proxy = pooler(database.cluster.socket().join(".s.PGSQL.5432"));
    let mut access = database.access();
    (access.database.host, access.database.port) = (Some("127.0.0.1".into()), Some(proxy));
    access.database.options.insert("sslmode".into(), "disable".into());
    inspect(&access).look().unwrap();
    let error = (ENGINE.change)(&access).err().expect("a shared connection was accepted");
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.hints()[0].contains("TTPLAN_MIGRATION_DATABASE_URL="), "{:?}", error.hints());
    // Nothing was set that the next user of the connection would feel.
    let felt = database.cluster.psql_through(
        proxy,
        &database.name,
        "SHOW row_security; SHOW jit; SHOW transaction_read_only",
    );
    assert_eq!(felt, "on\non\noff\n");
}

type Shared = (UnixStream, Vec<u8>);

/// A pooler in transaction mode with a single server connection, reached by a port.
fn pooler(socket: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        // The server, and what it said when it was reached.
        let shared: Arc<Mutex<Option<Shared>>> = Arc::default();
        for client in listener.incoming() {
            let (mut client, shared, socket) =
                (client.unwrap(), Arc::clone(&shared), socket.clone());
            std::thread::spawn(move || -> Option<()> {
                let start = message(&mut client, false)?;
                let welcome = {
                    let mut server = shared.lock().unwrap();
                    let (_, welcome) = server.get_or_insert_with(|| {
                        let mut server = UnixStream::connect(socket).unwrap();
                        server.write_all(&start).unwrap();
                        let welcome = until_ready(&mut server).unwrap().0;
                        (server, welcome)
                    });
                    welcome.clone()
                };
                client.write_all(&welcome).ok()?;
                loop {
                    let first = request(&mut client)?;
                    // Held until the transaction is over, and ended for a client that just goes.
                    let mut server = shared.lock().unwrap();
                    let server = &mut server.as_mut().unwrap().0;
                    let mut asked = Some(first);
                    let mut status = b'I';
                    while let Some(bytes) = asked {
                        server.write_all(&bytes).ok()?;
                        let (answer, now) = until_ready(server)?;
                        let _ = client.write_all(&answer);
                        status = now;
                        asked = if now == b'I' { None } else { request(&mut client) };
                    }
                    if status != b'I' {
                        server.write_all(b"Q\0\0\0\rROLLBACK\0").ok()?;
                        until_ready(server)?;
                        return None;
                    }
                }
            });
        }
    });
    port
}

/// What a client asks, until it says good-bye.
fn request(client: &mut TcpStream) -> Option<Vec<u8>> {
    message(client, true).filter(|bytes| bytes[0] != b'X')
}

/// One message of the protocol; the very first has no letter.
fn message(from: &mut impl Read, lettered: bool) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 4 + usize::from(lettered)];
    from.read_exact(&mut bytes).ok()?;
    let length = u32::from_be_bytes(bytes[usize::from(lettered)..].try_into().unwrap()) as usize;
    let start = bytes.len();
    bytes.resize(start + length - 4, 0);
    from.read_exact(&mut bytes[start..]).ok()?;
    Some(bytes)
}

/// All that the server says until it is ready, and in what state it then is.
fn until_ready(server: &mut UnixStream) -> Option<(Vec<u8>, u8)> {
    let mut all = Vec::new();
    loop {
        let part = message(server, true)?;
        all.extend(&part);
        if part[0] == b'Z' {
            return Some((all, part[5]));
        }
    }
}

/// A way to the socket over TCP that counts how often the client waited for the server.
struct Proxy {
    port: u16,
    trips: Arc<AtomicUsize>,
}

impl Proxy {
    fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), trips: Arc::default() };
        let trips = Arc::clone(&proxy.trips);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), UnixStream::connect(&socket).unwrap());
                let (mut from_server, mut to_client) =
                    (server.try_clone().unwrap(), client.try_clone().unwrap());
                let counted = Arc::clone(&trips);
                // Whatever the client sends after it has heard something is a new round trip.
                let heard = Arc::new(AtomicUsize::new(1));
                let hearing = Arc::clone(&heard);
                std::thread::spawn(move || {
                    let mut buffer = [0; 65536];
                    while let Ok(count @ 1..) = from_server.read(&mut buffer) {
                        hearing.store(1, Ordering::SeqCst);
                        let _ = to_client.write_all(&buffer[..count]);
                    }
                });
                std::thread::spawn(move || forward(client, server, &heard, &counted));
            }
        });
        proxy
    }

    fn access(&self, mut access: Access) -> Access {
        access.database.host = Some("127.0.0.1".into());
        access.database.port = Some(self.port);
        access
    }
}

fn forward(
    mut client: TcpStream,
    mut server: UnixStream,
    heard: &AtomicUsize,
    trips: &AtomicUsize,
) {
    let mut buffer = [0; 65536];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        // A good-bye asks for nothing.
        if buffer[0] != b'X' {
            trips.fetch_add(heard.swap(0, Ordering::SeqCst), Ordering::SeqCst);
        }
        let _ = server.write_all(&buffer[..count]);
    }
    let _ = server.shutdown(std::net::Shutdown::Write);
}
