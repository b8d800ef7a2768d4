//! SHELF: rules. Each examines one observation, gives findings, and knows their remedy as steps
//! (made by `actions`). Pure: no database, no disk, no clock.
//!
//! To add one: a file here with its `RULE` record and its tests, a line in [`ALL`], and a page
//! `docs/rules/CODE.md`. A rule that does not know says so; it never takes silence for health.

use std::collections::BTreeMap;

use crate::actions::Draft;
use crate::analysis::context::AnalysisContext;
use crate::model::diagnosis::{Finding, Severity};
use crate::model::text::counted;

pub mod ahead_of_scripts;
pub mod assumed_revision;
pub mod beyond_host;
pub mod broken_graph;
pub mod changed_scripts;
pub mod cleanup_at_start;
pub mod drifted_schema;
pub mod false_stamp;
pub mod files_in_old_place;
pub mod foreign_database;
pub mod leftover_table;
pub mod missing_file;
pub mod narrow_version_column;
pub mod odd_upload;
pub mod offline_script;
pub mod outdated_reference;
pub mod overlapping_record;
pub mod partial_migration;
pub mod partial_schema;
pub mod pending_migrations;
pub mod released_source;
pub mod schema_not_checked;
pub mod stamping;
pub mod stumbling_migration;
pub mod trigger_on_written_table;
pub mod unexpected_tables;
pub mod unfinished_migration;
pub mod unknown_revision;
pub mod unstamped_schema;
pub mod upload_conflict;
pub mod upload_place;
pub mod upload_root;

/// All rules, in the order in which their findings are told.
pub const ALL: &[&Rule] = &[
    &foreign_database::RULE,
    &unknown_revision::RULE,
    &leftover_table::RULE,
    &unfinished_migration::RULE,
    &partial_migration::RULE,
    &partial_schema::RULE,
    &false_stamp::RULE,
    &drifted_schema::RULE,
    &ahead_of_scripts::RULE,
    &overlapping_record::RULE,
    &unstamped_schema::RULE,
    &assumed_revision::RULE,
    &unexpected_tables::RULE,
    &broken_graph::RULE,
    &narrow_version_column::RULE,
    &pending_migrations::RULE,
    &beyond_host::RULE,
    &stumbling_migration::RULE,
    &changed_scripts::RULE,
    &offline_script::RULE,
    &schema_not_checked::RULE,
    &cleanup_at_start::RULE,
    &upload_root::RULE,
    &upload_place::RULE,
    &upload_conflict::RULE,
    &odd_upload::RULE,
    &files_in_old_place::RULE,
    &missing_file::RULE,
    &outdated_reference::RULE,
    &trigger_on_written_table::RULE,
    &released_source::RULE,
];

/// One rule.
pub struct Rule {
    /// Its name in findings; the name of its file and of its page.
    pub code: &'static str,
    /// One sentence for people.
    pub about: &'static str,
    /// The whole page, from `docs/rules/`.
    pub page: &'static str,
    pub examine: fn(&AnalysisContext) -> Vec<Finding>,
    /// Steps without ids and order; none where a person has to decide first.
    pub remedy: fn(&AnalysisContext) -> Vec<Draft>,
}

impl Rule {
    /// A finding of this rule.
    pub(crate) fn finding(
        &self,
        severity: Severity,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Finding {
        Finding {
            severity,
            code: self.code.to_owned(),
            subject: subject.into(),
            message: message.into(),
            hint: None,
        }
    }
}

impl Finding {
    /// Says what to do next.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// So many findings of one rule and severity about single files are told one by one.
const MOST: usize = 200;

/// The findings of a rule about single files, with a number in place of what no person reads: a
/// million conflicts would make a plan that nobody can open. Only for findings by whose subject
/// nothing is decided.
pub(crate) fn the_first_of(rule: &Rule, findings: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        let count = counts.entry(finding.severity).or_default();
        *count += 1;
        if *count <= MOST {
            kept.push(finding);
        }
    }
    for (severity, count) in counts.into_iter().filter(|(_, count)| *count > MOST) {
        let more = counted((count - MOST) as u64, "more finding");
        let more = rule.finding(severity, rule.code, format!("{more} of the same sort"));
        kept.push(
            more.with_hint("mend what is told, then plan again; `ttplan uploads check` tells all"),
        );
    }
    kept
}

/// The rule of that code.
pub fn by_code(code: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.code == code)
}

/// The remedy of rules that only inform, or that a person has to act on.
pub(crate) fn nothing(_: &AnalysisContext) -> Vec<Draft> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_million_findings_the_first_are_told_and_the_rest_is_counted() {
        let rule = &odd_upload::RULE;
        let finding = |n: usize| {
            let severity = if n == 7 { Severity::Error } else { Severity::Warning };
            rule.finding(severity, n.to_string(), "odd")
        };
        let told = the_first_of(rule, (0..1_000_000).map(finding));
        assert_eq!(told.len(), MOST + 2);
        assert_eq!(told.iter().filter(|one| one.severity == Severity::Error).count(), 1);
        let last = told.last().unwrap();
        assert_eq!(
            (last.severity, last.message.as_str()),
            (Severity::Warning, "999799 more findings of the same sort")
        );
        assert_eq!(the_first_of(rule, (0..MOST).map(finding)).len(), MOST);
    }
}
