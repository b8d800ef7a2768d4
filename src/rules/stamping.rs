//! How rules have a revision recorded: one step, the same whoever asks for it. No rule itself.

use crate::actions::Draft;
use crate::actions::stamp_revision::StampRevision;
use crate::analysis::context::{AnalysisContext, DATABASE, Grounds, MIGRATIONS};
use crate::model::plan::step::Basis;

/// The step that records what was decided; none where something waits for a person.
pub fn stamp(case: &AnalysisContext, reason: &str) -> Vec<Draft> {
    if case.is_blocked(DATABASE) || case.is_blocked(MIGRATIONS) {
        return Vec::new();
    }
    let step = || {
        let stamp = case.stamp.as_ref()?;
        let basis = match stamp.basis {
            // What nothing shows is nobody's exact knowledge.
            Grounds::Shown => Basis::Exact(case.compared.as_ref()?.shape_of(&stamp.to)?),
            Grounds::Assumed => Basis::Assumed,
        };
        let book = case.book()?;
        Some(StampRevision { book, to: &stamp.to, basis, reason }.step())
    };
    step().into_iter().collect()
}

/// Differences for a sentence: the first few, and how many more.
pub fn told(differences: &[String]) -> String {
    const TOLD: usize = 12;
    let mut lines: Vec<&str> = differences.iter().take(TOLD).map(String::as_str).collect();
    let more = format!("and {} more", differences.len().saturating_sub(TOLD));
    if differences.len() > TOLD {
        lines.push(&more);
    }
    lines.join("; ")
}
