//! SHELF-SIDE: which catalogued revision a live schema is at: exactly one, several that cannot be
//! told apart, or only near one. Pure; knows no framework and no application, and judges nothing:
//! whether a stamp follows is for the rules.
//!
//! Compares everything that any entry knows of, additions and removals alike. What no entry knows
//! (an operator's own table) does not disturb. A tie is collapsed only over scripts that provably
//! do nothing; any other tie is told, and a person decides.

use std::collections::{BTreeSet, HashSet};

use crate::model::database::catalogue::Catalogue;
use crate::model::database::shape::Shape;
use crate::model::diagnosis::{Inferred, Nearest};

/// How many differences of the nearest entry are told; more are counted.
const TOLD: usize = 40;

/// Finds the live shape in a catalogue. What is `recorded` only decides how a schema is called that
/// several revisions share because the scripts between them do nothing.
pub fn infer(catalogue: &Catalogue, live: &Shape, recorded: &[String]) -> Inferred {
    let live = live.only(&catalogue.known());
    if live.0.is_empty() {
        return Inferred::default();
    }
    let distances = distances(catalogue, &live);
    let equal: Vec<usize> =
        distances.iter().enumerate().filter(|(_, d)| **d == 0).map(|(index, _)| index).collect();
    // Distances are counted by difference; that the shape is the very same is then seen once more.
    let equal: Vec<usize> =
        equal.into_iter().filter(|index| catalogue.shape(*index) == live).collect();
    let heads = |index: &usize| catalogue.entries.get(*index).map(|entry| entry.revisions.clone());
    let distinct = collapse(catalogue, &equal);
    let is_recorded = |index: &&usize| {
        catalogue.entries.get(**index).is_some_and(|entry| entry.revisions == recorded)
    };
    match distinct.as_slice() {
        [_] if equal.iter().any(|index| is_recorded(&index)) => {
            Inferred { exact: Some(recorded.to_vec()), ..Inferred::default() }
        }
        [] => Inferred {
            exact: None,
            candidates: Vec::new(),
            nearest: nearest(catalogue, &live, &distances),
        },
        [only] => Inferred { exact: heads(only), candidates: Vec::new(), nearest: None },
        several => Inferred {
            exact: None,
            candidates: several.iter().filter_map(heads).collect(),
            nearest: None,
        },
    }
}

/// In how many facts the live shape differs from each entry's.
fn distances(catalogue: &Catalogue, live: &Shape) -> Vec<usize> {
    let facts: HashSet<(&str, &str)> = live.facts().collect();
    let mut distances: Vec<usize> = Vec::with_capacity(catalogue.entries.len());
    for entry in &catalogue.entries {
        let before = entry.after.as_ref().and_then(|after| catalogue.position(after));
        let start = before.and_then(|before| distances.get(before)).copied().unwrap_or(facts.len());
        let distance = entry.facts().fold(start, |distance, (adds, name, fact)| {
            if adds == facts.contains(&(name, fact)) {
                distance.saturating_sub(1)
            } else {
                distance + 1
            }
        });
        distances.push(distance);
    }
    distances
}

/// Leaves out every entry from which another of them is reached by scripts that do nothing: being
/// at the one is being at the other.
fn collapse(catalogue: &Catalogue, equal: &[usize]) -> Vec<usize> {
    let passed: BTreeSet<usize> = equal
        .iter()
        .filter_map(|index| catalogue.entries.get(*index))
        .filter(|entry| entry.empty)
        .filter_map(|entry| catalogue.position(entry.after.as_ref()?))
        .collect();
    equal.iter().copied().filter(|index| !passed.contains(index)).collect()
}

fn nearest(catalogue: &Catalogue, live: &Shape, distances: &[usize]) -> Option<Nearest> {
    // Of several that are equally near the one that was run last.
    let (index, _) = distances.iter().enumerate().rev().min_by_key(|(_, distance)| **distance)?;
    let mut differences = differences(&catalogue.shape(index), live);
    if differences.len() > TOLD {
        let more = differences.len() - TOLD;
        differences.truncate(TOLD);
        differences.push(format!("and {more} more"));
    }
    Some(Nearest { revisions: catalogue.entries.get(index)?.revisions.clone(), differences })
}

/// What the live shape lacks and has too much against what it should be, in words.
pub fn differences(should: &Shape, is: &Shape) -> Vec<String> {
    let mut told = Vec::new();
    let names: BTreeSet<&String> = should.0.keys().chain(is.0.keys()).collect();
    for name in names {
        match (should.0.get(name), is.0.get(name)) {
            (Some(_), None) => told.push(format!("missing: {}", named(name))),
            (None, Some(_)) => told.push(format!("additional: {}", named(name))),
            (Some(should), Some(is)) => {
                told.extend(
                    should.difference(is).map(|fact| format!("missing in {}: {fact}", named(name))),
                );
                told.extend(
                    is.difference(should)
                        .map(|fact| format!("additional in {}: {fact}", named(name))),
                );
            }
            (None, None) => {}
        }
    }
    told
}

fn named(name: &str) -> String {
    if name.contains(' ') { format!("`{name}`") } else { format!("table `{name}`") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::database::catalogue::tests::{ids, ran, sample, shape};

    #[test]
    fn a_schema_is_found_and_an_empty_script_passed_over() {
        let catalogue = sample();
        let found = infer(&catalogue, &catalogue.shape(0), &[]);
        assert_eq!(found.exact, Some(ids(&["1"])));
        let found = infer(&catalogue, &catalogue.shape(1), &[]);
        assert_eq!(found.exact, Some(ids(&["3"])), "2 and 3 differ by a script that does nothing");
        let found = infer(&catalogue, &catalogue.shape(1), &ids(&["2"]));
        assert_eq!(found.exact, Some(ids(&["2"])), "then it is called as it is recorded");
    }

    #[test]
    fn a_tie_over_a_script_that_does_something_is_told() {
        let mut catalogue = sample();
        catalogue.entries[2].empty = false;
        let found = infer(&catalogue, &catalogue.shape(1), &[]);
        assert_eq!(found.exact, None);
        assert_eq!(found.candidates, [ids(&["2"]), ids(&["3"])]);
    }

    #[test]
    fn what_no_revision_knows_does_not_disturb_and_what_one_knows_does() {
        let catalogue = sample();
        let mut live = catalogue.shape(0);
        live.0.insert("mine".into(), BTreeSet::new());
        assert_eq!(infer(&catalogue, &live, &[]).exact, Some(ids(&["1"])));
        live.0.insert("c".into(), BTreeSet::new());
        let found = infer(&catalogue, &live, &[]);
        assert_eq!((found.exact, found.candidates.len()), (None, 0));
        assert_eq!(found.nearest.unwrap().differences, ["additional: table `c`"]);
    }

    #[test]
    fn removals_count_as_much_as_additions() {
        let catalogue = sample();
        let mut live = catalogue.shape(3);
        live.0.insert("b".into(), ["column q".to_owned()].into());
        let nearest = infer(&catalogue, &live, &[]).nearest.unwrap();
        assert_eq!(
            nearest.revisions,
            ids(&["4"]),
            "a table that the last one has removed is still there"
        );
        assert_eq!(nearest.differences, ["additional: table `b`"]);
    }

    #[test]
    fn a_table_with_other_facts_is_told_fact_by_fact() {
        let told = differences(&shape(&[("a", &["column x"])]), &shape(&[("a", &["column y"])]));
        assert_eq!(told, ["missing in table `a`: column x", "additional in table `a`: column y"]);
    }

    #[test]
    fn branches_are_measured_from_their_own_predecessor() {
        let mut catalogue = sample();
        let side = shape(&[("a", &["column x", "column side"]), ("b", &["column q"])]);
        catalogue.push(ids(&["side"]), Some(0), ran("side", false), &side);
        assert_eq!(infer(&catalogue, &side, &[]).exact, Some(ids(&["side"])));
    }
}
