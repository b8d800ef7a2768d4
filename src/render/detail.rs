//! What a move does, to the letter: everything in it that its title does not say. Whatever a plan
//! could hide is in these lines. Not escaped: whoever prints them does that.

use crate::engines;
use crate::engines::dialect::Dialect;
use crate::model::plan::Plan;
use crate::model::plan::step::{Move, Reversal, Risk, Step};

/// How the database of a plan spells SQL, where its engine is known.
pub fn dialect_of(plan: &Plan) -> Option<&'static dyn Dialect> {
    engines::by_name(&plan.target.database.engine).map(|engine| engine.dialect)
}

/// The lines of a step: what is saved, what is done, how it is undone; statements as the engine
/// spells them, where it is known.
pub fn lines(step: &Step, dialect: Option<&dyn Dialect>) -> Vec<String> {
    let mut lines = Vec::new();
    for save in &step.save {
        let effects = save.effects();
        lines.push(format!("{}, first", effects.title));
        lines.extend(effects.details);
    }
    lines.extend(step.moves.iter().flat_map(|mv| detail(mv, dialect)));
    for mv in &step.undo {
        lines.push(format!("undo: {}", mv.effects().title));
        let spelled = dialect.map(|dialect| dialect.spell(mv).lines()).unwrap_or_default();
        lines.extend(spelled.into_iter().map(|line| format!("undo: {line}")));
    }
    match &step.reversal {
        Reversal::OneWay(why) => lines.push(format!("cannot be undone: {why}")),
        Reversal::By(_) if step.undo.is_empty() && step.risk != Risk::Safe => {
            lines.push("cannot be undone".to_owned());
        }
        Reversal::By(_) => {}
    }
    lines
}

fn detail(mv: &Move, dialect: Option<&dyn Dialect>) -> Vec<String> {
    let spelled = dialect.map(|dialect| dialect.spell(mv).lines()).unwrap_or_default();
    spelled.into_iter().chain(mv.effects().details).collect()
}
