//! `${NAME}` and `${NAME:-default}` in texts that people write, filled in from outside.
//!
//! Pure: whoever calls hands in what a variable's value is. The configuration is filled in
//! where it is settled; what is handed to a command of the application, when it is run.
//! What was filled in is never looked at again, so a value cannot name further variables.

use std::ffi::OsStr;

/// Why a text could not be filled in. It holds names as written and never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The variable has no value and the text gives no default.
    Unset(String),
    /// The variable's value is not UTF-8.
    NotUtf8(String),
    /// `${` without its `}`.
    Unterminated,
    /// What stands between the braces is not a name, with or without a default.
    NotAName,
    /// A default that holds `${`.
    Nested(String),
    /// A dollar sign that neither begins `${` nor is doubled.
    Stray,
}

impl Fault {
    /// What is wrong, in one sentence.
    pub fn message(&self) -> String {
        match self {
            Self::Unset(name) => format!("the variable `{name}` is not set"),
            Self::NotUtf8(name) => format!("the value of the variable `{name}` is not UTF-8"),
            Self::Unterminated => "`${` is not closed by `}`".to_owned(),
            Self::NotAName => "only `${NAME}` and `${NAME:-default}` can be filled in".to_owned(),
            Self::Nested(name) => {
                format!("the default of the variable `{name}` names a variable itself")
            }
            Self::Stray => "a single `$` means nothing here".to_owned(),
        }
    }

    /// What can be done about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unset(name) => format!("set `{name}`, or write `${{{name}:-default}}`"),
            Self::NotUtf8(name) => format!("give `{name}` a value in UTF-8"),
            Self::Unterminated => "write `${NAME}`, and `$$` for a dollar sign".to_owned(),
            Self::NotAName => {
                "a name is letters, digits and `_`, and begins with no digit".to_owned()
            }
            Self::Nested(_) => "defaults do not nest: write the default out".to_owned(),
            Self::Stray => "write `${NAME}` for a variable and `$$` for a dollar sign".to_owned(),
        }
    }

    /// The variable it is about, if it is about one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Unset(name) | Self::NotUtf8(name) | Self::Nested(name) => Some(name),
            Self::Unterminated | Self::NotAName | Self::Stray => None,
        }
    }
}

/// Whether a variable's value switches something on.
pub fn is_true(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on")
}

/// Fills in `text`: `${NAME}` becomes the variable's value, `${NAME:-default}` the default where
/// the variable is unset or empty, `$$` a dollar sign.
pub fn fill<'a>(text: &str, lookup: impl Fn(&str) -> Option<&'a OsStr>) -> Result<String, Fault> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            filled.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let (inside, after) = after.split_once('}').ok_or(Fault::Unterminated)?;
            filled.push_str(&value(inside, &lookup)?);
            rest = after;
        } else {
            return Err(Fault::Stray);
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The names of the variables that are filled into `text`, defaults or not.
pub fn names(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('$') {
        rest = match (after.strip_prefix('$'), after.strip_prefix('{')) {
            (Some(escaped), _) => escaped,
            (None, Some(after)) => {
                let inside = after.split_once('}').map_or(after, |(inside, _)| inside);
                found.push(inside.split_once(":-").map_or(inside, |(name, _)| name));
                after
            }
            (None, None) => after,
        };
    }
    found
}

/// Whether `name` can be the name of a variable: letters, digits and `_`, no digit first.
pub fn is_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// The value of what stands between `${` and `}`.
fn value<'a>(inside: &str, lookup: impl Fn(&str) -> Option<&'a OsStr>) -> Result<String, Fault> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(written_out(name, default)?)),
        None => (inside, None),
    };
    if !is_name(name) {
        return Err(Fault::NotAName);
    }
    let found = match lookup(name) {
        Some(value) => Some(value.to_str().ok_or_else(|| Fault::NotUtf8(name.to_owned()))?),
        None => None,
    };
    match (found, default) {
        (None | Some(""), Some(default)) => Ok(default),
        (Some(value), _) => Ok(value.to_owned()),
        (None, None) => Err(Fault::Unset(name.to_owned())),
    }
}

/// A default, in which nothing but `$$` is special.
fn written_out(name: &str, default: &str) -> Result<String, Fault> {
    let undoubled = default.replace("$$", "");
    if undoubled.contains("${") {
        return Err(if is_name(name) { Fault::Nested(name.to_owned()) } else { Fault::NotAName });
    }
    if undoubled.contains('$') {
        return Err(Fault::Stray);
    }
    Ok(default.replace("$$", "$"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str) -> Result<String, Fault> {
        fill(text, |name| match name {
            "A" => Some(OsStr::new("a")),
            "EMPTY" => Some(OsStr::new("")),
            "TRAP" => Some(OsStr::new("${A} $$ $")),
            "BYTES" => Some(OsStr::from_bytes(b"\xff")),
            _ => None,
        })
    }

    #[test]
    fn names_defaults_and_dollars_are_filled_in() {
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("x${A}y${A}", "xaya"),
            ("${NONE:-d}/e", "d/e"),
            ("${A:-d}", "a"),
            ("${EMPTY}", ""),
            ("${EMPTY:-d}", "d"),
            ("${NONE:-}", ""),
            ("${NONE:-a:-b}", "a:-b"),
            ("${NONE:-5$$}", "5$"),
            ("$$", "$"),
            ("$${A}", "${A}"),
            ("$$$${A}", "$${A}"),
            ("$$${A}", "$a"),
            ("${A}}", "a}"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_value_is_not_filled_in_again() {
        assert_eq!(filled("${TRAP}").as_deref(), Ok("${A} $$ $"));
    }

    #[test]
    fn every_fault_is_named() {
        for (text, expected) in [
            ("${NONE}", Fault::Unset("NONE".into())),
            ("${BYTES}", Fault::NotUtf8("BYTES".into())),
            ("${BYTES:-d}", Fault::NotUtf8("BYTES".into())),
            ("x${A", Fault::Unterminated),
            ("${", Fault::Unterminated),
            ("${}", Fault::NotAName),
            ("${1A}", Fault::NotAName),
            ("${A-d}", Fault::NotAName),
            ("${A:?d}", Fault::NotAName),
            ("${ A }", Fault::NotAName),
            ("${A:-${B}}", Fault::Nested("A".into())),
            ("${A:-$B}", Fault::Stray),
            ("$A", Fault::Stray),
            ("5$", Fault::Stray),
        ] {
            assert_eq!(filled(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn the_names_are_those_that_are_filled_in() {
        assert_eq!(names("$${NO}/${A}x${B:-${C}}"), ["A", "B", "C"]);
        assert_eq!(names("$ ${"), [""]);
    }

    proptest! {
        #[test]
        fn any_text_is_filled_in_or_refused(text in r"([${}:\-aA_0é]|\PC){0,40}") {
            let asked = std::cell::RefCell::new(Vec::new());
            let look = |name: &str| { asked.borrow_mut().push(name.to_owned()); Some(OsStr::new("v")) };
            let filled = fill(&text, look);
            // No variable is filled in that is not told beforehand.
            let names = names(&text);
            prop_assert!(asked.borrow().iter().all(|name| names.contains(&name.as_str())));
            prop_assert!(filled.is_err() || asked.borrow().len() == names.len());
        }

        #[test]
        fn a_text_with_every_dollar_doubled_stays_itself(text in r"\PC*") {
            prop_assert_eq!(filled(&text.replace('$', "$$")), Ok(text));
        }
    }
}
