//! Paths that need not be UTF-8, in one written form, and what makes a path plain.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path as the kernel knows it: bytes. Written as a string where it is UTF-8,
/// otherwise as `{"bytes": "hex"}`, so that no two paths share a written form. A clone shares the
/// bytes: a million paths are often in two lists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FilePath(Arc<[u8]>);

impl FilePath {
    /// The path that `path` names, byte for byte.
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        Self(path.as_ref().as_bytes().into())
    }

    /// The path with exactly these bytes.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The standard library's view of it.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path of `relative` below this one.
    pub fn join(&self, relative: &FilePath) -> Self {
        Self::new(self.as_path().join(relative.as_path()))
    }

    /// For people; unreadable bytes become U+FFFD. Not escaped: `render` does that.
    pub fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Whether this is a plain relative path below its root: not empty, not absolute,
    /// no `.` or `..` or empty component, no NUL. Only such paths may be joined to a root.
    pub fn is_plain_relative(&self) -> bool {
        !self.0.contains(&0)
            && self
                .0
                .split(|byte| *byte == b'/')
                .all(|part| !part.is_empty() && part != b"." && part != b"..")
    }

    /// Whether this is an absolute path without `.`, `..`, empty components or NUL.
    pub fn is_plain_absolute(&self) -> bool {
        match self.0.split_first() {
            Some((b'/', [])) => true,
            Some((b'/', rest)) => Self::from_bytes(rest).is_plain_relative(),
            _ => false,
        }
    }

    /// Whether this path is `root` or lies below it. Both must be plain absolute paths.
    pub fn is_within(&self, root: &FilePath) -> bool {
        self.as_path().starts_with(root.as_path())
    }
}

impl<T: AsRef<OsStr>> From<T> for FilePath {
    fn from(path: T) -> Self {
        Self::new(path)
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_path())
    }
}

impl Serialize for FilePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("bytes", &hex(&self.0))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathVisitor;
        impl<'de> Visitor<'de> for PathVisitor {
            type Value = FilePath;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path: a string, or {\"bytes\": \"hex\"} where it is not UTF-8")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<FilePath, E> {
                Ok(FilePath::new(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FilePath, A::Error> {
                let Some(key) = map.next_key::<String>()? else {
                    return Err(A::Error::missing_field("bytes"));
                };
                if key != "bytes" {
                    return Err(A::Error::unknown_field(&key, &["bytes"]));
                }
                let text: String = map.next_value()?;
                let mut bytes = vec![0; text.len() / 2];
                if !unhex(&text, &mut bytes) || std::str::from_utf8(&bytes).is_ok() {
                    return Err(A::Error::custom(
                        "expected the hexadecimal bytes of a path that is not UTF-8",
                    ));
                }
                if let Some(extra) = map.next_key::<String>()? {
                    return Err(A::Error::unknown_field(&extra, &["bytes"]));
                }
                Ok(FilePath(bytes.into()))
            }
        }
        deserializer.deserialize_any(PathVisitor)
    }
}

impl JsonSchema for FilePath {
    fn schema_name() -> Cow<'static, str> {
        "FilePath".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [
            { "type": "string" },
            { "type": "object", "properties": { "bytes": { "type": "string", "pattern": "^([0-9a-f]{2})+$" } },
              "required": ["bytes"], "additionalProperties": false }
        ] })
    }
}

/// Reads exactly as many bytes as there is room for; false for anything but lower-case hexadecimal.
pub(in crate::model) fn unhex(text: &str, into: &mut [u8]) -> bool {
    let text = text.as_bytes();
    if text.len() != into.len() * 2 {
        return false;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    for (pair, out) in text.chunks_exact(2).zip(into) {
        let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else { return false };
        *out = high << 4 | low;
    }
    true
}

/// Lower-case hexadecimal.
pub(in crate::model) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}
