//! Names and small values that every document uses: digests, references to database objects,
//! times, secrets; and paths, which have a file of their own.
//!
//! Each has one written form, so that the same value always gives the same bytes.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use crate::model::path::FilePath;
use crate::model::path::{hex, unhex};

/// A SHA-256, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("expected 64 lower-case hexadecimal digits"))
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

/// What sort of object in a database a reference names.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
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
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
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
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

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
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("expected a UTC time such as 2026-11-20T12:00:00Z"))
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
