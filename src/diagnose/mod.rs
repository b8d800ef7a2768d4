//! STAGE: says in what state the database is, and what the rules found.
//!
//! Pure, and never fails: what could not be seen is a state or a finding of its own, never
//! health and never a licence to destroy. Plans nothing.

use crate::diagnose::states::Verdict;
use crate::model::diagnosis::{Decisions, Diagnosis, Inferred, Revision, Severity, State};
use crate::model::observation::Observation;
use crate::rules::{self, case::Case};

mod states;

/// A diagnosis with the case it was made of; the case holds what the rules found.
pub struct Examination<'a> {
    pub case: Case<'a>,
    pub diagnosis: Diagnosis,
}

/// Reads the facts, finds the state, and lets every rule look.
pub fn diagnose<'a>(observation: &'a Observation, decisions: &'a Decisions) -> Examination<'a> {
    let mut case = Case::new(&observation.facts, decisions);
    let verdict = states::classify(&case);
    case.state = verdict.state;
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
        inferred: Inferred::default(),
    });
    let Verdict { state, strategy, evidence } = verdict;
    Examination { diagnosis: Diagnosis { state, strategy, blocked, evidence, revision }, case }
}

/// What is to be run, where the state says from where.
fn pending(case: &Case) -> Vec<String> {
    let Some(revisions) = case.revisions() else { return Vec::new() };
    let begins_anew = case.state == State::PartialMigration && case.decisions.reinitialize;
    match case.state {
        State::Absent | State::Fresh | State::Corrupted | State::Behind | State::Diverged => {}
        _ if begins_anew => {}
        _ => return Vec::new(),
    }
    revisions.pending(case.recorded_before_run(), &case.target)
}
