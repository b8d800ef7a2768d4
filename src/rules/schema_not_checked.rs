//! `schema_not_checked`: the recorded revision is believed, because there is nothing to compare
//! the schema with. Said, so that nobody takes it for a clean bill of health.

use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "schema_not_checked",
    about: "the recorded revision is believed without comparing the schema",
    page: include_str!("../../docs/rules/schema_not_checked.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let is_checked = case.compared.as_ref().is_some_and(|compared| compared.recorded.is_some());
    if is_checked
        || !matches!(
            case.state,
            DatabaseState::Current | DatabaseState::Behind | DatabaseState::Diverged
        )
    {
        return Vec::new();
    }
    let recorded = AnalysisContext::named(case.facts.recorded().iter().map(String::as_str));
    let message =
        format!("schema not checked: that it is at {recorded} is only what the database records");
    vec![RULE.finding(Severity::Info, DATABASE, message)]
}
