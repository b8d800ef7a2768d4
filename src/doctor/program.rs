//! Whether the application's own upgrade command is here, and its migrations can be read.

use crate::doctor::{Check, DoctorContext};
use crate::model::health::Line;

/// The record on the shelf.
pub const CHECK: Check = Check { name: "program", examine };

fn examine(patient: &mut DoctorContext<'_>) -> Vec<Line> {
    let Some(revisions) = &patient.config.revisions else { return Vec::new() };
    let facts = &patient.seen.facts;
    let directory = revisions.directory.to_text();
    let mut lines = vec![match &facts.revisions {
        Some(read) if read.digest.is_some() => {
            Line::ok(CHECK.name, format!("the migrations in `{directory}` can be read"))
        }
        _ => Line::failure(
            CHECK.name,
            format!("there are no migrations in `{directory}`"),
            "run where the application is installed, or set `[app] root`",
        ),
    }];
    let command = revisions.upgrade.as_ref().and_then(|upgrade| upgrade.command.first());
    lines.extend(command.map(|name| match &facts.program {
        Some(path) => Line::ok(CHECK.name, format!("`{name}` is `{}`", path.to_text())),
        None => Line::failure(
            CHECK.name,
            format!("the upgrade command's program `{name}` is not on this machine"),
            "run where the application is installed, or give the whole path in `[revisions.upgrade] command`",
        ),
    }));
    lines
}
