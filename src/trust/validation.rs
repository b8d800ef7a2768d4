//! Whether a plan is what follows from what it says, whoever signed it, and says nothing that no
//! action makes or no engine does. Knows nothing of the host: see `host_policy`.

use crate::actions;
use crate::engines::dialect::{Dialect, Spelling};
use crate::error::Reason;
use crate::model::plan::Plan;
use crate::model::plan::difference::differences;
use crate::model::plan::moves::effects::Use;
use crate::model::plan::step::Move;

/// All that is wrong with a plan in itself, each with its code; empty for an honest plan.
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
