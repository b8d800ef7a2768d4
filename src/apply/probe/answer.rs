//! Answers in words, and answers that have to be yes.

use crate::error::{Error, Result};
use crate::model::plan::step::Answer;

/// Yes, or what is so instead.
pub(in crate::apply::probe) fn same(holds: bool, otherwise: impl FnOnce() -> String) -> Answer {
    if holds { Answer::Yes } else { Answer::No(otherwise()) }
}

/// Names, one after the other.
pub(in crate::apply::probe) fn listed(ids: &[String]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

/// An answer that has to be yes.
pub fn demand(answer: Answer, otherwise: impl FnOnce(String, bool) -> Error) -> Result<()> {
    match answer {
        Answer::Yes => Ok(()),
        Answer::No(what) => Err(otherwise(what, true)),
        Answer::Unknown(why) => Err(otherwise(why, false)),
    }
}
