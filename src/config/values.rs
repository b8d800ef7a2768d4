//! Texts of a configuration that must be of a certain make: durations, modes, names, choices.
//!
//! Each is checked while the file is read, so that what is wrong is shown where it stands.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::config::redact::covered;
use crate::model::config::{OnConflict, Unexpected};
use crate::model::files::references::Form;
use crate::model::variables::is_name;

/// Something that is written as a text.
pub trait Written: Sized {
    /// What such a text is, for a value of another type.
    const IS: &'static str = "a string";

    /// Reads the text, or says what is wrong with it without repeating it.
    fn from_text(text: &str) -> Result<Self, String>;
}

/// A value that was checked when it was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checked<T>(pub T);

impl<'de, T: Written> Deserialize<'de> for Checked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<T>(PhantomData<T>);
        impl<T: Written> Visitor<'_> for Text<T> {
            type Value = Checked<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::IS)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Checked<T>, E> {
                T::from_text(text).map(Checked).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text(PhantomData))
    }
}

fn require(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

/// A length of time in whole seconds, at most a year: `90s`, `15m`, `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub u64);

impl Written for Seconds {
    const IS: &'static str = "a duration such as \"90s\", \"15m\" or \"1h30m\"";

    fn from_text(text: &str) -> Result<Self, String> {
        const YEAR: u64 = 365 * 86_400;
        let mut total: u64 = 0;
        let mut rest = text;
        for (unit, seconds) in [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)] {
            let Some((count, after)) = rest.split_once(unit) else { continue };
            let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
            let count = count.parse::<u64>().ok().filter(|count| digits && *count <= YEAR);
            total +=
                count.ok_or_else(|| format!("expected {} of at most a year", Self::IS))? * seconds;
            rest = after;
        }
        let read = rest.is_empty() && !text.is_empty() && total <= YEAR;
        require(read, &format!("expected {} of at most a year", Self::IS))?;
        Ok(Self(total))
    }
}

/// A length of time after which something is given up; never nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(pub u64);

impl Written for Timeout {
    const IS: &'static str = Seconds::IS;

    fn from_text(text: &str) -> Result<Self, String> {
        let Seconds(seconds) = Seconds::from_text(text)?;
        require(seconds > 0, "a time limit must be longer than nothing")?;
        Ok(Self(seconds))
    }
}

/// Permission bits of a file: `0644`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mode(pub String);

impl Written for Mode {
    const IS: &'static str = "an octal mode such as \"0644\"";

    fn from_text(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(text);
        let octal = digits.len() == 3 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        require(octal, &format!("expected {}", Self::IS))?;
        Ok(Self(format!("0{digits}")))
    }
}

/// Numeric owner and group: `1000:1000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(pub String);

impl Written for Owner {
    const IS: &'static str = "numbers of user and group such as \"1000:1000\"";

    fn from_text(text: &str) -> Result<Self, String> {
        // The largest number means "leave as it is" to the kernel and is nobody's.
        let id = |text: &str| {
            text.parse::<u32>().ok().filter(|id| *id != u32::MAX && id.to_string() == text)
        };
        let ids = text.split_once(':').and_then(|(user, group)| id(user).zip(id(group)));
        let (user, group) = ids.ok_or_else(|| format!("expected {}", Self::IS))?;
        Ok(Self(format!("{user}:{group}")))
    }
}

/// The name of a variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable(pub String);

impl Written for Variable {
    fn from_text(text: &str) -> Result<Self, String> {
        require(
            is_name(text),
            "the name of a variable is letters, digits and `_`, and begins with no digit",
        )?;
        Ok(Self(text.to_owned()))
    }
}

/// A name that people give: not empty, on one line, without blanks around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(pub String);

impl Written for Label {
    fn from_text(text: &str) -> Result<Self, String> {
        let plain = !text.is_empty() && text.trim() == text && !text.contains(char::is_control);
        require(plain, "a name is not empty, has no blanks around it and stands on one line")?;
        Ok(Self(text.to_owned()))
    }
}

/// A name that becomes a part of addresses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word(pub String);

impl Written for Word {
    fn from_text(text: &str) -> Result<Self, String> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        require(plain && !text.is_empty(), "such a name is letters, digits, `_` and `-`")?;
        Ok(Self(text.to_owned()))
    }
}

/// A path as it was written, not yet resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathText(pub String);

impl Written for PathText {
    fn from_text(text: &str) -> Result<Self, String> {
        require(
            !text.contains("://"),
            "only directories are supported by this version, not object stores",
        )?;
        require(
            !text.is_empty() && !text.contains('\0'),
            "a path is neither empty nor holds a zero byte",
        )?;
        Ok(Self(text.to_owned()))
    }
}

/// A text that goes into plans and is read by many, and so may hold no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public(pub String);

impl Written for Public {
    fn from_text(text: &str) -> Result<Self, String> {
        require(!text.contains('\0'), "a command can be given no zero byte")?;
        require(
            covered(text) == text,
            "a plan would show this password: give it in a variable that is passed on",
        )?;
        Ok(Self(text.to_owned()))
    }
}

/// One of a few fixed words.
pub fn choice<T: Copy>(text: &str, all: &[(&str, T)]) -> Result<T, String> {
    let found = all.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    let words = || all.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("expected one of {}", words()))
}

impl Written for Unexpected {
    fn from_text(text: &str) -> Result<Self, String> {
        choice(text, Self::ALL)
    }
}

impl Written for OnConflict {
    fn from_text(text: &str) -> Result<Self, String> {
        choice(text, Self::ALL)
    }
}

impl Written for Form {
    fn from_text(text: &str) -> Result<Self, String> {
        choice(text, Self::ALL)
    }
}

/// Revision ids, or the single word `head` or `heads`; one may be written without brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionTarget(pub Vec<String>);

impl<'de> Deserialize<'de> for RevisionTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = RevisionTarget;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`head`, `heads`, a revision or an array of revisions")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RevisionTarget, E> {
                let Label(id) = Label::from_text(text).map_err(E::custom)?;
                Ok(RevisionTarget(vec![id]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RevisionTarget, A::Error> {
                let mut ids: Vec<String> = Vec::new();
                while let Some(Checked(Label(id))) = seq.next_element()? {
                    ids.push(id);
                }
                let words = ids.iter().any(|id| id == "head" || id == "heads");
                if ids.is_empty() || (words && ids.len() > 1) {
                    return Err(serde::de::Error::custom(
                        "expected revisions, or `head` or `heads` alone",
                    ));
                }
                Ok(RevisionTarget(ids))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_in_their_order_and_nothing_else_is() {
        for (text, seconds) in [
            ("2s", 2),
            ("15m", 900),
            ("1h30m", 5_400),
            ("1d", 86_400),
            ("1h1s", 3_601),
            ("0s", 0),
            ("365d", 31_536_000),
        ] {
            assert_eq!(Seconds::from_text(text), Ok(Seconds(seconds)), "{text}");
        }
        for text in [
            "",
            "2",
            "s",
            "2 s",
            "+2s",
            "-2s",
            "1.5h",
            "30m1h",
            "2ss",
            "2s3",
            "366d",
            "99999999999999999999s",
            "２s",
        ] {
            assert!(Seconds::from_text(text).is_err(), "{text}");
        }
        assert!(Timeout::from_text("0m").is_err());
    }

    #[test]
    fn modes_and_owners_are_plain_numbers() {
        assert_eq!(Mode::from_text("644"), Ok(Mode("0644".into())));
        assert_eq!(Mode::from_text("0644"), Ok(Mode("0644".into())));
        for text in ["", "44", "0844", "4755", "00644", "0o644", "rw-r--r--"] {
            assert!(Mode::from_text(text).is_err(), "{text}");
        }
        assert_eq!(Owner::from_text("1000:33"), Ok(Owner("1000:33".into())));
        for text in
            ["", "1000", "1000:", ":", "a:b", "1:2:3", "+1:1", "01:1", "-1:1", "4294967295:1"]
        {
            assert!(Owner::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_goes_into_a_plan_shows_no_password() {
        assert!(Public::from_text("postgresql://u@h/d").is_ok());
        assert!(Public::from_text("--url=postgresql://u:p@h/d").is_err());
        assert!(Public::from_text("--password=x").is_err());
        assert!(Public::from_text("${DB_PASSWORD}").is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in r"([0-9]{1,25}[dhms]?|\PC){0,6}") {
            let _ = (Seconds::from_text(&text), Mode::from_text(&text), Owner::from_text(&text));
            let _ = (Label::from_text(&text), PathText::from_text(&text), Public::from_text(&text));
        }
    }
}
