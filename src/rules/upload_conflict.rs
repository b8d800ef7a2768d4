//! `upload_conflict`: a file to be moved whose name is taken by another content. What becomes of it
//! the configuration says; where it does not, or that cannot be done, both stay and a person
//! decides.

use crate::actions::Draft;
use crate::actions::move_files::MoveFiles;
use crate::actions::replace_files::ReplaceFiles;
use crate::analysis::context::AnalysisContext;
use crate::analysis::upload_comparison::{Conflict, compare_upload};
use crate::model::config::{OnConflict, Upload};
use crate::model::diagnosis::{Finding, Severity};
use crate::model::files::uploads::{FileFact, RootState};
use crate::model::names::FilePath;
use crate::rules::{Rule, the_first_of};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "upload_conflict",
    about: "a file to be moved has a name that is taken by another content",
    page: include_str!("../../docs/rules/upload_conflict.md"),
    examine,
    remedy,
};

fn finding(upload: &Upload, severity: Severity, path: &FilePath, what: &str) -> Finding {
    let path = path.to_text();
    RULE.finding(severity, format!("{}/{path}", upload.name), format!("`{path}` {what}"))
}

fn left_alone(upload: &Upload, conflict: &Conflict) -> Finding {
    let (from, with) = (conflict.from.to_text(), conflict.with.to_text());
    let mut message =
        format!("in `{from}` and in `{with}` have different contents; both stay where they are");
    if let Some(obstacle) = &conflict.obstacle {
        message = format!("{message}: {obstacle}");
    }
    match upload.on_conflict {
        OnConflict::KeepDestination => finding(upload, Severity::Warning, &conflict.path, &message),
        OnConflict::Stop | OnConflict::Replace | OnConflict::Rename => {
            finding(upload, Severity::Error, &conflict.path, &message)
                .with_hint("compare the two, remove or rename the wrong one, then plan again")
        }
    }
}

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let mut found = Vec::new();
    for upload in &case.facts.config.uploads {
        let sorted = compare_upload(case.facts, upload);
        let to = upload.to.to_text();
        found.extend(sorted.conflicts.iter().map(|conflict| left_alone(upload, conflict)));
        for (root, files) in &sorted.replaces {
            let what = format!(
                "of `{}` replaces another content in `{to}`, which the run keeps",
                root.to_text()
            );
            found.extend(
                files.iter().map(|(new, _)| finding(upload, Severity::Warning, new.path(), &what)),
            );
        }
        for (root, files) in &sorted.renames {
            found.extend(files.iter().map(|file| {
                let name = file.by_content();
                let what = format!(
                    "of `{}` becomes `{}` in `{to}`",
                    root.to_text(),
                    name.path().to_text()
                );
                finding(
                    upload,
                    Severity::Warning,
                    file.path(),
                    &format!("{what}, where its name is taken"),
                )
            }));
        }
    }
    the_first_of(&RULE, found.into_iter())
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    let mut steps = Vec::new();
    for upload in &case.facts.config.uploads {
        if case.facts.tree(&upload.to).is_none_or(|tree| tree.state != RootState::Present) {
            continue;
        }
        let sorted = compare_upload(case.facts, upload);
        for (from, pairs) in sorted.replaces {
            let (files, replaced): (Vec<FileFact>, Vec<FileFact>) =
                pairs.into_iter().map(|(new, old)| (new.clone(), old.clone())).unzip();
            steps.push(ReplaceFiles { upload, from, files, replaced, reason: RULE.code }.step());
        }
        for (from, files) in sorted.renames {
            let files = files.into_iter().cloned().collect();
            steps.push(MoveFiles { upload, from, files, renamed: true, reason: RULE.code }.step());
        }
    }
    steps
}
