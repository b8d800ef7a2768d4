//! How what is recorded stands to the scripts. Pure; what follows from it, others say.

use crate::model::database::revisions::Revisions;

/// How recorded revisions stand to the scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevisionStatus {
    /// Nothing is recorded.
    Nothing,
    /// These recorded ids are in no script.
    Unknown(Vec<String>),
    /// These recorded ids come before others that are recorded too: no run leaves such a
    /// record, and the framework refuses to go on from it.
    Overlapping(Vec<String>),
    /// All that the target needs has been run.
    AtTarget,
    /// One id is recorded, on the way to the target.
    Behind,
    /// More than one id is recorded, all of them on the way to the target.
    Diverged,
    /// Recorded is beyond the target, or beside it.
    Ahead(Vec<String>),
}

impl Revisions {
    /// How `recorded` stands to `target`.
    pub fn standing(&self, recorded: &[String], target: &[String]) -> RevisionStatus {
        if recorded.is_empty() {
            return RevisionStatus::Nothing;
        }
        let known = self.by_id();
        let unknown: Vec<String> =
            recorded.iter().filter(|id| !known.contains_key(id.as_str())).cloned().collect();
        if !unknown.is_empty() {
            return RevisionStatus::Unknown(unknown);
        }
        let tips = self.tips(recorded);
        let overlapping: Vec<String> =
            recorded.iter().filter(|id| !tips.contains(id)).cloned().collect();
        if !overlapping.is_empty() {
            return RevisionStatus::Overlapping(overlapping);
        }
        let target_and_before = self.ancestors(target);
        let beyond: Vec<String> = recorded
            .iter()
            .filter(|id| !target_and_before.contains(id.as_str()))
            .cloned()
            .collect();
        if !beyond.is_empty() {
            return RevisionStatus::Ahead(beyond);
        }
        if self.pending(recorded, target).is_empty() {
            return RevisionStatus::AtTarget;
        }
        if recorded.len() > 1 { RevisionStatus::Diverged } else { RevisionStatus::Behind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::database::revisions::Script;
    use crate::model::names::FilePath;

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
    fn standing_names_every_case() {
        let graph = diamond();
        let head = ids(&["4"]);
        assert_eq!(graph.standing(&[], &head), RevisionStatus::Nothing);
        assert_eq!(graph.standing(&head, &head), RevisionStatus::AtTarget);
        assert_eq!(graph.standing(&ids(&["2a"]), &head), RevisionStatus::Behind);
        assert_eq!(graph.standing(&ids(&["2a", "2b"]), &head), RevisionStatus::Diverged);
        assert_eq!(graph.standing(&ids(&["x"]), &head), RevisionStatus::Unknown(ids(&["x"])));
        assert_eq!(graph.standing(&head, &ids(&["3"])), RevisionStatus::Ahead(ids(&["4"])));
    }

    #[test]
    fn a_recorded_ancestor_beside_its_descendant_overlaps() {
        assert_eq!(
            diamond().standing(&ids(&["3", "4"]), &ids(&["4"])),
            RevisionStatus::Overlapping(ids(&["3"]))
        );
    }

    /// Two branches; the second begins on its own and needs the end of the first.
    fn dependent() -> Revisions {
        let mut graph = graph(&[("a1", &[]), ("a2", &["a1"]), ("b1", &[]), ("b2", &["b1"])]);
        graph.scripts[3].depends_on = ids(&["a2"]);
        graph
    }

    #[test]
    fn what_is_only_depended_on_is_not_recorded_beside_what_needs_it() {
        let graph = dependent();
        assert_eq!(graph.standing(&ids(&["b2"]), &graph.heads()), RevisionStatus::AtTarget);
        assert_eq!(
            graph.standing(&ids(&["a2", "b2"]), &graph.heads()),
            RevisionStatus::Overlapping(ids(&["a2"]))
        );
    }
}
