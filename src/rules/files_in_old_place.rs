//! `files_in_old_place`: uploaded files that lie where an older release kept them. Copied to where
//! they belong; the sources stay.

use crate::actions::Draft;
use crate::actions::make_directory::MakeRoom;
use crate::actions::move_files::MoveFiles;
use crate::analysis::context::AnalysisContext;
use crate::analysis::upload_comparison::{can_receive, compare_upload};
use crate::model::diagnosis::{Finding, Severity};
use crate::model::files::uploads::RootState;
use crate::model::text::{bytes, counted};
use crate::rules::Rule;

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "files_in_old_place",
    about: "uploaded files lie where an older release kept them",
    page: include_str!("../../docs/rules/files_in_old_place.md"),
    examine,
    remedy,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let mut found = Vec::new();
    for upload in &case.facts.config.uploads {
        for (root, files) in compare_upload(case.facts, upload).moves {
            let size: u64 = files.iter().map(|file| file.size()).sum();
            let message = format!(
                "{} ({}) in `{}`, where an older release kept them",
                counted(files.len() as u64, "file"),
                bytes(size),
                root.to_text()
            );
            found.push(RULE.finding(Severity::Info, upload.name.clone(), message));
        }
    }
    found
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    let mut steps = Vec::new();
    for upload in &case.facts.config.uploads {
        let destination = case.facts.tree(&upload.to);
        let moves = compare_upload(case.facts, upload).moves;
        if moves.is_empty() || !can_receive(destination) {
            continue;
        }
        if destination.is_some_and(|tree| tree.state == RootState::Missing) {
            steps.push(MakeRoom { upload, reason: RULE.code }.step());
        }
        for (from, files) in moves {
            let files = files.into_iter().cloned().collect();
            steps.push(MoveFiles { upload, from, files, renamed: false, reason: RULE.code }.step());
        }
    }
    steps
}
