//! How much harm a step could do: by kind, in one table that `docs/actions/` shows too.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much harm a step could do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    Safe,
    Caution,
    Destructive,
}

impl Risk {
    /// The risk as documents write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Caution => "caution",
            Self::Destructive => "destructive",
        }
    }
}
