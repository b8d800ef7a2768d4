//! `odd_upload`: something in an upload directory that is no plain readable file. It is neither
//! followed nor moved.

use crate::analysis::context::AnalysisContext;
use crate::model::diagnosis::{Finding, Severity};
use crate::model::files::uploads::OddKind;
use crate::rules::{Rule, nothing, the_first_of};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "odd_upload",
    about: "something in an upload directory is no plain readable file",
    page: include_str!("../../docs/rules/odd_upload.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let mut found = Vec::new();
    for upload in &case.facts.config.uploads {
        for tree in upload.from.iter().filter_map(|root| case.facts.tree(root)) {
            for odd in &tree.odd {
                let message = format!("a {}; it is neither followed nor moved", odd.what.words());
                let subject = tree.root.join(&odd.path).to_text().into_owned();
                found.push(match odd.what {
                    // Nobody knows whether there is anything in it to be moved.
                    OddKind::Unreadable => RULE
                        .finding(Severity::Error, subject, message)
                        .with_hint("run as the user who owns it"),
                    _ => RULE.finding(Severity::Warning, subject, message),
                });
            }
        }
    }
    the_first_of(&RULE, found.into_iter())
}
