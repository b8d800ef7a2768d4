//! `unfinished_migration`: a part of one migration's changes is there, and the migration is not
//! recorded.

use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "unfinished_migration",
    about: "a part of one migration's changes is there",
    page: include_str!("../../docs/rules/unfinished_migration.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let (DatabaseState::HalfApplied, Some(compared)) = (case.state, &case.compared) else {
        return Vec::new();
    };
    let Some(begun) = &compared.begun else { return Vec::new() };
    let message = format!(
        "`{}` was begun and not brought to its end: {} of its {} changes are there",
        begun.script, begun.done, begun.of
    );
    let finding = match begun.stop {
        Some(_) => RULE
            .finding(Severity::Warning, DATABASE, message)
            .with_hint("this is where it is known to stop; running it again goes on from here"),
        None => RULE.finding(Severity::Error, DATABASE, message).with_hint(
            "restore the backup from before that migration, or take its changes back by hand",
        ),
    };
    vec![finding]
}
