//! `unstamped_schema`: the application's tables are there and no revision is recorded. Which
//! revision they are at is never guessed.

use crate::model::diagnosis::{Finding, Severity, State};
use crate::rules::case::{Case, DATABASE};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "unstamped_schema",
    about: "the application's tables are there and no revision is recorded",
    page: include_str!("../../docs/rules/unstamped_schema.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &Case) -> Vec<Finding> {
    if case.state != State::Legacy {
        return Vec::new();
    }
    let what = match case.legacy() {
        Some(name) => format!("the tables are those of a release before the first migration ({name})"),
        None => "the application's tables are there and no revision is recorded".to_owned(),
    };
    let finding = RULE.finding(
        Severity::Error,
        DATABASE,
        format!("{what}; which revision the schema is at is not known, so none is stamped"),
    );
    vec![finding.with_hint("do not stamp `head`: every migration that is missing would be skipped for ever")]
}
