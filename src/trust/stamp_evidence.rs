//! Whether a revision that the schema is said to show is really shown by it: by a catalogue of the
//! host's own, and never by one that came with the plan.
//!
//! A stamp counts as safe if the schema shows the revision. The step asks the live schema for a
//! shape; here that shape has to be the one that a catalogue of the host has for the revision,
//! whole.

use crate::error::Reason;
use crate::model::database::catalogue::Catalogue;
use crate::model::database::shape::NORMALISER;
use crate::model::names::Digest;
use crate::model::plan::Plan;
use crate::model::plan::step::{Move, ShapeFact, Step};

/// Whether the plan records anything because the schema shows it.
pub(in crate::trust) fn are_claimed(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| claims(step).next().is_some())
}

/// All stamps that rest on nothing that the host knows, each naming its step.
pub(in crate::trust) fn offences(plan: &Plan, catalogues: &[Catalogue]) -> Vec<Reason> {
    let of_step = |(at, step): (usize, &Step)| {
        let shown = |stamp: &(Vec<String>, &ShapeFact)| is_shown(&stamp.0, stamp.1, catalogues);
        let (to, _) = claims(step).find(|stamp| !shown(stamp))?;
        let subject = format!("step {}", at.saturating_add(1));
        let why = format!(
            "{subject}: no catalogue of this host has the schema that is said to show `{}`",
            to.join(", ")
        );
        Some(Reason::new("evidence_missing", why).about(subject))
    };
    plan.steps.iter().enumerate().filter_map(of_step).collect()
}

/// The revisions that a step says the schema shows, and the schema.
fn claims(step: &Step) -> impl Iterator<Item = (Vec<String>, &ShapeFact)> {
    step.all_moves().filter_map(Move::stamp)
}

fn is_shown(revisions: &[String], fact: &ShapeFact, catalogues: &[Catalogue]) -> bool {
    fact.normaliser == NORMALISER
        && catalogues
            .iter()
            .any(|catalogue| shows(catalogue, revisions, (fact.sha256, fact.except.as_slice())))
}

/// What the catalogue knows of must not be passed over, and an empty schema shows nothing.
fn shows(
    catalogue: &Catalogue,
    revisions: &[String],
    (sha256, except): (Digest, &[String]),
) -> bool {
    let known = catalogue.known();
    let shape = catalogue.position(revisions).map(|at| catalogue.shape(at));
    shape.is_some_and(|shape| {
        !shape.0.is_empty()
            && shape.digest() == sha256
            && !except.iter().any(|name| known.contains(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::database::catalogue::tests::{ids, sample};

    fn fact(at: usize, except: &[&str]) -> ShapeFact {
        let sha256 = sample().shape(at).digest();
        ShapeFact { sha256, normaliser: NORMALISER, except: ids(except) }
    }

    #[test]
    fn a_stamp_rests_on_the_whole_shape_of_its_very_revision() {
        let known = [sample()];
        assert!(is_shown(&ids(&["1"]), &fact(0, &["mine"]), &known));
        for (to, fact) in [
            (["1"], fact(3, &[])),
            (["9"], fact(0, &[])),
            (["1"], fact(0, &["a"])),
            (["1"], ShapeFact { normaliser: NORMALISER + 1, ..fact(0, &[]) }),
        ] {
            assert!(!is_shown(&ids(&to), &fact, &known), "{fact:?}");
        }
        assert!(!is_shown(&ids(&["1"]), &fact(0, &[]), &[]), "a catalogue of one's own");
    }

    #[test]
    fn an_empty_schema_shows_nothing() {
        let mut catalogue = sample();
        catalogue.entries[0].changes.clear();
        let sha256 = catalogue.shape(0).digest();
        let fact = ShapeFact { sha256, normaliser: NORMALISER, except: vec![] };
        assert!(!is_shown(&ids(&["1"]), &fact, &[catalogue]));
    }
}
