//! Follows a work through many files outside of a run: a bar at a terminal, a line every few
//! seconds in a log.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use crate::apply::progress::{ProgressEvent, Reporter};
use crate::cli::out::Out;
use crate::cli::reporter::{CliReporter, Format};
use crate::error::{Error, Result};
use crate::stores::local::archive::Progress;

/// The bar.
pub struct Bar<'a> {
    follower: CliReporter<'a>,
    told: Instant,
    pause: Duration,
}

impl<'a> Bar<'a> {
    /// Catches SIGINT and SIGTERM, so that the work can end between two files.
    pub fn new(out: &'a mut Out) -> Result<Self> {
        let pause = Duration::from_millis(if std::io::stderr().is_terminal() { 100 } else { 3000 });
        Ok(Self {
            follower: CliReporter::new(out, Format::Text, None)?,
            told: Instant::now(),
            pause,
        })
    }

    /// Shows how far the work has come, now and then. Errors: a signal asked to stop.
    pub fn report(&mut self, progress: Progress) -> Result<()> {
        if let Some(kind) = self.follower.stop() {
            return Err(Error::new(kind, "stopped by a signal; nothing is left of it"));
        }
        if self.told.elapsed() >= self.pause {
            self.told = Instant::now();
            let Progress { files, of_files, bytes, of_bytes } = progress;
            self.follower.report(ProgressEvent::Copied { files, of_files, bytes, of_bytes });
        }
        Ok(())
    }

    /// Takes the bar away.
    pub fn end(mut self) {
        self.follower.clear();
    }
}
