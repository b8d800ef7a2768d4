//! Whether files can really be written where uploads belong: a file is made there and taken away
//! again.

use crate::doctor::{Check, DoctorContext};
use crate::model::files::uploads::RootState;
use crate::model::health::Line;
use crate::stores::local;

/// The record on the shelf.
pub const CHECK: Check = Check { name: "writing", examine };

fn examine(patient: &mut DoctorContext<'_>) -> Vec<Line> {
    let mut roots: Vec<_> = patient.config.uploads.iter().map(|upload| &upload.to).collect();
    roots.sort();
    roots.dedup();
    let is_there = |root: &&&_| {
        patient.seen.facts.tree(root).is_some_and(|tree| tree.state == RootState::Present)
    };
    let lines = roots.iter().filter(is_there).map(|root| {
        let path = root.to_text();
        match local::try_writing(root) {
            Ok(()) => Line::ok(CHECK.name, format!("files can be written to `{path}`")),
            Err(error) => {
                let because: Vec<String> = error.causes().iter().map(ToString::to_string).collect();
                let message =
                    format!("no file can be written to `{path}`: {error} ({})", because.join("; "));
                Line::failure(
                    CHECK.name,
                    message,
                    format!("ls -ldn {path}; df -h {path}; df -i {path}"),
                )
            }
        }
    });
    lines.collect()
}
