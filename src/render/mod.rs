//! Turns the nouns into text: for terminals, for markdown, for errors. Returns strings, prints
//! nothing, decides nothing.
//!
//! Everything that comes from outside (names of tables and files, SQL, output of commands, plans
//! under review) goes through [`style::plain`] or [`markdown::code`] first: nobody is to be fooled
//! by what is under review.

pub mod detail;
pub mod difference;
pub mod error;
pub mod graph;
pub mod health;
pub mod history;
pub mod markdown;
pub mod observation;
pub mod plan;
pub mod plan_view;
pub mod report;
pub mod style;
pub mod uploads;
pub mod verification;
