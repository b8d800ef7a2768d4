//! What `doctor` says, for a terminal.

use crate::model::health::{CheckStatus, Health};
use crate::model::text::counted;
use crate::render::style::{bad, care, good, plain};

/// A line for everything that was looked at, and what to do about it; then the sum.
pub fn health(health: &Health) -> String {
    let mut text = String::new();
    for line in &health.lines {
        let word = match line.status {
            CheckStatus::Ok => good("ok     "),
            CheckStatus::Warning => care("warning"),
            CheckStatus::Failure => bad("failure"),
        };
        text.push_str(&format!("{word} {}: {}\n", line.check, plain(&line.message)));
        if let Some(mend) = &line.mend {
            text.push_str(&format!("        hint: {}\n", plain(mend)));
        }
    }
    let count = |status| health.lines.iter().filter(|line| line.status == status).count() as u64;
    let (failures, warnings) = (count(CheckStatus::Failure), count(CheckStatus::Warning));
    text.push_str(&format!("{}, {}\n", counted(failures, "failure"), counted(warnings, "warning")));
    text
}
