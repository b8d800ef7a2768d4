//! What a run works with, and what the moves that work on file lists have in common.
//!
//! Never carries out a move and never asks a probe.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::apply::active_run::ActiveRun;
use crate::apply::progress::Reporter;
use crate::artifact::sidecar::Batch;
use crate::error::{Error, Kind, Result};
use crate::live::LiveWriter;
use crate::model::host_command::HostCommand;
use crate::model::names::{Moment, Secret};
use crate::model::plan::step::{FileList, Step};
use crate::model::run::journal::{Attempt, JournalEvent};
use crate::stores::store::{CopyAttributes, FileState};
use crate::trust::trusted_plan::TrustedPlan;

/// What is copied, synced and journalled together: enough for the syncs not to count, and not more
/// than somebody who asks for a stop is to wait for.
pub(in crate::apply) const BATCH: Batch = Batch { files: 10_000, bytes: 1 << 30 };

/// Copies that keep everything as it was.
pub(in crate::apply) const AS_IT_IS: CopyAttributes =
    CopyAttributes { mode: None, owner: None, apart: true };

/// What a run needs from outside that no plan may say.
pub struct ApplyOptions {
    /// Tells the time.
    pub clock: fn() -> Moment,
    /// How long to wait for the locks.
    pub lock_wait: Duration,
    /// What the host permits to be run, by name.
    pub commands: BTreeMap<String, HostCommand>,
    /// The environment that ttplan was started in: what the host says is passed on of it.
    pub environment: BTreeMap<OsString, OsString>,
    /// Of the database, for commands that are told by a variable where it is.
    pub url: Secret,
    /// Texts that must never show up in a log.
    pub secrets: Vec<Secret>,
    /// For people who read the journal or meet the lock.
    pub user: String,
    pub host: String,
    pub pid: u32,
    pub made_by: String,
    /// The plan's sidecar, where it has one.
    pub sidecar: Option<PathBuf>,
    /// Restore a backup into a database of its own before anything rests on it.
    pub prove_backup: bool,
    /// Undo although something was written since.
    pub discard_writes: bool,
}

/// What a run works with.
pub struct RunContext<'a> {
    pub live: &'a mut dyn LiveWriter,
    pub active_run: &'a mut ActiveRun,
    pub reporter: &'a mut dyn Reporter,
    pub sidecar: Option<&'a Path>,
    pub options: &'a ApplyOptions,
}

impl RunContext<'_> {
    /// Stops between moves when a signal asked for it.
    pub fn go_on(&self) -> Result<()> {
        self.reporter
            .stop()
            .map_or(Ok(()), |kind| Err(Error::new(kind, "stopped by a signal between two moves")))
    }

    /// Writes down who started what, and why with fewer signatures than it needs, where that is so.
    pub(in crate::apply) fn note_attempt(
        &mut self,
        of: Attempt,
        trusted: &TrustedPlan,
    ) -> Result<()> {
        let (user, host) = (self.options.user.clone(), self.options.host.clone());
        let pid = self.options.pid;
        self.active_run.note(JournalEvent::Attempt { of, user, host, pid })?;
        trusted.break_glass().map_or(Ok(()), |reason| {
            self.active_run.note(JournalEvent::BrokeGlass { reason: reason.to_owned() })
        })
    }
}

/// The list of files that a move of this step names.
///
/// Errors: `Kind::Refused` where it names none.
pub(in crate::apply) fn list<'a>(step: &'a Step, list: &'a FileList) -> Result<&'a FileList> {
    step.files(list).ok_or_else(|| Error::new(Kind::Refused, "a move names no list of files"))
}

/// The files of a batch that are so, as `[first, count]` ranges of the whole list.
pub(in crate::apply) fn ranges(first: u64, states: &[FileState], so: FileState) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for (index, _) in (first..).zip(states).filter(|(_, state)| **state == so) {
        match ranges.last_mut() {
            Some((from, count)) if *from + *count == index => *count += 1,
            _ => ranges.push((index, 1)),
        }
    }
    ranges
}

/// How copies are to be made.
pub(in crate::apply) fn how(mode: Option<&str>, owner: Option<&str>) -> Result<CopyAttributes> {
    Ok(CopyAttributes { mode: octal(mode)?, owner: numeric_owner(owner)?, apart: false })
}

fn octal(mode: Option<&str>) -> Result<Option<u32>> {
    let read = |text: &str| {
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
        mode.ok_or_else(|| Error::new(Kind::Refused, format!("`{text}` is not an octal file mode")))
    };
    mode.map(read).transpose()
}

fn numeric_owner(owner: Option<&str>) -> Result<Option<(u32, u32)>> {
    let read = |text: &str| {
        let pair = text
            .split_once(':')
            .and_then(|(user, group)| Some((user.parse().ok()?, group.parse().ok()?)));
        pair.ok_or_else(|| {
            Error::new(Kind::Refused, format!("`{text}` is not a numeric `user:group`"))
        })
    };
    owner.map(read).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_files_become_ranges_of_the_whole_list() {
        use FileState::{Missing, Same};
        assert_eq!(
            ranges(1000, &[Missing, Missing, Same, Missing], Missing),
            [(1000, 2), (1003, 1)]
        );
        assert!(ranges(0, &[Same], Missing).is_empty());
    }

    #[test]
    fn modes_and_owners_are_numbers_or_refused() {
        assert_eq!(octal(Some("0644")).unwrap(), Some(0o644));
        assert!(octal(Some("0999")).is_err());
        assert_eq!(numeric_owner(Some("1000:1001")).unwrap(), Some((1000, 1001)));
        assert!(numeric_owner(Some("root")).is_err());
    }
}
