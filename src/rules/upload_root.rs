//! `upload_root`: an upload directory that is missing, cannot be read, or is no directory.

use std::collections::BTreeSet;

use crate::analysis::context::AnalysisContext;
use crate::analysis::reference_resolution::resolve;
use crate::model::config::Upload;
use crate::model::diagnosis::{Finding, Severity};
use crate::model::files::references::ReferenceStatus;
use crate::model::files::uploads::RootState;
use crate::model::names::FilePath;
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "upload_root",
    about: "an upload directory is missing, cannot be read, or is no directory",
    page: include_str!("../../docs/rules/upload_root.md"),
    examine,
    remedy: nothing,
};

/// The uploads of which the database names files that are in none of their places.
fn missed(case: &AnalysisContext) -> BTreeSet<String> {
    let missing =
        resolve(case.facts).into_iter().filter(|one| one.status == ReferenceStatus::Missing);
    missing.map(|one| one.upload.name.clone()).collect()
}

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let missed = missed(case);
    let mut found = Vec::new();
    for upload in &case.facts.config.uploads {
        let mut missing = Vec::new();
        for path in upload.from.iter().chain([&upload.to]) {
            let subject = format!("{}: {}", upload.name, path.to_text());
            found.push(match case.facts.tree(path).map(|tree| tree.state) {
                Some(RootState::Present) => continue,
                Some(RootState::Missing) if *path != upload.to && missed.contains(&upload.name) => RULE
                    .finding(
                        Severity::Error,
                        subject,
                        "the old directory is not there, and the database names files that are nowhere else; they may \
                         still lie in a stopped container",
                    )
                    .with_hint(format!(
                        "bring them out before that container is removed: `docker cp CONTAINER:{path} {path}`",
                        path = path.to_text()
                    )),
                Some(RootState::Missing) => {
                    missing.push(path);
                    continue;
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
            });
        }
        // Where nothing can be moved from and nothing is yet, there is nothing to say.
        if !missing.is_empty() && !upload.from.is_empty() {
            found.push(RULE.finding(Severity::Info, &upload.name, not_there(upload, &missing)));
        }
    }
    found
}

/// One sentence on all missing directories of an upload; a wrong path in the configuration shows
/// here.
fn not_there(upload: &Upload, missing: &[&FilePath]) -> String {
    let (to, from): (Vec<&FilePath>, Vec<&FilePath>) =
        missing.iter().copied().partition(|path| **path == upload.to);
    let mut parts = Vec::new();
    if !from.is_empty() {
        let paths: Vec<String> = from.iter().map(|path| format!("`{}`", path.to_text())).collect();
        parts.push(format!("nothing is moved from {}: not there", paths.join(" or ")));
    }
    if !to.is_empty() {
        parts.push(format!("`{}`, where files belong, is not there yet", upload.to.to_text()));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::reference_resolution::tests::{column, facts, tree, upload};
    use crate::model::files::references::Form;

    fn severity_with(value: &str) -> Severity {
        let mut facts = facts();
        facts.config.uploads = vec![upload()];
        facts.uploads = vec![tree("/new", &["there"]), tree("/old", &[])];
        facts.uploads[1].state = RootState::Missing;
        facts.references = vec![column(Form::Name, &[value])];
        let decisions = crate::model::diagnosis::Decisions::default();
        let found = examine(&AnalysisContext::new(&facts, &decisions));
        assert_eq!(found.len(), 1);
        found[0].severity
    }

    #[test]
    fn a_missing_old_directory_is_normal_until_a_reference_misses_it() {
        assert_eq!(severity_with("there"), Severity::Info);
        assert_eq!(severity_with("lost"), Severity::Error);
    }

    #[test]
    fn all_missing_directories_of_an_upload_stand_in_one_sentence() {
        let upload = Upload { from: vec!["/a".into(), "/b".into()], to: "/c".into(), ..upload() };
        let (a, b, c) = (&upload.from[0], &upload.from[1], &upload.to);
        assert_eq!(not_there(&upload, &[a]), "nothing is moved from `/a`: not there");
        assert_eq!(
            not_there(&upload, &[a, b, c]),
            "nothing is moved from `/a` or `/b`: not there; `/c`, where files belong, is not there yet"
        );
    }
}
