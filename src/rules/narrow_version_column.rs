//! `narrow_version_column`: a pending revision's id does not fit into the column that records it,
//! so that the migration would run and its record would fail.

use crate::actions::Draft;
use crate::actions::widen_version_column::{WIDTH, WidenVersionColumn};
use crate::analysis::context::{AnalysisContext, DATABASE, MIGRATIONS};
use crate::model::diagnosis::{Finding, Severity};
use crate::rules::Rule;

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "narrow_version_column",
    about: "a pending revision's id does not fit into the column that records it",
    page: include_str!("../../docs/rules/narrow_version_column.md"),
    examine,
    remedy,
};

/// The longest pending id that does not fit.
fn too_long<'a>(case: &'a AnalysisContext) -> Option<(&'a str, u32)> {
    let book = case.book()?;
    book.recorded.as_ref()?;
    let width = book.width.filter(|width| *width < WIDTH)?;
    let stamped = case.stamp.iter().flat_map(|stamp| &stamp.to);
    let longest = case.pending.iter().chain(stamped).max_by_key(|id| id.chars().count())?;
    (longest.chars().count() > width as usize).then_some((longest, width))
}

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let Some((id, width)) = too_long(case) else { return Vec::new() };
    let message = format!(
        "the column that records revisions holds {width} characters, `{id}` has {}",
        id.chars().count()
    );
    vec![RULE.finding(Severity::Warning, "version column", message)]
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    if too_long(case).is_none() || case.is_blocked(DATABASE) || case.is_blocked(MIGRATIONS) {
        return Vec::new();
    }
    let Some(book) = case.book() else { return Vec::new() };
    WidenVersionColumn { book, reason: RULE.code }.step().into_iter().collect()
}
