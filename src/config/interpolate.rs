//! Fills variables into a parsed configuration: into its strings only, never into keys, and
//! after parsing, so that no value can change the structure of the file and every span stays
//! where it was.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::source::ConfigTexts;
use crate::error::{Error, Kind, Result};
use crate::model::variables::{self, Fault};

/// The variables that were set when ttplan was started.
pub type Environment = BTreeMap<OsString, OsString>;

/// Fills in every string below `table`, except that the strings below `unexpanded` are only
/// checked.
pub fn fill_in(
    table: &mut DeTable<'_>,
    unexpanded: &[&str],
    environment: &Environment,
    sources: &ConfigTexts<'_>,
) -> Result<()> {
    each_string(table, Some(unexpanded), &mut |text, kept, span| match kept {
        true => {
            variables::check(text).map(|()| None).map_err(|fault| refusal(&fault, sources, span))
        }
        false => filled(text, span, environment, sources).map(Some),
    })
}

/// Fills in one text that stands at `span`.
pub fn filled(
    text: &str,
    span: Range<usize>,
    environment: &Environment,
    sources: &ConfigTexts<'_>,
) -> Result<String> {
    let lookup = |name: &str| environment.get(OsStr::new(name)).map(OsString::as_os_str);
    variables::fill(text, lookup).map_err(|fault| refusal(&fault, sources, span))
}

/// Refuses every variable below `table`.
pub fn refuse(table: &mut DeTable<'_>, sources: &ConfigTexts<'_>) -> Result<()> {
    each_string(table, None, &mut |text, _, span| match text.contains("${") {
        true => Err(sources.error("no variables are filled in here", span)),
        false => Ok(None),
    })
}

/// The value of one variable as text.
pub fn variable<'a>(name: &str, environment: &'a Environment) -> Result<Option<&'a str>> {
    let Some(value) = environment.get(OsStr::new(name)) else { return Ok(None) };
    let fault = Fault::NotUtf8(name.to_owned());
    let text = value
        .to_str()
        .ok_or_else(|| Error::new(Kind::Config, fault.message()).hint(fault.hint()))?;
    Ok(Some(text))
}

/// What is done with a string: given the text, whether it lies below the path, and its span, it
/// returns another text to put there.
type Visit<'v> = dyn FnMut(&str, bool, Range<usize>) -> Result<Option<String>> + 'v;

/// Visits every string. `path` is what is left of a path on the way to it, `Some` of nothing below
/// it.
fn each_string(
    table: &mut DeTable<'_>,
    path: Option<&[&str]>,
    visit: &mut Visit<'_>,
) -> Result<()> {
    for (key, value) in table.iter_mut() {
        let path = match path.and_then(<[_]>::split_first) {
            Some((first, rest)) => (key.get_ref() == first).then_some(rest),
            None => path,
        };
        each_string_of(value, path, visit)?;
    }
    Ok(())
}

fn each_string_of(
    value: &mut Spanned<DeValue<'_>>,
    path: Option<&[&str]>,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) => {
            if let Some(other) = visit(text, path.is_some_and(<[_]>::is_empty), span)? {
                *text = other.into();
            }
            Ok(())
        }
        DeValue::Array(array) => {
            array.iter_mut().try_for_each(|value| each_string_of(value, path, visit))
        }
        DeValue::Table(table) => each_string(table, path, visit),
        _ => Ok(()),
    }
}

/// The error for a fault, at the variable itself where it is written as plainly as it is meant.
fn refusal(fault: &Fault, sources: &ConfigTexts<'_>, span: Range<usize>) -> Error {
    let named = fault.name().map(|name| format!("${{{name}"));
    let found = named.and_then(|named| Some((sources.written(&span).find(&named)?, named.len())));
    let span =
        found.map_or(span.clone(), |(at, length)| span.start + at + 2..span.start + at + length);
    sources.error(fault.message(), span).hint(fault.hint())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::source::ConfigText;

    fn environment() -> Environment {
        use std::os::unix::ffi::OsStringExt;
        [("A", b"a\"]\nx = 1".to_vec()), ("N", b"\xff".to_vec())]
            .into_iter()
            .map(|(name, value)| (name.into(), OsString::from_vec(value)))
            .collect()
    }

    fn read(text: &str) -> Result<String> {
        let source = ConfigText::new("f", text, None);
        let sources = ConfigTexts(vec![&source]);
        let mut table = source.parse()?;
        fill_in(table.get_mut(), &["keep", "env"], &environment(), &sources)?;
        sources.read::<toml::Value>(table).map(|value| value.to_string())
    }

    #[test]
    fn strings_are_filled_in_and_structure_and_keys_are_not() {
        let text = "a = ['${A}', 1]\nkeep = {env = {A = '${A}', B = ['${NONE}']}, other = '${A}'}\n'${A}' = true";
        let value: toml::Value = toml::from_str(&format!("v = {}", read(text).unwrap())).unwrap();
        let value = &value["v"];
        assert_eq!(value["a"][0].as_str(), Some("a\"]\nx = 1"));
        assert_eq!(value["keep"]["env"]["A"].as_str(), Some("${A}"));
        assert_eq!(value["keep"]["env"]["B"][0].as_str(), Some("${NONE}"));
        assert_eq!(value["keep"]["other"].as_str(), Some("a\"]\nx = 1"));
        assert!(value.get("${A}").is_some() && value.get("x").is_none());
    }

    #[test]
    fn a_fault_points_at_the_variable_it_names() {
        for (text, at, message) in [
            ("a = 1\nb = 'x/${NONE}'", (2, 10), "the variable `NONE` is not set"),
            ("b = \"\"\"\n\n${N}\"\"\"", (3, 3), "the value of the variable `N` is not UTF-8"),
            ("b = ['', 'é${A']", (1, 10), "`${` is not closed by `}`"),
            (r#"b = "\u0024{NONE}""#, (1, 5), "the variable `NONE` is not set"),
            ("keep.env.x = '${'", (1, 14), "`${` is not closed by `}`"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(
                (error.place().unwrap().line_column(), error.message()),
                (at, message),
                "{text}"
            );
        }
    }

    #[test]
    fn where_variables_are_not_wanted_they_are_refused() {
        let source = ConfigText::new("f", "a = ['$', {b = 'x${A}'}]", None);
        let mut table = source.parse().unwrap();
        let error = refuse(table.get_mut(), &ConfigTexts(vec![&source])).unwrap_err();
        assert_eq!(error.place().unwrap().line_column(), (1, 16));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"(a\.?|env|keep|[=\[\]{}'"\n ]|\$\{A\}|\$\{|\$|:-|é){0,30}"#) {
            let _ = read(&text);
        }
    }
}
