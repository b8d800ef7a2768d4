//! Whether a plan is what follows from what it says, whoever signed it, and says nothing that no
//! action makes or no engine does. Knows nothing of the host: see `host_policy`.

use crate::actions;
use crate::engines;
use crate::engines::dialect::{Dialect, Spelling};
use crate::error::{Error, Kind, Reason, Result};
use crate::model::plan::difference::differences;
use crate::model::plan::moves::effects::Use;
use crate::model::plan::step::Move;
use crate::model::plan::{MADE_BY, Plan};

/// The code of a plan that nobody here can judge.
const UNKNOWN_ENGINE: &str = "unknown_engine";

/// That the plan is what follows from what it says. Judged before anything that it says of itself is
/// looked at.
///
/// Errors: `Kind::Refused`, with every fault. A plan of another version of ttplan was not tampered
/// with for that.
pub fn check(plan: &Plan, name: &str) -> Result<()> {
    let reasons = faults(plan);
    if reasons.is_empty() {
        return Ok(());
    }
    let is_foreign = reasons.iter().any(|reason| reason.code == UNKNOWN_ENGINE);
    if plan.made_by == MADE_BY || is_foreign {
        let message = format!("plan `{name}` does not follow from what it says");
        return Err(Error::refused(Kind::Refused, message, reasons));
    }
    let message = format!("plan `{name}` was made by another ttplan");
    Err(Error::new(Kind::Refused, message)
        .code("made_by_other_version")
        .found(&plan.made_by)
        .expected(MADE_BY)
        .because("what follows from its moves is not the same there and here")
        .hint("run `ttplan plan` again and have the new plan signed"))
}

/// All that is wrong with a plan in itself, each with its code; empty for an honest plan. What the
/// plan's engine would do is known of no other.
pub fn faults(plan: &Plan) -> Vec<Reason> {
    let engine = &plan.target.database.engine;
    match engines::by_name(engine) {
        Some(known) => offences(plan, known.dialect),
        None => {
            let why = format!("the database engine `{engine}` is not known");
            vec![Reason::new(UNKNOWN_ENGINE, why)]
        }
    }
}

/// The same of a plan for an engine with this dialect.
pub fn offences(plan: &Plan, dialect: &dyn Dialect) -> Vec<Reason> {
    let mut found = differences(plan);
    for (at, step) in plan.steps.iter().enumerate() {
        let subject = format!("step {}", at.saturating_add(1));
        let mut add = |code, why: String| {
            found.push(Reason::new(code, format!("{subject}: {why}")).about(&subject));
        };
        match actions::by_kind(&step.kind) {
            Some(action) if (action.makes)(&step.moves) => {}
            Some(_) => {
                let moves: Vec<&str> = step.moves.iter().map(Move::word).collect();
                add(
                    "kind_differs",
                    format!("a `{}` does not do `{}`", step.kind, moves.join("`, `")),
                );
            }
            None => add("kind_differs", format!("no action is called `{}`", step.kind)),
        }
        for mv in &step.moves {
            if let Spelling::Unsupported(why) = dialect.spell(mv) {
                add("move_unsupported", why);
            }
            let objects = mv.effects().objects.into_iter();
            for (object, _) in objects.filter(|(_, what)| *what != Use::Read) {
                if dialect.is_of_the_system(object) {
                    let schema = &object.schema;
                    add(
                        "system_object",
                        format!("{object} of `{schema}` belongs to the database system itself"),
                    );
                }
            }
        }
    }
    found
}
