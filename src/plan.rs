//! STAGE: drafts a plan from an observation and its diagnosis.
//!
//! Pure: no clock (the time is handed in), no database, no randomness. The same input gives the
//! same bytes. Orders and numbers what the rules' remedies propose; invents nothing.

use crate::actions::backup_database::BackUp;
use crate::actions::{self, Phase};
use crate::analysis::context::{AnalysisContext, CoreTableStatus};
use crate::model::diagnosis::{DatabaseState, Diagnosis};
use crate::model::names::{FilePath, Moment};
use crate::model::plan::step::{Move, Probe, Risk, Step};
use crate::model::plan::{FORMAT_VERSION, Plan, Summary, Target, lifetime};
use crate::model::risk;
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
    mut steps: Vec<Step>,
) -> Plan {
    number(&mut steps);
    of_steps(case, diagnosis, wishes, steps)
}

fn of_steps(
    case: &AnalysisContext,
    diagnosis: Diagnosis,
    wishes: PlanOptions,
    steps: Vec<Step>,
) -> Plan {
    let worst = steps.iter().map(risk::of_step).max().unwrap_or(Risk::Safe);
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
            roots: roots(&steps),
        },
        config_sha256: facts.config_digest(),
        observation_sha256: facts.digest(),
        diagnosis,
        findings: Vec::new(),
        premises: premises(case, &steps),
        goal: goal(&steps),
        summary: Summary::of(&steps),
        steps,
    }
}

/// All remedies, in the order of a plan, numbered and bound to each other.
fn steps(case: &AnalysisContext) -> Vec<Step> {
    // Somebody else's site: not even its files are touched.
    if matches!(case.state, DatabaseState::Foreign | DatabaseState::Unreachable) {
        return Vec::new();
    }
    let mut steps: Vec<Step> = rules::ALL.iter().flat_map(|rule| (rule.remedy)(case)).collect();
    if steps.iter().any(changes_database) {
        steps.push(BackUp { directory: case.facts.config.backup.directory.as_ref() }.step());
    }
    steps.sort_by_key(phase);
    number(&mut steps);
    bind(&mut steps);
    steps
}

fn number(steps: &mut [Step]) {
    for (n, step) in steps.iter_mut().enumerate() {
        step.id = format!("{}", n + 1);
    }
}

fn phase(step: &Step) -> Phase {
    actions::by_kind(&step.kind).map_or(Phase::Migrate, |action| action.phase)
}

fn changes_database(step: &Step) -> bool {
    !step.moves.iter().any(Move::touches_files)
}

/// Says which steps need which, and which are gone beyond by the migrations.
fn bind(steps: &mut [Step]) {
    let migrate =
        steps.iter().find(|step| phase(step) == Phase::Migrate).map(|step| step.id.clone());
    let mut last_of_database: Option<String> = None;
    let mut rooms: Vec<(String, String)> = Vec::new();
    let mut copies: Vec<String> = Vec::new();
    for step in steps {
        match phase(step) {
            Phase::MakeRoom => rooms.push((step.address.clone(), step.id.clone())),
            Phase::CopyFiles => {
                let room = rooms.iter().find(|(address, _)| *address == step.address);
                step.requires.extend(room.map(|(_, id)| id.clone()));
                copies.push(step.id.clone());
            }
            // Of files that other plans have moved.
            Phase::Release => {}
            phase => {
                if phase == Phase::Rewrite {
                    step.requires.extend(copies.iter().cloned());
                }
                step.requires.extend(last_of_database.replace(step.id.clone()));
                if phase != Phase::BackUp && migrate.as_ref() != Some(&step.id) {
                    step.superseded_by.clone_from(&migrate);
                }
            }
        }
    }
}

/// What the plan as a whole rests on: only what concerns its steps, so that a busy database does
/// not make a plan stale that moves files.
fn premises(case: &AnalysisContext, steps: &[Step]) -> Vec<Probe> {
    if !steps.iter().any(changes_database) {
        return Vec::new();
    }
    let book = case.book();
    let except: Vec<_> = book.map(|book| book.table.clone()).into_iter().collect();
    let mut premises =
        vec![Probe::SchemaIs { sha256: case.schema().digest_without(&except), except }];
    if let Some(book) = book {
        premises.push(Probe::RevisionsAre {
            table: book.table.clone(),
            column: book.column.clone(),
            recorded: book.recorded.clone(),
        });
    }
    let genuine = case.core_that_is(CoreTableStatus::Genuine);
    let core = &case.facts.config.tables.core;
    let tables: std::collections::BTreeMap<_, _> = core
        .iter()
        .filter(|(name, _)| genuine.contains(&name.as_str()))
        .map(|(n, c)| (n.clone(), c.clone()))
        .collect();
    if !tables.is_empty() {
        premises.push(Probe::CorePresent { tables });
    }
    premises
}

/// What holds of the database when the plan is done. Files are answered for by their steps.
fn goal(steps: &[Step]) -> Vec<Probe> {
    let last = |step: &&Step| {
        changes_database(step) && step.superseded_by.is_none() && phase(step) != Phase::BackUp
    };
    let mut goal: Vec<Probe> = Vec::new();
    for probe in steps.iter().filter(last).flat_map(|step| &step.done) {
        if !goal.contains(probe) {
            goal.push(probe.clone());
        }
    }
    goal
}

/// The roots that steps touch.
fn roots(steps: &[Step]) -> Vec<FilePath> {
    let mut roots: Vec<FilePath> = Vec::new();
    for mv in steps.iter().flat_map(|step| &step.moves) {
        match mv {
            Move::CopyFiles(copy) => roots.extend([copy.from.clone(), copy.to.clone()]),
            Move::ReplaceFiles(replace) => roots.extend([replace.from.clone(), replace.to.clone()]),
            Move::ReleaseFiles(release) => roots.extend([release.from.clone(), release.to.clone()]),
            Move::MakeDirectory(make) => roots.push(make.path.clone()),
            _ => {}
        }
    }
    roots.sort();
    roots.dedup();
    roots
}
