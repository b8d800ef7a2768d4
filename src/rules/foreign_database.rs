//! `foreign_database`: the database is another application's, or shared with one. Never touched.

use crate::analysis::context::{AnalysisContext, CoreTableStatus, DATABASE};
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "foreign_database",
    about: "the database looks like another application's; nothing in it is touched",
    page: include_str!("../../docs/rules/foreign_database.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    if case.state != DatabaseState::Foreign {
        return Vec::new();
    }
    let impostors = case.core_that_is(CoreTableStatus::Impostor);
    let others = case.other_books();
    let recorded = case.facts.recorded();
    let strangers: Vec<&str> =
        case.tables().iter().filter(|table| !table.ours).map(|table| table.name.as_str()).collect();
    let kept: Vec<&str> = case.kept().iter().map(|table| table.name.as_str()).collect();
    let why = if !impostors.is_empty() {
        format!("{} without the columns of this application", AnalysisContext::named(impostors))
    } else if let Some((table, tool)) = others.first() {
        format!("`{table}` is the version table of {tool}")
    } else if !recorded.is_empty() {
        format!(
            "revision {} is in none of this application's scripts",
            AnalysisContext::named(recorded.iter().map(String::as_str))
        )
    } else if !strangers.is_empty() {
        format!("{} of another owner", AnalysisContext::named(strangers))
    } else if !kept.is_empty() {
        format!("{} to be kept, beside tables that nothing explains", AnalysisContext::named(kept))
    } else {
        "nothing in it is known to be this application's".to_owned()
    };
    let finding = RULE.finding(
        Severity::Error,
        DATABASE,
        format!("the database looks like another application's: {why}; nothing is planned"),
    );
    vec![finding.with_hint("check DATABASE_URL, and give the application a database of its own")]
}
