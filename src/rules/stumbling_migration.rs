//! `stumbling_migration`: a migration that has to be run is known to stop before it is through, and
//! to get through when it is run again.

use crate::analysis::context::{AnalysisContext, MIGRATIONS};
use crate::model::diagnosis::{Finding, Severity};
use crate::model::text::counted;
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "stumbling_migration",
    about: "a migration to run is known to stop before it is through",
    page: include_str!("../../docs/rules/stumbling_migration.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let Some(compared) = &case.compared else { return Vec::new() };
    let stops = compared.stops(&case.pending);
    if stops.is_empty() {
        return Vec::new();
    }
    let (n, names) = (
        counted(stops.len() as u64, "time"),
        AnalysisContext::named(stops.iter().map(|(script, ..)| *script)),
    );
    let accepted = case.facts.config.revisions.as_ref().and_then(|config| config.upgrade.as_ref());
    let finding = if accepted.is_some_and(|upgrade| upgrade.accept_stumbles) {
        let message = format!(
            "the upgrade is known to stop {n} on the way, at {names}; it is run again each time"
        );
        RULE.finding(Severity::Info, MIGRATIONS, message)
    } else {
        let message = format!("the upgrade is known to stop {n} on the way, at {names}");
        RULE.finding(Severity::Error, MIGRATIONS, message)
            .with_hint("set `[revisions.upgrade] accept_stumbles = true` to have it run again on a copy each time")
    };
    vec![finding]
}
