//! The main job from end to end: the real program as a child process, on real databases and real
//! directories. Nothing here looks inside; what counts is what is left behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skipped"
)]

#[path = "../ground/mod.rs"]
mod ground;
mod pause;
#[path = "../support/real.rs"]
mod real;
mod site;
mod timetracker;

/// One test for each engine out of one story about a ground.
macro_rules! on_both {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $story() { super::$story(&crate::ground::sqlite::SqliteGround); })+
        }
        mod postgres {
            $(#[test] fn $story() { super::$story(&crate::ground::postgres::PostgresGround); })+
        }
    };
}

mod bad_input;
mod bad_plans;
mod catalogue;
mod changed_plans;
mod determinism;
mod hostile_plans;
mod killed;
mod proof;
mod read_only;
mod real_cases;
mod stale;
mod states;
mod stories;
mod troubles;
mod uploads;
mod versions;
