//! What `ttplan doctor` says: one line for everything that was looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole visit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    pub lines: Vec<Line>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The check that looked.
    pub check: String,
    pub status: CheckStatus,
    pub message: String,
    /// What to do about it; can be pasted.
    pub mend: Option<String>,
}

/// How it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    Ok,
    Warning,
    Failure,
}

impl Health {
    /// How the worst of it is; well where nothing was looked at.
    pub fn worst(&self) -> CheckStatus {
        self.lines.iter().map(|line| line.status).max().unwrap_or(CheckStatus::Ok)
    }
}

impl Line {
    pub fn ok(check: &str, message: impl Into<String>) -> Self {
        Self {
            check: check.to_owned(),
            status: CheckStatus::Ok,
            message: message.into(),
            mend: None,
        }
    }

    pub fn warning(check: &str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { status: CheckStatus::Warning, mend: Some(mend.into()), ..Self::ok(check, message) }
    }

    pub fn failure(check: &str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { status: CheckStatus::Failure, ..Self::warning(check, message, mend) }
    }
}
