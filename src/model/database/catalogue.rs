//! The catalogue document: what shape an application's schema has after each revision, as changes
//! against an entry before it. Compact, versioned, readable in a diff.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::database::shape::{NORMALISER, Shape};
use crate::model::names::Digest;

/// The version of the catalogue document; its history stands in `docs/formats/catalogue.md`.
pub const FORMAT_VERSION: &str = "1.0";

/// The shapes of one application on one engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    pub format_version: String,
    pub made_by: String,
    /// The framework's name on its shelf.
    pub system: String,
    /// The engine's name on its shelf.
    pub engine: String,
    /// In which words the shapes are.
    pub normaliser: u32,
    /// In an order in which they can be run.
    pub entries: Vec<CatalogueEntry>,
}

/// The shape after some revisions, known by the head set that is recorded then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogueEntry {
    /// The head set, sorted.
    pub revisions: Vec<String>,
    /// The entry that the changes are against; null for one against an empty schema.
    pub after: Option<Vec<String>>,
    /// The script that was run from there.
    pub script: String,
    /// Of the script's file.
    pub script_sha256: Digest,
    /// Whether the script provably does nothing.
    pub empty: bool,
    /// Facts added (`+...`) and removed (`-...`) by table; `+` alone makes the table, `-` alone
    /// removes it.
    pub changes: Changes,
    /// Where the script is known to stop before it is through: what it leaves, try after try, as
    /// changes against the same entry. The next try goes on from there; the one after the last gets
    /// through.
    pub stumbles: Vec<Changes>,
}

/// What is added and removed, by table.
pub type Changes = BTreeMap<String, Vec<String>>;

impl Catalogue {
    /// A catalogue without entries.
    pub fn new(made_by: String, system: &str, engine: &str) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            made_by,
            system: system.to_owned(),
            engine: engine.to_owned(),
            normaliser: NORMALISER,
            entries: Vec::new(),
        }
    }

    /// What binds facts to this very catalogue.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// Everything that any entry knows of, its stumbles included: tables, views, types.
    pub fn known(&self) -> BTreeSet<String> {
        let of = |entry: &CatalogueEntry| -> Vec<String> {
            entry
                .changes
                .keys()
                .chain(entry.stumbles.iter().flat_map(BTreeMap::keys))
                .cloned()
                .collect()
        };
        self.entries.iter().flat_map(of).collect()
    }

    /// The index of the entry with this head set.
    pub fn position(&self, revisions: &[String]) -> Option<usize> {
        self.entries.iter().position(|entry| entry.revisions == revisions)
    }

    /// The index of the entry that `entry` is against.
    fn before(&self, entry: &CatalogueEntry) -> Option<usize> {
        self.position(entry.after.as_ref()?)
    }

    /// The shape of the entry with this index.
    pub fn shape(&self, index: usize) -> Shape {
        let mut way = Vec::new();
        let mut at = Some(index);
        // `fault` has seen that every entry is against an earlier one, so this comes to an end.
        while let Some(entry) = at.and_then(|at| self.entries.get(at)) {
            way.push(entry);
            at = self.before(entry);
        }
        let mut shape = Shape::default();
        for entry in way.into_iter().rev() {
            apply(&entry.changes, &mut shape);
        }
        shape
    }

    /// What stands after each stumble of the entry with this index.
    pub fn stumbles(&self, index: usize) -> Vec<Shape> {
        let Some(entry) = self.entries.get(index) else { return Vec::new() };
        let before = self.before(entry).map(|before| self.shape(before)).unwrap_or_default();
        let after = |changes: &Changes| {
            let mut shape = before.clone();
            apply(changes, &mut shape);
            shape
        };
        entry.stumbles.iter().map(after).collect()
    }

    /// Adds an entry for `shape`, against the entry `after`.
    pub fn push(
        &mut self,
        revisions: Vec<String>,
        after: Option<usize>,
        script: Ran,
        shape: &Shape,
    ) {
        let before = after.map(|after| self.shape(after)).unwrap_or_default();
        let after =
            after.and_then(|after| self.entries.get(after)).map(|entry| entry.revisions.clone());
        let Ran { id, sha256, empty, stumbles } = script;
        self.entries.push(CatalogueEntry {
            revisions,
            after,
            script: id,
            script_sha256: sha256,
            empty,
            changes: changes(&before, shape),
            stumbles: stumbles.iter().map(|stumble| changes(&before, stumble)).collect(),
        });
    }

    /// Why the catalogue makes no sense in itself; `None` for one that does.
    pub fn fault(&self) -> Option<String> {
        if self.normaliser != NORMALISER {
            return Some(format!(
                "its shapes are in words of version {}, this ttplan knows version {NORMALISER}",
                self.normaliser
            ));
        }
        let mut seen: BTreeSet<&[String]> = BTreeSet::new();
        for entry in &self.entries {
            let heads = entry.revisions.join(", ");
            if entry.after.as_ref().is_some_and(|after| !seen.contains(after.as_slice())) {
                return Some(format!(
                    "the entry for {heads} is against one that does not come before it"
                ));
            }
            if entry.revisions.is_empty()
                || !entry.revisions.is_sorted()
                || !seen.insert(&entry.revisions)
            {
                return Some(format!("the entry for {heads} is empty, unsorted, or there twice"));
            }
            let signed = |fact: &String| fact.starts_with(['+', '-']);
            if !entry
                .changes
                .values()
                .chain(entry.stumbles.iter().flat_map(BTreeMap::values))
                .flatten()
                .all(signed)
            {
                return Some(format!(
                    "the entry for {heads} has a change that neither adds nor removes"
                ));
            }
        }
        None
    }
}

/// The script that led to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    pub id: String,
    pub sha256: Digest,
    pub empty: bool,
    /// What it left each time it stopped before it got through.
    pub stumbles: Vec<Shape>,
}

impl CatalogueEntry {
    /// The facts that it adds (true) and removes (false), with what they are of.
    pub fn facts(&self) -> impl Iterator<Item = (bool, &str, &str)> {
        facts(&self.changes)
    }
}

fn facts(changes: &Changes) -> impl Iterator<Item = (bool, &str, &str)> {
    changes.iter().flat_map(|(name, facts)| {
        facts.iter().filter_map(move |fact| {
            let (sign, fact) = (fact.as_bytes().first()?, fact.get(1..)?);
            Some((*sign == b'+', name.as_str(), fact))
        })
    })
}

fn apply(changes: &Changes, shape: &mut Shape) {
    for (adds, name, fact) in facts(changes) {
        match (adds, fact) {
            (true, "") => {
                shape.0.entry(name.to_owned()).or_default();
            }
            (false, "") => {
                shape.0.remove(name);
            }
            (true, fact) => {
                shape.0.entry(name.to_owned()).or_default().insert(fact.to_owned());
            }
            (false, fact) => {
                shape.0.get_mut(name).map(|facts| facts.remove(fact));
            }
        }
    }
}

/// What has to be added and removed to come from one shape to another. The making of a table stands
/// first among its changes, its removal last.
fn changes(before: &Shape, after: &Shape) -> Changes {
    let names: BTreeSet<&String> = before.0.keys().chain(after.0.keys()).collect();
    let nothing = BTreeSet::new();
    let mut changes = BTreeMap::new();
    for name in names {
        let (old, new) = (before.0.get(name), after.0.get(name));
        let (old_facts, new_facts) = (old.unwrap_or(&nothing), new.unwrap_or(&nothing));
        let mut facts = Vec::new();
        if old.is_none() {
            facts.push("+".to_owned());
        }
        facts.extend(old_facts.difference(new_facts).map(|fact| format!("-{fact}")));
        facts.extend(new_facts.difference(old_facts).map(|fact| format!("+{fact}")));
        if new.is_none() {
            facts.push("-".to_owned());
        }
        if !facts.is_empty() {
            changes.insert(name.clone(), facts);
        }
    }
    changes
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn shape(tables: &[(&str, &[&str])]) -> Shape {
        let facts = |facts: &[&str]| facts.iter().map(|fact| (*fact).to_owned()).collect();
        Shape(tables.iter().map(|(name, own)| ((*name).to_owned(), facts(own))).collect())
    }

    pub(crate) fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    pub(crate) fn ran(id: &str, empty: bool) -> Ran {
        Ran { id: id.into(), sha256: Digest::of(id), empty, stumbles: Vec::new() }
    }

    /// 1 makes a, 2 gives it a column, 3 does nothing, 4 renames b away again.
    pub(crate) fn sample() -> Catalogue {
        let mut catalogue = Catalogue::new("test".into(), "s", "e");
        catalogue.push(
            ids(&["1"]),
            None,
            ran("1", false),
            &shape(&[("a", &["column x"]), ("b", &["column q"])]),
        );
        catalogue.push(
            ids(&["2"]),
            Some(0),
            ran("2", false),
            &shape(&[("a", &["column x", "column y"]), ("b", &["column q"])]),
        );
        catalogue.push(
            ids(&["3"]),
            Some(1),
            ran("3", true),
            &shape(&[("a", &["column x", "column y"]), ("b", &["column q"])]),
        );
        catalogue.push(
            ids(&["4"]),
            Some(2),
            ran("4", false),
            &shape(&[("a", &["column x", "column y"]), ("c", &["column q"])]),
        );
        catalogue
    }

    #[test]
    fn every_shape_comes_back_from_its_changes() {
        let catalogue = sample();
        assert_eq!(catalogue.fault(), None);
        assert_eq!(catalogue.shape(0), shape(&[("a", &["column x"]), ("b", &["column q"])]));
        assert_eq!(
            catalogue.shape(3),
            shape(&[("a", &["column x", "column y"]), ("c", &["column q"])])
        );
        assert!(catalogue.entries[2].changes.is_empty() && catalogue.stumbles(2).is_empty());
        assert_eq!(catalogue.known().into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn what_a_script_leaves_when_it_stumbles_comes_back_too() {
        let mut catalogue = sample();
        let half = shape(&[("a", &["column x", "column y"]), ("c", &[])]);
        let stumbled = Ran { stumbles: vec![half.clone()], ..ran("5", false) };
        catalogue.push(ids(&["5"]), Some(3), stumbled, &shape(&[("a", &["column x"])]));
        assert_eq!(catalogue.fault(), None);
        assert_eq!(catalogue.stumbles(4), [half]);
        assert_eq!(catalogue.shape(4), shape(&[("a", &["column x"])]));
    }

    #[test]
    fn a_catalogue_that_makes_no_sense_is_refused() {
        let broken = |change: &dyn Fn(&mut Catalogue)| {
            let mut catalogue = sample();
            change(&mut catalogue);
            catalogue.fault().unwrap()
        };
        assert!(broken(&|c| c.normaliser = 99).contains("version 99"));
        assert!(broken(&|c| c.entries[0].after = Some(ids(&["4"]))).contains("against one"));
        assert!(broken(&|c| c.entries[1].revisions = ids(&["1"])).contains("there twice"));
        assert!(
            broken(&|c| {
                c.entries[1].changes.insert("a".into(), vec!["x".into()]);
            })
            .contains("neither adds nor removes")
        );
    }
}
