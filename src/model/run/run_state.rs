//! How far a run has come: the fold of its journal's lines. Reads nothing and writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::names::{Digest, FilePath, Moment, ObjectRef};
use crate::model::run::journal::{JournalEntry, JournalEvent, When};

/// Something in a run's keeping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedFact {
    pub step: String,
    pub bytes: u64,
    pub sha256: Digest,
    pub tables: Vec<(ObjectRef, u64)>,
}

/// How far a run has come: the fold of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunState {
    /// The plan that the run is of.
    pub plan_sha256: Option<Digest>,
    pub opened_at: Option<Moment>,
    pub last_at: Option<Moment>,
    pub signed_by: Vec<String>,
    pub begun: BTreeSet<String>,
    pub done: BTreeSet<String>,
    pub undone: BTreeSet<String>,
    /// By name within the run.
    pub saved: BTreeMap<String, SavedFact>,
    /// Directories that were missing before this run made them, by step, outermost first.
    pub made: BTreeMap<String, Vec<FilePath>>,
    /// Ranges of the step's file list that were missing before this run copied them, by step.
    pub copied: BTreeMap<String, Vec<(u64, u64)>>,
    /// Content before the step's command, by step.
    pub content_before: BTreeMap<String, Digest>,
    /// Content after the step's command, by step; missing where it did not end well.
    pub content_after: BTreeMap<String, Digest>,
    /// Content when the step began to be taken back, by step.
    pub content_undone: BTreeMap<String, Digest>,
    /// Why fewer signatures than usual had to do, each time they did.
    pub break_glass: Vec<String>,
    pub failure: Option<String>,
    pub finished: bool,
    pub all_undone: bool,
    pub undo_begun: bool,
}

impl RunState {
    /// Goes on by one line.
    pub fn take(&mut self, entry: &JournalEntry) {
        self.last_at = Some(entry.at);
        match entry.what.clone() {
            JournalEvent::Opened { signed_by, plan_sha256, .. } => {
                self.plan_sha256 = Some(plan_sha256);
                self.opened_at = Some(entry.at);
                self.signed_by = signed_by;
            }
            // What was replaced is told by what lies there.
            JournalEvent::Replacing { .. } => {}
            JournalEvent::Attempt { .. } => self.failure = None,
            JournalEvent::BrokeGlass { reason } => self.break_glass.push(reason),
            JournalEvent::Begun { step } => {
                self.begun.insert(step);
            }
            JournalEvent::Saved { step, name, bytes, sha256, tables } => {
                self.saved.insert(name, SavedFact { step, bytes, sha256, tables });
            }
            JournalEvent::Making { step, paths } => {
                self.made.entry(step).or_default().extend(paths);
            }
            JournalEvent::Copying { step, absent } => {
                self.copied.entry(step).or_default().extend(absent);
            }
            JournalEvent::Content { step, when: When::Before, sha256 } => {
                // A run that goes on after it died begins in the middle; the beginning is what the
                // first try saw.
                self.content_before.entry(step).or_insert(sha256);
            }
            JournalEvent::Content { step, when: When::PutBack, sha256 } => {
                self.content_before.insert(step, sha256);
            }
            JournalEvent::Content { step, when: When::After, sha256 } => {
                self.content_after.insert(step, sha256);
            }
            JournalEvent::Content { step, when: When::Undo, sha256 } => {
                self.content_undone.insert(step, sha256);
            }
            JournalEvent::Done { step } => {
                self.done.insert(step);
            }
            JournalEvent::Failed { step, error } => {
                self.failure = Some(format!("step {step}: {error}"));
            }
            JournalEvent::Finished {} => self.finished = true,
            JournalEvent::UndoBegun { .. } => self.undo_begun = true,
            JournalEvent::Undone { step } => {
                self.undone.insert(step);
            }
            JournalEvent::AllUndone {} => self.all_undone = true,
        }
    }

    /// Whether anything was begun at all: then the run is resumed, not started.
    pub fn has_begun(&self) -> bool {
        !self.begun.is_empty()
    }

    /// Whether the file with this index in the step's list was missing before this run copied it.
    pub fn was_absent(&self, step: &str, index: u64) -> bool {
        let ranges = self.copied.get(step).map(Vec::as_slice).unwrap_or_default();
        ranges.iter().any(|(first, count)| index >= *first && index - first < *count)
    }
}
