//! `ahead_of_scripts`: the database is beyond the target, or on a branch beside it.

use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::model::database::revision_status::RevisionStatus;
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "ahead_of_scripts",
    about: "the database is beyond the revision it should come to",
    page: include_str!("../../docs/rules/ahead_of_scripts.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let (DatabaseState::Ahead, Some(revisions)) = (case.state, case.revisions()) else {
        return Vec::new();
    };
    let RevisionStatus::Ahead(beyond) = revisions.standing(case.facts.recorded(), &case.target)
    else {
        return Vec::new();
    };
    let finding = RULE.finding(
        Severity::Error,
        DATABASE,
        format!(
            "the database is at {}, beyond the target {}",
            AnalysisContext::named(beyond.iter().map(String::as_str)),
            AnalysisContext::named(case.target.iter().map(String::as_str))
        ),
    );
    vec![finding.with_hint("set `[revisions] target = \"heads\"`, or use the newer release")]
}
