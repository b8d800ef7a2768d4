//! Where files lie: a directory of this machine, or a prefix in a bucket of an object store.
//!
//! Written as one text: `/data/uploads`, `s3://bucket/prefix`; a directory whose name is not UTF-8
//! as `{"bytes": "hex"}`. Never opened here.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::names::FilePath;

/// A place for files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// An absolute path.
    Directory(FilePath),
    Object {
        /// Names the store: `s3`, `gs`, `az`.
        scheme: String,
        bucket: String,
        /// Without slashes at its ends; may be empty.
        prefix: String,
    },
}

impl Location {
    /// A directory of this machine.
    pub fn directory(path: impl Into<FilePath>) -> Self {
        Self::Directory(path.into())
    }

    /// The directory, where it is one.
    pub fn as_directory(&self) -> Option<&FilePath> {
        match self {
            Self::Directory(path) => Some(path),
            Self::Object { .. } => None,
        }
    }

    /// Reads `scheme://bucket/prefix`, or an absolute path.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return Some(Self::Directory(FilePath::new(text)));
        }
        let (scheme, rest) = text.split_once("://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_word = |text: &str, more: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        let plain = prefix.is_empty() || FilePath::new(prefix).is_plain_relative();
        (is_word(scheme, "") && is_word(bucket, ".-_") && plain).then(|| Self::Object {
            scheme: scheme.to_owned(),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// As people read it; not escaped.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Directory(path) => path.to_text(),
            Self::Object { .. } => Cow::Owned(self.to_string()),
        }
    }

    /// Whether it can be named without doubt: no `..`, no empty part, no root that is relative.
    pub fn is_plain(&self) -> bool {
        match self {
            Self::Directory(path) => path.is_plain_absolute(),
            Self::Object { .. } => Self::parse(&self.to_string()).as_ref() == Some(self),
        }
    }

    /// Whether it is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Directory(path), Self::Directory(above)) => path.is_within(above),
            (
                Self::Object { scheme, bucket, prefix },
                Self::Object { scheme: of, bucket: in_bucket, prefix: above },
            ) => {
                let below = FilePath::new(prefix.as_str());
                scheme == of
                    && bucket == in_bucket
                    && (above.is_empty() || below.is_within(&FilePath::new(above.as_str())))
            }
            _ => false,
        }
    }
}

impl From<FilePath> for Location {
    fn from(path: FilePath) -> Self {
        Self::Directory(path)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => f.write_str(&path.to_text()),
            Self::Object { scheme, bucket, prefix } if prefix.is_empty() => {
                write!(f, "{scheme}://{bucket}")
            }
            Self::Object { scheme, bucket, prefix } => write!(f, "{scheme}://{bucket}/{prefix}"),
        }
    }
}

impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Directory(path) => path.serialize(serializer),
            Self::Object { .. } => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = FilePath::deserialize(deserializer)?;
        if path.as_path().is_absolute() {
            return Ok(Self::Directory(path));
        }
        std::str::from_utf8(path.as_bytes()).ok().and_then(Self::parse).ok_or_else(|| {
            D::Error::custom("expected an absolute path, or a place such as s3://bucket/prefix")
        })
    }
}

impl JsonSchema for Location {
    fn schema_name() -> Cow<'static, str> {
        "Location".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let path = generator.subschema_for::<FilePath>();
        json_schema!({
            "description": "An absolute path, or a place in an object store: scheme://bucket/prefix.",
            "anyOf": [path]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_one_written_form() {
        for text in ["/data", "s3://bucket", "s3://bucket/a/b"] {
            let place = Location::parse(text).unwrap();
            assert_eq!(place.to_string(), text);
            let json = serde_json::to_string(&place).unwrap();
            assert_eq!(serde_json::from_str::<Location>(&json).unwrap(), place);
            assert!(place.is_plain());
        }
        for text in ["data", "s3:/b", "://b", "s3://", "s3://b/../c", "s3://b//c", "s3://b/c/"] {
            assert_eq!(Location::parse(text), None, "{text}");
            assert!(serde_json::from_value::<Location>(text.into()).is_err(), "{text}");
        }
        assert!(!Location::parse("/a/../b").unwrap().is_plain());
    }

    #[test]
    fn a_place_lies_within_another_of_the_same_kind() {
        let at = |text: &str| Location::parse(text).unwrap();
        assert!(at("/a/b").is_within(&at("/a")) && !at("/ab").is_within(&at("/a")));
        assert!(
            at("s3://b/c/d").is_within(&at("s3://b/c")) && at("s3://b/c").is_within(&at("s3://b"))
        );
        assert!(
            !at("s3://b/cd").is_within(&at("s3://b/c")) && !at("s3://x/c").is_within(&at("s3://b"))
        );
        assert!(!at("/b").is_within(&at("s3://b")));
    }
}
