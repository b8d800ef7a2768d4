//! Two schemas beside each other, as people read differences: with `-` and `+`.

use similar::TextDiff;

use crate::model::database::shape::Shape;
use crate::render::style::{bad, good, plain, strong};

/// What has to be taken from (`-`) and added to (`+`) the first to come to the second, table by
/// table; empty where they are the same.
pub fn difference(from: &Shape, to: &Shape) -> String {
    let mut text = String::new();
    let mut names: Vec<&String> = from.0.keys().chain(to.0.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (old, new) = (from.0.get(name), to.0.get(name));
        if old == new {
            continue;
        }
        let heading = match (old, new) {
            (None, _) => format!("{} {}\n", good("+"), strong(&plain(name))),
            (_, None) => format!("{} {}\n", bad("-"), strong(&plain(name))),
            _ => format!("  {}\n", strong(&plain(name))),
        };
        text.push_str(&heading);
        if old.is_some() && new.is_some() {
            let lines = |facts: Option<&std::collections::BTreeSet<String>>| -> Vec<String> {
                facts.into_iter().flatten().map(|fact| plain(fact)).collect()
            };
            let (old, new) = (lines(old), lines(new));
            let (old, new): (Vec<&str>, Vec<&str>) = (
                old.iter().map(String::as_str).collect(),
                new.iter().map(String::as_str).collect(),
            );
            for change in TextDiff::from_slices(&old, &new).iter_all_changes() {
                match change.tag() {
                    similar::ChangeTag::Delete => {
                        text.push_str(&format!("    {} {}\n", bad("-"), change.value()));
                    }
                    similar::ChangeTag::Insert => {
                        text.push_str(&format!("    {} {}\n", good("+"), change.value()));
                    }
                    similar::ChangeTag::Equal => {}
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_changed_column_stands_with_both_its_faces_and_nothing_else() {
        let shape = |tables: &[(&str, &[&str])]| {
            let facts = |facts: &[&str]| facts.iter().map(|fact| (*fact).to_owned()).collect();
            Shape(
                tables
                    .iter()
                    .map(|(name, own)| ((*name).to_owned(), facts(own)))
                    .collect::<BTreeMap<_, _>>(),
            )
        };
        let from = shape(&[
            ("a", &["column id integer", "column x varchar(20)"]),
            ("gone", &[]),
            ("same", &["column y"]),
        ]);
        let to = shape(&[
            ("a", &["column id integer", "column x varchar(50)"]),
            ("new", &["column z"]),
            ("same", &["column y"]),
        ]);
        let told = anstream::adapter::strip_str(&difference(&from, &to)).to_string();
        assert_eq!(
            told,
            "  a\n    - column x varchar(20)\n    + column x varchar(50)\n- gone\n+ new\n"
        );
        assert_eq!(difference(&from, &from), "");
    }
}
