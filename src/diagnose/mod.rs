//! STAGE: says in what state the database is, and what the rules found.
//!
//! Pure, and never fails: what could not be seen is a state or a finding of its own, never
//! health and never a licence to destroy. Plans nothing.

use crate::analysis::context::{AnalysisContext, Grounds, Stamp};
use crate::diagnose::states::Verdict;
use crate::model::database::revision_status::RevisionStatus;
use crate::model::diagnosis::{DatabaseState, Decisions, Diagnosis, Revision, Severity};
use crate::model::observation::Observation;
use crate::rules;
use crate::rules::assumed_revision::may_be_assumed;

mod states;

/// A diagnosis with the case it was made of; the case holds what the rules found.
pub struct Examination<'a> {
    pub case: AnalysisContext<'a>,
    pub diagnosis: Diagnosis,
}

/// Reads the facts, finds the state, and lets every rule look.
pub fn diagnose<'a>(observation: &'a Observation, decisions: &'a Decisions) -> Examination<'a> {
    let mut case = AnalysisContext::new(&observation.facts, decisions);
    case.circumstances = Some(&observation.circumstances);
    let verdict = states::classify(&case);
    case.state = verdict.state;
    case.stamp = stamp(&case);
    case.pending = pending(&case);
    case.findings = rules::ALL.iter().flat_map(|rule| (rule.examine)(&case)).collect();

    let mut blocked: Vec<String> = Vec::new();
    for finding in case.findings.iter().filter(|finding| finding.severity == Severity::Error) {
        if !blocked.contains(&finding.subject) {
            blocked.push(finding.subject.clone());
        }
    }
    let revision = case.facts.config.revisions.as_ref().map(|config| Revision {
        system: config.system.clone(),
        recorded: case.facts.recorded().to_vec(),
        target: case.target.clone(),
        pending: case.pending.clone(),
        inferred: case
            .compared
            .as_ref()
            .map(|compared| compared.inferred.clone())
            .unwrap_or_default(),
    });
    let Verdict { state, strategy, evidence } = verdict;
    Examination { diagnosis: Diagnosis { state, strategy, blocked, evidence, revision }, case }
}

/// The revisions to record first: what a person says, else what the schema shows and nothing else.
fn stamp(case: &AnalysisContext) -> Option<Stamp> {
    let shown = case.compared.as_ref().and_then(|compared| compared.inferred.exact.clone());
    let assumed = Some(case.decisions.assume_revision.clone()).filter(|ids| !ids.is_empty());
    let (to, basis) = match (case.state, assumed, shown) {
        (DatabaseState::Legacy | DatabaseState::FalseStamp, None, Some(shown)) => {
            (shown, Grounds::Shown)
        }
        (state, Some(assumed), shown) if may_be_assumed(state) => {
            let basis =
                if shown.as_ref() == Some(&assumed) { Grounds::Shown } else { Grounds::Assumed };
            (assumed, basis)
        }
        _ => return None,
    };
    let revisions = case.revisions()?;
    // Forward, scripts would be passed over that may have rows to change: only a person knows
    // whether they did.
    let recorded = case.facts.recorded();
    let passes_over = !recorded.is_empty()
        && recorded.iter().all(|id| revisions.ancestors(&to).contains(id.as_str()));
    if passes_over && case.decisions.assume_revision.is_empty() {
        return None;
    }
    let is_new = case.facts.recorded() != to;
    (is_new && to.iter().all(|id| revisions.script(id).is_some())).then_some(Stamp { to, basis })
}

/// What is to be run, where the state says from where.
fn pending(case: &AnalysisContext) -> Vec<String> {
    let Some(revisions) = case.revisions() else { return Vec::new() };
    let begins_anew = case.state == DatabaseState::PartialMigration && case.decisions.reinitialize;
    let from = case.recorded_before_run();
    match case.state {
        DatabaseState::Absent
        | DatabaseState::Fresh
        | DatabaseState::Corrupted
        | DatabaseState::Behind
        | DatabaseState::Diverged => {}
        _ if begins_anew || case.is_at_known_stop() => {}
        _ if case.stamp.is_some() => match revisions.standing(from, &case.target) {
            RevisionStatus::Behind | RevisionStatus::Diverged => {}
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    }
    revisions.pending(from, &case.target)
}
