//! Looks at every step before the first is run, and says which are done, which can be run, and
//! what stands in the way of the others.

use std::collections::BTreeMap;

use crate::apply::probe::Prober;
use crate::error::{Error, Kind, Result};
use crate::model::plan::Plan;
use crate::model::plan::step::{Answer, Step};

/// How a step is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepStatus {
    /// What it is to bring about is so, by itself or because a later step went beyond it.
    Done,
    Ready,
    /// What has changed since the plan was made.
    NotReady(String),
    /// What could not be found out.
    Unknown(String),
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
    match prober.ask_all(&step.ready, Some(step)) {
        Answer::Yes => StepStatus::Ready,
        Answer::No(what) => StepStatus::NotReady(what),
        Answer::Unknown(why) => StepStatus::Unknown(why),
    }
}

/// Refuses a run in which some step can neither be run nor is done. Tells all of them.
pub fn demand_ready(plan: &Plan, statuses: &Statuses) -> Result<()> {
    let mut told: Option<Error> = None;
    for (n, step) in plan.steps.iter().enumerate() {
        let (code, what) = match statuses.get(&step.id) {
            Some(StepStatus::Done | StepStatus::Ready) => continue,
            Some(StepStatus::NotReady(what)) => ("step_not_ready", what.clone()),
            Some(StepStatus::Unknown(why)) => {
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
    let says = |text: &str| {
        statuses.values().any(
            |s| matches!(s, StepStatus::NotReady(w) | StepStatus::Unknown(w) if w.contains(text)),
        )
    };
    if says("have the database open") {
        "stop the application first: `docker compose stop app` or `systemctl stop APP`".to_owned()
    } else {
        "run `ttplan plan` again and have the new plan signed".to_owned()
    }
}
