//! Migration history, neutral to the framework: the scripts as a graph, and the
//! book in the database that records how far they have been run.
//!
//! Pure graph work only; reading scripts is for `frameworks`, reading rows for `live`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::database::version_table::{VersionRow, VersionTable};
use crate::model::names::{Digest, FilePath};

/// All that is known of the migrations of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revisions {
    /// The framework's name on its shelf.
    pub system: String,
    /// The directory of the scripts.
    pub directory: FilePath,
    /// Digest over the name and content of every file that takes part in a migration
    /// (scripts, environment and settings files), or null where the directory is missing.
    pub digest: Option<Digest>,
    /// In order of file name.
    pub scripts: Vec<Script>,
    /// Files that could not be understood, each with the reason; sorted by file.
    pub unread: Vec<Unread>,
}

/// One migration script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub file: FilePath,
    pub id: String,
    pub parents: Vec<String>,
    /// Revisions that must be there first without being parents.
    pub depends_on: Vec<String>,
    pub labels: Vec<String>,
    /// First line of the docstring, for people; nothing is ever decided by it.
    pub title: Option<String>,
    /// Whether running it forward provably does nothing.
    pub empty: bool,
    /// Of the file's content.
    pub sha256: Digest,
}

/// A file in the scripts' directory that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    pub file: FilePath,
    pub reason: String,
}

/// What the framework's own table records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedRevisions {
    pub versions: VersionTable,
    /// How many characters an id may have; null when unlimited or not enforced.
    pub width: Option<u32>,
    /// The recorded ids, sorted; null when there is no such table.
    pub recorded: Option<Vec<String>>,
}

impl Revisions {
    /// The script with this id.
    pub fn script(&self, id: &str) -> Option<&Script> {
        self.scripts.iter().find(|script| script.id == id)
    }

    pub(in crate::model::database) fn by_id(&self) -> BTreeMap<&str, &Script> {
        self.scripts.iter().map(|script| (script.id.as_str(), script)).collect()
    }

    /// The ends of the branches, sorted: ids that no script names as its parent. One that is
    /// merely depended on is still an end, but not recorded beside what depends on it: what
    /// the book holds in the end is [`recorded_after`](Self::recorded_after).
    pub fn heads(&self) -> Vec<String> {
        let parents: BTreeSet<&String> =
            self.scripts.iter().flat_map(|script| &script.parents).collect();
        let heads: BTreeSet<&String> = self.scripts.iter().map(|script| &script.id).collect();
        heads.difference(&parents).map(|id| (*id).clone()).collect()
    }

    /// Those of `ids` that come before no other of them, sorted; ids of no script stay.
    pub fn tips(&self, ids: &[String]) -> Vec<String> {
        let known = self.by_id();
        let before: Vec<&str> = ids
            .iter()
            .filter_map(|id| known.get(id.as_str()))
            .flat_map(|script| script.before())
            .collect();
        let covered = self.reach(before);
        let tips: BTreeSet<&String> =
            ids.iter().filter(|id| !covered.contains(id.as_str())).collect();
        tips.into_iter().cloned().collect()
    }

    /// What the book holds once a run from `recorded` to `target` has ended well, sorted. A run
    /// leaves branches alone that the target does not need.
    pub fn recorded_after(&self, recorded: &[String], target: &[String]) -> Vec<String> {
        self.tips(&[recorded, target].concat())
    }

    /// Parents and dependencies that no script has, sorted.
    pub fn dangling(&self) -> Vec<String> {
        let known = self.by_id();
        let missing: BTreeSet<&str> = self
            .scripts
            .iter()
            .flat_map(Script::before)
            .filter(|id| !known.contains_key(id))
            .collect();
        missing.into_iter().map(str::to_owned).collect()
    }

    /// Ids that more than one script claims, sorted.
    pub fn duplicates(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<&str> = self
            .scripts
            .iter()
            .map(|script| script.id.as_str())
            .filter(|id| !seen.insert(*id))
            .collect();
        twice.into_iter().map(str::to_owned).collect()
    }

    /// `ids` and everything that comes before them.
    pub fn ancestors<'a>(&'a self, ids: &'a [String]) -> BTreeSet<&'a str> {
        self.reach(ids.iter().map(String::as_str).collect())
    }

    fn reach<'a>(&'a self, mut waiting: Vec<&'a str>) -> BTreeSet<&'a str> {
        let known = self.by_id();
        let mut found = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            if let Some(script) = known.get(id)
                && found.insert(id)
            {
                waiting.extend(script.before());
            }
        }
        found
    }

    /// What has to be run to come from `recorded` to `target`, in an order that respects
    /// every edge and is otherwise that of the ids.
    pub fn pending(&self, recorded: &[String], target: &[String]) -> Vec<String> {
        let have = self.ancestors(recorded);
        let want = self.ancestors(target);
        let missing: BTreeSet<&str> = want.difference(&have).copied().collect();
        self.ordered(&missing)
    }

    /// Every id in topological order (ties by id); ids in a cycle are left out.
    pub fn topological(&self) -> Vec<String> {
        self.ordered(&self.scripts.iter().map(|script| script.id.as_str()).collect())
    }

    fn ordered(&self, ids: &BTreeSet<&str>) -> Vec<String> {
        let known = self.by_id();
        let mut after: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut open: BTreeMap<&str, usize> = BTreeMap::new();
        for id in ids {
            let Some(script) = known.get(id) else { continue };
            let before: BTreeSet<&str> = script.before().filter(|id| ids.contains(id)).collect();
            open.insert(id, before.len());
            for parent in before {
                after.entry(parent).or_default().push(id);
            }
        }
        let mut ready: BTreeSet<&str> =
            open.iter().filter(|(_, n)| **n == 0).map(|(id, _)| *id).collect();
        let mut order = Vec::with_capacity(ids.len());
        while let Some(id) = ready.pop_first() {
            order.push(id.to_owned());
            for child in after.get(id).into_iter().flatten() {
                if let Some(n) = open.get_mut(child) {
                    *n -= 1;
                    if *n == 0 {
                        ready.insert(child);
                    }
                }
            }
        }
        order
    }

    /// Every id once, each branch to its end before the next is begun, the longest first: so do the
    /// databases of a released application come about, most of which have one head. Ids in a cycle
    /// are left out.
    pub fn branch_by_branch(&self) -> Vec<String> {
        let known = self.by_id();
        let mut longest: BTreeMap<&str, usize> = BTreeMap::new();
        let order = self.topological();
        for id in order.iter().rev() {
            let way = longest.get(id.as_str()).copied().unwrap_or(0) + 1;
            for before in known.get(id.as_str()).into_iter().flat_map(|script| script.before()) {
                let known = longest.entry(before).or_default();
                *known = way.max(*known);
            }
        }
        let mut left: BTreeSet<&str> = order.iter().map(String::as_str).collect();
        let mut ordered: Vec<String> = Vec::new();
        while !left.is_empty() {
            let before = |id: &str| known.get(id).into_iter().flat_map(|script| script.before());
            let ready =
                left.iter().copied().filter(|id| !before(id).any(|other| left.contains(other)));
            let rank = |id: &str| {
                let goes_on =
                    ordered.last().is_some_and(|last| before(id).any(|other| other == last));
                (goes_on, longest.get(id).copied().unwrap_or(0))
            };
            // Of equals the first by id: `max_by_key` takes the last.
            let ready: Vec<&str> = ready.collect();
            let Some(next) = ready.into_iter().rev().max_by_key(|id| rank(id)) else { break };
            left.remove(next);
            ordered.push(next.to_owned());
        }
        ordered
    }

    /// Whether the graph has a cycle; then nothing about it can be believed.
    pub fn has_cycle(&self) -> bool {
        self.topological().len() != self.by_id().len()
    }
}

impl Script {
    /// Everything that must have run before it.
    pub fn before(&self) -> impl Iterator<Item = &str> {
        self.parents.iter().chain(&self.depends_on).map(String::as_str)
    }
}

impl RecordedRevisions {
    /// The recorded ids; an absent table records as much as an empty one.
    pub fn ids(&self) -> &[String] {
        self.recorded.as_deref().unwrap_or_default()
    }

    /// The recorded rows, sorted; null when there is no such table.
    pub fn rows(&self) -> Option<Vec<VersionRow>> {
        self.recorded.as_ref().map(|ids| sorted_rows(&self.versions, ids))
    }
}

/// The rows that record these ids, sorted.
pub fn sorted_rows(versions: &VersionTable, ids: &[String]) -> Vec<VersionRow> {
    let mut rows = versions.rows(ids);
    rows.sort();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Revisions {
        let scripts = edges
            .iter()
            .map(|(id, parents)| Script {
                file: FilePath::new(format!("{id}.py")),
                id: (*id).into(),
                parents: parents.iter().map(|p| (*p).into()).collect(),
                ..Script::default()
            })
            .collect();
        Revisions { scripts, ..Revisions::default() }
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn diamond() -> Revisions {
        graph(&[("1", &[]), ("2a", &["1"]), ("2b", &["1"]), ("3", &["2a", "2b"]), ("4", &["3"])])
    }

    #[test]
    fn heads_and_pending_of_a_diamond() {
        let graph = diamond();
        assert_eq!(graph.heads(), ids(&["4"]));
        assert_eq!(graph.pending(&ids(&["2a"]), &ids(&["4"])), ids(&["2b", "3", "4"]));
        assert_eq!(graph.pending(&[], &ids(&["3"])), ids(&["1", "2a", "2b", "3"]));
        assert!(!graph.has_cycle());
    }

    /// Two branches; the second begins on its own and needs the end of the first.
    fn dependent() -> Revisions {
        let mut graph = graph(&[("a1", &[]), ("a2", &["a1"]), ("b1", &[]), ("b2", &["b1"])]);
        graph.scripts[3].depends_on = ids(&["a2"]);
        graph
    }

    #[test]
    fn what_is_only_depended_on_is_an_end_but_not_recorded() {
        let graph = dependent();
        assert_eq!(graph.heads(), ids(&["a2", "b2"]));
        assert_eq!(graph.recorded_after(&[], &graph.heads()), ids(&["b2"]));
        assert_eq!(graph.pending(&ids(&["b1"]), &ids(&["b2"])), ids(&["a1", "a2", "b2"]));
    }

    #[test]
    fn a_run_leaves_other_branches_recorded() {
        let graph = dependent();
        assert_eq!(graph.recorded_after(&ids(&["a1", "b1"]), &ids(&["a2"])), ids(&["a2", "b1"]));
        assert_eq!(graph.tips(&ids(&["x", "a1", "a2", "x"])), ids(&["a2", "x"]));
    }

    #[test]
    fn the_order_is_the_smallest_that_respects_every_edge() {
        let graph =
            graph(&[("1", &[]), ("9", &["1"]), ("2", &["9"]), ("5", &["1"]), ("3", &["5"])]);
        assert_eq!(graph.topological(), ids(&["1", "5", "3", "9", "2"]));
    }

    #[test]
    fn a_branch_is_followed_to_its_end_before_the_next() {
        let graph = graph(&[
            ("1", &[]),
            ("2a", &["1"]),
            ("2b", &["1"]),
            ("3b", &["2b"]),
            ("4", &["2a", "3b"]),
            ("5", &["4"]),
            ("loop", &["loop"]),
        ]);
        assert_eq!(graph.branch_by_branch(), ids(&["1", "2b", "3b", "2a", "4", "5"]));
    }

    #[test]
    fn cycles_dangling_and_duplicate_ids_are_seen() {
        let cycle = graph(&[("a", &["b"]), ("b", &["a"]), ("c", &["gone"])]);
        assert!(cycle.has_cycle());
        assert_eq!(cycle.dangling(), ids(&["gone"]));
        let twice = graph(&[("a", &[]), ("a", &[])]);
        assert_eq!(twice.duplicates(), ids(&["a"]));
    }
}
