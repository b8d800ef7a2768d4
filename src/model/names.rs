//! Names and small values that every document uses: digests, paths that may not
//! be UTF-8, references to database objects, times, secrets.
//!
//! Each has one written form, so that the same value always gives the same bytes.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A SHA-256, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The SHA-256 of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The SHA-256 of a value's compact JSON. Only for our own types, whose JSON is one fixed text.
    pub fn of_json(value: &impl Serialize) -> Self {
        use sha2::Digest as _;
        struct Hashed(sha2::Sha256);
        impl std::io::Write for Hashed {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.update(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut hashed = Hashed(sha2::Sha256::new());
        // Our documents have string keys and no floats, so writing them into a hash cannot fail;
        // were it to fail after all, the digest of a part is still a digest nothing else has.
        let _ = serde_json::to_writer(&mut hashed, value);
        Self(hashed.0.finalize().into())
    }

    /// The first `n` hexadecimal digits, for names and for people.
    pub fn short(&self, n: usize) -> String {
        let mut text = self.to_string();
        text.truncate(n);
        text
    }

    /// Reads 64 lower-case hexadecimal digits; anything else is not a digest.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        unhex(text, &mut digest).then_some(Self(digest))
    }
}

fn unhex(text: &str, into: &mut [u8]) -> bool {
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short(12))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("expected 64 lower-case hexadecimal digits"))
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }
}

/// A path as the kernel knows it: bytes. Written as a string where it is UTF-8,
/// otherwise as `{"bytes": "hex"}`, so that no two paths share a written form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FilePath(Box<[u8]>);

impl FilePath {
    /// The path that `path` names, byte for byte.
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        Self(path.as_ref().as_bytes().into())
    }

    /// The path with exactly these bytes.
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Self {
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
            && self.0.split(|byte| *byte == b'/').all(|part| !part.is_empty() && part != b"." && part != b"..")
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
                    return Err(A::Error::custom("expected the hexadecimal bytes of a path that is not UTF-8"));
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

/// What sort of object in a database a reference names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    Table,
    View,
    MaterializedView,
    Sequence,
    Index,
    Constraint,
    Trigger,
    Policy,
    Function,
    Type,
    Schema,
    /// Anything else the engine knows of; it can be named, never handled.
    Other,
}

impl ObjectKind {
    /// The kind in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Sequence => "sequence",
            Self::Index => "index",
            Self::Constraint => "constraint",
            Self::Trigger => "trigger",
            Self::Policy => "policy",
            Self::Function => "function",
            Self::Type => "type",
            Self::Schema => "schema",
            Self::Other => "object",
        }
    }
}

/// One object of a database, by its full name. `table` names the table that a
/// constraint, trigger, index or policy belongs to, and is null for all else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    pub kind: ObjectKind,
    pub schema: String,
    pub name: String,
    pub table: Option<String>,
}

impl ObjectRef {
    /// A reference to a table.
    pub fn table(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: ObjectKind::Table, schema: schema.into(), name: name.into(), table: None }
    }

    /// A reference to something that belongs to no table.
    pub fn free(kind: ObjectKind, schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind, schema: schema.into(), name: name.into(), table: None }
    }

    /// A reference to something that belongs to a table.
    pub fn of_table(
        kind: ObjectKind,
        schema: impl Into<String>,
        table: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self { kind, schema: schema.into(), name: name.into(), table: Some(table.into()) }
    }

    /// Whether both name the same table (schema and name).
    pub fn is_table(&self, schema: &str, name: &str) -> bool {
        self.kind == ObjectKind::Table && self.schema == schema && self.name == name
    }
}

/// The default schemas need no mention before people.
fn schema_prefix(schema: &str) -> Option<&str> {
    (!matches!(schema, "public" | "main")).then_some(schema)
}

impl fmt::Display for ObjectRef {
    /// `table test`, `constraint orders_fk of table orders`: for people, not quoted as SQL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `", self.kind.words())?;
        if let (None, Some(schema)) = (&self.table, schema_prefix(&self.schema)) {
            write!(f, "{schema}.")?;
        }
        write!(f, "{}`", self.name)?;
        if let Some(table) = &self.table {
            f.write_str(" of table `")?;
            if let Some(schema) = schema_prefix(&self.schema) {
                write!(f, "{schema}.")?;
            }
            write!(f, "{table}`")?;
        }
        Ok(())
    }
}

/// A moment in UTC to the second, written as RFC 3339 with `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(jiff::Timestamp);

impl Moment {
    /// The moment `seconds` after 1970-01-01T00:00:00Z, or `None` outside years -9999 to 9999.
    pub fn from_unix(seconds: i64) -> Option<Self> {
        jiff::Timestamp::from_second(seconds).ok().map(Self)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0.as_second()
    }

    /// The moment `seconds` later, or the last one that can be written.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix(self.unix().saturating_add(seconds)).unwrap_or(self)
    }

    /// Reads the written form, to the second and in UTC only.
    pub fn parse(text: &str) -> Option<Self> {
        let timestamp: jiff::Timestamp = text.parse().ok()?;
        let moment = Self::from_unix(timestamp.as_second())?;
        (moment.to_string() == text).then_some(moment)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("expected a UTC time such as 2026-11-20T12:00:00Z"))
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// A text that must never be shown: wiped when dropped, `***` in every print.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(zeroize::Zeroizing<String>);

impl Secret {
    /// Takes `text` into keeping.
    pub fn new(text: impl Into<String>) -> Self {
        Self(zeroize::Zeroizing::new(text.into()))
    }

    /// The text itself. Every call is a place to look at when looking for leaks.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
