//! SHELF: one file or folder per database engine, one line each in [`ALL`].
//!
//! An engine is a record of functions without state. A contract suite (`tests/engines.rs`)
//! runs on every engine of the shelf.

pub mod database;
pub mod dialect;
pub mod engine;
pub mod postgres;
pub mod sqlite;

use self::engine::Engine;

/// All engines.
pub const ALL: &[&Engine] = &[&postgres::ENGINE, &sqlite::ENGINE];

/// The engine of that name.
pub fn by_name(name: &str) -> Option<&'static Engine> {
    ALL.iter().copied().find(|engine| engine.name == name)
}

/// The engine that a URL scheme means; a driver after `+` does not matter.
pub fn by_scheme(scheme: &str) -> Option<&'static Engine> {
    let plain = scheme.split('+').next().unwrap_or(scheme).to_ascii_lowercase();
    ALL.iter().copied().find(|engine| engine.schemes.contains(&plain.as_str()))
}
