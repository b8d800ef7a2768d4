//! The plan document: what was found, what is to be done about it, and what the whole
//! of it rests on. Immutable once written; progress is kept in journals.

pub mod moves;
pub mod probe;
pub mod step;
pub mod wording;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Reason;
use crate::model::diagnosis::{Diagnosis, Finding, Severity};
use crate::model::names::{Digest, FilePath, Moment};
use crate::model::observation::Identity;
use crate::model::plan::step::{CopyFiles, Move, Probe, ReplaceFiles, Risk, Step};
use crate::model::risk;

/// The version of the plan document.
///
/// A reader refuses an unknown major version; the runner refuses any unknown field, so for
/// it every minor version counts. What each version changed: `docs/formats/plan.md`.
///
/// * 1.0: the first.
pub const FORMAT_VERSION: &str = "1.0";

/// Major and minor number of a format version.
pub fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    let number = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
    };
    Some((number(major)?, number(minor)?))
}

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
    /// What holds when the plan is done.
    pub goal: Vec<Probe>,
    /// Recomputed from the steps by every reader, never believed.
    pub summary: Summary,
}

/// What the plan is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Must be the host's own label; null fits no host.
    pub site: Option<String>,
    pub database: Identity,
    /// The upload roots that steps touch, sorted.
    pub roots: Vec<FilePath>,
}

/// The plan in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    pub tables_to_drop: u64,
    pub tables_to_quarantine: u64,
    pub revisions_to_stamp: u64,
    pub migrations_to_run: u64,
    pub files_to_move: u64,
    pub bytes_to_move: u64,
    pub references_to_rewrite: u64,
    pub destructive_steps: u64,
}

impl Summary {
    /// Counts what the steps' moves do.
    pub fn of(steps: &[Step]) -> Self {
        use crate::model::names::ObjectKind::Table;
        let mut sum = Self::default();
        for step in steps {
            sum.destructive_steps += u64::from(risk::of_step(step) == Risk::Destructive);
            for mv in &step.moves {
                match mv {
                    Move::DropObject(drop) if drop.object.kind == Table => sum.tables_to_drop += 1,
                    Move::Quarantine(put) if put.object.kind == Table => {
                        sum.tables_to_quarantine += 1;
                    }
                    Move::SetRevisions(set) => sum.revisions_to_stamp += set.to.len() as u64,
                    Move::Run(run) => sum.migrations_to_run += run.revisions.len() as u64,
                    Move::CopyFiles(CopyFiles { files, .. })
                    | Move::ReplaceFiles(ReplaceFiles { files, .. }) => {
                        let (count, bytes) = files.totals();
                        sum.files_to_move = sum.files_to_move.saturating_add(count);
                        sum.bytes_to_move = sum.bytes_to_move.saturating_add(bytes);
                    }
                    Move::WriteRows(write) => {
                        sum.references_to_rewrite =
                            sum.references_to_rewrite.saturating_add(write.rows);
                    }
                    _ => {}
                }
            }
        }
        sum
    }
}

impl Plan {
    /// The worst risk of any step.
    pub fn risk(&self) -> Risk {
        self.steps.iter().map(risk::of_step).max().unwrap_or(Risk::Safe)
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

    /// What a plan says of itself that its own moves contradict; empty for an honest plan.
    pub fn contradictions(&self) -> Vec<Reason> {
        let mut found = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            let subject = format!("step {}", at.saturating_add(1));
            let (risk, title) = (risk::of_step(step), wording::title(step));
            if step.risk != risk {
                let (said, is) = (step.risk.word(), risk.word());
                let message =
                    format!("step `{}` says its risk is {said}, its moves make it {is}", step.id);
                let differs = Reason::new("risk_differs", message).about(&subject);
                found.push(differs.found(said).expected(is));
            }
            if step.title != title {
                let message = format!(
                    "step `{}` has the title \"{}\", its moves say \"{title}\"",
                    step.id, step.title
                );
                let differs = Reason::new("title_differs", message).about(&subject);
                found.push(differs.found(&step.title).expected(title));
            }
        }
        let latest = self.made_at.plus_seconds(lifetime(self.risk()));
        if self.expires_at > latest {
            let said = self.expires_at;
            let message =
                format!("it says that it expires at {said}, and by its risk it does at {latest}");
            found.push(Reason::new("expiry_differs", message).found(said).expected(latest));
        }
        let summary = Summary::of(&self.steps);
        if self.summary != summary {
            let message = "the summary does not count what the steps do";
            found.push(Reason::new("summary_differs", message).about("summary"));
        }
        found
    }
}
