//! The program as people meet it: what the pages show is what it prints, every command explains
//! itself, its documents keep their schemas, and it never tells a password.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

mod failures;
mod flags;
mod formats;
mod help;
mod json_schema;
mod runs;
mod secrets;
mod site;
mod transcripts;
mod trusting;

#[path = "../support/postgres.rs"]
mod support;
