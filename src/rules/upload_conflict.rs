//! `upload_conflict`: a file to be moved whose name is taken by another content. Both files stay;
//! a person decides.

use crate::model::config::OnConflict;
use crate::model::diagnosis::{Finding, Severity};
use crate::rules::case::Case;
use crate::rules::files_in_old_place::sort_out;
use crate::rules::{Rule, nothing, the_first_of};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "upload_conflict",
    about: "a file to be moved has a name that is taken by another content",
    page: include_str!("../../docs/rules/upload_conflict.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &Case) -> Vec<Finding> {
    let mut found = Vec::new();
    for upload in &case.facts.config.uploads {
        for conflict in sort_out(case.facts, upload).conflicts {
            let path = conflict.path.to_text();
            let message = format!(
                "`{path}` in `{}` and in `{}` have different contents; both stay where they are",
                conflict.from.to_text(),
                conflict.with.to_text()
            );
            let subject = format!("{}/{path}", upload.name);
            found.push(match upload.on_conflict {
                OnConflict::Stop => RULE
                    .finding(Severity::Error, subject, message)
                    .with_hint("compare the two, remove or rename the wrong one, then plan again"),
                OnConflict::KeepDestination => RULE.finding(Severity::Warning, subject, message),
            });
        }
    }
    the_first_of(&RULE, found.into_iter())
}
