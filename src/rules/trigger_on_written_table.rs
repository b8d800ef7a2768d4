//! `trigger_on_written_table`: a table that a plan would write has a trigger or rule, so that a write
//! would do more than a plan can say.

use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::model::database::schema::Table;
use crate::model::diagnosis::{Finding, Severity};
use crate::rules::Rule;

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "trigger_on_written_table",
    about: "a table that would be written has a trigger or rule",
    page: include_str!("../../docs/rules/trigger_on_written_table.md"),
    examine,
    remedy: crate::rules::nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let rewritten = case.facts.references.iter().filter(|one| one.outdated.is_some());
    let rewritten = rewritten.filter_map(|one| {
        let table = case.schema().home_table(&one.reference.table)?;
        Some((format!("{}.{}", one.reference.table, one.reference.column), table))
    });
    let stamped = case.stamp.as_ref().and_then(|_| {
        let table = &case.book()?.versions.table;
        Some((DATABASE.to_owned(), case.schema().table(&table.schema, &table.name)?))
    });
    rewritten.chain(stamped).filter_map(|(subject, table)| told(subject, table)).collect()
}

fn told(subject: String, table: &Table) -> Option<Finding> {
    let acting: Vec<String> =
        table.acting().map(|one| format!("{} `{}`", one.kind.words(), one.name)).collect();
    if acting.is_empty() {
        return None;
    }
    let message = format!(
        "`{}` would be written, and {} would do more than a plan can say",
        table.name,
        acting.join(", ")
    );
    let hint = format!("disable it on `{}` while the plan is applied, then plan again", table.name);
    Some(RULE.finding(Severity::Error, subject, message).with_hint(hint))
}
