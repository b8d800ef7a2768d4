//! Whether the upload directories are there, last, and have room: what the rules say of them.

use crate::doctor::{Check, DoctorContext};
use crate::model::diagnosis::{Finding, Severity};
use crate::model::health::Line;
use crate::rules::{upload_place, upload_root};

/// The record on the shelf.
pub const CHECK: Check = Check { name: "uploads", examine };

fn examine(patient: &mut DoctorContext<'_>) -> Vec<Line> {
    let rules = [&upload_root::RULE, &upload_place::RULE];
    let findings: Vec<Finding> =
        patient.with_case(|case| rules.iter().flat_map(|rule| (rule.examine)(case)).collect());
    let mut lines: Vec<Line> = findings.into_iter().map(line).collect();
    if lines.is_empty() && !patient.config.uploads.is_empty() {
        lines.push(Line::ok(
            CHECK.name,
            "every upload directory is there and outlives its container",
        ));
    }
    lines
}

fn line(finding: Finding) -> Line {
    let message = format!("{}: {}", finding.subject, finding.message);
    let mend = finding.hint.unwrap_or_else(|| format!("ttplan explain {}", finding.code));
    match finding.severity {
        Severity::Error => Line::failure(CHECK.name, message, mend),
        Severity::Warning => Line::warning(CHECK.name, message, mend),
        Severity::Info => Line::ok(CHECK.name, message),
    }
}
