//! `upload_root`: an upload directory that is missing, cannot be read, or is no directory.

use crate::model::diagnosis::{Finding, Severity};
use crate::model::uploads::RootState;
use crate::rules::case::Case;
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "upload_root",
    about: "an upload directory is missing, cannot be read, or is no directory",
    page: include_str!("../../docs/rules/upload_root.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &Case) -> Vec<Finding> {
    let mut found = Vec::new();
    for upload in &case.facts.config.uploads {
        for (path, is_source) in upload.from.iter().map(|path| (path, true)).chain([(&upload.to, false)]) {
            let state = case.facts.tree(path).map(|tree| tree.state);
            let subject = format!("{}: {}", upload.name, path.to_text());
            let finding = match state {
                Some(RootState::Present) => continue,
                Some(RootState::Missing) if is_source => RULE.finding(
                    Severity::Info,
                    subject,
                    "the old directory is not there, so nothing is to be moved from it",
                ),
                Some(RootState::Missing) => {
                    RULE.finding(Severity::Info, subject, "the directory where files belong is not there yet")
                }
                Some(RootState::NotADirectory) => RULE
                    .finding(
                        Severity::Error,
                        subject,
                        "something is there that is not a directory; links are not followed",
                    )
                    .with_hint("configure the directory itself, not a link to it"),
                Some(RootState::Unreadable) => RULE
                    .finding(Severity::Error, subject, "the directory cannot be read, so nothing is known of its files")
                    .with_hint("run as the user who owns it"),
                None => RULE
                    .finding(Severity::Error, subject, "the directory was not looked at by any observation")
                    .with_hint("inspect it where it is, and give that observation too"),
            };
            found.push(finding);
        }
    }
    found
}
