//! What `uploads check` found, for a terminal.

use crate::model::files::references::{ReferenceStatus, UploadsReport};
use crate::model::text::{bytes, counted};
use crate::render::style::{bad, care, faint, good, plain};

/// Everything that is not as it should be, then the totals.
pub fn report(report: &UploadsReport) -> String {
    let mut text = String::new();
    for one in report.references.iter().filter(|one| one.status != ReferenceStatus::Ok) {
        let word = match one.status {
            ReferenceStatus::Ok => good("ok"),
            ReferenceStatus::Misplaced => care("misplaced"),
            ReferenceStatus::Missing | ReferenceStatus::Invalid | ReferenceStatus::Unknown => {
                bad(one.status.word())
            }
        };
        let (table, column) = (plain(&one.table), plain(&one.column));
        let at = one
            .found_at
            .as_ref()
            .map_or(String::new(), |path| format!(" in `{}`", plain(&path.to_text())));
        text.push_str(&format!(
            "{word}: `{}` in `{table}.{column}`, row {}{at}\n",
            plain(&one.value),
            plain(&one.key)
        ));
    }
    for one in &report.conflicts {
        let (path, from, with) = (one.path.to_text(), one.from.to_text(), one.with.to_text());
        let line = format!(
            ": `{}` differs in `{}` and in `{}`\n",
            plain(&path),
            plain(&from),
            plain(&with)
        );
        text.push_str(&(bad("conflict") + &line));
    }
    for one in &report.unused {
        let path = one.root.join(&one.path);
        text.push_str(&format!(
            "{}: `{}` ({})\n",
            faint("unused"),
            plain(&path.to_text()),
            bytes(one.size)
        ));
    }
    let count = |status| report.references.iter().filter(|one| one.status == status).count();
    let mut parts = vec![format!("{} ok", count(ReferenceStatus::Ok))];
    for status in [
        ReferenceStatus::Misplaced,
        ReferenceStatus::Missing,
        ReferenceStatus::Invalid,
        ReferenceStatus::Unknown,
    ] {
        if count(status) > 0 {
            parts.push(format!("{} {}", count(status), status.word()));
        }
    }
    let (references, unused) = (report.references.len() as u64, report.unused.len() as u64);
    text.push_str(&format!("{}: {}; ", counted(references, "reference"), parts.join(", ")));
    let conflicts = report.conflicts.len() as u64;
    let conflicts = counted(conflicts, "conflict");
    text.push_str(&format!("{unused} unused, {conflicts}\n"));
    text
}
