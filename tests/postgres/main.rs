//! The PostgreSQL engine against a real server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may fail"
)]

#[path = "../support/postgres.rs"]
mod support;

mod backup;
mod change;
mod connect;
mod look;
mod pgbouncer;
#[path = "../support/real.rs"]
mod real;
mod real_data;
mod server_options;
#[path = "../support/spelled.rs"]
mod spelled;
mod undo;

use std::sync::OnceLock;

use support::TestDatabase;
use ttplan::engines::database::{ReadDatabase, WriteDatabase};
use ttplan::engines::postgres::ENGINE;
use ttplan::model::config::Access;

/// A database with everything that is easily lost.
fn nasty() -> TestDatabase {
    roles();
    let database = support::database();
    database.psql(&format!("ALTER DATABASE {} OWNER TO app", database.name));
    database.psql(include_str!("nasty.sql"));
    database
}

/// Roles belong to the cluster, so all tests share them.
fn roles() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        support::cluster().psql(
            "postgres",
            "CREATE ROLE app LOGIN; CREATE ROLE boss LOGIN; CREATE ROLE reader LOGIN; \
             SET password_encryption = 'scram-sha-256'; CREATE ROLE secret_keeper LOGIN PASSWORD 's3cret: \\x'",
        );
    });
}

fn inspect(access: &Access) -> Box<dyn ReadDatabase> {
    (ENGINE.inspect)(access).unwrap()
}

fn change(access: &Access) -> Box<dyn WriteDatabase> {
    (ENGINE.change)(access).unwrap()
}
