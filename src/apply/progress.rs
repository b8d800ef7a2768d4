//! What a run tells while it runs, and what it asks. `cli` implements it; nothing here prints.

use crate::error::{Kind, Result};
use crate::model::plan::step::Step;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum ProgressEvent<'a> {
    /// The step's turn has come; `n` of `of`, counted from 1.
    Begun {
        step: &'a Step,
        n: usize,
        of: usize,
    },
    Done {
        step: &'a Step,
    },
    /// There was nothing to do: it was done before.
    Already {
        step: &'a Step,
    },
    Undone {
        step: &'a Step,
    },
    /// So much of a file step is on disk.
    Copied {
        files: u64,
        of_files: u64,
        bytes: u64,
        of_bytes: u64,
    },
    /// A lock was not to be had; it is tried again.
    Waiting {
        step: &'a Step,
        why: &'a str,
    },
    /// Where the output of a command goes.
    Output {
        step: &'a Step,
        log: &'a str,
    },
    /// A command stopped where it is known to; it is run again.
    Stumbled {
        step: &'a Step,
        /// Which of its known stops, counted from 1, and how many there are.
        n: usize,
        of: usize,
    },
}

/// Somebody who follows a run.
pub trait Reporter {
    fn report(&mut self, event: ProgressEvent<'_>);

    /// Asked once, after everything was checked and before anything is changed.
    fn confirm(&mut self, steps: &[&Step]) -> Result<bool>;

    /// The kind of signal that asked the run to stop, if one did. Looked at between moves.
    fn stop(&self) -> Option<Kind>;
}
