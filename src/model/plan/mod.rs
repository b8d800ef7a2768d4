//! The plan document: what was found, what is to be done about it, and what the whole
//! of it rests on. Immutable once written; progress is kept in journals.

pub mod derive;
pub mod difference;
pub mod moves;
pub mod probe;
pub mod reversal;
pub mod step;
pub mod summary;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Reason;
use crate::model::diagnosis::{Diagnosis, Finding, Severity};
use crate::model::files::location::Location;
use crate::model::names::{Digest, Moment};
use crate::model::observation::Identity;
use crate::model::plan::step::{Probe, Risk, Step};
pub use crate::model::plan::summary::Summary;

/// The version of the plan document.
///
/// A reader refuses an unknown major version; the runner refuses any unknown field, so for
/// it every minor version counts. What each version changed: `docs/formats/plan.md`.
///
/// * 0.9: until the freeze, after which it is 1.0. A plan of another ttplan is made again.
pub const FORMAT_VERSION: &str = "0.9";

/// What stands in `made_by` of what this program writes.
pub const MADE_BY: &str = concat!("ttplan ", env!("CARGO_PKG_VERSION"));

/// Major and minor number of a format version.
pub fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    let number = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
    };
    Some((number(major)?, number(minor)?))
}

/// No plan is larger, in bytes, steps and findings. Each is far beyond what a person can review.
pub const LARGEST: (usize, usize, usize) = (16 << 20, 10_000, 100_000);

/// How long a plan may wait for its apply, in seconds.
const LIFETIME: i64 = 7 * 24 * 3600;

/// The same for a plan with a destructive step.
const LIFETIME_DESTRUCTIVE: i64 = 24 * 3600;

/// How long a plan of this risk may wait for its apply, in seconds. A plan may say less and never
/// more.
pub fn lifetime(risk: Risk) -> i64 {
    if risk == Risk::Destructive { LIFETIME_DESTRUCTIVE } else { LIFETIME }
}

/// A plan. Every key is always present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub format_version: String,
    pub made_by: String,
    pub made_at: Moment,
    /// Judged before the first change of a run; resuming and undoing are exempt.
    pub expires_at: Moment,
    /// Who had it made, as the principal that signs: judged only by a host that keeps authors and
    /// approvers apart.
    pub author: Option<String>,
    /// The change ticket it belongs to.
    pub ticket: Option<String>,
    pub target: Target,
    /// Of the settled configuration. For people and audits; the runner never decides by it.
    pub config_sha256: Digest,
    /// Of the facts the plan was made from. For people and audits; the runner never decides by it.
    pub observation_sha256: Digest,
    pub diagnosis: Diagnosis,
    pub findings: Vec<Finding>,
    /// What the whole plan rests on, probed before the first move of a run.
    pub premises: Vec<Probe>,
    pub steps: Vec<Step>,
    /// The texts of definitions that moves name by their digests: for reviewers, never executed.
    pub definitions: BTreeMap<Digest, String>,
    /// What holds when the plan is done. Derived.
    pub goal: Vec<Probe>,
    /// Derived.
    pub summary: Summary,
}

/// What the plan is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Must be the host's own label; null fits no host.
    pub site: Option<String>,
    pub database: Identity,
    /// The places of files that steps touch, sorted. Derived.
    pub roots: Vec<Location>,
}

impl Plan {
    /// Why the plan is larger than a plan may be, where it is.
    pub fn too_large(&self, bytes: usize) -> Option<Reason> {
        let sizes = [
            (bytes, LARGEST.0, "bytes"),
            (self.steps.len(), LARGEST.1, "steps"),
            (self.findings.len(), LARGEST.2, "findings"),
        ];
        let (found, most, what) = sizes.into_iter().find(|(found, most, _)| found > most)?;
        let message = format!("it has {found} {what}, and a plan has {most} at most");
        Some(Reason::new("plan_too_large", message).about(what).found(found).expected(most))
    }

    /// The worst risk of any step.
    pub fn risk(&self) -> Risk {
        self.steps.iter().map(|step| step.risk).max().unwrap_or(Risk::Safe)
    }

    /// Whether anything would be changed.
    pub fn has_changes(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Whether something waits for a person.
    pub fn is_blocked(&self) -> bool {
        !self.diagnosis.blocked.is_empty()
            || self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// The step with this id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}
