//! `purge_run`: removes what a run kept and nothing needs any more, because the run was taken back.
//! Cannot be taken back itself. Its journal and its signed plan stay: they keep the plan from
//! acting again.

use crate::actions::{Action, Parts, Phase, step};
use crate::model::plan::step::{DiscardKept, Move, Probe, SavedCopyRef, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "purge_run",
    phase: Phase::Release,
    about: "removes what a run kept and nothing needs any more, because the run was taken back",
    page: include_str!("../../docs/actions/purge_run.md"),
};

/// The intention.
pub struct PurgeRun<'a> {
    pub run: &'a str,
    /// Sorted by name.
    pub kept: Vec<SavedCopyRef>,
    pub reason: &'a str,
}

impl PurgeRun<'_> {
    /// Its step.
    pub fn step(self) -> Step {
        let run = self.run.to_owned();
        step(
            &ACTION,
            Parts {
                address: format!("state/runs/{run}"),
                reason: self.reason.into(),
                ready: vec![Probe::RunTakenBack { run: run.clone() }],
                moves: vec![Move::DiscardKept(DiscardKept { run, kept: self.kept })],
                done: vec![Probe::KeptIsGone { r#move: 0 }],
                ..Parts::default()
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::step::Risk;

    #[test]
    fn a_purge_is_destructive_and_says_of_which_run() {
        let kept = vec![SavedCopyRef { name: "before".into(), directory: None, bytes: 1500 }];
        let step = PurgeRun { run: "0123456789abcdef", kept, reason: "x" }.step();
        crate::actions::tests::check(&step);
        assert_eq!(step.title, "remove what run `0123456789abcdef` kept (1 thing, 1.5 kB)");
        assert_eq!(step.risk, Risk::Destructive);
        assert!(step.undo.is_empty());
    }
}
