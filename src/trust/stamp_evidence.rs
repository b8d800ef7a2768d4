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
use crate::model::plan::step::{Basis, Move, Probe, SetRevisions, Step};

/// Whether the plan records anything because the schema shows it.
pub(in crate::trust) fn are_claimed(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| claims(step).next().is_some())
}

/// All stamps that rest on nothing that the host knows, each naming its step.
pub(in crate::trust) fn offences(plan: &Plan, catalogues: &[Catalogue]) -> Vec<Reason> {
    let of_step = |(at, step): (usize, &Step)| {
        let unfounded = claims(step).find(|set| !is_shown(set, step, catalogues))?;
        let (id, to) = (&step.id, unfounded.to.join(", "));
        let why = format!(
            "step `{id}`: no catalogue of this host has the schema that is said to show `{to}`"
        );
        let subject = format!("step {}", at.saturating_add(1));
        Some(Reason::new("evidence_missing", why).about(subject))
    };
    plan.steps.iter().enumerate().filter_map(of_step).collect()
}

fn claims(step: &Step) -> impl Iterator<Item = &SetRevisions> {
    step.save.iter().chain(&step.moves).chain(&step.undo).filter_map(|mv| match mv {
        Move::SetRevisions(set) if set.basis == Basis::Exact => Some(set),
        _ => None,
    })
}

fn is_shown(set: &SetRevisions, step: &Step, catalogues: &[Catalogue]) -> bool {
    let asked = step.ready.iter().filter_map(|probe| match probe {
        Probe::ShapeIs { sha256, normaliser, except } if *normaliser == NORMALISER => {
            Some((*sha256, except.as_slice()))
        }
        _ => None,
    });
    let shapes: Vec<_> = asked.collect();
    catalogues.iter().any(|catalogue| shapes.iter().any(|asked| shows(catalogue, &set.to, *asked)))
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
    use crate::trust::test_plans;

    fn plan(to: &[&str], ready: &[Probe]) -> Plan {
        let mut plan = test_plans::plan();
        plan.steps.retain(|step| step.id == "stamp");
        for step in &mut plan.steps {
            step.ready = ready.to_vec();
            for mv in &mut step.moves {
                if let Move::SetRevisions(set) = mv {
                    (set.to, set.basis) = (ids(to), Basis::Exact);
                }
            }
        }
        plan
    }

    fn shape_is(at: usize, except: &[&str]) -> Probe {
        Probe::ShapeIs {
            sha256: sample().shape(at).digest(),
            normaliser: NORMALISER,
            except: ids(except),
        }
    }

    #[test]
    fn a_stamp_rests_on_the_whole_shape_of_its_very_revision() {
        let known = [sample()];
        assert!(offences(&plan(&["1"], &[shape_is(0, &["mine"])]), &known).is_empty());
        for (to, ready) in [
            (["1"], vec![]),
            (["1"], vec![shape_is(3, &[])]),
            (["9"], vec![shape_is(0, &[])]),
            (["1"], vec![shape_is(0, &["a"])]),
        ] {
            let plan = plan(&to, &ready);
            assert!(are_claimed(&plan));
            assert_eq!(offences(&plan, &known).len(), 1, "{:?}", plan.steps[0].ready);
        }
        assert_eq!(
            offences(&plan(&["1"], &[shape_is(0, &[])]), &[]).len(),
            1,
            "a catalogue of one's own"
        );
    }

    #[test]
    fn an_empty_schema_shows_nothing() {
        let mut catalogue = sample();
        catalogue.entries[0].changes.clear();
        let ready = Probe::ShapeIs {
            sha256: catalogue.shape(0).digest(),
            normaliser: NORMALISER,
            except: vec![],
        };
        assert_eq!(offences(&plan(&["1"], &[ready]), &[catalogue]).len(), 1);
    }

    #[test]
    fn what_a_person_assumed_claims_nothing() {
        let mut plan = plan(&["1"], &[]);
        for mv in plan.steps.iter_mut().flat_map(|step| &mut step.moves) {
            if let Move::SetRevisions(set) = mv {
                set.basis = Basis::Assumed;
            }
        }
        assert!(!are_claimed(&plan) && offences(&plan, &[]).is_empty());
    }
}
