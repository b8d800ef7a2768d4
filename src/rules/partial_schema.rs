//! `partial_schema`: some of the application's core tables are there and some are not, and
//! nothing explains it.

use crate::analysis::context::{AnalysisContext, CoreTableStatus, DATABASE};
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "partial_schema",
    about: "some core tables are there and some are missing, and nothing explains it",
    page: include_str!("../../docs/rules/partial_schema.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    if case.state != DatabaseState::PartialSchema {
        return Vec::new();
    }
    let finding = RULE.finding(
        Severity::Error,
        DATABASE,
        format!(
            "core tables {} are missing beside {}",
            AnalysisContext::named(case.core_that_is(CoreTableStatus::Missing)),
            AnalysisContext::named(case.core_that_is(CoreTableStatus::Genuine))
        ),
    );
    vec![
        finding.with_hint(
            "restore a backup; running migrations on a part of the schema makes it worse",
        ),
    ]
}
