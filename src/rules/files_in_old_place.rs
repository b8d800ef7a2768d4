//! `files_in_old_place`: uploaded files that lie where an older release kept them. Copied to where
//! they belong; the sources stay.

use std::collections::BTreeMap;

use crate::actions::make_directory::MakeRoom;
use crate::actions::move_files::MoveFiles;
use crate::model::config::Upload;
use crate::model::diagnosis::{Finding, Severity};
use crate::model::names::FilePath;
use crate::model::observation::Facts;
use crate::model::step::Step;
use crate::model::uploads::{FileFact, RootState, Tree};
use crate::model::wording::{bytes, counted};
use crate::rules::Rule;
use crate::rules::case::Case;

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "files_in_old_place",
    about: "uploaded files lie where an older release kept them",
    page: include_str!("../../docs/rules/files_in_old_place.md"),
    examine,
    remedy,
};

/// What is to become of the files of one upload.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SortedOut<'a> {
    /// Files to copy, by the root they are in; no name twice.
    pub moves: BTreeMap<&'a FilePath, Vec<&'a FileFact>>,
    pub conflicts: Vec<Conflict>,
    /// How many are at both places with the same content.
    pub already: u64,
}

/// One name with two contents.
#[derive(Debug, PartialEq, Eq)]
pub struct Conflict {
    pub path: FilePath,
    pub from: FilePath,
    /// The root in which the other content is.
    pub with: FilePath,
}

/// Compares every old place of an upload with the new one. Holds references only: there may be a million files.
pub fn sort_out<'a>(facts: &'a Facts, upload: &Upload) -> SortedOut<'a> {
    let mut sorted = SortedOut::default();
    let destination = facts.tree(&upload.to);
    let sources: Vec<&Tree> =
        upload.from.iter().filter_map(|root| facts.tree(root)).filter(|tree| tree.root != upload.to).collect();
    for (n, source) in sources.iter().enumerate() {
        for file in &source.files {
            // The first place that has a name has it for itself.
            let claimed = || sources[..n].iter().find_map(|tree| Some((tree.file(file.path())?, &tree.root)));
            let there = destination.and_then(|tree| tree.file(file.path()));
            let odd = destination.is_some_and(|tree| tree.odd_at(file.path()).is_some());
            let conflict =
                |with: &FilePath| Conflict { path: file.path().clone(), from: source.root.clone(), with: with.clone() };
            match (there, claimed()) {
                (Some(there), _) if there.sha256() == file.sha256() => sorted.already += 1,
                (Some(_), _) => sorted.conflicts.push(conflict(&upload.to)),
                (None, _) if odd => sorted.conflicts.push(conflict(&upload.to)),
                (None, Some((other, _))) if other.sha256() == file.sha256() => sorted.already += 1,
                (None, Some((_, root))) => sorted.conflicts.push(conflict(root)),
                (None, None) => sorted.moves.entry(&source.root).or_default().push(file),
            }
        }
    }
    sorted
}

/// Whether files can be put there.
pub(crate) fn can_receive(tree: Option<&Tree>) -> bool {
    tree.is_some_and(|tree| matches!(tree.state, RootState::Present | RootState::Missing))
}

fn examine(case: &Case) -> Vec<Finding> {
    let mut found = Vec::new();
    for upload in &case.facts.config.uploads {
        for (root, files) in sort_out(case.facts, upload).moves {
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

fn remedy(case: &Case) -> Vec<Step> {
    let mut steps = Vec::new();
    for upload in &case.facts.config.uploads {
        let destination = case.facts.tree(&upload.to);
        let moves = sort_out(case.facts, upload).moves;
        if moves.is_empty() || !can_receive(destination) {
            continue;
        }
        if destination.is_some_and(|tree| tree.state == RootState::Missing) {
            steps.push(MakeRoom { upload, reason: RULE.code }.step());
        }
        for (from, files) in moves {
            let files = files.into_iter().cloned().collect();
            steps.push(MoveFiles { upload, from, files, reason: RULE.code }.step());
        }
    }
    steps
}
