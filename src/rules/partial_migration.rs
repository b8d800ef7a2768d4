//! `partial_migration`: a revision is recorded, and none of the application's tables is there.

use crate::actions::Draft;
use crate::actions::drop_version_table::DropVersionTable;
use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::rules::Rule;

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "partial_migration",
    about: "a revision is recorded and none of the application's tables is there",
    page: include_str!("../../docs/rules/partial_migration.md"),
    examine,
    remedy,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    if case.state != DatabaseState::PartialMigration {
        return Vec::new();
    }
    let recorded = AnalysisContext::named(case.facts.recorded().iter().map(String::as_str));
    let others = case.tables().len() + case.kept().len();
    let message = format!("{recorded} is recorded, and none of the application's tables is there");
    if case.decisions.reinitialize && others == 0 {
        let told = format!("{message}; it was decided to forget the record and start anew");
        return vec![RULE.finding(Severity::Warning, DATABASE, told)];
    }
    let hint = if others == 0 {
        "restore a backup; or, if there was never any data, plan with `--reinitialize`"
    } else {
        "restore a backup, or give the application a database of its own; other tables are there, so `--reinitialize` is refused"
    };
    vec![RULE.finding(Severity::Error, DATABASE, message).with_hint(hint)]
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    let (DatabaseState::PartialMigration, false) = (case.state, case.is_blocked(DATABASE)) else {
        return Vec::new();
    };
    let drop = || {
        let book = case.book()?;
        let definition = &case.schema().definition_of(&book.versions.table)?;
        Some(DropVersionTable { book, definition, reason: RULE.code }.step())
    };
    drop().into_iter().collect()
}
