//! The journal of a run: what was begun, saved, done and undone, one JSON line each, every line
//! bound to the one before it. Written before and after every change, synced each time.
//!
//! A torn last line is what a crash leaves and is passed over; any other damage is named, and
//! then nobody acts on the journal. The journal says where to look; what is so, probes say.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::artifact::json;
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::fs::files;
use crate::model::names::{Digest, Moment};
use crate::model::run::journal::{JournalEntry, JournalEvent};
use crate::model::run::run_state::RunState;

/// The version of the journal; its history stands in `docs/formats/journal.md`.
pub const FORMAT_VERSION: &str = "1.0";

/// An open journal, to be read and appended to by one process at a time (the state lock sees to
/// that).
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    next: u64,
    last: Digest,
    /// How many bytes are whole lines.
    whole: u64,
    standing: RunState,
}

impl Journal {
    /// Opens the journal at `path`, making it if it is not there.
    ///
    /// A torn last line is cut off. Errors: `Kind::Failed` for any other damage.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| files::told("open the journal", path, &error))?;
        let bytes = files::read(path)?;
        let read = read_lines(path, &bytes)?;
        if read.whole < bytes.len() {
            file.set_len(read.whole as u64)
                .map_err(|error| files::told("mend the journal", path, &error))?;
        }
        file.seek(SeekFrom::End(0))
            .map_err(|error| files::told("open the journal", path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            next: read.next,
            last: read.last,
            whole: read.whole as u64,
            standing: read.standing,
        })
    }

    /// How far the run has come.
    pub fn standing(&self) -> &RunState {
        &self.standing
    }

    /// Adds a line and syncs it: when this returns, the line is on disk. Where that fails, what
    /// there is of the line is taken away again, so that a later line does not follow half of it.
    pub fn append(&mut self, at: Moment, what: JournalEvent) -> Result<()> {
        let entry = JournalEntry { n: self.next, at, prev: self.last, what };
        let mut line = json::to_line(&entry);
        let digest = Digest::of(line.as_bytes());
        line.push('\n');
        if let Err(error) = self.write(line.as_bytes()) {
            let mended = self
                .file
                .set_len(self.whole)
                .and_then(|()| self.file.seek(SeekFrom::Start(self.whole)));
            let told = files::told("write the journal", &self.path, &error);
            return Err(match mended {
                Ok(_) => told,
                Err(also) => told.because(also),
            });
        }
        self.next += 1;
        self.last = digest;
        self.whole += line.len() as u64;
        self.standing.take(&entry);
        Ok(())
    }

    fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        let (half, rest) = line.split_at(line.len() / 2);
        fault::point("journal: before a line")?;
        self.file.write_all(half)?;
        fault::point("journal: half a line")?;
        self.file.write_all(rest)?;
        fault::point("journal: a line not synced")?;
        self.file.sync_data()?;
        fault::point("journal: after a line")
    }
}

/// Reads a journal without opening it for writing: for `status`, `history`, `show`.
///
/// Errors: as [`Journal::open`].
pub fn read(path: &Path) -> Result<(Vec<JournalEntry>, RunState)> {
    parse(path, &files::read(path)?)
}

/// The same from bytes; `path` is what to call them before people.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<(Vec<JournalEntry>, RunState)> {
    let lines = read_lines(path, bytes)?;
    Ok((lines.entries, lines.standing))
}

struct Lines {
    entries: Vec<JournalEntry>,
    standing: RunState,
    next: u64,
    last: Digest,
    /// How many bytes are whole lines.
    whole: usize,
}

fn read_lines(path: &Path, bytes: &[u8]) -> Result<Lines> {
    let mut lines = Lines {
        entries: Vec::new(),
        standing: RunState::default(),
        next: 1,
        last: Digest::of(b""),
        whole: 0,
    };
    known_format(path, bytes)?;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else { break };
        let damaged = |because: String| {
            Error::new(
                Kind::Failed,
                format!("the journal `{}` is damaged at line {}", path.display(), lines.next),
            )
            .because(because)
            .hint("do not edit it; compare with a backup of the state directory")
        };
        let entry: JournalEntry =
            serde_json::from_slice(line).map_err(|error| damaged(error.to_string()))?;
        if entry.n != lines.next {
            return Err(damaged(format!("it is numbered {}", entry.n)));
        }
        if entry.prev != lines.last {
            return Err(damaged("it does not follow the line before it".to_owned()));
        }
        match (&entry.what, entry.n) {
            (JournalEvent::Opened { format_version, .. }, 1)
                if format_version == FORMAT_VERSION => {}
            (JournalEvent::Opened { .. }, _) | (_, 1) => {
                return Err(damaged("it is not in its place".to_owned()));
            }
            _ => {}
        }
        lines.last = Digest::of(line);
        lines.next += 1;
        lines.whole += line.len() + 1;
        lines.standing.take(&entry);
        lines.entries.push(entry);
    }
    Ok(lines)
}

/// What the first line of a journal says in every format, whatever else it does.
#[derive(Deserialize)]
struct FirstLine {
    what: Opening,
}

#[derive(Deserialize)]
struct Opening {
    with: Origin,
}

#[derive(Deserialize)]
struct Origin {
    format_version: String,
    made_by: String,
}

#[derive(Deserialize)]
struct Bound {
    prev: Digest,
}

/// Refuses another format by its name: it would be misread, and is not damaged. Where the second
/// line is not bound to the first, or the first names no format, the strict reader says what is
/// wrong.
fn known_format(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let Ok(FirstLine { what: Opening { with } }) = serde_json::from_slice(first) else {
        return Ok(());
    };
    let Origin { format_version, made_by } = with;
    let second = lines.next().and_then(|line| serde_json::from_slice::<Bound>(line).ok());
    let is_damaged = second.is_some_and(|second| second.prev != Digest::of(first));
    if format_version == FORMAT_VERSION || is_damaged {
        return Ok(());
    }
    let message = format!("the run is of format `{format_version}`, not of `{FORMAT_VERSION}`");
    Err(Error::new(Kind::Refused, message)
        .because(format!("{made_by} began the journal `{}`", path.display()))
        .hint("finish or undo it with the ttplan that began it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Moment {
        Moment::from_unix(1_763_640_000).unwrap()
    }

    fn opened() -> JournalEvent {
        JournalEvent::Opened {
            format_version: FORMAT_VERSION.into(),
            made_by: "ttplan".into(),
            plan_sha256: Digest::of("plan"),
            site: "prod".into(),
            signed_by: vec!["ada".into()],
        }
    }

    fn sample() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let mut journal = Journal::open(&path).unwrap();
        journal.append(at(), opened()).unwrap();
        journal.append(at(), JournalEvent::Begun { step: "1".into() }).unwrap();
        journal.append(at(), JournalEvent::Done { step: "1".into() }).unwrap();
        (directory, path)
    }

    #[test]
    fn what_was_appended_is_read_back_and_gone_on_with() {
        let (_directory, path) = sample();
        let mut journal = Journal::open(&path).unwrap();
        assert!(journal.standing().done.contains("1"));
        journal.append(at(), JournalEvent::Finished {}).unwrap();
        let (entries, standing) = read(&path).unwrap();
        assert_eq!(entries.len(), 4);
        assert!(standing.finished);
    }

    #[test]
    fn a_line_torn_anywhere_is_cut_off_and_the_run_goes_on() {
        let (directory, path) = sample();
        let whole = std::fs::read(&path).unwrap();
        let two_lines: usize =
            whole.split_inclusive(|b| *b == b'\n').take(2).map(<[u8]>::len).sum();
        for cut in two_lines..whole.len() {
            let torn = directory.path().join(format!("torn-{cut}"));
            std::fs::write(&torn, &whole[..cut]).unwrap();
            let mut journal = Journal::open(&torn).unwrap();
            assert!(!journal.standing().done.contains("1"), "cut at {cut}");
            journal.append(at(), JournalEvent::Done { step: "1".into() }).unwrap();
            assert!(read(&torn).unwrap().1.done.contains("1"), "cut at {cut}");
        }
    }

    #[test]
    fn any_changed_byte_before_the_last_line_is_named_as_damage() {
        let (directory, path) = sample();
        let whole = std::fs::read(&path).unwrap();
        let two_lines: usize =
            whole.split_inclusive(|b| *b == b'\n').take(2).map(<[u8]>::len).sum();
        for at in 0..two_lines {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let file = directory.path().join("changed");
            std::fs::write(&file, &changed).unwrap();
            let error = read(&file).unwrap_err();
            assert!(error.to_string().contains("is damaged at line"), "byte {at}: {error}");
        }
    }

    #[test]
    fn a_line_taken_out_is_named_as_damage() {
        let (directory, path) = sample();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let file = directory.path().join("short");
        std::fs::write(&file, format!("{}\n{}\n", lines[0], lines[2])).unwrap();
        assert!(read(&file).is_err());
    }
}
