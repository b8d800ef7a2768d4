//! `ahead_of_scripts`: the database is beyond the target, or on a branch beside it.

use crate::analysis::context::{Case, DATABASE};
use crate::model::database::revisions::Standing;
use crate::model::diagnosis::{Finding, Severity, State};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "ahead_of_scripts",
    about: "the database is beyond the revision it should come to",
    page: include_str!("../../docs/rules/ahead_of_scripts.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &Case) -> Vec<Finding> {
    let (State::Ahead, Some(revisions)) = (case.state, case.revisions()) else { return Vec::new() };
    let Standing::Ahead(beyond) = revisions.standing(case.facts.recorded(), &case.target) else {
        return Vec::new();
    };
    let finding = RULE.finding(
        Severity::Error,
        DATABASE,
        format!(
            "the database is at {}, beyond the target {}",
            Case::named(beyond.iter().map(String::as_str)),
            Case::named(case.target.iter().map(String::as_str))
        ),
    );
    vec![finding.with_hint("set `[revisions] target = \"heads\"`, or use the newer release")]
}
