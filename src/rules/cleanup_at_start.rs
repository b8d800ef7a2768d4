//! `cleanup_at_start`: the application drops tables or deletes its database file by itself when it
//! starts. It has to be kept from doing so before anything planned here is safe.

use crate::analysis::context::AnalysisContext;
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "cleanup_at_start",
    about: "the application cleans up its database by itself at start",
    page: include_str!("../../docs/rules/cleanup_at_start.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let cleanup = &case.facts.config.cleanup;
    let Some(variable) = cleanup.variable.as_deref() else { return Vec::new() };
    if cleanup.skip {
        let message = format!("`{variable}` is set: no table is planned to be dropped");
        return vec![RULE.finding(Severity::Info, "start", message)];
    }
    // The states in which such a clean-up drops or deletes.
    let in_danger = matches!(
        case.state,
        DatabaseState::Corrupted
            | DatabaseState::PartialMigration
            | DatabaseState::Legacy
            | DatabaseState::Foreign
    );
    if !cleanup.at_start || !in_danger {
        return Vec::new();
    }
    let message = "at its next start the application itself may drop these tables or delete the file, without a backup";
    let hint = format!("set `{variable}=true` for the application before it is started again");
    vec![RULE.finding(Severity::Warning, "start", message).with_hint(hint)]
}
