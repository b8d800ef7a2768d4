//! The types that a plan may give a column, as a closed list, and which of them holds every value
//! of which other. Neutral to the engine: the dialects spell them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ColumnType {
    Boolean,
    SmallInt,
    Integer,
    BigInt,
    Real,
    Double,
    /// Digits in all, and those after the point; null for any number of them.
    Numeric(Option<(u32, u32)>),
    /// At most so many characters; null for any number of them.
    Varchar(Option<u32>),
    Text,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
    Json,
    Jsonb,
    Bytes,
}

impl ColumnType {
    /// Reads a type as engines and people spell it; `None` for one that is not on the list.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (name, numbers) = match text.split_once('(') {
            None => (text.as_str(), Vec::new()),
            Some((name, rest)) => {
                let numbers = rest.strip_suffix(')')?.split(',').map(|part| part.trim().parse());
                (name.trim_end(), numbers.collect::<Result<Vec<u32>, _>>().ok()?)
            }
        };
        Some(match (name, numbers.as_slice()) {
            ("boolean" | "bool", []) => Self::Boolean,
            ("smallint" | "int2", []) => Self::SmallInt,
            ("integer" | "int" | "int4", []) => Self::Integer,
            ("bigint" | "int8", []) => Self::BigInt,
            ("real" | "float4", []) => Self::Real,
            ("double precision" | "float8" | "double", []) => Self::Double,
            ("numeric" | "decimal", []) => Self::Numeric(None),
            ("numeric" | "decimal", [digits]) => Self::Numeric(Some((*digits, 0))),
            ("numeric" | "decimal", [digits, scale]) => Self::Numeric(Some((*digits, *scale))),
            ("character varying" | "varchar", []) => Self::Varchar(None),
            ("character varying" | "varchar", [width]) => Self::Varchar(Some(*width)),
            ("text", []) => Self::Text,
            ("date", []) => Self::Date,
            ("time" | "time without time zone", []) => Self::Time,
            ("timestamp" | "timestamp without time zone" | "datetime", []) => Self::Timestamp,
            ("timestamptz" | "timestamp with time zone", []) => Self::TimestampTz,
            ("uuid", []) => Self::Uuid,
            ("json", []) => Self::Json,
            ("jsonb", []) => Self::Jsonb,
            ("bytea" | "blob", []) => Self::Bytes,
            _ => return None,
        })
    }

    /// Whether every value of this type is a value of `wider` too, unchanged.
    pub fn fits(self, wider: Self) -> bool {
        use ColumnType::{BigInt, Double, Integer, Numeric, Real, SmallInt, Text, Varchar};
        match (self, wider) {
            (one, other) if one == other => true,
            (SmallInt, Integer | BigInt)
            | (Integer, BigInt)
            | (Real, Double)
            | (SmallInt | Integer | BigInt | Numeric(Some(_)), Numeric(None))
            | (Varchar(_), Text | Varchar(None))
            | (Text, Varchar(None)) => true,
            (Varchar(Some(from)), Varchar(Some(to))) => from <= to,
            (Numeric(Some((digits, scale))), Numeric(Some((more, finer)))) => {
                scale <= finer
                    && scale <= digits
                    && digits.saturating_sub(scale) <= more.saturating_sub(finer)
            }
            _ => false,
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::SmallInt => f.write_str("smallint"),
            Self::Integer => f.write_str("integer"),
            Self::BigInt => f.write_str("bigint"),
            Self::Real => f.write_str("real"),
            Self::Double => f.write_str("double precision"),
            Self::Numeric(None) => f.write_str("numeric"),
            Self::Numeric(Some((digits, scale))) => write!(f, "numeric({digits}, {scale})"),
            Self::Varchar(None) => f.write_str("varchar"),
            Self::Varchar(Some(width)) => write!(f, "varchar({width})"),
            Self::Text => f.write_str("text"),
            Self::Date => f.write_str("date"),
            Self::Time => f.write_str("time"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampTz => f.write_str("timestamp with time zone"),
            Self::Uuid => f.write_str("uuid"),
            Self::Json => f.write_str("json"),
            Self::Jsonb => f.write_str("jsonb"),
            Self::Bytes => f.write_str("bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ColumnType::*;

    #[test]
    fn a_type_is_read_as_it_is_spelled() {
        for known in
            [Boolean, BigInt, Double, Numeric(Some((8, 2))), Varchar(Some(32)), TimestampTz]
        {
            assert_eq!(super::ColumnType::parse(&known.to_string()), Some(known));
        }
        assert_eq!(super::ColumnType::parse("character varying(32)"), Some(Varchar(Some(32))));
        assert_eq!(super::ColumnType::parse("VARCHAR(9)"), Some(Varchar(Some(9))));
        for odd in ["", "varchar(", "varchar(x)", "integer[]", "text(3)", "my.type"] {
            assert_eq!(super::ColumnType::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn only_what_loses_nothing_is_wider() {
        assert!(Varchar(Some(32)).fits(Varchar(Some(255))) && Varchar(Some(9)).fits(Text));
        assert!(Integer.fits(BigInt) && Integer.fits(Numeric(None)) && Real.fits(Double));
        assert!(Numeric(Some((8, 2))).fits(Numeric(Some((10, 4)))));
        for (from, to) in [
            (Varchar(Some(255)), Varchar(Some(32))),
            (Text, Varchar(Some(9))),
            (BigInt, Integer),
            (BigInt, Double),
            (Double, Real),
            (Timestamp, Date),
            (Timestamp, TimestampTz),
            (Json, Jsonb),
            (Numeric(Some((8, 2))), Numeric(Some((8, 4)))),
            (Numeric(None), Numeric(Some((8, 2)))),
            (Text, Integer),
        ] {
            assert!(!from.fits(to), "{from} {to}");
        }
    }
}
