//! `outdated_reference`: values in the database that name their files the way an older release did.
//! Rewritten once the files are where they belong.

use std::collections::{BTreeMap, BTreeSet};

use crate::actions::Draft;
use crate::actions::rewrite_references::RewriteReferences;
use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::analysis::reference_resolution::resolve;
use crate::analysis::upload_comparison::{can_receive, compare_upload};
use crate::model::config::{OnConflict, Upload};
use crate::model::diagnosis::{Finding, Severity};
use crate::model::files::references::{ReferenceStatus, Referenced};
use crate::model::files::rewriting::Rewriting;
use crate::model::text::counted;
use crate::rules::Rule;

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "outdated_reference",
    about: "values in the database name their files as an older release did",
    page: include_str!("../../docs/rules/outdated_reference.md"),
    examine,
    remedy,
};

fn column(referenced: &Referenced) -> String {
    format!("{}.{}", referenced.reference.table, referenced.reference.column)
}

fn with_upload<'a>(
    case: &'a AnalysisContext<'_>,
) -> impl Iterator<Item = (&'a Referenced, &'a Upload)> {
    let upload = |name: &str| case.facts.config.uploads.iter().find(|upload| upload.name == name);
    case.facts
        .references
        .iter()
        .filter_map(move |referenced| Some((referenced, upload(&referenced.upload)?)))
}

/// Why the values of a column cannot be rewritten yet: a file that some of them name would be
/// another one then, or in no place.
fn obstacle(case: &AnalysisContext, referenced: &Referenced, upload: &Upload) -> Option<String> {
    let sorted = compare_upload(case.facts, upload);
    let receives = can_receive(case.facts.tree(&upload.to));
    let of_column =
        resolve(case.facts).into_iter().filter(|one| std::ptr::eq(one.referenced, referenced));
    for one in
        of_column.filter(|one| one.named.is_outdated && one.status == ReferenceStatus::Misplaced)
    {
        let (Some(path), value) = (&one.named.path, one.value) else { continue };
        if sorted.conflicts.iter().any(|conflict| conflict.path == *path) {
            return Some(format!(
                "`{value}` has another content where it would be looked for then"
            ));
        }
        let is_there = case.facts.tree(&upload.to).is_some_and(|tree| tree.file(path).is_some());
        if !is_there && !receives {
            return Some(format!("`{value}` cannot be moved to where it would be looked for then"));
        }
    }
    None
}

/// The new names of the files that values of the column name as of old.
fn renamed(
    case: &AnalysisContext,
    referenced: &Referenced,
    upload: &Upload,
) -> BTreeMap<String, String> {
    if upload.on_conflict != OnConflict::Rename {
        return BTreeMap::new();
    }
    let mut names = compare_upload(case.facts, upload).new_names();
    if !names.is_empty() {
        let named = |(_, value): &(String, String)| {
            referenced.reference.named(value, &upload.to, &upload.from)
        };
        let of_old = referenced.values.iter().map(named).filter(|named| named.is_outdated);
        let used: BTreeSet<String> =
            of_old.filter_map(|named| Some(named.path?.to_text().into_owned())).collect();
        names.retain(|old, _| used.contains(old));
    }
    names
}

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let mut found = Vec::new();
    for (referenced, upload) in with_upload(case) {
        let Some(outdated) = referenced.outdated else { continue };
        let (column, rows) = (column(referenced), counted(outdated.rows, "row"));
        found.push(match obstacle(case, referenced, upload) {
            None => {
                let message =
                    format!("{rows} of `{column}` name their files as an older release did");
                RULE.finding(Severity::Info, column, message)
            }
            Some(why) => RULE
                .finding(
                    Severity::Error,
                    column.clone(),
                    format!("{rows} of `{column}` cannot be rewritten: {why}"),
                )
                .with_hint("settle the conflict first, then plan again"),
        });
    }
    found
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    if case.is_blocked(DATABASE) {
        return Vec::new();
    }
    let mut steps = Vec::new();
    for (referenced, upload) in with_upload(case) {
        let reference = &referenced.reference;
        let table = case.schema().home_table(&reference.table);
        let rewriting = table.and_then(|table| Rewriting::of(upload, reference, table));
        if let (Some(outdated), Some(mut rewriting)) = (referenced.outdated, rewriting)
            && !case.is_blocked(&column(referenced))
        {
            rewriting.renamed = renamed(case, referenced, upload);
            let alone = case.is_one_file();
            steps.push(RewriteReferences { rewriting, outdated, alone, reason: RULE.code }.step());
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::reference_resolution::tests::{column as values, facts, tree, upload};
    use crate::model::files::references::Form;

    fn severity(old: &[&str], new: &[&str]) -> Severity {
        let mut facts = facts();
        facts.config.uploads = vec![upload()];
        facts.uploads = vec![tree("/new", new), tree("/old", old)];
        let mut referenced = values(Form::Absolute, &["/old/a", "/new/b"]);
        referenced.outdated = Some(crate::model::files::rewriting::outdated(&[(
            ("1".to_owned(), "/old/a".to_owned()),
            "/new/a".to_owned(),
        )]));
        facts.references = vec![referenced];
        let decisions = crate::model::diagnosis::Decisions::default();
        let found = examine(&AnalysisContext::new(&facts, &decisions));
        assert_eq!(found.len(), 1);
        found[0].severity
    }

    #[test]
    fn values_are_rewritten_unless_they_would_name_another_file() {
        assert_eq!(severity(&["a=1"], &[]), Severity::Info);
        assert_eq!(severity(&["a=1"], &["a=1"]), Severity::Info);
        assert_eq!(severity(&["a=1"], &["a=2"]), Severity::Error);
    }
}
