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
    pub status: Status,
    pub message: String,
    /// What to do about it; can be pasted.
    pub mend: Option<String>,
}

/// How it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    Warning,
    Failure,
}

impl Health {
    /// How the worst of it is; well where nothing was looked at.
    pub fn worst(&self) -> Status {
        self.lines.iter().map(|line| line.status).max().unwrap_or(Status::Ok)
    }
}

impl Line {
    pub fn ok(check: &str, message: impl Into<String>) -> Self {
        Self { check: check.to_owned(), status: Status::Ok, message: message.into(), mend: None }
    }

    pub fn warning(check: &str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { status: Status::Warning, mend: Some(mend.into()), ..Self::ok(check, message) }
    }

    pub fn failure(check: &str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { status: Status::Failure, ..Self::warning(check, message, mend) }
    }
}
