//! STAGE: drafts a plan from an observation and its diagnosis.
//!
//! Pure: no clock (the time is handed in), no database, no randomness. The same input gives the
//! same bytes. Orders and numbers what the rules' remedies propose; invents nothing.

use std::collections::BTreeMap;

use crate::actions::backup_database::BackUp;
use crate::actions::{self, Draft, Phase};
use crate::analysis::context::{AnalysisContext, CoreTableStatus};
use crate::model::diagnosis::{DatabaseState, Diagnosis};
use crate::model::names::{Digest, Moment};
use crate::model::plan::derive;
use crate::model::plan::step::{Probe, Risk, Step};
use crate::model::plan::{FORMAT_VERSION, Plan, Target, lifetime};
use crate::rules;

/// What is said of a plan from outside.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    pub made_by: String,
    pub made_at: Moment,
    pub author: Option<String>,
    pub ticket: Option<String>,
}

/// Drafts the plan for an examined case and its diagnosis.
pub fn draft(case: &AnalysisContext, diagnosis: Diagnosis, wishes: PlanOptions) -> Plan {
    Plan { findings: case.findings.clone(), ..of_steps(case, diagnosis, wishes, steps(case)) }
}

/// The plan of steps that no finding asked for; they stand for themselves and in this order.
pub fn of_wishes(
    case: &AnalysisContext,
    diagnosis: Diagnosis,
    wishes: PlanOptions,
    drafts: Vec<Draft>,
) -> Plan {
    of_steps(case, diagnosis, wishes, drafts)
}

fn of_steps(
    case: &AnalysisContext,
    diagnosis: Diagnosis,
    wishes: PlanOptions,
    drafts: Vec<Draft>,
) -> Plan {
    let mut definitions = BTreeMap::new();
    let mut said = Vec::with_capacity(drafts.len());
    for draft in drafts {
        definitions.extend(draft.definitions.into_iter().map(|text| (Digest::of(&text), text)));
        said.push(draft.said);
    }
    let steps = derive::derive(said);
    let worst = steps.iter().map(|step| step.risk).max().unwrap_or(Risk::Safe);
    let facts = case.facts;
    Plan {
        format_version: FORMAT_VERSION.to_owned(),
        made_by: wishes.made_by,
        made_at: wishes.made_at,
        expires_at: wishes.made_at.plus_seconds(lifetime(worst)),
        author: wishes.author,
        ticket: wishes.ticket,
        target: Target {
            site: facts.config.site.clone(),
            database: facts.database.identity.clone(),
            roots: derive::roots(&steps),
        },
        config_sha256: facts.config_digest(),
        observation_sha256: facts.digest(),
        diagnosis,
        findings: Vec::new(),
        premises: premises(case, &steps),
        goal: derive::goal(&steps),
        summary: derive::summary(&steps),
        definitions,
        steps,
    }
}

/// All remedies, in the order of a plan.
fn steps(case: &AnalysisContext) -> Vec<Draft> {
    // Somebody else's site: not even its files are touched.
    if matches!(case.state, DatabaseState::Foreign | DatabaseState::Unreachable) {
        return Vec::new();
    }
    let mut drafts: Vec<Draft> = rules::ALL.iter().flat_map(|rule| (rule.remedy)(case)).collect();
    let changes =
        |draft: &Draft| draft.said.moves.iter().any(|mv| derive::changes_database(&mv.effects()));
    if drafts.iter().any(changes) {
        drafts.push(BackUp { directory: case.facts.config.backup.directory.as_ref() }.step());
    }
    drafts.sort_by_key(phase);
    drafts
}

fn phase(draft: &Draft) -> Phase {
    actions::by_kind(&draft.said.kind).map_or(Phase::Migrate, |action| action.phase)
}

/// What the plan as a whole rests on: only what concerns its steps, so that a busy database does
/// not make a plan stale that moves files.
fn premises(case: &AnalysisContext, steps: &[Step]) -> Vec<Probe> {
    let mut moves = steps.iter().flat_map(|step| &step.moves);
    if !moves.any(|mv| derive::changes_database(&mv.effects())) {
        return Vec::new();
    }
    let book = case.book();
    let except: Vec<_> = book.map(|book| book.versions.table.clone()).into_iter().collect();
    let mut premises =
        vec![Probe::SchemaIs { sha256: case.schema().digest_without(&except), except }];
    if let Some(book) = book {
        let versions = book.versions.clone();
        premises.push(Probe::RevisionsAre { versions, rows: book.rows() });
    }
    let genuine = case.core_that_is(CoreTableStatus::Genuine);
    let core = &case.facts.config.tables.core;
    let tables: BTreeMap<_, _> = core
        .iter()
        .filter(|(name, _)| genuine.contains(&name.as_str()))
        .map(|(n, c)| (n.clone(), c.clone()))
        .collect();
    if !tables.is_empty() {
        premises.push(Probe::CorePresent { tables });
    }
    premises
}
