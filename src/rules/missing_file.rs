//! `missing_file`: a value in the database names a file that is in no known place, or that
//! is not of the form the column should have.

use crate::analysis::context::AnalysisContext;
use crate::analysis::reference_resolution::resolve;
use crate::model::diagnosis::{Finding, Severity};
use crate::model::files::references::ReferenceStatus;
use crate::rules::{Rule, nothing, the_first_of};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "missing_file",
    about: "a value in the database names a file that is nowhere",
    page: include_str!("../../docs/rules/missing_file.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let mut found = Vec::new();
    for one in resolve(case.facts) {
        let what = match one.status {
            ReferenceStatus::Ok | ReferenceStatus::Misplaced => continue,
            ReferenceStatus::Missing => "a file that is in none of its places",
            ReferenceStatus::Invalid => {
                "something that is not of the form it should have, or no plain file"
            }
            ReferenceStatus::Unknown => "a file that may be in a place that could not be read",
        };
        let (reference, key, value) = (&one.referenced.reference, one.key, one.value);
        let column = format!("{}.{}", reference.table, reference.column);
        let message = format!("`{column}` of row {key} names `{value}`: {what}");
        found.push(RULE.finding(Severity::Warning, format!("{column}/{key}"), message));
    }
    the_first_of(&RULE, found.into_iter())
}
