//! Reads all journals of a state directory: which runs there were, and how far each came. Changes
//! nothing, and one damaged journal hides no other run.

use crate::artifact::journal::{self, Standing};
use crate::artifact::state::{RunFolder, State};
use crate::error::Result;
use crate::model::run::history::{History, Progress, Run};

/// All runs, the one that was started first, first.
pub fn read(state: &State) -> Result<History> {
    let mut runs: Vec<Run> = state.runs()?.iter().map(run).collect();
    runs.sort_by(|a, b| (a.started_at, &a.run).cmp(&(b.started_at, &b.run)));
    Ok(History { runs })
}

/// How far one run has come.
pub fn run(folder: &RunFolder) -> Run {
    match journal::read(&folder.journal()) {
        Ok((_, standing)) => from_standing(&folder.id, standing),
        Err(error) => Run {
            run: folder.id.clone(),
            started_at: None,
            last_at: None,
            signed_by: Vec::new(),
            progress: Progress::Unknown,
            steps_done: 0,
            steps_undone: 0,
            failure: Some(error.to_string()),
        },
    }
}

fn from_standing(id: &str, standing: Standing) -> Run {
    let progress = if standing.all_undone {
        Progress::TakenBack
    } else if standing.undo_begun {
        Progress::BeingTakenBack
    } else if standing.finished {
        Progress::Finished
    } else if standing.has_begun() {
        Progress::Stopped
    } else {
        Progress::NotBegun
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
    use crate::artifact::journal::{Event, FORMAT_VERSION, Journal};
    use crate::model::names::{Digest, Moment};

    fn folder(state: &State, plan: &str, begun_at: i64, events: Vec<Event>) -> RunFolder {
        let folder = state.run_of(&Digest::of(plan));
        folder.make().unwrap();
        let mut journal = Journal::open(&folder.journal()).unwrap();
        let opened = Event::Opened {
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
        let state = State::open(&directory.path().join("state")).unwrap();
        let step = || "1".to_owned();
        let begun = || Event::Begun { step: step() };
        let undo = || Event::UndoBegun { step: step() };
        let stories = [
            (vec![], Progress::NotBegun),
            (vec![begun()], Progress::Stopped),
            (vec![begun(), Event::Done { step: step() }, Event::Finished {}], Progress::Finished),
            (vec![begun(), undo()], Progress::BeingTakenBack),
            (vec![begun(), undo(), Event::AllUndone {}], Progress::TakenBack),
        ];
        for (n, (events, _)) in stories.iter().enumerate() {
            folder(&state, &n.to_string(), 1_763_640_000 + n as i64, events.clone());
        }
        let damaged = folder(&state, "damaged", 1_763_650_000, vec![begun()]);
        std::fs::write(damaged.journal(), "{}\n").unwrap();
        let runs = read(&state).unwrap().runs;
        let found: Vec<Progress> = runs.iter().map(|run| run.progress).collect();
        let told: Vec<Progress> = std::iter::once(Progress::Unknown)
            .chain(stories.into_iter().map(|(_, progress)| progress))
            .collect();
        assert_eq!(found, told);
        assert!(runs[0].failure.as_ref().unwrap().contains("is damaged at line 1"));
    }
}
