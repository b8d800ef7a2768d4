//! Joins observations that were made of one site in several places. Reads nothing.

use std::collections::BTreeMap;

use crate::error::{Error, Kind, Result};
use crate::model::files::uploads::{RootState, Tree};
use crate::model::names::FilePath;
use crate::model::observation::{Observation, Presence};

/// Joins observations of the same site made in different places: one of the database, others of
/// files that can only be seen elsewhere.
///
/// Errors: `Kind::Config` when they contradict each other or none looked at the database.
pub fn merge(observations: Vec<Observation>) -> Result<Observation> {
    let failed = |message: &str| Error::new(Kind::Config, message);
    let (mut with, without): (Vec<_>, Vec<_>) = observations
        .into_iter()
        .partition(|seen| seen.facts.database.presence != Presence::NotLooked);
    let mut whole = with.pop().ok_or_else(|| {
        failed("no observation looked at the database")
            .hint("run `ttplan inspect` where the database can be reached")
    })?;
    if !with.is_empty() {
        return Err(failed("more than one observation looked at the database")
            .hint("give one of them, and others made with `ttplan inspect --files-only`"));
    }
    let mut trees: BTreeMap<FilePath, Tree> =
        whole.facts.uploads.drain(..).map(|tree| (tree.root.clone(), tree)).collect();
    for seen in without {
        for tree in seen.facts.uploads {
            match trees.get(&tree.root) {
                Some(known) if tree.state == RootState::Missing || *known == tree => {}
                Some(known) if known.state != RootState::Missing => {
                    return Err(failed(
                        "two observations saw different files in the same directory",
                    )
                    .because(format!("`{}`", tree.root.to_text())));
                }
                _ => {
                    let name = tree.root.to_text().into_owned();
                    if let Some(lie) = seen.circumstances.files.get(&name) {
                        whole.circumstances.files.insert(name.clone(), lie.clone());
                    }
                    if let Some(place) = seen.circumstances.places.get(&name) {
                        whole.circumstances.places.insert(name, place.clone());
                    }
                    trees.insert(tree.root.clone(), tree);
                }
            }
        }
        if whole.facts.program.is_none() {
            whole.facts.program = seen.facts.program;
        }
        if whole.facts.check_program.is_none() {
            whole.facts.check_program = seen.facts.check_program;
        }
        if whole.facts.host.is_none() {
            whole.facts.host = seen.facts.host;
        }
    }
    whole.facts.uploads = trees.into_values().collect();
    Ok(whole)
}
