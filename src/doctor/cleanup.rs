//! Whether the application's own clean-up at start could destroy what is planned for.

use crate::doctor::{Check, Patient};
use crate::model::health::Line;

/// The record on the shelf.
pub const CHECK: Check = Check { name: "cleanup", examine };

fn examine(patient: &mut Patient<'_>) -> Vec<Line> {
    let cleanup = &patient.config.cleanup;
    let Some(variable) = cleanup.variable.as_deref().filter(|_| cleanup.at_start) else { return Vec::new() };
    vec![match cleanup.skip {
        true => Line::ok(CHECK.name, format!("`{variable}` keeps the application from cleaning up by itself at start")),
        false => Line::warning(
            CHECK.name,
            "at its start the application itself may drop tables that it does not know, without a backup",
            format!("set `{variable}=true` for the application"),
        ),
    }]
}
