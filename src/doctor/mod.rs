//! STAGE: looks whether a site is fit for plans to be made and applied: what would go wrong, before
//! it does.
//!
//! Changes nothing that lasts: the one file it writes, to see whether files can be written, is gone
//! at once. To add a check: a file here with its `CHECK` record and its tests, and a line in
//! [`ALL`].

use crate::analysis::context::AnalysisContext;
use crate::error::Error;
use crate::live::LiveReader;
use crate::model::config::{Access, Config};
use crate::model::diagnosis::Decisions;
use crate::model::health::{Health, Line};
use crate::model::observation::Observation;

pub mod cleanup;
pub mod compose;
pub mod database;
pub mod image;
pub mod program;
mod services;
pub mod uploads;
pub mod writing;

/// All checks, in the order in which they are told.
pub const ALL: &[&Check] = &[
    &database::CHECK,
    &program::CHECK,
    &uploads::CHECK,
    &writing::CHECK,
    &compose::CHECK,
    &image::CHECK,
    &cleanup::CHECK,
];

/// One check.
pub struct Check {
    /// The name of its file.
    pub name: &'static str,
    pub examine: fn(&mut DoctorContext<'_>) -> Vec<Line>,
}

/// What the checks look at.
pub struct DoctorContext<'a> {
    pub config: &'a Config,
    pub access: &'a Access,
    /// The site, or why it could not be opened.
    pub live: Result<&'a mut (dyn LiveReader + 'static), &'a Error>,
    /// Why the open database could not be looked at.
    pub unseen: Option<&'a Error>,
    /// What was seen of it; of files alone where the database could not be opened or looked at.
    pub seen: &'a Observation,
}

impl DoctorContext<'_> {
    /// The variable from which the application knows its database.
    fn url_variable(&self) -> &str {
        let upgrade =
            self.config.revisions.as_ref().and_then(|revisions| revisions.upgrade.as_ref());
        upgrade.and_then(|upgrade| upgrade.url_variable.as_deref()).unwrap_or("DATABASE_URL")
    }

    /// What was seen, as the rules read it.
    fn with_case<T>(&self, look: impl FnOnce(&AnalysisContext) -> T) -> T {
        let decisions = Decisions::default();
        let mut case = AnalysisContext::new(&self.seen.facts, &decisions);
        case.circumstances = Some(&self.seen.circumstances);
        look(&case)
    }
}

/// Runs every check.
pub fn run_checks(mut patient: DoctorContext<'_>) -> Health {
    Health { lines: ALL.iter().flat_map(|check| (check.examine)(&mut patient)).collect() }
}
