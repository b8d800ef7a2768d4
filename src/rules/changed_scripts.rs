//! `changed_scripts`: migration scripts are not those that the catalogue was recorded with, so what
//! it says of them may not be so.

use crate::analysis::context::AnalysisContext;
use crate::model::diagnosis::{Finding, Severity};
use crate::model::text::counted;
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "changed_scripts",
    about: "scripts are not those that the catalogue was recorded with",
    page: include_str!("../../docs/rules/changed_scripts.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let (Some(compared), Some(revisions)) = (&case.compared, case.revisions()) else {
        return Vec::new();
    };
    let changed = compared.changed_scripts(revisions, &case.pending);
    let Some(first) = changed.first() else { return Vec::new() };
    let message = format!(
        "{} to run is not what the catalogue was recorded with (`{first}` first): what the schema will be is not known",
        counted(changed.len() as u64, "script")
    );
    vec![RULE.finding(Severity::Warning, "catalogue", message).with_hint("ttplan catalogue record")]
}
