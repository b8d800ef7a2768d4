//! Fills variables into a parsed configuration: into its strings only, never into keys, and
//! after parsing, so that no value can change the structure of the file and every span stays
//! where it was.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::redact::{covered, is_secret_name};
use crate::config::source::ConfigTexts;
use crate::error::{Error, Kind, Result};
use crate::model::variables::{self, Fault};

/// The variables that were set when ttplan was started.
pub type Environment = BTreeMap<OsString, OsString>;

/// Fills in every string below `table`. What looks secret goes nowhere but below `private`: the
/// rest stands in plans and observations.
pub fn fill_in(
    table: &mut DeTable<'_>,
    private: &[&str],
    public: &[String],
    environment: &Environment,
    sources: &ConfigTexts<'_>,
) -> Result<()> {
    each_string(table, Some(private), &mut |text, is_private, span| {
        if !is_private {
            refuse_secrets(text, span.clone(), public, environment, sources)?;
        }
        filled(text, span, environment, sources).map(Some)
    })
}

/// Refuses a variable that is a secret by its name or by its value, unless the host calls it public.
fn refuse_secrets(
    text: &str,
    span: Range<usize>,
    public: &[String],
    environment: &Environment,
    sources: &ConfigTexts<'_>,
) -> Result<()> {
    for name in variables::names(text) {
        let value = environment.get(OsStr::new(name)).and_then(|value| value.to_str());
        let has_password = value.is_some_and(|value| covered(value) != value);
        let is_secret = is_secret_name(name) || has_password;
        if is_secret && !public.iter().any(|known| known == name) {
            let message = format!("the variable `{name}` looks secret, and a plan would show it");
            return Err(sources.error(message, place_of(name, sources, span)).hint(format!(
                "if it is none: `[variables]` `public = [\"{name}\"]` in host.toml"
            )));
        }
    }
    Ok(())
}

/// Moves the variables of a command that are handed on as they are (`X = "${X}"`) out of its table;
/// returns their names.
pub fn take_passed(env: &mut DeTable<'_>) -> Vec<String> {
    let is_passed = |name: &str, value: &DeValue<'_>| {
        value.as_str().is_some_and(|text| text == format!("${{{name}}}"))
    };
    let passed: Vec<String> = env
        .iter()
        .filter(|(name, value)| is_passed(name.get_ref(), value.get_ref()))
        .map(|(name, _)| name.get_ref().clone().into_owned())
        .collect();
    for name in &passed {
        env.remove(name.as_str());
    }
    passed
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
    let span = match fault.name() {
        Some(name) => place_of(name, sources, span),
        None => span,
    };
    sources.error(fault.message(), span).hint(fault.hint())
}

/// Where the variable stands in the text at `span`.
fn place_of(name: &str, sources: &ConfigTexts<'_>, span: Range<usize>) -> Range<usize> {
    let named = format!("${{{name}");
    match sources.written(&span).find(&named) {
        Some(at) => span.start + at + 2..span.start + at + named.len(),
        None => span,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::source::ConfigText;

    fn environment() -> Environment {
        use std::os::unix::ffi::OsStringExt;
        [("A", "a\"]\nx = 1"), ("API_KEY", "k"), ("PUBLIC_KEY", "p"), ("U", "x://u:pw@h/d")]
            .map(|(name, value)| (name, value.as_bytes().to_vec()))
            .into_iter()
            .chain([("N", b"\xff".to_vec())])
            .map(|(name, value)| (name.into(), OsString::from_vec(value)))
            .collect()
    }

    fn read(text: &str) -> Result<String> {
        let source = ConfigText::new("f", text, None);
        let sources = ConfigTexts(vec![&source]);
        let mut table = source.parse()?;
        fill_in(
            table.get_mut(),
            &["keep", "env"],
            &["PUBLIC_KEY".into()],
            &environment(),
            &sources,
        )?;
        sources.read::<toml::Value>(table).map(|value| value.to_string())
    }

    #[test]
    fn strings_are_filled_in_and_structure_and_keys_are_not() {
        let text = "a = ['${A}', 1]\nkeep = {env = {A = '${A}'}, other = '${A}'}\n'${A}' = true";
        let value: toml::Value = toml::from_str(&format!("v = {}", read(text).unwrap())).unwrap();
        let value = &value["v"];
        assert_eq!(value["a"][0].as_str(), Some("a\"]\nx = 1"));
        assert_eq!(value["keep"]["env"]["A"].as_str(), Some("a\"]\nx = 1"));
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
    fn a_secret_goes_nowhere_that_others_read() {
        for text in ["a = '${API_KEY}'", "a = ['x-${U}']", "a = '${API_KEY:-none}'"] {
            let error = read(text).unwrap_err();
            assert!(error.message().contains("looks secret"), "{text}: {error}");
            assert!(!error.to_string().contains("pw@"), "{error}");
        }
        for text in ["keep = {env = '${API_KEY}'}", "a = '${PUBLIC_KEY}'", "a = '$${API_KEY}'"] {
            assert!(read(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_variable_that_stands_for_itself_is_passed_on_and_no_other() {
        let source = ConfigText::new("f", "A = '${A}'\nB = '${A}'\nC = '${C:-x}'\nD = 'd'", None);
        let mut table = source.parse().unwrap();
        assert_eq!(take_passed(table.get_mut()), ["A"]);
        assert_eq!(table.get_ref().len(), 3);
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
