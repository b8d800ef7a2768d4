//! Whether the database can be reached, and whether it lets plans be applied: privileges, client
//! programs.

use crate::doctor::{Check, DoctorContext};
use crate::model::health::Line;

/// The record on the shelf.
pub const CHECK: Check = Check { name: "database", examine };

fn examine(patient: &mut DoctorContext<'_>) -> Vec<Line> {
    let name = &patient.config.database.name;
    let live = match &mut patient.live {
        Ok(live) => live,
        Err(error) => {
            let mend =
                error.hints().first().cloned().unwrap_or_else(|| "check DATABASE_URL".to_owned());
            return vec![Line::failure(CHECK.name, error.to_string(), mend)];
        }
    };
    let version = patient.seen.circumstances.server_version.as_deref().unwrap_or("this version");
    let mut lines = vec![Line::ok(CHECK.name, format!("`{name}` can be reached ({version})"))];
    lines.extend(patient.unseen.map(|error| {
        let mend = error
            .hints()
            .first()
            .cloned()
            .unwrap_or_else(|| "connect as the application's own role".to_owned());
        Line::failure(CHECK.name, error.to_string(), mend)
    }));
    match live.database().fitness(&patient.access.programs) {
        Ok(found) => lines.extend(found.into_iter().map(|one| match one.holds {
            true => Line::ok(CHECK.name, one.what),
            false => Line::failure(
                CHECK.name,
                format!("not so: {}", one.what),
                one.mend.unwrap_or_default(),
            ),
        })),
        Err(error) => lines.push(Line::failure(
            CHECK.name,
            error.to_string(),
            "ask the database's administrator",
        )),
    }
    lines
}
