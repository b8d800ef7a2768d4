//! The revisions as a graph in a terminal, newest first, as version control draws histories.

use crate::model::database::revisions::{Revisions, Script};
use crate::render::style::{faint, plain, strong};

/// Draws every script that is in no cycle. `recorded` ids are marked.
pub fn graph(revisions: &Revisions, recorded: &[String]) -> String {
    let heads = revisions.heads();
    let mut text = String::new();
    // Each lane waits for the revision that comes before what was drawn last in it.
    let mut lanes: Vec<&str> = Vec::new();
    for id in revisions.topological().iter().rev() {
        let Some(script) = revisions.script(id) else { continue };
        let at = lanes.iter().position(|waits| waits == id).unwrap_or_else(|| {
            lanes.push(&script.id);
            lanes.len() - 1
        });
        while let Some(other) =
            lanes.iter().rposition(|waits| waits == id).filter(|other| *other != at)
        {
            text.push_str(&joined(lanes.len(), at, other));
            lanes.remove(other);
        }
        let children = revisions.scripts.iter().filter(|other| other.parents.contains(id)).count();
        text.push_str(&row(
            &lanes,
            at,
            &line(script, children, heads.contains(id), recorded.contains(id)),
        ));
        match script.parents.split_first() {
            None => {
                lanes.remove(at);
            }
            Some((first, others)) => {
                lanes[at] = first;
                for (n, other) in others.iter().enumerate() {
                    lanes.insert(at + n + 1, other);
                    text.push_str(&forked(lanes.len(), at, at + n + 1));
                }
            }
        }
    }
    text
}

fn line(script: &Script, children: usize, is_head: bool, is_recorded: bool) -> String {
    let marks = [
        (is_head, "head".to_owned()),
        (children > 1, "branch point".to_owned()),
        (script.parents.len() > 1, "merge".to_owned()),
        (script.empty && script.parents.len() < 2, "does nothing".to_owned()),
        (!script.depends_on.is_empty(), format!("needs {}", script.depends_on.join(", "))),
        (is_recorded, "recorded".to_owned()),
    ];
    let marks: Vec<String> =
        marks.into_iter().filter(|(so, _)| *so).map(|(_, mark)| plain(&mark)).collect();
    let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
    let title = script
        .title
        .as_deref()
        .map_or(String::new(), |title| format!("  {}", faint(&plain(title))));
    format!("{}{marks}{title}", strong(&plain(&script.id)))
}

fn row(lanes: &[&str], at: usize, line: &str) -> String {
    let marks: Vec<&str> =
        (0..lanes.len()).map(|lane| if lane == at { "*" } else { "|" }).collect();
    format!("{} {line}\n", marks.join(" "))
}

/// The lane `other` ends in the lane `at`, left of it.
fn joined(lanes: usize, at: usize, other: usize) -> String {
    let mut text = String::new();
    for lane in 0..lanes {
        let gap = match lane {
            0 => "",
            _ if lane == other => "/",
            _ if lane > at + 1 && lane < other => "_",
            _ => " ",
        };
        let mark = match lane {
            _ if lane == other => " ",
            _ => "|",
        };
        text.push_str(gap);
        text.push_str(mark);
    }
    format!("{}\n", text.trim_end())
}

/// The lane `other` begins at the lane `at`, right of it.
fn forked(lanes: usize, at: usize, other: usize) -> String {
    let mut text = String::new();
    for lane in 0..lanes {
        let gap = match lane {
            0 => "",
            _ if lane == other => "\\",
            _ if lane > at && lane < other => "_",
            _ => " ",
        };
        text.push_str(gap);
        text.push_str(if lane == other { " " } else { "|" });
    }
    format!("{}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(edges: &[(&str, &[&str])]) -> String {
        let scripts = edges.iter().map(|(id, parents)| Script {
            id: (*id).into(),
            parents: parents.iter().map(|parent| (*parent).into()).collect(),
            ..Script::default()
        });
        let revisions = Revisions { scripts: scripts.collect(), ..Revisions::default() };
        anstream::adapter::strip_str(&graph(&revisions, &["2a".to_owned()])).to_string()
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(drawn(&[("1", &[]), ("2", &["1"])]), "* 2 (head)\n* 1\n");
    }

    #[test]
    fn branches_part_and_come_together() {
        let told = drawn(&[("1", &[]), ("2a", &["1"]), ("2b", &["1"]), ("3", &["2a", "2b"])]);
        assert_eq!(
            told,
            "* 3 (head, merge)\n|\\\n| * 2b\n* | 2a (recorded)\n|/\n* 1 (branch point)\n"
        );
    }

    #[test]
    fn several_heads_stand_side_by_side() {
        assert_eq!(
            drawn(&[("1", &[]), ("2", &["1"]), ("3", &["1"])]),
            "* 3 (head)\n| * 2 (head)\n|/\n* 1 (branch point)\n"
        );
    }

    #[test]
    fn a_cycle_is_left_out_and_does_not_hang() {
        assert_eq!(drawn(&[("a", &["b"]), ("b", &["a"]), ("c", &[])]), "* c (head)\n");
    }
}
