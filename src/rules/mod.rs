//! SHELF: rules. Each examines one observation, gives findings, and knows their remedy as steps
//! (made by `actions`). Pure: no database, no disk, no clock.
//!
//! To add one: a file here with its `RULE` record and its tests, a line in [`ALL`], and a page
//! `docs/rules/CODE.md`. A rule that does not know says so; it never takes silence for health.

use crate::model::diagnosis::{Finding, Severity};
use crate::model::step::Step;
use crate::rules::case::Case;

pub mod ahead_of_scripts;
pub mod assumed_revision;
pub mod broken_graph;
pub mod case;
pub mod changed_scripts;
pub mod cleanup_at_start;
pub mod compared;
pub mod dangling_reference;
pub mod drifted_schema;
pub mod false_stamp;
pub mod files_in_old_place;
pub mod foreign_database;
pub mod leftover_table;
pub mod narrow_version_column;
pub mod odd_upload;
pub mod offline_script;
pub mod outdated_reference;
pub mod overlapping_record;
pub mod partial_migration;
pub mod partial_schema;
pub mod pending_migrations;
pub mod released_source;
pub mod removal;
pub mod resolve;
pub mod schema_not_checked;
pub mod stamping;
pub mod stumbling_migration;
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
    &dangling_reference::RULE,
    &outdated_reference::RULE,
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
    pub examine: fn(&Case) -> Vec<Finding>,
    /// Steps without ids and order; none where a person has to decide first.
    pub remedy: fn(&Case) -> Vec<Step>,
}

impl Rule {
    /// A finding of this rule.
    pub(crate) fn finding(
        &self,
        severity: Severity,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Finding {
        Finding { severity, code: self.code.to_owned(), subject: subject.into(), message: message.into(), hint: None }
    }
}

impl Finding {
    /// Says what to do next.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The rule of that code.
pub fn by_code(code: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.code == code)
}

/// The remedy of rules that only inform, or that a person has to act on.
pub(crate) fn nothing(_: &Case) -> Vec<Step> {
    Vec::new()
}
