//! `false_stamp`: the database records a revision whose schema it does not have, and has that of
//! another.

use crate::actions::Draft;
use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::rules::Rule;
use crate::rules::stamping::{stamp, told};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "false_stamp",
    about: "the recorded revision is not the one whose schema is there",
    page: include_str!("../../docs/rules/false_stamp.md"),
    examine,
    remedy,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let (DatabaseState::FalseStamp, Some(compared)) = (case.state, &case.compared) else {
        return Vec::new();
    };
    let recorded = AnalysisContext::named(case.facts.recorded().iter().map(String::as_str));
    let gap = told(compared.recorded.as_deref().unwrap_or_default());
    let named = |ids: &[String]| AnalysisContext::named(ids.iter().map(String::as_str));
    let finding = match (&case.stamp, &compared.inferred.exact) {
        (Some(stamp), _) => {
            let to = named(&stamp.to);
            RULE.finding(
                Severity::Warning,
                DATABASE,
                format!("{recorded} is recorded and {to} will be: {gap}"),
            )
        }
        (None, Some(exact)) => {
            let message =
                format!("{recorded} is recorded, the schema is that of {}: {gap}", named(exact));
            let known = |id: &String| {
                case.revisions().is_some_and(|revisions| revisions.script(id).is_some())
            };
            RULE.finding(Severity::Error, DATABASE, message).with_hint(match exact.iter().all(known) {
                true => format!(
                    "the migrations between may have rows to change too; if they were run: `ttplan plan --assume-revision {}`",
                    exact.join(",")
                ),
                false => "the scripts of that revision are not here: use the release that has them".to_owned(),
            })
        }
        (None, None) => {
            let each: Vec<String> =
                compared.inferred.candidates.iter().map(|ids| named(ids)).collect();
            let message = format!(
                "{recorded} is recorded, the schema is that of {}: {gap}",
                each.join(" or ")
            );
            let first =
                compared.inferred.candidates.first().map_or(String::new(), |ids| ids.join(","));
            RULE.finding(Severity::Error, DATABASE, message).with_hint(format!(
                "find out which, then plan with it: `ttplan plan --assume-revision {first}`"
            ))
        }
    };
    vec![finding]
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    if case.state == DatabaseState::FalseStamp { stamp(case, RULE.code) } else { Vec::new() }
}
