//! `unknown_revision`: the database records a revision that none of the scripts has.

use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::model::database::revision_status::RevisionStatus;
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "unknown_revision",
    about: "the database records a revision that is in none of the scripts",
    page: include_str!("../../docs/rules/unknown_revision.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    if case.state != DatabaseState::UnknownRevision {
        return Vec::new();
    }
    let scripts = case.revisions().filter(|revisions| revisions.digest.is_some());
    let Some(scripts) = scripts else {
        let directory = case
            .facts
            .config
            .revisions
            .as_ref()
            .map(|config| config.directory.to_text().into_owned());
        let finding = RULE.finding(
            Severity::Error,
            DATABASE,
            format!("the migration scripts were not found at `{}`", directory.unwrap_or_default()),
        );
        return vec![finding.with_hint("set `[revisions] directory` in ttplan.toml")];
    };
    let unknown = match scripts.standing(case.facts.recorded(), &case.target) {
        RevisionStatus::Unknown(ids) => ids,
        _ => case.facts.recorded().to_vec(),
    };
    let finding = RULE.finding(
        case.unless_decided(),
        DATABASE,
        format!(
            "the database records {}, which none of the {} scripts has",
            AnalysisContext::named(unknown.iter().map(String::as_str)),
            scripts.scripts.len()
        ),
    );
    let exact = case.compared.as_ref().and_then(|compared| compared.inferred.exact.as_ref());
    vec![finding.with_hint(match exact {
        Some(ids) => {
            let ids = ids.join(",");
            format!("the schema is exactly that of `{ids}`; to go on from there: `ttplan plan --assume-revision {ids}`")
        }
        None => "use the release that the database was last run with, or a newer one".to_owned(),
    })]
}
