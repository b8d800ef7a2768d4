//! Reads all journals of a state directory: which runs there were, and how far each came. Changes
//! nothing, and one damaged journal hides no other run.

use crate::artifact::journal;
use crate::artifact::state::{RunDirectory, StateDirectory};
use crate::error::Result;
use crate::model::run::history::{History, Run, RunPhase};
use crate::model::run::run_state::RunState;

/// All runs, the one that was started first, first.
pub fn read(state: &StateDirectory) -> Result<History> {
    let mut runs: Vec<Run> = state.runs()?.iter().map(run).collect();
    runs.sort_by(|a, b| (a.started_at, &a.run).cmp(&(b.started_at, &b.run)));
    Ok(History { runs })
}

/// How far one run has come.
pub fn run(folder: &RunDirectory) -> Run {
    match journal::read(&folder.journal()) {
        Ok((_, standing)) => from_standing(&folder.id, standing),
        Err(error) => Run {
            run: folder.id.clone(),
            started_at: None,
            last_at: None,
            signed_by: Vec::new(),
            progress: RunPhase::Unknown,
            steps_done: 0,
            steps_undone: 0,
            failure: Some(error.to_string()),
        },
    }
}

fn from_standing(id: &str, standing: RunState) -> Run {
    let progress = if standing.all_undone {
        RunPhase::Undone
    } else if standing.undo_begun {
        RunPhase::BeingUndone
    } else if standing.finished {
        RunPhase::Finished
    } else if standing.has_begun() {
        RunPhase::Stopped
    } else {
        RunPhase::NotBegun
    };
    Run {
        run: id.to_owned(),
        started_at: standing.opened_at,
        last_at: standing.last_at,
        signed_by: standing.signed_by,
        progress,
        steps_done: standing.done.len() as u64,
        steps_undone: standing.undone.len() as u64,
        failure: standing.failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::journal::{FORMAT_VERSION, Journal};
    use crate::model::names::FilePath;
    use crate::model::names::{Digest, Moment};
    use crate::model::run::journal::JournalEvent;

    fn folder(
        state: &StateDirectory,
        plan: &str,
        begun_at: i64,
        events: Vec<JournalEvent>,
    ) -> RunDirectory {
        let folder = state.run_of(&Digest::of(plan));
        folder.make().unwrap();
        let mut journal = Journal::open(&folder.journal()).unwrap();
        let opened = JournalEvent::Opened {
            format_version: FORMAT_VERSION.into(),
            made_by: "ttplan".into(),
            plan_sha256: Digest::of(plan),
            site: "prod".into(),
            signed_by: vec!["ada".into()],
        };
        for event in std::iter::once(opened).chain(events) {
            journal.append(Moment::from_unix(begun_at).unwrap(), event).unwrap();
        }
        folder
    }

    #[test]
    fn each_run_is_as_far_as_its_journal_says_and_a_damaged_one_is_unknown() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(
            &FilePath::new(directory.path().join("state")),
            &Default::default(),
        )
        .unwrap();
        let step = || "1".to_owned();
        let begun = || JournalEvent::Begun { step: step() };
        let undo = || JournalEvent::UndoBegun { step: step() };
        let stories = [
            (vec![], RunPhase::NotBegun),
            (vec![begun()], RunPhase::Stopped),
            (
                vec![begun(), JournalEvent::Done { step: step() }, JournalEvent::Finished {}],
                RunPhase::Finished,
            ),
            (vec![begun(), undo()], RunPhase::BeingUndone),
            (vec![begun(), undo(), JournalEvent::AllUndone {}], RunPhase::Undone),
        ];
        for (n, (events, _)) in stories.iter().enumerate() {
            folder(&state, &n.to_string(), 1_763_640_000 + n as i64, events.clone());
        }
        let damaged = folder(&state, "damaged", 1_763_650_000, vec![begun()]);
        std::fs::write(damaged.journal(), "{}\n").unwrap();
        let runs = read(&state).unwrap().runs;
        let found: Vec<RunPhase> = runs.iter().map(|run| run.progress).collect();
        let told: Vec<RunPhase> = std::iter::once(RunPhase::Unknown)
            .chain(stories.into_iter().map(|(_, progress)| progress))
            .collect();
        assert_eq!(found, told);
        assert!(runs[0].failure.as_ref().unwrap().contains("is damaged at line 1"));
    }
}
