//! `overlapping_record`: of the recorded revisions one comes before another, and the framework
//! refuses to upgrade from there.

use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::model::database::revision_status::RevisionStatus;
use crate::model::diagnosis::{DatabaseState, Finding};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "overlapping_record",
    about: "of the recorded revisions one comes before another",
    page: include_str!("../../docs/rules/overlapping_record.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let (DatabaseState::Diverged, Some(revisions)) = (case.state, case.revisions()) else {
        return Vec::new();
    };
    let RevisionStatus::Overlapping(before) =
        revisions.standing(case.facts.recorded(), &case.target)
    else {
        return Vec::new();
    };
    let tips = revisions.tips(case.facts.recorded());
    let named = |ids: &[String]| AnalysisContext::named(ids.iter().map(String::as_str));
    let finding = RULE.finding(
        case.unless_decided(),
        DATABASE,
        format!("{} is recorded beside {}, which comes after it", named(&before), named(&tips)),
    );
    vec![
        finding
            .with_hint("find out who wrote the additional row; the framework refuses every upgrade until it is gone"),
    ]
}
