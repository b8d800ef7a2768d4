//! Looks at every step before the first is run, and says which are done, which can be run, and
//! what stands in the way of the others. Asks, too, for the target, the premises and the goal.
//!
//! Never changes anything.

use std::collections::BTreeMap;

use crate::apply::context::RunContext;
use crate::apply::probe::Prober;
use crate::apply::probe::answer::demand;
use crate::error::{Error, Kind, Result};
use crate::live::LiveWriter;
use crate::model::host::HostConfig;
use crate::model::names::ObjectRef;
use crate::model::plan::Plan;
use crate::model::plan::step::{Answer, Move, Probe, Step};

/// How a step is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepStatus {
    /// What it is to bring about is so, by itself or because a later step went beyond it.
    Done,
    Ready,
    /// What has changed since the plan was made.
    NotReady(Reason, String),
    /// What could not be found out.
    Unknown(Reason, String),
}

/// Why a step cannot be run, as far as it decides what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The site is not as it was.
    Changed,
    /// Others have the database open, or may have.
    InUse,
}

impl Reason {
    fn code(self) -> &'static str {
        match self {
            Self::Changed => "step_not_ready",
            Self::InUse => "database_in_use",
        }
    }
}

/// How every step is found, by id.
pub type Statuses = BTreeMap<String, StepStatus>;

/// Looks at all steps, last to first, so that a step that a later one went beyond is seen as done.
pub fn look(plan: &Plan, prober: &mut Prober<'_>) -> Statuses {
    let mut statuses = Statuses::new();
    for step in plan.steps.iter().rev() {
        let beyond = step.superseded_by.as_ref().and_then(|id| statuses.get(id));
        let status = if beyond == Some(&StepStatus::Done) {
            StepStatus::Done
        } else {
            of_step(step, prober)
        };
        statuses.insert(step.id.clone(), status);
    }
    statuses
}

/// Looks at one step by itself.
pub fn of_step(step: &Step, prober: &mut Prober<'_>) -> StepStatus {
    if !step.done.is_empty() && prober.ask_all(&step.done, Some(step)) == Answer::Yes {
        return StepStatus::Done;
    }
    match prober.first_unmet(&step.ready, Some(step)) {
        None | Some((_, Answer::Yes)) => StepStatus::Ready,
        Some((probe, Answer::No(what))) => StepStatus::NotReady(reason(probe), what),
        Some((probe, Answer::Unknown(why))) => StepStatus::Unknown(reason(probe), why),
    }
}

fn reason(probe: &Probe) -> Reason {
    if matches!(probe, Probe::NoOtherWriter {}) { Reason::InUse } else { Reason::Changed }
}

/// Refuses a run in which some step can neither be run nor is done. Tells all of them.
pub fn demand_ready(plan: &Plan, statuses: &Statuses) -> Result<()> {
    let mut told: Option<Error> = None;
    for (n, step) in plan.steps.iter().enumerate() {
        let (code, what) = match statuses.get(&step.id) {
            Some(StepStatus::Done | StepStatus::Ready) => continue,
            Some(StepStatus::NotReady(reason, what)) => (reason.code(), what.clone()),
            Some(StepStatus::Unknown(_, why)) => {
                ("step_unknown", format!("could not be found out: {why}"))
            }
            None => ("step_unknown", "it was not looked at".to_owned()),
        };
        told = Some(match told {
            None => Error::new(
                Kind::Stale,
                format!("the plan is stale at step {}: {}", n + 1, step.title),
            )
            .code(code)
            .about(format!("step {}", n + 1))
            .because(what),
            Some(error) => error.because(format!("step {}: {what}", n + 1)),
        });
    }
    match told {
        None => Ok(()),
        Some(error) => Err(error.hint(hint(statuses))),
    }
}

fn hint(statuses: &Statuses) -> String {
    let in_use = |status: &StepStatus| {
        matches!(
            status,
            StepStatus::NotReady(Reason::InUse, _) | StepStatus::Unknown(Reason::InUse, _)
        )
    };
    if statuses.values().any(in_use) {
        "stop the application first: `docker compose stop app` or `systemctl stop APP`".to_owned()
    } else {
        "run `ttplan plan` again and have the new plan signed".to_owned()
    }
}

/// Refuses a plan that was made for another database.
///
/// Errors: `Kind::Stale`.
///
/// Returns the application's home schema there.
pub fn check_target(plan: &Plan, live: &mut dyn LiveWriter) -> Result<String> {
    let seen = live.database().look()?;
    let found = seen.identity;
    let planned = &plan.target.database;
    // Not by its host: a run may come past a pooler, or from another network.
    if (&found.engine, &found.name, &found.identity)
        == (&planned.engine, &planned.name, &planned.identity)
    {
        return Ok(seen.schema.home);
    }
    Err(Error::new(Kind::Stale, "the plan is for another database")
        .code("wrong_database")
        .found(&found.identity)
        .expected(&planned.identity)
        .because(format!(
            "it was made for `{}` ({}), this is `{}` ({})",
            planned.name, planned.identity, found.name, found.identity
        ))
        .hint("point DATABASE_URL at the database that the plan was made for, or plan again"))
}

/// A table that the host's profile names without a schema is the one in the application's home
/// schema. Another application's of the same name is none of the plan's business.
pub fn check_home(plan: &Plan, site: &HostConfig, home: &str) -> Result<()> {
    let Some(profile) = &site.profile else { return Ok(()) };
    for (at, step) in plan.steps.iter().enumerate() {
        let changed = step.moves.iter().filter_map(Move::versions).map(|one| &one.table);
        let rewritten = step.moves.iter().filter_map(Move::rewriting).map(|one| &one.table);
        let other = |table: &&ObjectRef| table.schema != home && profile.means_home(table);
        if let Some(table) = changed.chain(rewritten).find(other) {
            let message = format!("step `{}` is about {table} of another schema", step.id);
            return Err(Error::new(Kind::Refused, message)
                .code("profile_differs")
                .about(format!("step {}", at.saturating_add(1)))
                .found(&table.schema)
                .expected(home)
                .because(format!("the host's profile names it in the home schema, `{home}`"))
                .hint(format!("name it `{}.{}` in the host's profile", table.schema, table.name)));
        }
    }
    Ok(())
}

/// Refuses a plan of which a premise does not hold any more.
///
/// Errors: `Kind::Stale`.
pub fn check_premises(plan: &Plan, prober: &mut Prober<'_>) -> Result<()> {
    demand(prober.ask_all(&plan.premises, None), |what, _| {
        Error::new(Kind::Stale, "the plan is stale: what it rests on is not so any more")
            .code("premise_changed")
            .because(what)
            .hint("run `ttplan plan` again and have the new plan signed")
    })
}

/// Whether what the plan is for has come about.
///
/// Errors: `Kind::Verification`.
pub fn check_goal(plan: &Plan, ctx: &mut RunContext<'_>) -> Result<()> {
    let mut prober = Prober::new(&mut *ctx.live, Some(ctx.active_run), ctx.sidecar);
    demand(prober.ask_all(&plan.goal, None), |what, _| {
        Error::new(
            Kind::Verification,
            "all steps are done, and the goal of the plan is not reached",
        )
        .code("goal_missed")
        .because(what)
        .hint("run `ttplan plan` to see how the site stands now")
    })
}
