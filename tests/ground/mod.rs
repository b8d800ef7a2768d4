//! What the tests of engines stand on: databases to work on, whatever the engine is. All that
//! is particular to one engine is behind these traits, one file per engine.

#![allow(dead_code, reason = "every test binary uses its own part of it")]

use std::path::Path;

use ttplan::engines::engine::Engine;
use ttplan::model::config::Access;

#[path = "../support/postgres.rs"]
pub mod cluster;
pub mod postgres;
pub mod sqlite;

/// The grounds of all engines that can be tested on this host.
pub fn all() -> Vec<Box<dyn Ground>> {
    vec![Box::new(postgres::PostgresGround), Box::new(sqlite::SqliteGround)]
}

/// A place where databases of one engine can be made.
pub trait Ground {
    fn engine(&self) -> &'static Engine;

    /// Makes an empty database.
    fn database(&self) -> Box<dyn TestDatabase>;

    /// The address of a database that is not there; none where an administrator has to make
    /// databases, and a missing one is an error.
    fn absent(&self) -> Option<Box<dyn TestDatabase>>;
}

/// One database, gone when this is dropped. It is worked on by the engine's own client, never by
/// ours.
pub trait TestDatabase {
    fn access(&self) -> Access;

    /// Runs statements, which have to succeed.
    fn sql(&self, statements: &str);

    /// The same where a command of the application would, which was given this URL.
    fn sql_at(&self, url: &str, statements: &str);

    /// All definitions and rows as text, for comparison.
    fn dump(&self) -> String;

    /// A client of somebody else, who has the database open and does nothing.
    fn other_client(&self) -> Box<dyn Client>;

    /// A private directory of this test.
    fn folder(&self) -> &Path;
}

/// An open connection of somebody else, closed when this is dropped.
pub trait Client {
    /// Runs statements, which have to succeed.
    fn sql(&mut self, statements: &str);
}
