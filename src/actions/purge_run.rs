//! `purge_run`: removes what a run kept and nothing needs any more, because the run was taken back.
//! Cannot be taken back itself. Its journal and its signed plan stay: they keep the plan from
//! acting again.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::plan::step::{DiscardSaved, Move, SavedCopyRef};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "purge_run",
    phase: Phase::Release,
    makes: |moves| matches!(moves, [Move::DiscardSaved(_)]),
    about: "removes what a run kept and nothing needs any more, because the run was undone",
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
    pub fn step(self) -> Draft {
        let run = self.run.to_owned();
        let address = format!("state/runs/{run}");
        let discard = DiscardSaved { run, saved: self.kept };
        draft(&ACTION, address, self.reason, vec![Move::DiscardSaved(discard)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;
    use crate::model::plan::step::Risk;

    #[test]
    fn a_purge_is_destructive_and_says_of_which_run() {
        let kept = vec![SavedCopyRef { name: "before".into(), directory: None, bytes: 1500 }];
        let step = step_of(PurgeRun { run: "0123456789abcdef", kept, reason: "x" }.step());
        assert_eq!(
            step.title,
            "remove what run `0123456789abcdef` kept (1 copy, 1.5 kB) (one-way)"
        );
        assert_eq!(step.risk, Risk::Destructive);
        assert!(step.undo.is_empty());
    }
}
