//! How a step is taken back: said by the plan for this very database, never assumed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a plan says of the way back from a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reversal {
    By(By),
    /// It cannot be taken back: why. Such a step is destructive.
    OneWay(String),
}

/// By what means.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// It leaves nothing to take back.
    Nothing,
    /// By moves of its own that do the contrary.
    Inverse,
    /// By the copies that it saved.
    Saved,
    /// By the run's backup of the whole database.
    Restore,
}

impl Reversal {
    /// Whether there is no way back.
    pub fn is_one_way(&self) -> bool {
        matches!(self, Self::OneWay(_))
    }

    /// That of a step whose moves have these: what cannot be taken back decides, then the strongest
    /// means.
    pub fn of_all(each: impl IntoIterator<Item = Self>) -> Self {
        each.into_iter().fold(Self::By(By::Nothing), |so_far, next| match (so_far, next) {
            (Self::OneWay(why), _) | (_, Self::OneWay(why)) => Self::OneWay(why),
            (Self::By(one), Self::By(other)) => Self::By(one.max(other)),
        })
    }
}
