//! `leftover_table`: an interrupted migration left its working copy of a table behind.

use crate::actions::Draft;
use crate::actions::drop_table::DropTable;
use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::rules::Rule;

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "leftover_table",
    about: "an interrupted migration left its working copy of a table behind",
    page: include_str!("../../docs/rules/leftover_table.md"),
    examine,
    remedy,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    if case.state != DatabaseState::HalfApplied || case.is_at_known_stop() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (table, leftover) in case.leftovers() {
        let original = leftover.of;
        let is_there = case.tables().iter().any(|other| leftover.is_copy_of(&other.name));
        let finding = match is_there {
            true => {
                let message = format!(
                    "`{}` was left behind by an interrupted migration of `{original}`, which is still there",
                    table.name
                );
                RULE.finding(Severity::Warning, format!("table {}", table.name), message)
                    .with_hint("after this plan is applied, plan again: the interrupted migration still has to be run")
            }
            false => {
                let message = format!(
                    "`{}` was left behind by an interrupted migration and `{original}` is gone: the copy may hold its only rows",
                    table.name
                );
                RULE.finding(Severity::Error, DATABASE, message).with_hint(
                    "restore a backup, or rename the copy back by hand after comparing it with one",
                )
            }
        };
        found.push(finding);
    }
    found
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    if case.state != DatabaseState::HalfApplied {
        return Vec::new();
    }
    if case.is_blocked(DATABASE) || case.is_at_known_stop() || case.facts.config.cleanup.skip {
        return Vec::new();
    }
    let mut steps = Vec::new();
    for (table, _) in case.leftovers() {
        let object = table.reference();
        let Some(rows) = case.facts.rows_of(&object) else { continue };
        if !case.schema().dependents_of(&object).is_empty() {
            continue;
        }
        let Some(definition) = case.schema().definition_of(&object) else { continue };
        let (table, definition) = (&object, definition.as_str());
        let drop = DropTable { table, definition, rows, dependents: &[], reason: RULE.code };
        steps.push(drop.step());
    }
    steps
}
