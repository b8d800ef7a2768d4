//! Lays one table of a configuration over another: a file over its profile.
//!
//! Tables are merged key by key, and what the upper one says about a key wins. An array wins whole,
//! except where both arrays hold tables with a `name`: there an entry of the upper array replaces
//! the entry of the same name as a whole, and new names are added behind. So a file changes one
//! upload of its profile by naming it, and `uploads = []` does away with them all.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::config::source::ConfigTexts;
use crate::error::Result;

/// Lays `upper` over `lower`. Both nest no deeper than a parsed source does.
pub fn overlay<'a>(lower: &mut DeTable<'a>, upper: DeTable<'a>) {
    for (key, value) in upper {
        let Some(below) = lower.get_mut(&key) else {
            lower.insert(key, value);
            continue;
        };
        let span = value.span();
        let merged =
            match (std::mem::replace(below.get_mut(), DeValue::Boolean(false)), value.into_inner())
            {
                (DeValue::Table(mut below), DeValue::Table(above)) => {
                    overlay(&mut below, above);
                    DeValue::Table(below)
                }
                (DeValue::Array(below), DeValue::Array(above))
                    if is_named(&below) && is_named(&above) =>
                {
                    DeValue::Array(overlay_named(below, above))
                }
                (_, above) => above,
            };
        *below = Spanned::new(span, merged);
    }
}

/// Refuses an array in which one name stands twice. `path` is where the array may lie.
pub fn refuse_twins(table: &DeTable<'_>, path: &[&str], sources: &ConfigTexts<'_>) -> Result<()> {
    let Some((first, rest)) = path.split_first() else { return Ok(()) };
    let found = table.get(*first).map(Spanned::get_ref);
    if let (Some(DeValue::Table(table)), true) = (found, !rest.is_empty()) {
        return refuse_twins(table, rest, sources);
    }
    let Some(DeValue::Array(array)) = found else { return Ok(()) };
    let mut seen: Vec<&str> = Vec::new();
    for (name, span) in array.iter().filter_map(name) {
        if seen.contains(&name) {
            return Err(sources.error(format!("the name `{name}` is given twice"), span));
        }
        seen.push(name);
    }
    Ok(())
}

fn is_named(array: &DeArray<'_>) -> bool {
    !array.is_empty() && array.iter().all(|value| name(value).is_some())
}

fn name<'a>(value: &'a Spanned<DeValue<'_>>) -> Option<(&'a str, Range<usize>)> {
    let name = value.get_ref().as_table()?.get("name")?;
    Some((name.get_ref().as_str()?, name.span()))
}

fn overlay_named<'a>(mut lower: DeArray<'a>, upper: DeArray<'a>) -> DeArray<'a> {
    for entry in upper {
        let same = |below: &&mut Spanned<DeValue<'a>>| {
            name(below).map(|(name, _)| name) == name(&entry).map(|(name, _)| name)
        };
        match lower.iter_mut().find(same) {
            Some(below) => *below = entry,
            None => lower.push(entry),
        }
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::ConfigText;

    fn merged(lower: &str, upper: &str) -> String {
        let lower = ConfigText::new("lower", lower, None);
        let upper = ConfigText::new("upper", upper, Some(&lower));
        let mut table = lower.parse().unwrap();
        overlay(table.get_mut(), upper.parse().unwrap().into_inner());
        let value: toml::Value = ConfigTexts(vec![&lower, &upper]).read(table).unwrap();
        value.to_string()
    }

    #[test]
    fn tables_merge_key_by_key_and_scalars_and_arrays_win() {
        assert_eq!(
            merged("a = 1\nb = {c = 1, d = 2}\ne = [1, 2]", "b = {c = 3, f = 4}\ne = [3]"),
            "{ a = 1, b = { c = 3, d = 2, f = 4 }, e = [3] }"
        );
        assert_eq!(merged("a = {b = 1}", "a = 2"), "{ a = 2 }");
    }

    #[test]
    fn entries_with_a_name_replace_their_namesake_and_join_the_others() {
        let lower = "u = [{name = 'a', x = 1, y = 1}, {name = 'b'}]";
        assert_eq!(
            merged(lower, "u = [{name = 'c'}, {name = 'a', x = 2}]"),
            r#"{ u = [{ name = "a", x = 2 }, { name = "b" }, { name = "c" }] }"#
        );
        assert_eq!(merged(lower, "u = []"), "{ u = [] }");
        assert_eq!(merged(lower, "u = [{x = 1}]"), "{ u = [{ x = 1 }] }");
    }

    #[test]
    fn a_name_given_twice_is_refused_where_it_stands() {
        let source = ConfigText::new("f", "[[t.u]]\nname = 'a'\n[[t.u]]\nname = 'a'", None);
        let table = source.parse().unwrap();
        let error =
            refuse_twins(table.get_ref(), &["t", "u"], &ConfigTexts(vec![&source])).unwrap_err();
        assert_eq!(error.place().unwrap().line_column(), (4, 8));
        assert!(refuse_twins(table.get_ref(), &["u"], &ConfigTexts(vec![&source])).is_ok());
    }
}
