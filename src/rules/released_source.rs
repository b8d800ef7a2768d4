//! `released_source`: files in an old place whose copies are where they belong. They stay, unless a
//! plan is asked to remove them.

use std::collections::BTreeSet;

use crate::actions::Draft;
use crate::actions::release_sources::ReleaseSources;
use crate::analysis::context::AnalysisContext;
use crate::analysis::reference_resolution::resolve;
use crate::model::config::Upload;
use crate::model::diagnosis::{Finding, Severity};
use crate::model::files::references::Reference;
use crate::model::files::rewriting::Rewriting;
use crate::model::files::uploads::{FileFact, Tree};
use crate::model::names::FilePath;
use crate::model::observation::Presence;
use crate::model::text::{bytes, counted};
use crate::rules::Rule;

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "released_source",
    about: "files in an old place have verified copies where they belong",
    page: include_str!("../../docs/rules/released_source.md"),
    examine,
    remedy,
};

/// The files of one old place that are no longer needed there: the same content is where it
/// belongs, and no value comes to the file here.
fn releasable<'a>(
    case: &AnalysisContext,
    upload: &Upload,
    source: &'a Tree,
    used: &BTreeSet<FilePath>,
) -> Vec<&'a FileFact> {
    let Some(destination) = case.facts.tree(&upload.to) else { return Vec::new() };
    let is_copied =
        |file: &&FileFact| destination.file(file.path()).is_some_and(|copy| copy == *file);
    let is_unused = |file: &&FileFact| !used.contains(&source.root.join(file.path()));
    source.files.iter().filter(is_copied).filter(is_unused).collect()
}

/// Every old place that lies apart from its destination, with what could be released there.
fn sources<'a>(case: &'a AnalysisContext<'_>) -> Vec<(&'a Upload, &'a Tree, Vec<&'a FileFact>)> {
    // Who does not know the references does not know what is needed.
    if case.facts.database.presence != Presence::Present {
        return Vec::new();
    }
    let used: BTreeSet<FilePath> =
        resolve(case.facts).into_iter().filter_map(|one| one.found_at).collect();
    let mut found = Vec::new();
    for upload in &case.facts.config.uploads {
        let apart = |root: &&FilePath| !root.is_within(&upload.to) && !upload.to.is_within(root);
        for source in upload.from.iter().filter(apart).filter_map(|root| case.facts.tree(root)) {
            let files = releasable(case, upload, source, &used);
            if !files.is_empty() {
                found.push((upload, source, files));
            }
        }
    }
    found
}

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let told = |(upload, source, files): (&Upload, &Tree, Vec<&FileFact>)| {
        let size = files.iter().map(|file| file.size()).fold(0, u64::saturating_add);
        let (count, root) = (counted(files.len() as u64, "file"), source.root.to_text());
        let message = format!(
            "{count} ({}) in `{root}` have the same content where they belong",
            bytes(size)
        );
        let finding = RULE.finding(Severity::Info, upload.name.clone(), message);
        if case.decisions.release_sources {
            return finding;
        }
        finding.with_hint("once the application is seen to work: `ttplan plan --release-sources`")
    };
    sources(case).into_iter().map(told).collect()
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    if !case.decisions.release_sources {
        return Vec::new();
    }
    let step = |(upload, source, files): (&Upload, &Tree, Vec<&FileFact>)| {
        let files = files.into_iter().cloned().collect();
        let unreferenced = unreferenced(case, upload);
        ReleaseSources { upload, from: &source.root, files, unreferenced, reason: RULE.code }.step()
    };
    sources(case).into_iter().map(step).collect()
}

/// That no value names a file by its old place, asked again before anything is removed.
fn unreferenced(case: &AnalysisContext, upload: &Upload) -> Vec<Rewriting> {
    let rewriting = |reference: &Reference| {
        let table = case.schema().home_table(&reference.table)?;
        table.column(&reference.column)?;
        Rewriting::of(upload, reference, table)
    };
    upload.references.iter().filter_map(rewriting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::reference_resolution::tests::{column, facts, tree, upload};
    use crate::model::diagnosis::Decisions;
    use crate::model::files::references::Form;

    #[test]
    fn only_copied_files_that_no_value_comes_to_are_released_and_only_on_request() {
        let mut facts = facts();
        facts.config.uploads = vec![upload()];
        facts.uploads = vec![
            tree("/new", &["a=1", "c=3", "d=4"]),
            tree("/old", &["a=1", "b=2", "c=other", "d=4"]),
        ];
        facts.references = vec![column(Form::Name, &["a", "b"])];
        let decisions = Decisions { release_sources: true, ..Decisions::default() };
        let case = AnalysisContext::new(&facts, &decisions);
        let found = sources(&case);
        let paths: Vec<_> =
            found[0].2.iter().map(|file| file.path().to_text().into_owned()).collect();
        assert_eq!((found.len(), paths), (1, vec!["a".to_owned(), "d".to_owned()]));
        assert_eq!(remedy(&case).len(), 1);
        let decisions = Decisions::default();
        let case = AnalysisContext::new(&facts, &decisions);
        assert_eq!((remedy(&case).len(), examine(&case).len()), (0, 1));
    }

    #[test]
    fn a_file_that_another_upload_refers_to_stays() {
        let mut facts = facts();
        let mut other = upload();
        (other.name, other.from, other.to) = ("b".into(), Vec::new(), "/old".into());
        facts.config.uploads = vec![upload(), other];
        facts.uploads = vec![tree("/new", &["a=1"]), tree("/old", &["a=1"])];
        let mut referenced = column(Form::Absolute, &["/old/a"]);
        referenced.upload = "b".into();
        facts.references = vec![referenced];
        let decisions = Decisions { release_sources: true, ..Decisions::default() };
        assert!(remedy(&AnalysisContext::new(&facts, &decisions)).is_empty());
    }
}
