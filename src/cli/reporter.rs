//! Follows a run for the person at the terminal, or for a log: lines, a bar for files, or events
//! as JSON lines.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::apply::progress::{ProgressEvent, Reporter};
use crate::artifact::json;
use crate::cli::ask;
use crate::cli::out::Out;
use crate::cli::tail::Tail;
use crate::error::{Error, Kind, Result};
use crate::model::plan::step::{Risk, Step};
use crate::model::text;
use crate::render::plan_view;
use crate::render::style;
use crate::render::style::{faint, plain};

/// In which form a run is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line: events, then the report
    Json,
}

/// A follower.
pub struct CliReporter<'a> {
    pub out: &'a mut Out,
    format: Format,
    /// What is asked before anything is changed, with the flag that says yes beforehand.
    question: Option<(&'static str, &'static str)>,
    bar: Option<ProgressBar>,
    signal: Arc<AtomicUsize>,
    /// Whether the output of commands is shown while they run.
    follow: bool,
    tail: Option<Tail>,
    /// When the step that is at work was begun.
    begun: Instant,
}

impl<'a> CliReporter<'a> {
    /// A follower that catches SIGINT and SIGTERM, so that a run can stop between two moves.
    pub fn new(
        out: &'a mut Out,
        format: Format,
        question: Option<(&'static str, &'static str)>,
    ) -> Result<Self> {
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            let kept = usize::try_from(number).unwrap_or_default();
            signal_hook::flag::register_usize(number, Arc::clone(&signal), kept).map_err(
                |error| Error::new(Kind::Failed, "cannot watch for signals").because(error),
            )?;
        }
        Ok(Self {
            out,
            format,
            question,
            bar: None,
            signal,
            follow: false,
            tail: None,
            begun: Instant::now(),
        })
    }

    /// Shows what commands say while they run.
    pub fn following(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }

    /// Takes the bar away, where there is one.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn line(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.out.say(text)),
            None => self.out.say(text),
        }
    }

    fn event(&mut self, value: &serde_json::Value) {
        let _ = self.out.result(&format!("{}\n", json::to_line(value)));
    }

    fn bar(&mut self, of_bytes: u64) -> &ProgressBar {
        self.bar.get_or_insert_with(|| {
            let bar = if std::io::stderr().is_terminal() {
                ProgressBar::new(of_bytes)
            } else {
                ProgressBar::hidden()
            };
            let template = "     {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
            bar.set_style(
                ProgressStyle::with_template(template)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        })
    }
}

impl Reporter for CliReporter<'_> {
    fn report(&mut self, event: ProgressEvent<'_>) {
        self.tail = None;
        if let (true, ProgressEvent::Output { log, .. }) = (self.follow, &event) {
            self.tail = Some(Tail::follow(log.into(), anstream::stderr()));
        }
        if !matches!(event, ProgressEvent::Copied { .. }) {
            self.clear();
        }
        if self.format == Format::Json {
            return self.event(&as_json(event));
        }
        match event {
            ProgressEvent::Begun { step, n, of } => {
                self.begun = Instant::now();
                let symbol = plan_view::symbol(step);
                self.line(&format!("  {n}/{of} {symbol} {}\n", plain(&step.title)));
            }
            ProgressEvent::Done { step } => {
                let seconds = self.begun.elapsed().as_secs_f32();
                let (title, done) = (plain(&step.title), style::good("done:"));
                self.line(&format!("      {done} {title} ({seconds:.1} s)\n"));
            }
            ProgressEvent::Already { step } => {
                self.line(&format!("      {} {}\n", faint("already:"), plain(&step.title)));
            }
            ProgressEvent::Undone { step } => {
                self.line(&format!("      {} {}\n", style::good("undone:"), plain(&step.title)));
            }
            ProgressEvent::Waiting { why, .. } => {
                self.line(&format!("      {} {}\n", style::care("waiting:"), plain(why)));
            }
            ProgressEvent::Output { log, .. } => {
                self.line(&format!("      {} {}\n", faint("output in"), plain(log)));
            }
            ProgressEvent::Stumbled { n, of, .. } => {
                let why = format!("it stopped where it is known to (stop {n} of {of})");
                self.line(&format!("      {} {why}\n", style::care("again:")));
            }
            ProgressEvent::Copied { bytes, of_bytes, files, of_files } => {
                let bar = self.bar(of_bytes);
                bar.set_position(bytes);
                if bar.is_hidden() {
                    let (bytes, of_bytes) = (text::bytes(bytes), text::bytes(of_bytes));
                    self.line(&format!(
                        "      {files} of {of_files} files, {bytes} of {of_bytes}\n"
                    ));
                }
            }
        }
    }

    fn confirm(&mut self, steps: &[&Step]) -> Result<bool> {
        let Some((question, flag)) = self.question else { return Ok(true) };
        if steps.is_empty() {
            return Ok(true);
        }
        let mut text = String::new();
        for step in steps {
            text.push_str(&format!(
                "  {:>2}. {}  {}\n",
                plain(&step.id),
                plain(&step.title),
                style::risk(step.risk)
            ));
        }
        let destructive = steps.iter().filter(|step| step.risk == Risk::Destructive).count() as u64;
        if destructive > 0 {
            text.push_str(&format!(
                "  {}\n",
                style::bad(&format!(
                    "{} among them",
                    text::counted(destructive, "destructive step")
                ))
            ));
        }
        self.out.say(&text);
        ask::yes(question, flag, self.out)
    }

    fn stop(&self) -> Option<Kind> {
        match i32::try_from(self.signal.load(Ordering::Relaxed)).ok()? {
            signal_hook::consts::SIGINT => Some(Kind::Interrupted),
            signal_hook::consts::SIGTERM => Some(Kind::Terminated),
            _ => None,
        }
    }
}

fn as_json(event: ProgressEvent<'_>) -> serde_json::Value {
    let named =
        |event: &str, step: &Step| json!({ "event": event, "step": step.id, "title": step.title });
    match event {
        ProgressEvent::Begun { step, n, of } => {
            json!({ "event": "begun", "step": step.id, "title": step.title, "n": n, "of": of })
        }
        ProgressEvent::Done { step } => named("done", step),
        ProgressEvent::Already { step } => named("already", step),
        ProgressEvent::Undone { step } => named("undone", step),
        ProgressEvent::Waiting { step, why } => {
            json!({ "event": "waiting", "step": step.id, "why": why })
        }
        ProgressEvent::Output { step, log } => {
            json!({ "event": "output", "step": step.id, "log": log })
        }
        ProgressEvent::Stumbled { step, n, of } => {
            json!({ "event": "stumbled", "step": step.id, "n": n, "of": of })
        }
        ProgressEvent::Copied { files, of_files, bytes, of_bytes } => {
            json!({ "event": "copied", "files": files, "of_files": of_files, "bytes": bytes, "of_bytes": of_bytes })
        }
    }
}
